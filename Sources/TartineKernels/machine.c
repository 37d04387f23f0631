#define _GNU_SOURCE
// Properties of the machine: processors, memory, the treatment of subnormal numbers.

#include "TartineKernels.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

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

void *tartine_memory_create(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
#if defined(__linux__)
  madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void tartine_memory_destroy(void *memory, size_t bytes) { munmap(memory, bytes); }

int64_t tartine_physical_memory(void) {
  return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}

uint64_t tartine_flush_denormals(void) {
#if defined(__x86_64__)
  const uint32_t before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);
  return before;
#elif defined(__aarch64__)
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | 1u << 24));
  return before;
#else
  return 0;
#endif
}

void tartine_restore_denormals(uint64_t before) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((uint32_t)before);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
  (void)before;
#endif
}
