// Products with a mostly zero A: one-hot columns, the empty part of an image, activations after ReLU and
// dropout.
//
// The nonzero positions of some rows of A are listed. Some rows of a panel of B, which together fit the
// first-level cache, are copied if they are used often enough, or are not laid out as needed; then some
// vectors of a row of C stay in registers while its list is processed: each step loads those of one row of
// the panel, and multiplies them by one element. The skipped terms would add 0, so for finite B the bits are
// those of the other products, except for the sign of a 0 that results from underflow.

#define SPARSE_VECTORS 8                                // of a panel
#define SPARSE_PANEL (SPARSE_VECTORS * LANES)
#define SPARSE_ROWS (256 / REAL_BYTES)                  // of A, for which a panel is copied
#define NEAR (32768 / (SPARSE_VECTORS * VECTOR_BYTES))  // rows of a panel that stay in the first cache
#define NEAR_PARTS (DEPTH / NEAR)
#define WORTH_A_COPY 10                                 // the least number of times that a row of B is read
#define LOOKED_AT 8                                     // rows from which it is judged whether A is sparse
#define SPARSE_LEAST_COLUMNS (2 * LANES)                // fewer, or less work, are not worth the look
#define SPARSE_LEAST_WORK (1 << 16)

typedef bool NAME(mask) __attribute__((ext_vector_type(8)));
typedef BITS NAME(eight) __attribute__((vector_size(8 * REAL_BYTES), aligned(REAL_BYTES), may_alias));

// The nonzero positions, below 256, of some rows of A: for each row those of each NEAR rows of B, relative to
// the first.
typedef struct {
  uint8_t places[SPARSE_ROWS][DEPTH];
  uint16_t ends[SPARSE_ROWS][NEAR_PARTS + 1];
} NAME(sparse_lists);

// The nonzero positions below `count`, in order. Eight at once: the bits of a mask are looked up in a table,
// without branches, and entries written past the found ones are overwritten by the next eight.
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

// Whether at most 45 % of A is nonzero, from a sample of its rows: above that the other products are as fast.
static bool NAME(is_sparse)(size_t rows, size_t columns, const REAL *a, size_t stride) {
  const size_t looks = rows < LOOKED_AT ? rows : LOOKED_AT;
  BITS there = 0;
  EACH(i, looks) {
    const REAL *line = a + i * rows / looks * stride;
    EACH(c, columns) there += line[c] != 0;
  }
  return 20 * (size_t)there <= 9 * looks * columns;
}

// Some vectors of a row of C: its sums continue from `from`, or from 0.
typedef struct {
  const uint8_t *places;
  size_t count;
  const REAL *a, *from;
  REAL *to;
} NAME(sparse_row);

// Some rows at once, so that enough sums are under way to hide the latency of an addition.
INLINE void NAME(sparse_sums)(const int vectors, const int count, const NAME(sparse_row) *rows, const REAL *b, size_t stride_b,
                              bool adding) {
  NAME(vector) sums[4][SPARSE_VECTORS];
  size_t common = rows[0].count;
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    if (rows[r].count < common) common = rows[r].count;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      sums[r][v] = rows[r].from ? *(const NAME(vector) *)(rows[r].from + v * LANES) : (NAME(vector)){0};
  }
#define ADD(r, i)                                                                        \
  {                                                                                      \
    const size_t place = rows[r].places[i];                                              \
    const REAL factor = rows[r].a[place], *line = b + place * stride_b;                  \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) sums[r][v] +=   \
        factor * *(const NAME(vector) *)(line + v * LANES);                              \
  }
  EACH(i, common) {
#pragma clang loop unroll(full)
    for (int r = 0; r < count; r++) ADD(r, i)
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    for (size_t i = common; i < rows[r].count; i++) ADD(r, i)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      NAME(vector) *out = (NAME(vector) *)(rows[r].to + v * LANES);
      *out = adding ? *out + sums[r][v] : sums[r][v];
    }
  }
#undef ADD
}

INLINE void NAME(copy_sparse_panel)(const int vectors, bool transposed, const REAL *b, size_t stride_b, size_t k, size_t columns,
                                    REAL *panel) {
  if (transposed) {
    NAME(transpose)(b, columns, k, stride_b, panel, SPARSE_PANEL);
  } else if (columns == (size_t)vectors * LANES) {
    EACH(p, k) {
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        *(NAME(vector) *)(panel + p * SPARSE_PANEL + v * LANES) = *(const NAME(vector) *)(b + p * stride_b + v * LANES);
    }
  } else {
    EACH(p, k) EACH(c, columns) panel[p * SPARSE_PANEL + c] = b[p * stride_b + c];
  }
  EACH(p, k) for (size_t c = columns; c < (size_t)vectors * LANES; c++) panel[p * SPARSE_PANEL + c] = 0;
}

