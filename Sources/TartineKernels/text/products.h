// Matrix products.
//
// A tile of C, TILE_ROWS rows by TILE_VECTORS vectors, stays in registers while k runs: each step loads one
// row of a panel of B, and multiplies it by one element of each row of A. A is read in place, and so is B,
// since its panel stays in the cache for all rows of A; a panel is copied where B is transposed, where its
// columns do not fill whole vectors, or where its rows are so far apart that they conflict in the cache. An
// element is the sum over k in order, in blocks that depend on k alone: for finite B it does not depend on
// what else is computed with it.
//
// Source: Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008.

#define LANES (VECTOR_BYTES / REAL_BYTES)
#define PANEL (TILE_VECTORS * LANES)
#define DEPTH 256                      // the size of a block of k: its panel, 48 KiB at most, is read from the first or second cache
#define HEIGHT (2048 / REAL_BYTES)     // rows of A in a block, which fits the second
#define AHEAD 16                       // rows of B that are prefetched while a panel is copied
#define FAR_APART (4096 / REAL_BYTES)  // rows on different pages

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES), aligned(REAL_BYTES), may_alias));

// Computes one tile. `a` advances by `row` from row to row and by `step` from k to k.
INLINE void NAME(tile)(const int rows, const int vectors, size_t k, const REAL *a, size_t row, size_t step,
                       const REAL *b, size_t stride_b, REAL *c, size_t stride_c, bool adding) {
  NAME(vector) sums[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __builtin_prefetch(c + r * stride_c + v * LANES, 1);
      sums[r][v] = (NAME(vector)){0};
    }
  for (size_t p = 0; p < k; p++) {
    NAME(vector) line[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) line[v] = *(const NAME(vector) *)(b + v * LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] += a[r * row] * line[v];
    a += step;
    b += stride_b;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      NAME(vector) *to = (NAME(vector) *)(c + r * stride_c + v * LANES);
      *to = adding ? *to + sums[r][v] : sums[r][v];
    }
}

typedef void (*NAME(tile_function))(size_t, const REAL *, size_t, size_t, const REAL *, size_t, REAL *, size_t, bool);

#define TILE(rows, vectors)                                                                                       \
  static __attribute__((noinline)) void NAME(tile_##rows##x##vectors)(                                            \
      size_t k, const REAL *a, size_t row, size_t step, const REAL *b, size_t stride_b, REAL *c, size_t stride_c, \
      bool adding) {                                                                                              \
    NAME(tile)(rows, vectors, k, a, row, step, b, stride_b, c, stride_c, adding);                                 \
  }
#if TILE_VECTORS == 3
#define TILES(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3)
#define TILES_OF(rows) {NAME(tile_##rows##x1), NAME(tile_##rows##x2), NAME(tile_##rows##x3)}
#else
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
#define TILES_OF(rows) {NAME(tile_##rows##x1), NAME(tile_##rows##x2)}
#endif
#if TILE_ROWS == 8
TILES(8)
#else
TILES(6)
#endif
TILES(4)
TILES(2)
TILES(1)

static const NAME(tile_function) NAME(tiles)[4][TILE_VECTORS] = {
#if TILE_ROWS == 8
    TILES_OF(8),
#else
    TILES_OF(6),
#endif
    TILES_OF(4), TILES_OF(2), TILES_OF(1)};

#undef TILE
#undef TILES
#undef TILES_OF

// Transposes a square of LANES by LANES: rows that are 1, 2, 4, … apart exchange halves.
#define FROM(l, d) ((l) & (d) ? LANES + (l) - (d) : (l))
#define UPTO(l, d) ((l) & (d) ? LANES + (l) : (l) + (d))
#if LANES == 2
#define EACH_LANE(F, d) F(0, d), F(1, d)
#elif LANES == 4
#define EACH_LANE(F, d) F(0, d), F(1, d), F(2, d), F(3, d)
#elif LANES == 8
#define EACH_LANE(F, d) F(0, d), F(1, d), F(2, d), F(3, d), F(4, d), F(5, d), F(6, d), F(7, d)
#else
#define EACH_LANE(F, d)                                                                                     \
  F(0, d), F(1, d), F(2, d), F(3, d), F(4, d), F(5, d), F(6, d), F(7, d), F(8, d), F(9, d), F(10, d), F(11, d), \
      F(12, d), F(13, d), F(14, d), F(15, d)
