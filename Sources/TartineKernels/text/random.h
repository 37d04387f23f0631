// Dropout masks and normal numbers, from Philox.

#define LANES 8
#define FIELDS 64  // 16-bit fields of LANES Philox blocks: the columns that one call decides

// Philox on LANES counters at once: (block · LANES + lane, row, step, purpose). Word w of lane l is words[w][l].
INLINE void NAME(random_words)(const tartine_stream *stream, uint32_t block, uint32_t row,
                               uint32_t words[4][LANES]) {
  uint32_t *c0 = words[0], *c1 = words[1], *c2 = words[2], *c3 = words[3];
  EACH(l, LANES) {
    c0[l] = block * LANES + (uint32_t)l;
    c1[l] = row;
    c2[l] = stream->step;
    c3[l] = stream->purpose;
  }
  uint32_t k0 = stream->key[0], k1 = stream->key[1];
  for (int round = 0; round < 10; round++) {
    EACH(l, LANES) {
      uint64_t p = (uint64_t)c0[l] * 0xD2511F53u, q = (uint64_t)c2[l] * 0xCD9E8D57u;
      uint32_t n0 = (uint32_t)(q >> 32) ^ c1[l] ^ k0, n2 = (uint32_t)(p >> 32) ^ c3[l] ^ k1;
      c0[l] = n0;
      c1[l] = (uint32_t)q;
      c2[l] = n2;
      c3[l] = (uint32_t)p;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

INLINE void NAME(random_fields)(const tartine_stream *stream, uint32_t block, uint32_t row,
                                uint16_t *fields) {
  uint32_t words[4][LANES];
  NAME(random_words)(stream, block, row, words);
  EACH(w, 4) EACH(l, LANES) {
    fields[(2 * w) * LANES + l] = (uint16_t)words[w][l];
    fields[(2 * w + 1) * LANES + l] = (uint16_t)(words[w][l] >> 16);
  }
}

// The mask of one row: column c takes field c mod 64 of block c / 64, whatever part it is asked in.
static void NAME(mask_row)(const tartine_sweep *s, size_t row, uint8_t *mask) {
  size_t c = 0;
  while (c < s->columns) {
    size_t column = s->first_column + c, offset = column % FIELDS;
    size_t count = FIELDS - offset < s->columns - c ? FIELDS - offset : s->columns - c;
    uint16_t fields[FIELDS];
    NAME(random_fields)(&s->stream, (uint32_t)(column / FIELDS), (uint32_t)row, fields);
    EACH(i, count) mask[c + i] = fields[offset + i] < s->keep;
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

// Box and Muller: two uniform words to two normal numbers. An angle is cut into quarters, and each into -1/8 ... 1/8 of
// a turn, where the series of sine and cosine are short.
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

static void NAME(normals)(const tartine_stream *stream, uint32_t row, size_t count, double deviation, void *out) {
  enum { AT_ONCE = 4 * LANES };
  for (size_t done = 0; done < count; done += AT_ONCE) {
    uint32_t words[4][LANES];
    float drawn[AT_ONCE];
    NAME(random_words)(stream, (uint32_t)(done / AT_ONCE), row, words);
    EACH(l, LANES) NAME(normal_pair)(words[0][l], words[1][l], drawn + l, drawn + LANES + l);
    EACH(l, LANES) NAME(normal_pair)(words[2][l], words[3][l], drawn + 2 * LANES + l, drawn + 3 * LANES + l);
    const size_t left = count - done < AT_ONCE ? count - done : AT_ONCE;
    EACH(i, left) ((REAL *)out)[done + i] = (REAL)drawn[i] * (REAL)deviation;
  }
}
