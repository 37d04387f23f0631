// The text of the kernels, included once for each scalar and instruction set (see kernels.c), which
// define REAL, BITS (an unsigned integer of its size) and NAME(x).
//
// Inner loops run along a row, so that they vectorize; sums over rows are taken column by column, in row
// order, so that a part of the columns gives the bits of the whole.

#define INLINE static inline __attribute__((always_inline))
#define EACH(i, n) for (size_t i = 0; i < (n); i++)

// 2^n and r of x = n ln 2 + r, abs(r) <= ln 2 / 2, and the polynomial of e^r - 1 = r + r²/2! + …:
// e^x = 2^n + 2^n (e^r - 1), e^x - 1 = (2^n - 1) + 2^n (e^r - 1), the latter exact near 0.
INLINE void NAME(exp_parts)(REAL x, REAL *power, REAL *minus_one) {
  const REAL shift = (REAL)(IS_DOUBLE ? 6755399441055744.0 : 12582912.0);  // 1.5 · 2^mantissa
  REAL t = x * (REAL)1.4426950408889634074 + shift;
  BITS bits;
  __builtin_memcpy(&bits, &t, sizeof t);
  REAL n = t - shift;
  // ln 2 in two pieces, the first with trailing zeros, so that n · piece is exact.
  const REAL high = (REAL)(IS_DOUBLE ? 6.93147180369123816490e-01 : 0.693359375);
  const REAL low = (REAL)(IS_DOUBLE ? 1.90821492927058770002e-10 : -2.12194440e-4);
  REAL r = (x - n * high) - n * low;
  REAL p;
  if (IS_DOUBLE) {
    p = (REAL)(1.0 / 6227020800.0);
    p = p * r + (REAL)(1.0 / 479001600.0);
    p = p * r + (REAL)(1.0 / 39916800.0);
    p = p * r + (REAL)(1.0 / 3628800.0);
    p = p * r + (REAL)(1.0 / 362880.0);
    p = p * r + (REAL)(1.0 / 40320.0);
    p = p * r + (REAL)(1.0 / 5040.0);
  } else {
    p = (REAL)(1.0 / 5040.0);
  }
  p = p * r + (REAL)(1.0 / 720.0);
  p = p * r + (REAL)(1.0 / 120.0);
  p = p * r + (REAL)(1.0 / 24.0);
  p = p * r + (REAL)(1.0 / 6.0);
  p = p * r + (REAL)0.5;
  *minus_one = (p * r) * r + r;
  bits = (bits << MANTISSA) + ((BITS)EXPONENT_BIAS << MANTISSA);
  __builtin_memcpy(power, &bits, sizeof bits);
}

// Clamped so that the result is a normal number: e^x is never 0 nor infinite here. NaN stays NaN.
INLINE REAL NAME(clamp)(REAL x) {
  const REAL limit = (REAL)(IS_DOUBLE ? 708.0 : 87.0);
  x = x > limit ? limit : x;
  return x < -limit ? -limit : x;
}

INLINE REAL NAME(exp)(REAL x) {
  REAL power, rest;
  x = NAME(clamp)(x);
  NAME(exp_parts)(x, &power, &rest);
  return x == x ? power + power * rest : x;
}

INLINE REAL NAME(expm1)(REAL x) {
  REAL power, rest;
  x = NAME(clamp)(x);
  NAME(exp_parts)(x, &power, &rest);
  return x == x ? (power - 1) + power * rest : x;
}

INLINE REAL NAME(tanh)(REAL x) {
  const REAL limit = (REAL)(IS_DOUBLE ? 20.0 : 10.0);  // beyond, tanh rounds to ±1
  REAL y = x > limit ? limit : x;
  y = y < -limit ? -limit : y;
  REAL e = NAME(expm1)(2 * y);
  return e / (e + 2);
}

INLINE REAL NAME(logistic)(REAL x) { return 1 / (1 + NAME(exp)(-x)); }

