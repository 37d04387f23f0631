// Counts the calls of malloc, calloc, realloc and posix_memalign in a process that links it.
#ifndef TARTINE_ALLOCATION_COUNTER_H
#define TARTINE_ALLOCATION_COUNTER_H

#include <stdbool.h>

// False if the platform's allocator cannot be replaced: the count then stays 0.
bool tartine_allocations_are_counted(void);
long tartine_allocation_count(void);

#endif
