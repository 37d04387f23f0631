// Matrix products of the tables, see TartineKernels.h.
#ifndef TARTINE_PRODUCTS_H
#define TARTINE_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

void tartine_product_f32(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const void *a,
                         size_t stride_a, const void *b, size_t stride_b, bool accumulate, void *c,
                         size_t stride_c);
void tartine_product_f64(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const void *a,
                         size_t stride_a, const void *b, size_t stride_b, bool accumulate, void *c,
                         size_t stride_c);

#endif