// Φ(x) = erfc(-x / √2) / 2, with erfc(y) = e^(-y²) Q((y - 3.75) / (y + 3.75)) for y >= 0; Q was fitted by
// script/fit-erfc.py.
INLINE REAL NAME(normal_cdf)(REAL x) {
  const REAL limit = (REAL)(IS_DOUBLE ? 26.0 : 9.0);  // beyond, erfc is no normal number
  REAL y = (x < 0 ? -x : x) * (REAL)0.70710678118654752440;
  y = y > limit ? limit : y;
  REAL t = (y - (REAL)3.75) / (y + (REAL)3.75), q;
  if (IS_DOUBLE) {
    q = (REAL)-1.24357563058294387e-9;
    q = q * t + (REAL)-3.24237995845381854e-9;
    q = q * t + (REAL)9.79431233645849642e-9;
    q = q * t + (REAL)2.95501831821957528e-8;
    q = q * t + (REAL)-7.37777744148748862e-8;
    q = q * t + (REAL)-1.82123211515847093e-7;
    q = q * t + (REAL)6.60411986613440254e-7;
    q = q * t + (REAL)7.48036774571073942e-7;
    q = q * t + (REAL)-6.18388287342705729e-6;
    q = q * t + (REAL)3.58383845584827707e-6;
    q = q * t + (REAL)0.0000478989091388973773;
    q = q * t + (REAL)-0.000152462682240925074;
    q = q * t + (REAL)-0.0000255353529627601366;
    q = q * t + (REAL)0.00180296241798129609;
    q = q * t + (REAL)-0.00822062115196827323;
    q = q * t + (REAL)0.024143223972428697;
    q = q * t + (REAL)-0.054802326695088201;
    q = q * t + (REAL)0.102604312032195669;
    q = q * t + (REAL)-0.163571895523921726;
    q = q * t + (REAL)0.226008066916621526;
    q = q * t + (REAL)-0.27342193149542649;
    q = q * t + (REAL)0.145589721275038539;
  } else {
    q = (REAL)-0.000209167965311961381;
    q = q * t + (REAL)-0.0000273617377530767553;
    q = q * t + (REAL)0.00183239514344817217;
    q = q * t + (REAL)-0.00820986867546065113;
    q = q * t + (REAL)0.024138747920349986;
    q = q * t + (REAL)-0.0548049051838187655;
    q = q * t + (REAL)0.102604457593371959;
    q = q * t + (REAL)-0.163571699835205579;
    q = q * t + (REAL)0.226008074844433456;
    q = q * t + (REAL)-0.273421935340756315;
    q = q * t + (REAL)0.145589721125156938;
  }
  REAL half = (REAL)0.5 * NAME(exp)(-y * y) * q;
  return x > 0 ? 1 - half : half;
}

// SELU (Klambauer et al. 2017): λ and λα.
#define SELU_SCALE ((REAL)1.0507009873554804934193349852946)
#define SELU_ALPHA ((REAL)1.7580993408473768599402175208123)

// Comparisons are written so that NaN passes through: a fault must reach the loss.
INLINE REAL NAME(activate)(int kind, REAL u, REAL slope) {
  switch (kind) {
    case TARTINE_RELU: return u < 0 ? 0 : u;
    case TARTINE_LEAKY_RELU: return u < 0 ? slope * u : u;
    case TARTINE_TANH: return NAME(tanh)(u);
    case TARTINE_SIGMOID: return NAME(logistic)(u);
    case TARTINE_GELU: return u * NAME(normal_cdf)(u);
    case TARTINE_SILU: return u * NAME(logistic)(u);
    case TARTINE_SELU: {
      REAL negative = SELU_ALPHA * NAME(expm1)(u > 0 ? 0 : u);
      return u > 0 ? SELU_SCALE * u : negative;
    }
    default: return u;
  }
}

