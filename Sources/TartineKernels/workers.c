#define _GNU_SOURCE
// A team of threads that spin briefly for the next piece of work, then sleep.
//
// `available` counts the parts nobody has taken yet; who lowers it to n >= 0 does part n. Since a taker
// reads `work` and `context` only after it took a part, and `run` returns only when every part is done,
// nobody reads them while the next run writes them.

#include "TartineKernels.h"
#include "accelerate.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPINS_BEFORE_SLEEP = 20000, SPINS_BEFORE_YIELD = 2000 };

struct tartine_workers {
  _Alignas(64) atomic_int available;
  _Alignas(64) atomic_int finished;
  _Alignas(64) atomic_int sleeping;
  atomic_bool stopping;
  tartine_work work;
  void *context;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int count;
  struct tartine_member {
    tartine_workers *team;
    int number;
    pthread_t thread;
  } members[];
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void take_parts(tartine_workers *team, int worker) {
  while (atomic_load_explicit(&team->available, memory_order_relaxed) > 0) {
    int part = atomic_fetch_sub_explicit(&team->available, 1, memory_order_acq_rel) - 1;
    if (part < 0) return;
    team->work(team->context, part, worker);
    atomic_fetch_add_explicit(&team->finished, 1, memory_order_release);
  }
}

static void *work_until_stopped(void *argument) {
  struct tartine_member *member = argument;
  tartine_workers *team = member->team;
#if defined(__APPLE__)
  tartine_accelerate_prepare_thread();
#endif
  while (!atomic_load(&team->stopping)) {
    bool found = false;
    for (int spin = 0; spin < SPINS_BEFORE_SLEEP && !found; spin++) {
      found = atomic_load_explicit(&team->available, memory_order_relaxed) > 0;
      if (!found) pause_briefly();
    }
    if (!found) {
      pthread_mutex_lock(&team->mutex);
      atomic_fetch_add(&team->sleeping, 1);
      while (atomic_load(&team->available) <= 0 && !atomic_load(&team->stopping))
        pthread_cond_wait(&team->wake, &team->mutex);
      atomic_fetch_sub(&team->sleeping, 1);
      pthread_mutex_unlock(&team->mutex);
    }
    take_parts(team, member->number);
  }
  return NULL;
}

static void wake_all(tartine_workers *team) {
  pthread_mutex_lock(&team->mutex);
  pthread_cond_broadcast(&team->wake);
  pthread_mutex_unlock(&team->mutex);
}

tartine_workers *tartine_workers_create(int count) {
  size_t size = sizeof(tartine_workers) + (size_t)count * sizeof(struct tartine_member);
  tartine_workers *team;
  if (posix_memalign((void **)&team, 64, (size + 63) / 64 * 64) != 0) return NULL;
  atomic_init(&team->available, 0);
  atomic_init(&team->finished, 0);
  atomic_init(&team->sleeping, 0);
  atomic_init(&team->stopping, false);
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->wake, NULL);
  team->count = 1;
#if defined(__APPLE__)
  tartine_accelerate_prepare_thread();
#endif
  for (int number = 1; number < count; number++) {
    struct tartine_member *member = &team->members[number];
    member->team = team;
    member->number = number;
    if (pthread_create(&member->thread, NULL, work_until_stopped, member) != 0) {
      tartine_workers_destroy(team);
      return NULL;
    }
    team->count = number + 1;
  }
  return team;
}

void tartine_workers_run(tartine_workers *team, int parts, tartine_work work, void *context) {
  team->work = work;
  team->context = context;
  atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
  atomic_store(&team->available, parts);
  if (team->count > 1 && parts > 1 && atomic_load(&team->sleeping) > 0) wake_all(team);
  take_parts(team, 0);
  for (int spin = 0; atomic_load_explicit(&team->finished, memory_order_acquire) < parts; spin++) {
    if (spin < SPINS_BEFORE_YIELD) pause_briefly();
    else sched_yield();
  }
}

void tartine_workers_destroy(tartine_workers *team) {
  atomic_store(&team->stopping, true);
  wake_all(team);
  for (int number = 1; number < team->count; number++) pthread_join(team->members[number].thread, NULL);
  pthread_cond_destroy(&team->wake);
  pthread_mutex_destroy(&team->mutex);
  free(team);
}

int tartine_processor_count(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  int count = online > 0 ? (int)online : 1;
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) count = CPU_COUNT(&allowed);
  // A container's quota: microseconds of work in each period, or "max".
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (file) {
    long quota, period;
    if (fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0) {
      long share = (quota + period - 1) / period;
      if (share < count) count = (int)share;
    }
    fclose(file);
  }
#endif
  return count > 0 ? count : 1;
}

int64_t tartine_physical_memory(void) {
  return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}
