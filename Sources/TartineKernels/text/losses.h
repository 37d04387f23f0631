// Outputs and losses, from logits.

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

// -(1 - p)^γ log p of the true answer's probability p; its derivative by a logit is slope · (1{true} - p of that logit).
INLINE double NAME(focal)(double log_p, double gamma, double *slope) {
  double p = __builtin_exp(log_p), q = 1 - p;
  double power = __builtin_pow(q, gamma);
  *slope = (q > 0 ? gamma * __builtin_pow(q, gamma - 1) * p * log_p : 0) - power;
  return -power * log_p;
}

static void NAME(softmax_loss)(const tartine_loss *l, void *logits, const int32_t *labels, const void *weights,
                               size_t rows, size_t columns, double batch, double *losses) {
  const REAL *weight = weights;
  EACH(r, rows) {
    REAL *row = (REAL *)logits + r * columns, maximum;
    const double w = weight ? (double)weight[r] : 1;
    const double own = (double)row[labels[r]];
    double sum = 0;
    if (l->smoothing > 0) EACH(c, columns) sum += (double)row[c];
    REAL total = NAME(exponentials)(row, columns, &maximum);
    const double normalizer = __builtin_log((double)total) + (double)maximum;
    double slope = -1, off = 0;  // of the true answer's and every logit's derivative
    if (l->kind == TARTINE_FOCAL) {
      losses[r] = w * NAME(focal)(own - normalizer, l->parameter, &slope);
    } else {
      losses[r] = w * (normalizer - (1 - l->smoothing) * own - l->smoothing * sum / (double)columns);
      off = l->smoothing / (double)columns;
    }
    const double fraction = w / batch;
    const REAL scale = (REAL)(-slope * fraction) / total, shift = (REAL)(off * fraction);
    EACH(c, columns) row[c] = row[c] * scale - shift;
    row[labels[r]] += (REAL)(slope * fraction * (1 - l->smoothing));
  }
}

static void NAME(sigmoid)(void *logits, size_t count) {
  REAL *x = logits;
  EACH(i, count) x[i] = NAME(logistic)(x[i]);
}

static void NAME(sigmoid_loss)(const tartine_loss *l, void *logits, const void *targets, const void *weights,
                               size_t rows, size_t columns, double batch, double *losses) {
  const REAL *weight = weights;
  EACH(r, rows) {
    REAL *row = (REAL *)logits + r * columns;
    const REAL *target = (const REAL *)targets + r * columns;
    const double w = weight ? (double)weight[r] : 1;
    const REAL fraction = (REAL)(w / batch);
    double loss = 0;
    EACH(c, columns) {
      double z = (double)row[c];
      if (l->kind == TARTINE_FOCAL) {
        // As if yes were the answer; the other way round all signs change.
        double sign = target[c] > (REAL)0.5 ? 1 : -1, slope;
        double u = sign * z;
        double log_p = -((u < 0 ? -u : 0) + __builtin_log1p(__builtin_exp(-__builtin_fabs(u))));
        loss += NAME(focal)(log_p, l->parameter, &slope);
        row[c] = (REAL)(sign * slope * (1 - __builtin_exp(log_p))) * fraction;
      } else {
        REAL smooth = target[c] + (REAL)l->smoothing * ((REAL)0.5 - target[c]);
        // max(z, 0) - z y + log(1 + e^-|z|)
        loss += (z > 0 ? z : 0) - z * (double)smooth + __builtin_log1p(__builtin_exp(-__builtin_fabs(z)));
        row[c] = (NAME(logistic)(row[c]) - smooth) * fraction;
      }
    }
    losses[r] = w * loss;
  }
}

static void NAME(exponential)(void *logits, size_t count) {
  REAL *x = logits;
  EACH(i, count) x[i] = NAME(exp)(x[i]);
}

// The loss of one number, and its derivative.
INLINE double NAME(number_loss)(const tartine_loss *l, double a, double y, double *derivative) {
  double d = a - y, size = __builtin_fabs(d), p = l->parameter;
  double sign = d > 0 ? 1 : d < 0 ? -1 : d;
  switch (l->kind) {
    case TARTINE_ABSOLUTE:
      *derivative = sign;
      return size;
    case TARTINE_HUBER:
      *derivative = size <= p ? d : p * sign;
      return size <= p ? 0.5 * d * d : p * (size - 0.5 * p);
    case TARTINE_QUANTILE:
      *derivative = d > 0 ? 1 - p : d < 0 ? -p : d;
      return d > 0 ? (1 - p) * d : -p * d;
    case TARTINE_POISSON: {
      double rate = __builtin_exp(a);
      *derivative = rate - y;
      return rate - y * a;
    }
    default:
      *derivative = d;
      return 0.5 * d * d;
  }
}

static void NAME(regression_loss)(const tartine_loss *l, void *outputs, const void *targets, const void *weights,
                                  size_t rows, size_t columns, double batch, double *losses) {
  const REAL *weight = weights;
  EACH(r, rows) {
    REAL *row = (REAL *)outputs + r * columns;
    const REAL *target = (const REAL *)targets + r * columns;
    const double w = weight ? (double)weight[r] : 1;
    double loss = 0, derivative;
    EACH(c, columns) {
      loss += NAME(number_loss)(l, (double)row[c], (double)target[c], &derivative);
      row[c] = (REAL)(derivative * (w / batch));
    }
    losses[r] = w * loss;
  }
}