// da/du. At 0 the ReLU family takes the left derivative's convention of the field: 0 for ReLU.
INLINE REAL NAME(derivative)(int kind, REAL u, REAL slope) {
  switch (kind) {
    case TARTINE_RELU: return u > 0 ? 1 : 0;
    case TARTINE_LEAKY_RELU: return u > 0 ? 1 : slope;
    case TARTINE_TANH: {
      REAL t = NAME(tanh)(u);
      return 1 - t * t;
    }
    case TARTINE_SIGMOID: {
      REAL s = NAME(logistic)(u);
      return s * (1 - s);
    }
    case TARTINE_GELU: {
      REAL density = (REAL)0.39894228040143267794 * NAME(exp)((REAL)-0.5 * u * u);
      return NAME(normal_cdf)(u) + u * density;
    }
    case TARTINE_SILU: {
      REAL s = NAME(logistic)(u);
      return s * (1 + u * (1 - s));
    }
    case TARTINE_SELU: {
      REAL negative = SELU_ALPHA * NAME(exp)(u > 0 ? 0 : u);
      return u > 0 ? SELU_SCALE : negative;
    }
    default: return 1;
  }
}

// -- Dropout ------------------------------------------------------------------------------------------

#define LANES 8
#define FIELDS 64  // 16-bit fields of LANES Philox blocks: the columns that one call decides

