// Includes the kernels' text for Float, then for Double, for the instruction set that LEVEL_NAME(x) and LEVEL
// name, with vectors of VECTOR_BYTES, and tiles of TILE_ROWS by TILE_VECTORS, which fill its registers.

#define REAL float
#define REAL_BYTES 4
#define BITS uint32_t
#define IS_DOUBLE 0
#define MANTISSA 23
#define EXPONENT_BIAS 127
#define ACCELERATE tartine_accelerate_f32
#define NAME(x) LEVEL_NAME(x##_f32)
#include "kernels.body.h"
#undef REAL
#undef REAL_BYTES
#undef BITS
#undef IS_DOUBLE
#undef MANTISSA
#undef EXPONENT_BIAS
#undef ACCELERATE
#undef NAME

#define REAL double
#define REAL_BYTES 8
#define BITS uint64_t
#define IS_DOUBLE 1
#define MANTISSA 52
#define EXPONENT_BIAS 1023
#define ACCELERATE tartine_accelerate_f64
#define NAME(x) LEVEL_NAME(x##_f64)
#include "kernels.body.h"
#undef REAL
#undef REAL_BYTES
#undef BITS
#undef IS_DOUBLE
#undef MANTISSA
#undef EXPONENT_BIAS
#undef ACCELERATE
#undef NAME
