// Includes the kernels' text for Float, then for Double, at the instruction set that LEVEL_NAME(x) and
// LEVEL name.

#define REAL float
#define BITS uint32_t
#define IS_DOUBLE 0
#define MANTISSA 23
#define EXPONENT_BIAS 127
#define PRODUCT tartine_product_f32
#define NAME(x) LEVEL_NAME(x##_f32)
#include "kernels.body.h"
#undef REAL
#undef BITS
#undef IS_DOUBLE
#undef MANTISSA
#undef EXPONENT_BIAS
#undef PRODUCT
#undef NAME

#define REAL double
#define BITS uint64_t
#define IS_DOUBLE 1
#define MANTISSA 52
#define EXPONENT_BIAS 1023
#define PRODUCT tartine_product_f64
#define NAME(x) LEVEL_NAME(x##_f64)
#include "kernels.body.h"
#undef REAL
#undef BITS
#undef IS_DOUBLE
#undef MANTISSA
#undef EXPONENT_BIAS
#undef PRODUCT
#undef NAME
