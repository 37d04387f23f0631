// Dropout masks and normal numbers, from Philox.

#define LANES 8
#define FIELDS 64  // 16-bit fields of LANES Philox blocks: the columns that one call covers
#define GROUPS 4   // of LANES blocks at once, so that one's latency hides behind another's

// Philox on GROUPS of LANES counters (block + lane, row, step, purpose): each group is for the next row, or,
// where `is_one_row`, for the next blocks. Word w of block b is words[w][b]. A word is stored in 64 bits,
// like products.
INLINE void NAME(random_words)(const tartine_stream *stream, uint32_t block, uint32_t row, const bool is_one_row,
                               uint32_t words[4][GROUPS * LANES]) {
  const uint64_t low = 0xFFFFFFFFu;
  uint64_t c0[GROUPS * LANES], c1[GROUPS * LANES], c2[GROUPS * LANES], c3[GROUPS * LANES];
  EACH(b, GROUPS * LANES) {
    c0[b] = (uint32_t)(block + (is_one_row ? b : b % LANES));
    c1[b] = (uint32_t)(row + (is_one_row ? 0 : b / LANES));
    c2[b] = stream->step;
    c3[b] = stream->purpose;
  }
  uint64_t k0 = stream->key[0], k1 = stream->key[1];
#pragma clang loop unroll(full)
  for (int round = 0; round < 10; round++) {
    EACH(b, GROUPS * LANES) {
      const uint64_t p = (c0[b] & low) * 0xD2511F53u, q = (c2[b] & low) * 0xCD9E8D57u;
      c0[b] = (q >> 32) ^ c1[b] ^ k0;
      c1[b] = q & low;
      c2[b] = (p >> 32) ^ c3[b] ^ k1;
      c3[b] = p & low;
    }
    k0 = (k0 + 0x9E3779B9u) & low;
    k1 = (k1 + 0xBB67AE85u) & low;
  }
  EACH(b, GROUPS * LANES) {
    words[0][b] = (uint32_t)c0[b];
    words[1][b] = (uint32_t)c1[b];
    words[2][b] = (uint32_t)c2[b];
    words[3][b] = (uint32_t)c3[b];
  }
}

// The masks of at most GROUPS rows: column c uses field c mod 64 of block c / 64, in whichever part it is
// computed.
static void NAME(mask_rows)(const tartine_sweep *s, size_t row, size_t rows) {
  size_t c = 0;
  while (c < s->columns) {
    const size_t column = s->first_column + c, offset = column % FIELDS;
    const size_t count = FIELDS - offset < s->columns - c ? FIELDS - offset : s->columns - c;
    uint32_t words[4][GROUPS * LANES];
    NAME(random_words)(&s->stream, (uint32_t)(column / FIELDS * LANES), (uint32_t)row, false, words);
    EACH(r, rows) {
      uint16_t fields[FIELDS];
      EACH(w, 4) EACH(l, LANES) {
        fields[(2 * w) * LANES + l] = (uint16_t)words[w][r * LANES + l];
        fields[(2 * w + 1) * LANES + l] = (uint16_t)(words[w][r * LANES + l] >> 16);
      }
      uint8_t *mask = s->mask + (row + r) * s->stride + c;
      EACH(i, count) mask[i] = fields[offset + i] < s->keep;
    }
    c += count;
  }
}

// ln x of a normal x > 0: with x = m 2^e, m near 1, it is e ln 2 + 2 artanh((m - 1) / (m + 1)).
INLINE float NAME(logarithm)(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const uint32_t half_root = 0x3F3504F3;  // of 1/2
  const int32_t exponent = (int32_t)(bits - half_root) >> 23;
  bits -= (uint32_t)exponent << 23;
  float m;
  __builtin_memcpy(&m, &bits, sizeof m);
  const float s = (m - 1) / (m + 1), q = s * s;
  const float series = 1 + q * (1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9))));
  return (float)exponent * 0.693147180559945309f + 2 * s * series;
}

// Box and Muller: two uniform words to two normal numbers. An angle is divided into quarters, and each into
// -1/8 ... 1/8 of a turn, where the series of sine and cosine are short.
INLINE void NAME(normal_pair)(uint32_t first, uint32_t second, float *x, float *y) {
  const float radius = __builtin_elementwise_sqrt(-2 * NAME(logarithm)(((float)first + 0.5f) * 0x1p-32f));
  const uint32_t quarter = (second + 0x20000000u) >> 30;
  const float t = (float)(int32_t)(second - (quarter << 30)) * (6.28318530717958648f * 0x1p-32f), q = t * t;
  const float sine = t * (1 + q * (-1.0f / 6 + q * (1.0f / 120 + q * (-1.0f / 5040 + q / 362880))));
  const float cosine = 1 + q * (-1.0f / 2 + q * (1.0f / 24 + q * (-1.0f / 720 + q / 40320)));
  const float c = quarter & 1 ? sine : cosine, s = quarter & 1 ? cosine : sine;
  *x = radius * ((quarter + 1) & 2 ? -c : c);
  *y = radius * (quarter & 2 ? -s : s);
}

enum { NAME(normals_at_once) = 4 * GROUPS * LANES };

// Normal numbers from index `done` on, in multiples of a group's size.
INLINE void NAME(draw_normals)(const tartine_stream *stream, uint32_t row, size_t done, float *drawn) {
  enum { BLOCKS = GROUPS * LANES };
  uint32_t words[4][BLOCKS];
  NAME(random_words)(stream, (uint32_t)(done / 4), row, true, words);
  EACH(b, BLOCKS) NAME(normal_pair)(words[0][b], words[1][b], drawn + b, drawn + BLOCKS + b);
  EACH(b, BLOCKS) NAME(normal_pair)(words[2][b], words[3][b], drawn + 2 * BLOCKS + b, drawn + 3 * BLOCKS + b);
}

static void NAME(normals)(const tartine_stream *stream, uint32_t row, size_t count, double deviation, void *out) {
  for (size_t done = 0; done < count; done += NAME(normals_at_once)) {
    float drawn[NAME(normals_at_once)];
    NAME(draw_normals)(stream, row, done, drawn);
    const size_t left = count - done < NAME(normals_at_once) ? count - done : NAME(normals_at_once);
    EACH(i, left) ((REAL *)out)[done + i] = (REAL)drawn[i] * (REAL)deviation;
  }
}

// Normal numbers, computed in Float for either precision.
INLINE void NAME(float_normals)(const tartine_stream *stream, uint32_t row, size_t count, float deviation, float *out) {
  for (size_t done = 0; done < count; done += NAME(normals_at_once)) {
    float drawn[NAME(normals_at_once)];
    NAME(draw_normals)(stream, row, done, drawn);
    const size_t left = count - done < NAME(normals_at_once) ? count - done : NAME(normals_at_once);
    EACH(i, left) out[done + i] = drawn[i] * deviation;
  }
}
