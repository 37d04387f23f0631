// Apple's matrix products, which use processor units that are not accessible otherwise.
#ifndef TARTINE_ACCELERATE_H
#define TARTINE_ACCELERATE_H
#if defined(__APPLE__)

#include <stdbool.h>
#include <stddef.h>

void tartine_accelerate_f32(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const void *a,
                            size_t stride_a, const void *b, size_t stride_b, bool accumulate, void *c,
                            size_t stride_c);
void tartine_accelerate_f64(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const void *a,
                            size_t stride_a, const void *b, size_t stride_b, bool accumulate, void *c,
                            size_t stride_c);
// Keeps Accelerate on the calling thread.
void tartine_accelerate_prepare_thread(void);

#endif
#endif
