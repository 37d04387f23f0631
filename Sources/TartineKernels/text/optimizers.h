// One sweep per step over the parameters.

// The gradient of data loss and penalties: g · scale, clipped to ± bound, + l1 sign(w) + l2 w.
INLINE REAL NAME(penalized)(REAL g, const REAL w, REAL scale, REAL bound, REAL l1, REAL l2) {
  g *= scale;
  g = g > bound ? bound : g < -bound ? -bound : g;
  return g + l2 * w + (w > 0 ? l1 : w < 0 ? -l1 : 0);
}

#define UPDATE_LOCALS                                                                 \
  REAL *w = u->weights;                                                               \
  const REAL *gradients = u->gradients;                                               \
  const REAL scale = (REAL)u->gradient_scale, bound = (REAL)u->gradient_bound;        \
  const REAL l1 = (REAL)u->l1, l2 = (REAL)u->l2;                                      \
  const REAL shrink = (REAL)(1 - u->decay), rate = (REAL)u->rate;                     \
  const REAL keep1 = (REAL)u->keep1, gain1 = (REAL)u->gain1;                          \
  const REAL use_first = (REAL)u->use_first, use_gradient = (REAL)u->use_gradient;

// Algorithms without second moments.
static void NAME(descend)(const tartine_update *u) {
  UPDATE_LOCALS
  REAL *m = u->first;
  if (!m) {
#pragma clang loop vectorize(assume_safety)
    EACH(i, u->count) {
      REAL g = NAME(penalized)(gradients[i], w[i], scale, bound, l1, l2);
      w[i] = w[i] * shrink - rate * use_gradient * g;
    }
    return;
  }
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], scale, bound, l1, l2);
    m[i] = keep1 * m[i] + gain1 * g;
    w[i] = w[i] * shrink - rate * (use_first * m[i] + use_gradient * g);
  }
}

INLINE void NAME(adapt_loop)(const tartine_update *u, const bool has_first, const bool has_largest) {
  UPDATE_LOCALS
  REAL *m = u->first, *s = u->second, *largest = u->third;
  const REAL keep2 = (REAL)u->keep2, gain2 = (REAL)u->gain2, correct2 = (REAL)u->correct2;
  const REAL inside = (REAL)u->epsilon_inside, outside = (REAL)u->epsilon;
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], scale, bound, l1, l2);
    REAL step = use_gradient * g;
    if (has_first) {
      m[i] = keep1 * m[i] + gain1 * g;
      step += use_first * m[i];
    }
    s[i] = keep2 * s[i] + gain2 * g * g;
    REAL square = s[i];
    if (has_largest) square = largest[i] = square > largest[i] ? square : largest[i];
    w[i] = w[i] * shrink - rate * step / (__builtin_elementwise_sqrt(correct2 * square + inside) + outside);
  }
}

// Algorithms that divide by the root of second moments.
static void NAME(adapt)(const tartine_update *u) {
  if (u->third) NAME(adapt_loop)(u, true, true);
  else if (u->first) NAME(adapt_loop)(u, true, false);
  else NAME(adapt_loop)(u, false, false);
}

INLINE void NAME(rmsprop_loop)(const tartine_update *u, const bool is_centered, const bool has_momentum) {
  UPDATE_LOCALS
  REAL *m = u->first, *s = u->second, *momentum = u->third;
  const REAL keep2 = (REAL)u->keep2, gain2 = (REAL)u->gain2, keep3 = (REAL)u->keep3, gain3 = (REAL)u->gain3;
  const REAL inside = (REAL)u->epsilon_inside, outside = (REAL)u->epsilon;
  (void)use_first, (void)use_gradient;
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], scale, bound, l1, l2);
    s[i] = keep2 * s[i] + gain2 * g * g;
    REAL square = s[i];
    if (is_centered) {
      m[i] = keep1 * m[i] + gain1 * g;
      square -= m[i] * m[i];
      square = square > 0 ? square : 0;
    }
    REAL step = gain3 * g / (__builtin_elementwise_sqrt(square + inside) + outside);
    if (has_momentum) step = momentum[i] = keep3 * momentum[i] + step;
    w[i] = w[i] * shrink - rate * step;
  }
}

// RMSProp with its options.
static void NAME(rmsprop)(const tartine_update *u) {
  if (u->first && u->third) NAME(rmsprop_loop)(u, true, true);
  else if (u->first) NAME(rmsprop_loop)(u, true, false);
  else NAME(rmsprop_loop)(u, false, true);
}

// Along the signs of use_first · m + use_gradient · g, with the previous m.
static void NAME(lion)(const tartine_update *u) {
  UPDATE_LOCALS
  REAL *m = u->first;
#pragma clang loop vectorize(assume_safety)
  EACH(i, u->count) {
    REAL g = NAME(penalized)(gradients[i], w[i], scale, bound, l1, l2);
    REAL step = use_first * m[i] + use_gradient * g;
    w[i] = w[i] * shrink - rate * (step > 0 ? 1 : step < 0 ? -1 : (REAL)0);
    m[i] = keep1 * m[i] + gain1 * g;
  }
}

// Scales down each column whose norm exceeds the bound.
static void NAME(limit_columns)(void *weights, size_t rows, size_t columns, size_t stride, double bound) {
  enum { AT_ONCE = 64 };
  const REAL most = (REAL)bound;
  for (size_t first = 0; first < columns; first += AT_ONCE) {
    const size_t count = columns - first < AT_ONCE ? columns - first : AT_ONCE;
    REAL *w = (REAL *)weights + first, factors[AT_ONCE] = {0};
    EACH(r, rows) EACH(c, count) factors[c] += w[r * stride + c] * w[r * stride + c];
    bool is_long = false;
    EACH(c, count) {
      const REAL length = __builtin_elementwise_sqrt(factors[c]);
      is_long |= length > most;
      factors[c] = length > most ? most / length : 1;
    }
    if (is_long) EACH(r, rows) EACH(c, count) w[r * stride + c] *= factors[c];
  }
}
