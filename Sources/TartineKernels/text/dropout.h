// Dropout masks from 16-bit random fields.

#define LANES 8
#define FIELDS 64  // 16-bit fields of LANES Philox blocks: the columns that one call decides

// Philox on LANES counters at once: (block · LANES + lane, row, step, purpose).
INLINE void NAME(random_fields)(const tartine_stream *stream, uint32_t block, uint32_t row,
                                uint16_t *fields) {
  uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
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
  const uint32_t *words[4] = {c0, c1, c2, c3};
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
