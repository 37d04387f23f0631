// Products whose A is mostly zeros: one-hot columns, the empty part of a picture, units that a rectifier and dropout leave.
//
// The places of a row of A that are not 0 are listed; some vectors of a row of C then stay in registers while the list runs:
// each step loads those of one row of B, and multiplies them by one element. What is left out would add 0, so that where B is
// finite the bits are those of the other products, but for the sign of a 0 that came of numbers too small.

#define SPARSE_ROWS 16  // of a transposed A, that are turned at once
#define SPARSE_VECTORS 8  // at most
#define LOOKED_AT 8                       // rows from which it is judged whether A is sparse
#define SPARSE_LEAST_COLUMNS (2 * LANES)  // fewer, or less work, are not worth the look
#define SPARSE_LEAST_WORK (1 << 16)

typedef bool NAME(mask) __attribute__((ext_vector_type(8)));
typedef BITS NAME(eight) __attribute__((vector_size(8 * REAL_BYTES), aligned(REAL_BYTES), may_alias));

// The places below `count`, at most 256, that are not 0, in order. Eight at once: what a mask's bits are is looked up, which no
// branch has to guess, and what is written past those found lies below the next eight's own.
static size_t NAME(list_places)(const REAL *a, size_t count, uint8_t *places) {
  size_t found = 0, p = 0;
  for (; p + 8 <= count; p += 8) {
    const NAME(mask) there = __builtin_convertvector(*(const NAME(eight) *)(a + p) << 1 != 0, NAME(mask));
    uint8_t bits;
    __builtin_memcpy(&bits, &there, 1);
    const uint64_t listed = places_of[bits] + p * 0x0101010101010101u;
    __builtin_memcpy(places + found, &listed, 8);
    found += (size_t)__builtin_popcount(bits);
  }
  for (; p < count; p++) {
    places[found] = (uint8_t)p;
    found += a[p] != 0;
  }
  return found;
}

// Whether at most three tenths of A are not 0, from some of its rows as they are stored: with more of
// them the other products are as fast.
static bool NAME(is_sparse)(size_t rows, size_t columns, const REAL *a, size_t stride) {
  const size_t looks = rows < LOOKED_AT ? rows : LOOKED_AT;
  BITS there = 0;
  EACH(i, looks) {
    const REAL *line = a + i * rows / looks * stride;
    EACH(c, columns) there += line[c] != 0;
  }
  return 10 * (size_t)there <= 3 * looks * columns;
}

INLINE void NAME(sparse_vectors)(const int vectors, const uint8_t *places, size_t count, const REAL *a, const REAL *b,
                                 size_t stride_b, REAL *c, bool adding) {
  NAME(vector) sums[SPARSE_VECTORS];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) sums[v] = (NAME(vector)){0};
  EACH(i, count) {
    const REAL factor = a[places[i]];
    const REAL *line = b + places[i] * stride_b;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[v] += factor * *(const NAME(vector) *)(line + v * LANES);
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    NAME(vector) *to = (NAME(vector) *)(c + v * LANES);
    *to = adding ? *to + sums[v] : sums[v];
  }
}

// The last columns, fewer than a vector: as a whole vector that ends with them.
static void NAME(sparse_end)(size_t columns, const uint8_t *places, size_t count, const REAL *a, const REAL *b,
                             size_t stride_b, REAL *c, bool adding) {
  const size_t before = LANES - columns;
  REAL sums[LANES];
  NAME(sparse_vectors)(1, places, count, a, b - before, stride_b, sums, false);
  EACH(j, columns) c[j] = adding ? c[j] + sums[before + j] : sums[before + j];
}

// At least one vector of columns.
static void NAME(sparse_row)(size_t n, const uint8_t *places, size_t count, const REAL *a, const REAL *b, size_t stride_b,
                             REAL *c, bool adding) {
  size_t j = 0;
#define WHILE_LEFT(vectors)                                                                   \
  for (; j + vectors * LANES <= n; j += vectors * LANES)                                      \
    NAME(sparse_vectors)(vectors, places, count, a, b + j, stride_b, c + j, adding);
  WHILE_LEFT(8) WHILE_LEFT(4) WHILE_LEFT(2) WHILE_LEFT(1)
#undef WHILE_LEFT
  if (j < n) NAME(sparse_end)(n - j, places, count, a, b + j, stride_b, c + j, adding);
}

static void NAME(multiply_sparse)(bool transposed_a, size_t m, size_t n, size_t k, const REAL *a, size_t stride_a,
                                  const REAL *b, size_t stride_b, bool accumulate, REAL *c, size_t stride_c) {
  _Alignas(64) REAL turned[SPARSE_ROWS * DEPTH];
  uint8_t places[DEPTH];
  const size_t blocks = (k + DEPTH - 1) / DEPTH;
  EACH(at, blocks) {
    const size_t start = at * k / blocks, depth = (at + 1) * k / blocks - start;
    for (size_t top = 0; top < m; top += SPARSE_ROWS) {
      const size_t rows = m - top < SPARSE_ROWS ? m - top : SPARSE_ROWS;
      const REAL *from = a + top * stride_a + start;
      if (transposed_a) {
        NAME(transpose)(a + start * stride_a + top, depth, rows, stride_a, turned, DEPTH);
        from = turned;
      }
      EACH(r, rows) {
        const REAL *row = from + r * (transposed_a ? DEPTH : stride_a);
        const size_t count = NAME(list_places)(row, depth, places);
        NAME(sparse_row)(n, places, count, row, b + start * stride_b, stride_b, c + (top + r) * stride_c,
                         accumulate || at > 0);
      }
    }
  }
}

#undef SPARSE_ROWS
#undef SPARSE_VECTORS
#undef LOOKED_AT