#endif
#define EXCHANGE(d)                                                                       \
  _Pragma("clang loop unroll(full)") for (int r = 0; r < LANES; r++) if (!(r & (d))) {    \
    NAME(vector) low = square[r], high = square[r + (d)];                                 \
    square[r] = __builtin_shufflevector(low, high, EACH_LANE(FROM, d));                   \
    square[r + (d)] = __builtin_shufflevector(low, high, EACH_LANE(UPTO, d));             \
  }

INLINE void NAME(transpose_square)(const REAL *from, size_t stride_from, REAL *to, size_t stride_to) {
  NAME(vector) square[LANES];
#pragma clang loop unroll(full)
  for (int r = 0; r < LANES; r++) square[r] = *(const NAME(vector) *)(from + r * stride_from);
  EXCHANGE(1)
#if LANES > 2
  EXCHANGE(2)
#endif
#if LANES > 4
  EXCHANGE(4)
#endif
#if LANES > 8
  EXCHANGE(8)
#endif
#pragma clang loop unroll(full)
  for (int r = 0; r < LANES; r++) *(NAME(vector) *)(to + r * stride_to) = square[r];
}

#undef FROM
#undef UPTO
#undef EACH_LANE
#undef EXCHANGE

// to[column][row] = from[row][column].
static void NAME(transpose)(const REAL *from, size_t rows, size_t columns, size_t stride_from, REAL *to,
                            size_t stride_to) {
  const size_t whole_rows = rows / LANES * LANES, whole_columns = columns / LANES * LANES;
  for (size_t r = 0; r < whole_rows; r += LANES)
    for (size_t c = 0; c < whole_columns; c += LANES)
      NAME(transpose_square)(from + r * stride_from + c, stride_from, to + c * stride_to + r, stride_to);
  EACH(r, rows)
    for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)
      to[c * stride_to + r] = from[r * stride_from + c];
}

// Copies some columns of B, at most a panel, as rows of whole vectors, padded with 0.
static void NAME(copy_panel)(bool transposed, const REAL *b, size_t stride_b, size_t k, size_t columns, REAL *panel) {
  const size_t padded = (columns + LANES - 1) / LANES * LANES;
  if (!transposed && columns == PANEL) {
    EACH(p, k) {
#pragma clang loop unroll(full)
      for (int v = 0; v < TILE_VECTORS; v++) {
        __builtin_prefetch(b + (p + AHEAD) * stride_b + v * LANES);
        *(NAME(vector) *)(panel + p * PANEL + v * LANES) = *(const NAME(vector) *)(b + p * stride_b + v * LANES);
      }
    }
    return;
  }
  if (transposed) NAME(transpose)(b, columns, k, stride_b, panel, PANEL);
  EACH(p, k) {
    if (!transposed) EACH(c, columns) panel[p * PANEL + c] = b[p * stride_b + c];
    for (size_t c = columns; c < padded; c++) panel[p * PANEL + c] = 0;
  }
}

// The columns of the next panel: all of it, but not if a single vector would be left, whose tile computes less than it loads.
INLINE size_t NAME(panel_columns)(size_t left) {
  if (TILE_VECTORS > 2 && left > PANEL && left <= PANEL + LANES) return PANEL - LANES;
  return left < PANEL ? left : PANEL;
}

// `step_c` is the stride from column to column of C: 1, or its true stride where C is computed transposed.
static void NAME(multiply)(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const REAL *all_a,
                           size_t stride_a, const REAL *all_b, size_t stride_b, bool accumulate, REAL *all_c,
                           size_t stride_c, size_t step_c) {
  _Alignas(64) REAL panel[DEPTH * PANEL], tile[TILE_ROWS * PANEL];
  const bool copies = transposed_b || (stride_b >= FAR_APART && m > 8 * TILE_ROWS);
  const size_t blocks = k == 0 ? 1 : (k + DEPTH - 1) / DEPTH;
  for (size_t top = 0; top < m; top += HEIGHT) {
    const size_t bottom = m - top < HEIGHT ? m : top + HEIGHT;
    for (size_t at = 0; at < blocks; at++) {
      const size_t start = at * k / blocks, depth = (at + 1) * k / blocks - start;
      const bool adding = accumulate || at > 0;
      for (size_t left = 0, columns; left < n; left += columns) {
        columns = NAME(panel_columns)(n - left);
        const size_t vectors = (columns + LANES - 1) / LANES;
        const bool is_whole = columns % LANES == 0;
        const REAL *b = all_b + (transposed_b ? left * stride_b + start : start * stride_b + left);
        size_t row_b = stride_b;
        if (copies || !is_whole) {
          NAME(copy_panel)(transposed_b, b, stride_b, depth, columns, panel);
          b = panel;
          row_b = PANEL;
        }
        for (size_t r = top, rows; r < bottom; r += rows) {
          const int kind = bottom - r >= TILE_ROWS ? 0 : bottom - r >= 4 ? 1 : bottom - r >= 2 ? 2 : 3;
          rows = kind == 0 ? TILE_ROWS : 8 >> kind;
          const REAL *a = all_a + (transposed_a ? start * stride_a + r : r * stride_a + start);
          const size_t row_a = transposed_a ? 1 : stride_a, step_a = transposed_a ? stride_a : 1;
          REAL *c = all_c + r * stride_c + left * step_c;
          const NAME(tile_function) run = NAME(tiles)[kind][vectors - 1];
          if (is_whole && step_c == 1) {
            run(depth, a, row_a, step_a, b, row_b, c, stride_c, adding);
            continue;
          }
          run(depth, a, row_a, step_a, b, row_b, tile, PANEL, false);
          EACH(i, rows) EACH(j, columns) {
            REAL *to = c + i * stride_c + j * step_c;
            *to = adding ? *to + tile[i * PANEL + j] : tile[i * PANEL + j];
          }
        }
      }
    }
  }
}