// Philox on LANES counters at once: (block · LANES + lane, row, step, purpose).
INLINE void NAME(random_fields)(const tartine_stream *stream, uint32_t block, uint32_t row,
                                uint16_t *fields) {
  uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
  EACH(l, LANES) {
    c0[l] = block * LANES + (uint32_t)l;
    c1[l] = row;
    c2[l] = stream->step;
    c3[l] = stream->purpose;
  }
  uint32_t k0 = stream->key[0], k1 = stream->key[1];
  for (int round = 0; round < 10; round++) {
    EACH(l, LANES) {
      uint64_t p = (uint64_t)c0[l] * 0xD2511F53u, q = (uint64_t)c2[l] * 0xCD9E8D57u;
      uint32_t n0 = (uint32_t)(q >> 32) ^ c1[l] ^ k0, n2 = (uint32_t)(p >> 32) ^ c3[l] ^ k1;
      c0[l] = n0;
      c1[l] = (uint32_t)q;
      c2[l] = n2;
      c3[l] = (uint32_t)p;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const uint32_t *words[4] = {c0, c1, c2, c3};
  EACH(w, 4) EACH(l, LANES) {
    fields[(2 * w) * LANES + l] = (uint16_t)words[w][l];
    fields[(2 * w + 1) * LANES + l] = (uint16_t)(words[w][l] >> 16);
  }
}

// The mask of one row: column c takes field c mod 64 of block c / 64, whatever part it is asked in.
static void NAME(mask_row)(const tartine_sweep *s, size_t row, uint8_t *mask) {
  size_t c = 0;
  while (c < s->columns) {
    size_t column = s->first_column + c, offset = column % FIELDS;
    size_t count = FIELDS - offset < s->columns - c ? FIELDS - offset : s->columns - c;
    uint16_t fields[FIELDS];
    NAME(random_fields)(&s->stream, (uint32_t)(column / FIELDS), (uint32_t)row, fields);
    EACH(i, count) mask[c + i] = fields[offset + i] < s->keep;
    c += count;
  }
}

// -- Forward and backward sweeps ----------------------------------------------------------------------

INLINE void NAME(forward_loop)(const tartine_sweep *s, const int kind, const bool normed,
                               const bool dropping) {
  const REAL *center = s->center, *scale = s->scale, *shift = s->shift;
  const REAL slope = (REAL)s->slope;
  const REAL gain = dropping ? (REAL)(65536.0 / s->keep) : 1;
  EACH(r, s->rows) {
    const REAL *z = (const REAL *)s->z + r * s->stride;
    REAL *a = (REAL *)s->a + r * s->stride;
    uint8_t *mask = dropping ? s->mask + r * s->stride : NULL;
    if (dropping) NAME(mask_row)(s, r, mask);
#pragma clang loop vectorize(assume_safety)
    EACH(c, s->columns) {
      REAL u = normed ? (z[c] - center[c]) * scale[c] + shift[c] : shift ? z[c] + shift[c] : z[c];
      REAL value = NAME(activate)(kind, u, slope);
      a[c] = dropping ? value * ((REAL)mask[c] * gain) : value;
    }
  }
}

INLINE void NAME(backward_loop)(const tartine_sweep *s, const int kind, const bool normed,
                                const bool dropping) {
  const REAL *center = s->center, *scale = s->scale, *shift = s->shift, *inverse = s->inverse_deviation;
  const REAL slope = (REAL)s->slope;
  const REAL gain = dropping ? (REAL)(65536.0 / s->keep) : 1;
  REAL *sum = s->gradient_sum, *products = s->gradient_product_sum;
  if (sum) __builtin_memset(sum, 0, s->columns * sizeof(REAL));
  if (normed) __builtin_memset(products, 0, s->columns * sizeof(REAL));
  EACH(r, s->rows) {
    const REAL *z = (const REAL *)s->z + r * s->stride;
    REAL *g = (REAL *)s->gradient + r * s->stride;
    const uint8_t *mask = dropping ? s->mask + r * s->stride : NULL;
#pragma clang loop vectorize(assume_safety)
    EACH(c, s->columns) {
      REAL u = normed ? (z[c] - center[c]) * scale[c] + shift[c] : shift ? z[c] + shift[c] : z[c];
      REAL du = g[c] * NAME(derivative)(kind, u, slope);
      if (dropping) du *= (REAL)mask[c] * gain;
      g[c] = du;
      if (sum) sum[c] += du;
      if (normed) products[c] += du * ((z[c] - center[c]) * inverse[c]);
    }
  }
}

#define FOR_ACTIVATION(CALL)                               \
  switch (s->activation) {                                 \
    case TARTINE_RELU: CALL(TARTINE_RELU); break;          \
    case TARTINE_LEAKY_RELU: CALL(TARTINE_LEAKY_RELU); break; \
    case TARTINE_TANH: CALL(TARTINE_TANH); break;          \
    case TARTINE_SIGMOID: CALL(TARTINE_SIGMOID); break;    \
    case TARTINE_GELU: CALL(TARTINE_GELU); break;          \
    case TARTINE_SILU: CALL(TARTINE_SILU); break;          \
    case TARTINE_SELU: CALL(TARTINE_SELU); break;          \
    default: CALL(TARTINE_IDENTITY); break;                \
  }

#define WITH_OPTIONS(LOOP, KIND)                                          \
  do {                                                                    \
    if (s->scale && s->mask) LOOP(s, KIND, true, true);                   \
    else if (s->scale) LOOP(s, KIND, true, false);                        \
    else if (s->mask) LOOP(s, KIND, false, true);                         \
    else LOOP(s, KIND, false, false);                                     \
  } while (0)

static void NAME(forward)(const tartine_sweep *s) {
#define CALL(KIND) WITH_OPTIONS(NAME(forward_loop), KIND)
  FOR_ACTIVATION(CALL)
#undef CALL
}

static void NAME(backward)(const tartine_sweep *s) {
#define CALL(KIND) WITH_OPTIONS(NAME(backward_loop), KIND)
  FOR_ACTIVATION(CALL)
#undef CALL
}

// -- Batch normalization ------------------------------------------------------------------------------

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

static void NAME(moving_average)(void *averages, const void *values, size_t columns, double fraction,
                                 double factor) {
  REAL *average = averages;
  const REAL *value = values;
  const REAL keep = (REAL)(1 - fraction), gain = (REAL)(fraction * factor);
  EACH(c, columns) average[c] = keep * average[c] + gain * value[c];
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

// -- Sums ---------------------------------------------------------------------------------------------

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

// -- Outputs and losses -------------------------------------------------------------------------------

// Shifts a row by its own maximum, takes exponentials, and answers with their sum.
INLINE REAL NAME(exponentials)(REAL *row, size_t columns, REAL *maximum) {
  REAL largest = row[0], total = 0;
  EACH(c, columns) largest = row[c] > largest ? row[c] : largest;
  EACH(c, columns) row[c] = NAME(exp)(row[c] - largest);
  EACH(c, columns) total += row[c];
  *maximum = largest;
  return total;
}

static void NAME(softmax)(void *logits, size_t rows, size_t columns) {
  EACH(r, rows) {
    REAL *row = (REAL *)logits + r * columns, maximum;
    REAL total = NAME(exponentials)(row, columns, &maximum);
    EACH(c, columns) row[c] /= total;
  }
}

static void NAME(softmax_loss)(void *logits, const int32_t *labels, size_t rows, size_t columns,
                               double batch, double *losses) {
  const REAL fraction = (REAL)(1 / batch);
  EACH(r, rows) {
    REAL *row = (REAL *)logits + r * columns, maximum;
    REAL own = row[labels[r]];
    REAL total = NAME(exponentials)(row, columns, &maximum);
    losses[r] = __builtin_log((double)total) + ((double)maximum - (double)own);
    REAL scale = fraction / total;
    EACH(c, columns) row[c] *= scale;
    row[labels[r]] -= fraction;
  }
}

static void NAME(sigmoid)(void *logits, size_t count) {
  REAL *x = logits;
  EACH(i, count) x[i] = NAME(logistic)(x[i]);
}

static void NAME(sigmoid_loss)(void *logits, const void *targets, size_t rows, size_t columns,
                               double batch, double *losses) {
  const REAL fraction = (REAL)(1 / batch);
  EACH(r, rows) {
    REAL *row = (REAL *)logits + r * columns;
    const REAL *target = (const REAL *)targets + r * columns;
    double loss = 0;
    EACH(c, columns) {
      double z = (double)row[c], y = (double)target[c];
      // max(z, 0) - z y + log(1 + e^-|z|)
      loss += (z > 0 ? z : 0) - z * y + __builtin_log1p(__builtin_exp(-__builtin_fabs(z)));
      row[c] = (NAME(logistic)(row[c]) - target[c]) * fraction;
    }
    losses[r] = loss;
  }
}

static void NAME(squared_loss)(void *outputs, const void *targets, size_t rows, size_t columns,
                               double batch, double *losses) {
  const REAL fraction = (REAL)(1 / batch);
  EACH(r, rows) {
    REAL *row = (REAL *)outputs + r * columns;
    const REAL *target = (const REAL *)targets + r * columns;
    double loss = 0;
    EACH(c, columns) {
      REAL difference = row[c] - target[c];
      loss += 0.5 * (double)difference * (double)difference;
      row[c] = difference * fraction;
    }
    losses[r] = loss;
  }
}

// -- Batches ------------------------------------------------------------------------------------------

static void NAME(gather_floats)(const float *source, const int32_t *rows, size_t count, size_t columns,
                                void *out) {
  EACH(i, count) {
    const float *from = source + (size_t)rows[i] * columns;
    REAL *to = (REAL *)out + i * columns;
    EACH(c, columns) to[c] = (REAL)from[c];
  }
}

static void NAME(gather_bytes)(const uint8_t *source, const int32_t *rows, size_t count, size_t columns,
                               double scale, void *out) {
  const REAL factor = (REAL)scale;
  EACH(i, count) {
    const uint8_t *from = source + (size_t)rows[i] * columns;
    REAL *to = (REAL *)out + i * columns;
    EACH(c, columns) to[c] = (REAL)from[c] * factor;
  }
}

// -- Optimizers ---------------------------------------------------------------------------------------

// The gradient of data loss and penalties: clipped · g + l1 sign(w) + l2 w.
INLINE REAL NAME(penalized)(const REAL g, const REAL w, REAL scale, REAL l1, REAL l2) {
  return g * scale + l2 * w + (w > 0 ? l1 : w < 0 ? -l1 : 0);
}

#define UPDATE_LOCALS                                                             \
  REAL *w = u->weights;                                                           \
  const REAL *gradients = u->gradients;                                           \
  const REAL clip = (REAL)u->gradient_scale, l1 = (REAL)u->l1, l2 = (REAL)u->l2; \
  const REAL shrink = (REAL)(1 - u->decay), rate = (REAL)u->rate;

static void NAME(descend)(const tartine_update *u) {
  UPDATE_LOCALS
  REAL *v = u->first;
  const REAL keep = (REAL)u->keep1, gain = (REAL)u->gain1;
  const REAL use_v = (REAL)u->use_first, use_g = (REAL)u->use_gradient;
  if (!v) {
#pragma clang loop vectorize(assume_safety)
    EACH(i, u->count) {
      REAL g = NAME(penalized)(gradients[i], w[i], clip, l1, l2);
      w[i] = w[i] * shrink - rate * g;
    }
    return;
  }
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], clip, l1, l2);
    v[i] = keep * v[i] + gain * g;
    w[i] = w[i] * shrink - rate * (use_v * v[i] + use_g * g);
  }
}

