// Layers that compute each row on its own: row norms, PReLU, periodic embeddings.

// Mean, 0 without centering, and 1 / √(mean square around it + ε) of a run, summed in Double in 16 lanes.
INLINE void NAME(run_statistics)(const REAL *x, size_t count, bool centers, double epsilon, REAL *mean, REAL *inverse) {
  double center = 0;
  if (centers) {
    double lanes[16] = {0};
    size_t c = 0;
    for (; c + 16 <= count; c += 16) EACH(l, 16) lanes[l] += (double)x[c + l];
    for (; c < count; c++) lanes[c % 16] += (double)x[c];
    EACH(l, 16) center += lanes[l];
    center /= (double)count;
  }
  double lanes[16] = {0}, squares = 0;
  size_t c = 0;
  for (; c + 16 <= count; c += 16)
    EACH(l, 16) lanes[l] += ((double)x[c + l] - center) * ((double)x[c + l] - center);
  for (; c < count; c++) lanes[c % 16] += ((double)x[c] - center) * ((double)x[c] - center);
  EACH(l, 16) squares += lanes[l];
  *mean = (REAL)center;
  *inverse = (REAL)(1 / __builtin_elementwise_sqrt(squares / (double)count + epsilon));
}

static void NAME(row_norm)(const tartine_row_norm *s) {
  const size_t size = s->columns / s->groups;
  EACH(r, s->rows) EACH(g, s->groups) {
    const REAL *x = (const REAL *)s->x + r * s->columns + g * size;
    const REAL *gamma = (const REAL *)s->gamma + g * size, *beta = (const REAL *)s->beta + g * size;
    REAL *y = (REAL *)s->y + r * s->columns + g * size;
    REAL *kept = (REAL *)s->statistics + 2 * (r * s->groups + g);
    NAME(run_statistics)(x, size, s->beta != NULL, s->epsilon, kept, kept + 1);
    const REAL mean = kept[0], inverse = kept[1];
    if (s->beta) {
#pragma clang loop vectorize(assume_safety)
      EACH(c, size) y[c] = (x[c] - mean) * inverse * gamma[c] + beta[c];
    } else {
#pragma clang loop vectorize(assume_safety)
      EACH(c, size) y[c] = x[c] * inverse * gamma[c];
    }
  }
}

static void NAME(row_norm_backward)(const tartine_row_norm *s) {
  const size_t size = s->columns / s->groups;
  EACH(r, s->rows) EACH(g, s->groups) {
    const size_t start = r * s->columns + g * size;
    const REAL *x = (const REAL *)s->x + start, *own = (const REAL *)s->y_gradient + start;
    const REAL *gamma = (const REAL *)s->gamma + g * size;
    REAL *gamma_gradient = (REAL *)s->gamma_gradient + g * size, *beta_gradient = NULL;
    const REAL *kept = (const REAL *)s->statistics + 2 * (r * s->groups + g);
    const REAL mean = kept[0], inverse = kept[1];
#pragma clang loop vectorize(assume_safety)
    EACH(c, size) gamma_gradient[c] += own[c] * ((x[c] - mean) * inverse);
    if (s->beta) {
      beta_gradient = (REAL *)s->beta_gradient + g * size;
#pragma clang loop vectorize(assume_safety)
      EACH(c, size) beta_gradient[c] += own[c];
    }
    if (!s->x_gradient) continue;
    double sums[16] = {0}, products[16] = {0}, sum = 0, product = 0;
    size_t c = 0;
    for (; c + 16 <= size; c += 16) EACH(l, 16) {
      const REAL scaled = own[c + l] * gamma[c + l];
      sums[l] += (double)scaled;
      products[l] += (double)(scaled * ((x[c + l] - mean) * inverse));
    }
    for (; c < size; c++) {
      const REAL scaled = own[c] * gamma[c];
      sums[c % 16] += (double)scaled;
      products[c % 16] += (double)(scaled * ((x[c] - mean) * inverse));
    }
    EACH(l, 16) sum += sums[l];
    EACH(l, 16) product += products[l];
    const REAL center = s->beta ? (REAL)(sum / (double)size) : 0, share = (REAL)(product / (double)size);
    REAL *below = (REAL *)s->x_gradient + start;
#pragma clang loop vectorize(assume_safety)
    EACH(k, size) below[k] = inverse * (own[k] * gamma[k] - center - (x[k] - mean) * inverse * share);
  }
}

