// The text of the kernels, included once for each scalar and instruction set (see kernels.c), which
// define REAL, REAL_BYTES, BITS (an unsigned integer of its size) and NAME(x).
//
// Inner loops run along a row, so that they vectorize; sums over rows are accumulated column by column, in
// row order, so that a part of the columns gives the same bits as the whole.

#define INLINE static inline __attribute__((always_inline))
#define EACH(i, n) for (size_t i = 0; i < (n); i++)

#include "text/products.h"
#include "text/functions.h"
#include "text/random.h"
#include "text/sweeps.h"
#include "text/norms.h"
#include "text/rows.h"
#include "text/losses.h"
#include "text/batches.h"
#include "text/augment.h"
#include "text/optimizers.h"

static const tartine_kernels NAME(table) = {
    .name = LEVEL,
    .forward = NAME(forward),
    .backward = NAME(backward),
    .column_statistics = NAME(column_statistics),
    .norm_scale = NAME(norm_scale),
    .blend = NAME(blend),
    .norm_backward = NAME(norm_backward),
    .row_norm = NAME(row_norm),
    .row_norm_backward = NAME(row_norm_backward),
    .prelu = NAME(prelu),
    .prelu_backward = NAME(prelu_backward),
    .waves = NAME(waves),
    .sum_of_squares = NAME(sum_of_squares),
    .softmax_loss = NAME(softmax_loss),
    .sigmoid_loss = NAME(sigmoid_loss),
    .exponential = NAME(exponential),
    .regression_loss = NAME(regression_loss),
    .softmax = NAME(softmax),
    .sigmoid = NAME(sigmoid),
    .normals = NAME(normals),
    .gather_floats = NAME(gather_floats),
    .gather_encoded = NAME(gather_encoded),
    .add_rows = NAME(add_rows),
    .scatter_rows = NAME(scatter_rows),
    .gather_bytes = NAME(gather_bytes),
    .augment = NAME(augment),
    .descend = NAME(descend),
    .adapt = NAME(adapt),
    .rmsprop = NAME(rmsprop),
    .lion = NAME(lion),
    .limit_columns = NAME(limit_columns),
#if defined(__APPLE__)
    .product = ACCELERATE,
#else
    .product = NAME(product),
#endif
};

#undef INLINE
#undef EACH
#undef LANES
#undef FIELDS
#undef GROUPS
#undef SELU_SCALE
#undef SELU_ALPHA
#undef FOR_ACTIVATION
#undef WITH_OPTIONS
#undef UPDATE_LOCALS
