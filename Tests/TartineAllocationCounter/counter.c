#include "TartineAllocationCounter.h"

#include <stdatomic.h>
#include <stddef.h>

static atomic_long count;

long tartine_allocation_count(void) { return atomic_load(&count); }

#if defined(__GLIBC__) || defined(__linux__)
#include <errno.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

bool tartine_allocations_are_counted(void) { return true; }

void *malloc(size_t size) {
  atomic_fetch_add(&count, 1);
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  atomic_fetch_add(&count, 1);
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  atomic_fetch_add(&count, 1);
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  atomic_fetch_add(&count, 1);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  atomic_fetch_add(&count, 1);
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
#else
bool tartine_allocations_are_counted(void) { return false; }
#endif
