// One sweep over the parameters a step.

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
