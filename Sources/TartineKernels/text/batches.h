// Gathers rows of the data set into a batch.

static void NAME(gather_floats)(const float *source, const int32_t *rows, size_t count, size_t columns,
                                void *out) {
  EACH(i, count) {
    const float *from = source + (size_t)rows[i] * columns;
    REAL *to = (REAL *)out + i * columns;
    EACH(c, columns) to[c] = (REAL)from[c];
  }
}

// Stored rows -> numbers as they are, categories one-hot, and bins: (x - start) * slope, held in 0 ... 1.
static void NAME(gather_encoded)(const float *source, const int32_t *rows, size_t count,
                                 const tartine_encoding *encoding, int32_t *ones, void *out) {
  const tartine_bins *bins = &encoding->bins;
  EACH(i, count) {
    const float *from = source + (size_t)rows[i] * encoding->stored;
    REAL *to = (REAL *)out + i * encoding->width;
    EACH(r, encoding->run_count) {
      const float *run = from + encoding->run_from[r];
      REAL *elements = to + encoding->run_to[r];
      EACH(c, (size_t)encoding->run_lengths[r]) elements[c] = (REAL)run[c];
    }
    EACH(k, encoding->category_count) {
      const int32_t place = (int32_t)from[encoding->category_columns[k]];
      const int32_t one = place < 0 ? -1 : encoding->category_starts[k] + place;
      if (ones) {
        int32_t *last = ones + i * encoding->category_count + k;
        if (*last >= 0) to[*last] = 0;
        *last = one;
      } else {
        memset(to + encoding->category_starts[k], 0, (size_t)encoding->category_lengths[k] * sizeof(REAL));
      }
      if (one >= 0) to[one] = 1;
    }
    to += encoding->width - bins->count;
    EACH(b, bins->count) {
      const float x = (from[bins->columns[b]] - bins->starts[b]) * bins->slopes[b];
      to[b] = (REAL)(x < 0 ? 0 : x > 1 ? 1 : x);
    }
  }
}

static void NAME(add_rows)(const int32_t *places, size_t rows, size_t count, size_t columns, const void *w,
                           size_t stride_w, void *out, size_t stride) {
  EACH(i, rows) {
    REAL *to = (REAL *)out + i * stride;
    EACH(k, count) {
      const int32_t place = places[i * count + k];
      if (place < 0) continue;
      const REAL *from = (const REAL *)w + (size_t)place * stride_w;
      EACH(c, columns) to[c] += from[c];
    }
  }
}

static void NAME(scatter_rows)(const int32_t *places, size_t rows, size_t count, size_t columns, size_t first,
                               size_t end, const void *g, size_t stride_g, void *out, size_t stride) {
  EACH(i, rows) {
    const REAL *from = (const REAL *)g + i * stride_g;
    EACH(k, count) {
      const int32_t place = places[i * count + k];
      if (place < (int32_t)first || place >= (int32_t)end) continue;
      REAL *to = (REAL *)out + ((size_t)place - first) * stride;
      EACH(c, columns) to[c] += from[c];
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