static void NAME(rmsprop)(const tartine_update *u) {
  UPDATE_LOCALS
  REAL *s = u->second;
  const REAL keep = (REAL)u->keep2, gain = (REAL)u->gain2, epsilon = (REAL)u->epsilon;
  const REAL inside = u->epsilon_inside ? epsilon : 0, outside = u->epsilon_inside ? 0 : epsilon;
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], clip, l1, l2);
    s[i] = keep * s[i] + gain * g * g;
    w[i] = w[i] * shrink - rate * g / (__builtin_elementwise_sqrt(s[i] + inside) + outside);
  }
}

static void NAME(adam)(const tartine_update *u) {
  UPDATE_LOCALS
  REAL *m = u->first, *s = u->second;
  const REAL keep1 = (REAL)u->keep1, gain1 = (REAL)u->gain1;
  const REAL keep2 = (REAL)u->keep2, gain2 = (REAL)u->gain2;
  const REAL correct1 = (REAL)u->use_first, correct2 = (REAL)u->correct2, epsilon = (REAL)u->epsilon;
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], clip, l1, l2);
    m[i] = keep1 * m[i] + gain1 * g;
    s[i] = keep2 * s[i] + gain2 * g * g;
    w[i] = w[i] * shrink - rate * (correct1 * m[i]) / (__builtin_elementwise_sqrt(correct2 * s[i]) + epsilon);
  }
}

static const tartine_kernels NAME(table) = {
    .name = LEVEL,
    .forward = NAME(forward),
    .backward = NAME(backward),
    .column_statistics = NAME(column_statistics),
    .norm_scale = NAME(norm_scale),
    .moving_average = NAME(moving_average),
    .norm_backward = NAME(norm_backward),
    .sum_of_squares = NAME(sum_of_squares),
    .softmax_loss = NAME(softmax_loss),
    .sigmoid_loss = NAME(sigmoid_loss),
    .squared_loss = NAME(squared_loss),
    .softmax = NAME(softmax),
    .sigmoid = NAME(sigmoid),
    .gather_floats = NAME(gather_floats),
    .gather_bytes = NAME(gather_bytes),
    .descend = NAME(descend),
    .rmsprop = NAME(rmsprop),
    .adam = NAME(adam),
    .product = PRODUCT,
};

#undef INLINE
#undef EACH
#undef LANES
#undef FIELDS
#undef SELU_SCALE
#undef SELU_ALPHA
#undef FOR_ACTIVATION
#undef WITH_OPTIONS
#undef UPDATE_LOCALS
