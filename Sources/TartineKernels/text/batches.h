// Rows of the data set into a batch.

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
