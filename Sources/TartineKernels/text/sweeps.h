// Elementwise work between one product and the next: norm, activation, dropout, and their backward pass.
//
// What there is to do is a constant of each loop: a pointer that is tested inside becomes a masked access to address 0, which
// is many times slower than the rest.

INLINE void NAME(forward_loop)(const tartine_sweep *s, const int kind, const bool normed, const bool shifted,
                               const bool dropping) {
  const REAL *center = s->center, *scale = s->scale, *shift = s->shift;
  const REAL slope = (REAL)s->slope;
  const REAL gain = dropping ? (REAL)(65536.0 / s->keep) : 1;
  EACH(r, s->rows) {
    const REAL *z = (const REAL *)s->z + r * s->stride;
    REAL *a = (REAL *)s->a + r * s->stride;
    const uint8_t *mask = dropping ? s->mask + r * s->stride : NULL;
    if (dropping && r % GROUPS == 0) NAME(mask_rows)(s, r, s->rows - r < GROUPS ? s->rows - r : GROUPS);
#pragma clang loop vectorize(assume_safety)
    EACH(c, s->columns) {
      REAL u = normed ? (z[c] - center[c]) * scale[c] + shift[c] : shifted ? z[c] + shift[c] : z[c];
      REAL value = NAME(activate)(kind, u, slope);
      a[c] = dropping ? value * ((REAL)mask[c] * gain) : value;
    }
  }
}

INLINE void NAME(backward_loop)(const tartine_sweep *s, const int kind, const bool normed, const bool shifted,
                                const bool dropping) {
  const REAL *center = s->center, *scale = s->scale, *shift = s->shift, *inverse = s->inverse_deviation;
  const REAL slope = (REAL)s->slope;
  const REAL gain = dropping ? (REAL)(65536.0 / s->keep) : 1;
  REAL *sum = s->gradient_sum, *products = s->gradient_product_sum;
  if (shifted) __builtin_memset(sum, 0, s->columns * sizeof(REAL));
  if (normed) __builtin_memset(products, 0, s->columns * sizeof(REAL));
  EACH(r, s->rows) {
    const REAL *z = (const REAL *)s->z + r * s->stride;
    REAL *g = (REAL *)s->gradient + r * s->stride;
    const uint8_t *mask = dropping ? s->mask + r * s->stride : NULL;
#pragma clang loop vectorize(assume_safety)
    EACH(c, s->columns) {
      REAL u = normed ? (z[c] - center[c]) * scale[c] + shift[c] : shifted ? z[c] + shift[c] : z[c];
      REAL du = g[c] * NAME(derivative)(kind, u, slope);
      if (dropping) du *= (REAL)mask[c] * gain;
      g[c] = du;
      if (shifted) sum[c] += du;
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
    case TARTINE_ELU: CALL(TARTINE_ELU); break;            \
    default: CALL(TARTINE_IDENTITY); break;                \
  }

#define WITH_OPTIONS(LOOP, KIND)                                          \
  do {                                                                    \
    if (s->scale && s->mask) LOOP(s, KIND, true, true, true);             \
    else if (s->scale) LOOP(s, KIND, true, true, false);                  \
    else if (s->shift && s->mask) LOOP(s, KIND, false, true, true);       \
    else if (s->shift) LOOP(s, KIND, false, true, false);                 \
    else if (s->mask) LOOP(s, KIND, false, false, true);                  \
    else LOOP(s, KIND, false, false, false);                              \
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
