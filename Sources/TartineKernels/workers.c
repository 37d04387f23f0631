// A team of threads that spin briefly for the next task, then sleep.
//
// If another process competes for a processor, the system may preempt one of the team in the middle of a
// part, and all others wait for an unknown time. So a caller that waits long for a preempted thread works
// alone for a while: the team sleeps, and the remaining processors suffice. The duration doubles each time
// this happens again.
//
// `available` counts the parts not yet taken; the thread that lowers it to n >= 0 runs part n. Since a thread
// reads `work` and `context` only after it took a part, and `run` returns only when every part is done, no
// thread reads them while the next run writes them.

#include "TartineKernels.h"
#include "accelerate.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#if defined(__APPLE__)
#include <mach/mach.h>
#endif

enum { SPINS_BEFORE_SLEEP = 20000, SPINS_BEFORE_YIELD = 2000, STACK_BYTES = 2 << 20 };
// In nanoseconds: a wait that is short for any task, and how long the caller works alone.
static const int64_t SHORT_WAIT = 100000, SHORTEST_ALONE = 2000000, LONGEST_ALONE = 64000000;

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
  int64_t alone_until, alone_for;
  struct tartine_member {
    _Alignas(64) tartine_workers *team;
    int number;
    pthread_t thread;
    atomic_bool has_part;
    // As seen by a waiting caller: whether it had a part, and its processor time.
    bool is_awaited;
    int64_t ran;
  } members[];  // the caller's own is the first
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
    atomic_bool *has_part = &team->members[worker].has_part;
    atomic_store_explicit(has_part, true, memory_order_relaxed);
    team->work(team->context, part, worker);
    atomic_store_explicit(has_part, false, memory_order_relaxed);
    atomic_fetch_add_explicit(&team->finished, 1, memory_order_release);
  }
}

static void *work_until_stopped(void *argument) {
  struct tartine_member *member = argument;
  tartine_workers *team = member->team;
#if defined(__APPLE__)
  tartine_accelerate_prepare_thread();
#endif
  tartine_flush_denormals();
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
  team->alone_until = 0;
  team->alone_for = SHORTEST_ALONE;
#if defined(__APPLE__)
  tartine_accelerate_prepare_thread();
#endif
  // Products hold panels on the stack, which some libraries make small for threads.
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  for (int number = 0; number < count; number++) {
    struct tartine_member *member = &team->members[number];
    member->team = team;
    member->number = number;
    atomic_init(&member->has_part, false);
    if (number == 0) continue;
    if (pthread_create(&member->thread, &attributes, work_until_stopped, member) != 0) {
      pthread_attr_destroy(&attributes);
      tartine_workers_destroy(team);
      return NULL;
    }
    team->count = number + 1;
  }
  pthread_attr_destroy(&attributes);
  return team;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// The processor time of a thread.
static int64_t running_time(pthread_t thread) {
#if defined(__APPLE__)
  thread_basic_info_data_t info;
  mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
  if (thread_info(pthread_mach_thread_np(thread), THREAD_BASIC_INFO, (thread_info_t)&info, &count) != KERN_SUCCESS)
    return 0;
  return (int64_t)(info.user_time.seconds + info.system_time.seconds) * 1000000000 +
         (int64_t)(info.user_time.microseconds + info.system_time.microseconds) * 1000;
#else
  clockid_t clock;
  struct timespec time = {0};
  if (pthread_getcpuclockid(thread, &clock) == 0) clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
#endif
}

// Waits until all parts are done. Returns true where that took out of proportion to `own`, the time of the
// caller's own parts, and a thread it waited for was preempted for half of it: long parts or slower
// processors are not a reason.
static bool wait_for_others(tartine_workers *team, int parts, int64_t since, int64_t own) {
  int64_t suspected = 0;
  for (int spin = 0; atomic_load_explicit(&team->finished, memory_order_acquire) < parts; spin++) {
    if (spin < SPINS_BEFORE_YIELD) {
      pause_briefly();
      continue;
    }
    if (suspected == 0 && nanoseconds() - since > SHORT_WAIT + 2 * own) {
      suspected = nanoseconds();
      for (int number = 1; number < team->count; number++) {
        struct tartine_member *member = &team->members[number];
        member->is_awaited = atomic_load_explicit(&member->has_part, memory_order_relaxed);
        if (member->is_awaited) member->ran = running_time(member->thread);
      }
    }
    sched_yield();
  }
  if (suspected == 0) return false;
  const int64_t waited = nanoseconds() - suspected;
  for (int number = 1; number < team->count; number++) {
    const struct tartine_member *member = &team->members[number];
    if (member->is_awaited && running_time(member->thread) - member->ran < waited / 2) return true;
  }
  return false;
}

void tartine_workers_run(tartine_workers *team, int parts, tartine_work work, void *context) {
  int64_t start = nanoseconds();
  while (parts > 0 && (team->count == 1 || parts == 1 || start < team->alone_until)) {
    work(context, --parts, 0);
    if (start < team->alone_until) start = nanoseconds();
  }
  if (parts == 0) return;
  team->work = work;
  team->context = context;
  atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
  atomic_store(&team->available, parts);
  if (atomic_load(&team->sleeping) > 0) wake_all(team);
  take_parts(team, 0);
  const int64_t done = nanoseconds();
  if (!wait_for_others(team, parts, done, done - start)) return;
  // Again soon after the last time: for twice as long.
  const int64_t end = nanoseconds();
  const bool is_again = end - team->alone_until < 4 * team->alone_for;
  team->alone_for = !is_again ? SHORTEST_ALONE : team->alone_for < LONGEST_ALONE ? 2 * team->alone_for : LONGEST_ALONE;
  team->alone_until = end + team->alone_for;
}

void tartine_workers_destroy(tartine_workers *team) {
  atomic_store(&team->stopping, true);
  wake_all(team);
  for (int number = 1; number < team->count; number++) pthread_join(team->members[number].thread, NULL);
  pthread_cond_destroy(&team->wake);
  pthread_mutex_destroy(&team->mutex);
  free(team);
}
