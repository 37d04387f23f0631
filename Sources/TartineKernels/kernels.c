// The kernels for each instruction set, and their selection.

#include "TartineKernels.h"
#include "accelerate.h"

#include <stdlib.h>
#include <string.h>

// The positions of a byte's set bits, lowest first, one byte each.
#define PLACE(b, i) ((uint64_t)((b) >> (i)&1 ? (i) : 0) << 8 * __builtin_popcount((b) & ((1 << (i)) - 1)))
#define PLACES(b) \
  (PLACE(b, 0) | PLACE(b, 1) | PLACE(b, 2) | PLACE(b, 3) | PLACE(b, 4) | PLACE(b, 5) | PLACE(b, 6) | PLACE(b, 7))
#define PLACES_4(b) PLACES(b), PLACES((b) + 1), PLACES((b) + 2), PLACES((b) + 3)
#define PLACES_16(b) PLACES_4(b), PLACES_4((b) + 4), PLACES_4((b) + 8), PLACES_4((b) + 12)
#define PLACES_64(b) PLACES_16(b), PLACES_16((b) + 16), PLACES_16((b) + 32), PLACES_16((b) + 48)
static const uint64_t places_of[256] = {PLACES_64(0), PLACES_64(64), PLACES_64(128), PLACES_64(192)};

#define LEVEL "baseline"
#define LEVEL_NAME(x) baseline_##x
#define VECTOR_BYTES 16
#if defined(__aarch64__)  // 32 registers
#define TILE_ROWS 8
#define TILE_VECTORS 3
#else
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif
#include "scalars.h"
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef LEVEL
#undef LEVEL_NAME

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LEVEL "avx2"
#define LEVEL_NAME(x) avx2_##x
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "scalars.h"
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef LEVEL
#undef LEVEL_NAME
#pragma clang attribute pop

#pragma clang attribute push(                                                                     \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), \
    apply_to = function)
#define LEVEL "avx512"
#define LEVEL_NAME(x) avx512_##x
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#define TILE_VECTORS 3
#include "scalars.h"
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef LEVEL
#undef LEVEL_NAME
#pragma clang attribute pop

#endif

static const tartine_kernels *const tables[][2] = {
    {&baseline_table_f32, &baseline_table_f64},
#if defined(__x86_64__)
    {&avx2_table_f32, &avx2_table_f64},
    {&avx512_table_f32, &avx512_table_f64},
#endif
};

int tartine_kernels_count(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return 2;
  return 3;
#else
  return 1;
#endif
}

const tartine_kernels *tartine_kernels_at(int at, tartine_scalar scalar) { return tables[at][scalar]; }

const tartine_kernels *tartine_kernels_for(tartine_scalar scalar) {
  int best = tartine_kernels_count() - 1;
  const char *forced = getenv("TARTINE_KERNELS");
  if (forced)
    for (int at = 0; at <= best; at++)
      if (strcmp(tables[at][scalar]->name, forced) == 0) return tables[at][scalar];
  return tables[best][scalar];
}

size_t tartine_augmentation_room(const tartine_augmentation *a) {
  const size_t rows = (size_t)((float)a->height / (float)a->smoothness) + 4;
  const size_t columns = (size_t)((float)a->width / (float)a->smoothness) + 4;
  // The image, and for elastic deformation the control points, their columns' displacements, and a row's.
  return a->height * a->width * a->channels +
         (a->elastic > 0 ? 2 * rows * columns + 2 * rows * a->width + 2 * a->width : 0);
}

void tartine_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t result[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p = (uint64_t)c0 * 0xD2511F53u, q = (uint64_t)c2 * 0xCD9E8D57u;
    c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)q;
    c3 = (uint32_t)p;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  result[0] = c0, result[1] = c1, result[2] = c2, result[3] = c3;
}