// u where u > 0, else slope · u; written so that NaN passes through.
static void NAME(prelu)(const void *values, const void *slopes, size_t rows, size_t columns, void *out) {
  const REAL *slope = slopes;
  EACH(r, rows) {
    const REAL *x = (const REAL *)values + r * columns;
    REAL *y = (REAL *)out + r * columns;
#pragma clang loop vectorize(assume_safety)
    EACH(c, columns) y[c] = x[c] > 0 ? x[c] : slope[c] * x[c];
  }
}

static void NAME(prelu_backward)(const void *values, const void *gradients, const void *slopes, size_t rows,
                                 size_t columns, void *values_gradient, void *slopes_gradient) {
  const REAL *slope = slopes;
  REAL *sum = slopes_gradient;
  EACH(r, rows) {
    const REAL *x = (const REAL *)values + r * columns, *g = (const REAL *)gradients + r * columns;
#pragma clang loop vectorize(assume_safety)
    EACH(c, columns) sum[c] += x[c] > 0 ? 0 : g[c] * x[c];
    if (!values_gradient) continue;
    REAL *below = (REAL *)values_gradient + r * columns;
#pragma clang loop vectorize(assume_safety)
    EACH(c, columns) below[c] = x[c] > 0 ? g[c] : slope[c] * g[c];
  }
}

// cos and sin of 2π f x + b, for each f and b. The angle is divided into quarters of a turn around 0, where the
// series are short.
static void NAME(waves)(const void *frequencies, const void *phases, size_t count, double input, void *cosines,
                        void *sines) {
  const REAL *frequency = frequencies, *phase = phases;
  REAL *cosine = cosines, *sine = sines;
  const REAL x = (REAL)input, turn = (REAL)6.28318530717958647692;
  const REAL shift = (REAL)(IS_DOUBLE ? 6755399441055744.0 : 12582912.0);  // 1.5 · 2^mantissa
#pragma clang loop vectorize(assume_safety)
  EACH(i, count) {
    const REAL angle = frequency[i] * x + phase[i] / turn;  // in turns
    const REAL shifted = angle * 4 + shift;
    BITS quarter;
    __builtin_memcpy(&quarter, &shifted, sizeof shifted);
    const REAL t = (angle - (shifted - shift) / 4) * turn, q = t * t;
    REAL s = (REAL)(-1.0 / 39916800.0), c = (REAL)(-1.0 / 3628800.0);
    if (IS_DOUBLE) {
      s = (REAL)(1.0 / 355687428096000.0);
      s = s * q - (REAL)(1.0 / 1307674368000.0);
      s = s * q + (REAL)(1.0 / 6227020800.0);
      s = s * q - (REAL)(1.0 / 39916800.0);
      c = (REAL)(1.0 / 20922789888000.0);
      c = c * q - (REAL)(1.0 / 87178291200.0);
      c = c * q + (REAL)(1.0 / 479001600.0);
      c = c * q - (REAL)(1.0 / 3628800.0);
    }
    s = s * q + (REAL)(1.0 / 362880.0);
    s = s * q - (REAL)(1.0 / 5040.0);
    s = s * q + (REAL)(1.0 / 120.0);
    s = s * q - (REAL)(1.0 / 6.0);
    s = t + t * (q * s);
    c = c * q + (REAL)(1.0 / 40320.0);
    c = c * q - (REAL)(1.0 / 720.0);
    c = c * q + (REAL)(1.0 / 24.0);
    c = 1 + q * (c * q - (REAL)0.5);
    const REAL first = quarter & 1 ? s : c, second = quarter & 1 ? c : s;
    cosine[i] = (quarter + 1) & 2 ? -first : first;
    sine[i] = quarter & 2 ? -second : second;
  }
}
