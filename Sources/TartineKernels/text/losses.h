// Outputs and losses, from logits.

// Shifts a row by its maximum, takes exponentials, and returns their sum.
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

// -(1 - p)^γ log p for the true class's probability p; its derivative by a logit is slope · (1{true} - p of
// that logit).
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
    // The row's own class, and with mixup the next row's, each weighted with its row's weight.
    const int answers = l->mix < 1 ? 2 : 1;
    const double shares[2] = {l->mix * (weight ? (double)weight[r] : 1),
                              answers > 1 ? (1 - l->mix) * (weight ? (double)weight[r + 1] : 1) : 0};
    const double own[2] = {(double)row[labels[r]], answers > 1 ? (double)row[labels[r + 1]] : 0};
    double sum = 0;
    if (l->smoothing > 0) EACH(c, columns) sum += (double)row[c];
    REAL total = NAME(exponentials)(row, columns, &maximum);
    const double normalizer = __builtin_log((double)total) + (double)maximum;
    double slopes[2] = {-1, -1}, off = 0;  // factors of the derivatives by the true classes' and by every logit
    losses[r] = 0;
    EACH(k, answers) {
      double loss;
      if (l->kind == TARTINE_FOCAL) {
        loss = NAME(focal)(own[k] - normalizer, l->parameter, &slopes[k]);
      } else {
        loss = normalizer - (1 - l->smoothing) * own[k] - l->smoothing * sum / (double)columns;
        off = l->smoothing / (double)columns;
      }
      losses[r] += shares[k] * loss;
    }
    const double slope = shares[0] * slopes[0] + shares[1] * slopes[1], w = shares[0] + shares[1];
    const REAL scale = (REAL)(-slope / batch) / total, shift = (REAL)(off * w / batch);
    EACH(c, columns) row[c] = row[c] * scale - shift;
    EACH(k, answers) row[labels[r + k]] += (REAL)(shares[k] * slopes[k] / batch * (1 - l->smoothing));
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
        // The loss of a positive label, and of a negative one with all signs changed; a mixed label is a
        // combination of both.
        double gradient = 0;
        for (int sign = -1; sign <= 1; sign += 2) {
          const double share = sign > 0 ? (double)target[c] : 1 - (double)target[c];
          if (share <= 0) continue;
          double u = sign * z, slope;
          double log_p = -((u < 0 ? -u : 0) + __builtin_log1p(__builtin_exp(-__builtin_fabs(u))));
          loss += share * NAME(focal)(log_p, l->parameter, &slope);
          gradient += share * sign * slope * (1 - __builtin_exp(log_p));
        }
        row[c] = (REAL)gradient * fraction;
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