// A panel of C's columns, for rows whose positions are listed. `b` is the panel's first element in its block
// of k.
INLINE void NAME(sparse_panel)(const int vectors, const NAME(sparse_lists) *lists, size_t rows, size_t depth, size_t columns,
                               const REAL *a, size_t stride_a, bool transposed_b, const REAL *b, size_t stride_b, REAL *c,
                               size_t stride_c, bool adding) {
  _Alignas(64) REAL panel[NEAR * SPARSE_PANEL], sums[SPARSE_ROWS * SPARSE_PANEL];
  const size_t parts = (depth + NEAR - 1) / NEAR;
  const bool is_whole = columns == (size_t)vectors * LANES;
  EACH(part, parts) {
    const size_t low = part * NEAR, near = depth - low < NEAR ? depth - low : NEAR;
    const bool is_last = part + 1 == parts;
    size_t reads = 0;
    EACH(r, rows) reads += lists->ends[r][part + 1] - lists->ends[r][part];
    const REAL *lines = b + low * (transposed_b ? 1 : stride_b);
    size_t stride = stride_b;
    if (transposed_b || !is_whole || reads > WORTH_A_COPY * near) {
      NAME(copy_sparse_panel)(vectors, transposed_b, lines, stride_b, near, columns, panel);
      lines = panel;
      stride = SPARSE_PANEL;
    }
    const bool is_done = is_last && is_whole;
    const int at_once = vectors > SPARSE_VECTORS / 2 ? 1 : vectors > SPARSE_VECTORS / 4 ? 2 : 4;
    NAME(sparse_row) listed[SPARSE_ROWS];
    EACH(r, rows) {
      const size_t first = lists->ends[r][part], count = lists->ends[r][part + 1] - first;
      REAL *so_far = sums + r * SPARSE_PANEL;
      listed[r] = (NAME(sparse_row)){lists->places[r] + first, count, a + r * stride_a + low, part > 0 ? so_far : NULL,
                                     is_done ? c + r * stride_c : so_far};
    }
    size_t r = 0;
    for (; r + at_once <= rows; r += at_once)
      NAME(sparse_sums)(vectors, at_once, listed + r, lines, stride, is_done && adding);
    for (; r < rows; r++) NAME(sparse_sums)(vectors, 1, listed + r, lines, stride, is_done && adding);
    if (!is_last || is_whole) continue;
    EACH(i, rows) EACH(j, columns) {
      REAL *to = c + i * stride_c + j;
      *to = adding ? *to + sums[i * SPARSE_PANEL + j] : sums[i * SPARSE_PANEL + j];
    }
  }
}

static __attribute__((noinline)) void NAME(multiply_sparse)(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k,
                                                            const REAL *a, size_t stride_a, const REAL *b, size_t stride_b,
                                                            bool accumulate, REAL *c, size_t stride_c) {
  _Alignas(64) REAL turned[SPARSE_ROWS * DEPTH];
  NAME(sparse_lists) lists;
  const size_t blocks = (k + DEPTH - 1) / DEPTH;
  EACH(at, blocks) {
    const size_t start = at * k / blocks, depth = (at + 1) * k / blocks - start;
    for (size_t top = 0; top < m; top += SPARSE_ROWS) {
      const size_t rows = m - top < SPARSE_ROWS ? m - top : SPARSE_ROWS;
      const REAL *factors = a + top * stride_a + start;
      size_t stride = stride_a;
      if (transposed_a) {
        NAME(transpose)(a + start * stride_a + top, depth, rows, stride_a, turned, DEPTH);
        factors = turned;
        stride = DEPTH;
      }
      EACH(r, rows) {
        uint16_t *ends = lists.ends[r];
        ends[0] = 0;
        for (size_t low = 0, part = 0; low < depth; low += NEAR, part++)
          ends[part + 1] = ends[part] + (uint16_t)NAME(list_places)(factors + r * stride + low,
                                                                   depth - low < NEAR ? depth - low : NEAR,
                                                                   lists.places[r] + ends[part]);
      }
      for (size_t left = 0; left < n; left += SPARSE_PANEL) {
        const size_t columns = n - left < SPARSE_PANEL ? n - left : SPARSE_PANEL;
        const REAL *panel = b + (transposed_b ? left * stride_b + start : start * stride_b + left);
#define PANEL_OF(vectors)                                                                                              \
  case vectors:                                                                                                        \
    NAME(sparse_panel)(vectors, &lists, rows, depth, columns, factors, stride, transposed_b, panel, stride_b,          \
                       c + top * stride_c + left, stride_c, accumulate || at > 0);                                     \
    break;
        switch ((columns + LANES - 1) / LANES) {
          PANEL_OF(1) PANEL_OF(2) PANEL_OF(3) PANEL_OF(4) PANEL_OF(5) PANEL_OF(6) PANEL_OF(7) PANEL_OF(8)
        }
#undef PANEL_OF
      }
    }
  }
}

#undef SPARSE_VECTORS
#undef SPARSE_PANEL
#undef SPARSE_ROWS
#undef NEAR
#undef NEAR_PARTS
#undef WORTH_A_COPY
#undef LOOKED_AT
