#include "accelerate.h"

#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>

void tartine_accelerate_prepare_thread(void) {
  BLASSetThreading(BLAS_THREADING_SINGLE_THREADED);
}

#define DEFINE_PRODUCT(suffix, gemm, real)                                                              \
  void tartine_accelerate_##suffix(bool ta, bool tb, size_t m, size_t n, size_t k, const void *a,       \
                                   size_t stride_a, const void *b, size_t stride_b, bool accumulate,    \
                                   void *c, size_t stride_c) {                                          \
    gemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, \
         (int)k, 1, (const real *)a, (int)stride_a, (const real *)b, (int)stride_b, accumulate ? 1 : 0, \
         (real *)c, (int)stride_c);                                                                     \
  }

DEFINE_PRODUCT(f32, cblas_sgemm, float)
DEFINE_PRODUCT(f64, cblas_dgemm, double)
#endif
