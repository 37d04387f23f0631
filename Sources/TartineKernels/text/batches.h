// Gathers rows of the data set into a batch.

static void NAME(gather_floats)(const float *source, const int32_t *rows, size_t count, size_t columns,
                                void *out) {
  EACH(i, count) {
    const float *from = source + (size_t)rows[i] * columns;
    REAL *to = (REAL *)out + i * columns;
    EACH(c, columns) to[c] = (REAL)from[c];
  }
}

// Appends each row's bins to its columns: (x - start) * slope, clipped to 0 ... 1.
static void NAME(gather_binned)(const float *source, const int32_t *rows, size_t count, size_t columns,
                                const tartine_bins *bins, void *out) {
  EACH(i, count) {
    const float *from = source + (size_t)rows[i] * columns;
    REAL *to = (REAL *)out + i * (columns + bins->count);
    EACH(c, columns) to[c] = (REAL)from[c];
    to += columns;
    EACH(b, bins->count) {
      const float x = (from[bins->columns[b]] - bins->starts[b]) * bins->slopes[b];
      to[b] = (REAL)(x < 0 ? 0 : x > 1 ? 1 : x);
    }
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
