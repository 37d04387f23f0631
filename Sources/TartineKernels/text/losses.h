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