// One row of A: B is read once, row by row in place, and rows multiplied by zero are skipped. Half of a
// rectifier's outputs are zeros, and most pixels of a drawing, which outweighs any order of the sums. For
// finite B the result has the same bits as among other rows.
static void NAME(multiply_row)(size_t n, size_t k, const REAL *a, size_t step_a, const REAL *b, size_t stride_b,
                               bool accumulate, REAL *c) {
  enum { WIDTH = 1024 };
  const size_t blocks = k == 0 ? 1 : (k + DEPTH - 1) / DEPTH;
  for (size_t left = 0; left < n; left += WIDTH) {
    const size_t columns = n - left < WIDTH ? n - left : WIDTH;
    for (size_t at = 0; at < blocks; at++) {
      REAL sums[WIDTH], factors[DEPTH + 4];
      const REAL *lines[DEPTH + 4];
      size_t count = 0;
      for (size_t p = at * k / blocks; p < (at + 1) * k / blocks; p++) {
        factors[count] = a[p * step_a];
        lines[count] = b + p * stride_b + left;
        count += factors[count] != 0;
      }
      // Padded with the last row used: a skipped one might not be finite.
      for (; count % 4 != 0; count++) factors[count] = 0, lines[count] = lines[count - 1];
      EACH(j, columns) sums[j] = 0;
      for (size_t i = 0; i < count; i += 4) {
        const REAL *b0 = lines[i], *b1 = lines[i + 1], *b2 = lines[i + 2], *b3 = lines[i + 3];
        const REAL a0 = factors[i], a1 = factors[i + 1], a2 = factors[i + 2], a3 = factors[i + 3];
#pragma clang loop vectorize(assume_safety)
        EACH(j, columns) {
          REAL sum = sums[j];
          sum += a0 * b0[j];
          sum += a1 * b1[j];
          sum += a2 * b2[j];
          sum += a3 * b3[j];
          sums[j] = sum;
        }
      }
      EACH(j, columns) c[left + j] = accumulate || at > 0 ? c[left + j] + sums[j] : sums[j];
    }
  }
}

#include "sparse.h"

static void NAME(product)(bool transposed_a, bool transposed_b, size_t m, size_t n, size_t k, const void *a,
                          size_t stride_a, const void *b, size_t stride_b, bool accumulate, void *c, size_t stride_c) {
  if (m == 1 && !transposed_b) return NAME(multiply_row)(n, k, a, transposed_a ? stride_a : 1, b, stride_b, accumulate, c);
  if (n >= SPARSE_LEAST_COLUMNS && m * n * k >= SPARSE_LEAST_WORK &&
      NAME(is_sparse)(transposed_a ? k : m, transposed_a ? m : k, a, stride_a))
    return NAME(multiply_sparse)(transposed_a, transposed_b, m, n, k, a, stride_a, b, stride_b, accumulate, c, stride_c);
  // A few columns would leave most of each vector empty: their transpose, B' A', has long rows.
  if (2 * n <= LANES && m > n)
    NAME(multiply)(!transposed_b, !transposed_a, n, m, k, b, stride_b, a, stride_a, accumulate, c, 1, stride_c);
  else
    NAME(multiply)(transposed_a, transposed_b, m, n, k, a, stride_a, b, stride_b, accumulate, c, stride_c, 1);
}

#undef SPARSE_LEAST_COLUMNS
#undef SPARSE_LEAST_WORK
#undef LANES
#undef PANEL
#undef DEPTH
#undef HEIGHT
#undef AHEAD
#undef FAR_APART
