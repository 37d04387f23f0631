// Statistics of columns, batch normalization, sums of squares.

static void NAME(column_statistics)(const void *values, size_t rows, size_t columns, size_t stride,
                                    void *means, void *variances) {
  REAL *mean = means, *variance = variances;
  const REAL fraction = 1 / (REAL)rows;
  EACH(c, columns) mean[c] = 0;
  EACH(c, columns) variance[c] = 0;
  EACH(r, rows) {
    const REAL *z = (const REAL *)values + r * stride;
#pragma clang loop vectorize(assume_safety)
    EACH(c, columns) mean[c] += z[c];
  }
  EACH(c, columns) mean[c] *= fraction;
  EACH(r, rows) {
    const REAL *z = (const REAL *)values + r * stride;
#pragma clang loop vectorize(assume_safety)
    EACH(c, columns) variance[c] += (z[c] - mean[c]) * (z[c] - mean[c]);
  }
  EACH(c, columns) variance[c] *= fraction;
}

static void NAME(norm_scale)(const void *variances, const void *gammas, double epsilon, size_t columns,
                             void *inverses, void *scales) {
  const REAL *variance = variances, *gamma = gammas;
  REAL *inverse = inverses, *scale = scales;
  EACH(c, columns) inverse[c] = 1 / __builtin_elementwise_sqrt(variance[c] + (REAL)epsilon);
  EACH(c, columns) scale[c] = gamma[c] * inverse[c];
}

// out = keep · out + gain · values.
static void NAME(blend)(void *out, const void *values, size_t count, double keep, double gain) {
  REAL *to = out;
  const REAL *from = values;
  const REAL k = (REAL)keep, g = (REAL)gain;
  EACH(i, count) to[i] = k * to[i] + g * from[i];
}

static void NAME(norm_backward)(const tartine_norm_backward *s) {
  const REAL *mean = s->mean, *inverse = s->inverse_deviation, *gamma = s->gamma;
  const REAL *sum = s->gradient_sum, *products = s->gradient_product_sum;
  const REAL fraction = 1 / (REAL)s->rows;
  EACH(r, s->rows) {
    const REAL *z = (const REAL *)s->z + r * s->stride;
    REAL *g = (REAL *)s->gradient + r * s->stride;
#pragma clang loop vectorize(assume_safety)
    EACH(c, s->columns) {
      REAL normalized = (z[c] - mean[c]) * inverse[c];
      g[c] = gamma[c] * inverse[c] * (g[c] - fraction * (sum[c] + normalized * products[c]));
    }
  }
}

static double NAME(sum_of_squares)(const void *values, size_t rows, size_t columns, size_t stride) {
  double lanes[16] = {0};
  EACH(r, rows) {
    const REAL *x = (const REAL *)values + r * stride;
    size_t c = 0;
    for (; c + 16 <= columns; c += 16)
      EACH(l, 16) lanes[l] += (double)x[c + l] * (double)x[c + l];
    for (; c < columns; c++) lanes[c % 16] += (double)x[c] * (double)x[c];
  }
  double total = 0;
  EACH(l, 16) total += lanes[l];
  return total;
}
