// Exponentials, activations and their derivatives.

// 2^n and r of x = n ln 2 + r, abs(r) <= ln 2 / 2, and the polynomial of e^r - 1 = r + r²/2! + …:
// e^x = 2^n + 2^n (e^r - 1), e^x - 1 = (2^n - 1) + 2^n (e^r - 1), the latter exact near 0.
INLINE void NAME(exp_parts)(REAL x, REAL *power, REAL *minus_one) {
  const REAL shift = (REAL)(IS_DOUBLE ? 6755399441055744.0 : 12582912.0);  // 1.5 · 2^mantissa
  REAL t = x * (REAL)1.4426950408889634074 + shift;
  BITS bits;
  __builtin_memcpy(&bits, &t, sizeof t);
  REAL n = t - shift;
  // ln 2 as a sum of two numbers, the first with trailing zeros, so that n times it is exact.
  const REAL high = (REAL)(IS_DOUBLE ? 6.93147180369123816490e-01 : 0.693359375);
  const REAL low = (REAL)(IS_DOUBLE ? 1.90821492927058770002e-10 : -2.12194440e-4);
  REAL r = (x - n * high) - n * low;
  REAL p;
  if (IS_DOUBLE) {
    p = (REAL)(1.0 / 6227020800.0);
    p = p * r + (REAL)(1.0 / 479001600.0);
    p = p * r + (REAL)(1.0 / 39916800.0);
    p = p * r + (REAL)(1.0 / 3628800.0);
    p = p * r + (REAL)(1.0 / 362880.0);
    p = p * r + (REAL)(1.0 / 40320.0);
    p = p * r + (REAL)(1.0 / 5040.0);
  } else {
    p = (REAL)(1.0 / 5040.0);
  }
  p = p * r + (REAL)(1.0 / 720.0);
  p = p * r + (REAL)(1.0 / 120.0);
  p = p * r + (REAL)(1.0 / 24.0);
  p = p * r + (REAL)(1.0 / 6.0);
  p = p * r + (REAL)0.5;
  *minus_one = (p * r) * r + r;
  bits = (bits << MANTISSA) + ((BITS)EXPONENT_BIAS << MANTISSA);
  __builtin_memcpy(power, &bits, sizeof bits);
}

// Clamped so that the result is a normal number: e^x is never 0 or infinite here. NaN stays NaN.
INLINE REAL NAME(clamp)(REAL x) {
  const REAL limit = (REAL)(IS_DOUBLE ? 708.0 : 87.0);
  x = x > limit ? limit : x;
  return x < -limit ? -limit : x;
}

INLINE REAL NAME(exp)(REAL x) {
  REAL power, rest;
  x = NAME(clamp)(x);
  NAME(exp_parts)(x, &power, &rest);
  return x == x ? power + power * rest : x;
}

INLINE REAL NAME(expm1)(REAL x) {
  REAL power, rest;
  x = NAME(clamp)(x);
  NAME(exp_parts)(x, &power, &rest);
  return x == x ? (power - 1) + power * rest : x;
}

INLINE REAL NAME(tanh)(REAL x) {
  const REAL limit = (REAL)(IS_DOUBLE ? 20.0 : 10.0);  // beyond, tanh rounds to ±1
  REAL y = x > limit ? limit : x;
  y = y < -limit ? -limit : y;
  REAL e = NAME(expm1)(2 * y);
  return e / (e + 2);
}

INLINE REAL NAME(logistic)(REAL x) { return 1 / (1 + NAME(exp)(-x)); }

// Φ(x) = erfc(-x / √2) / 2, with erfc(y) = e^(-y²) Q((y - 3.75) / (y + 3.75)) for y >= 0; Q was fitted by
// script/fit-erfc.py.
INLINE REAL NAME(normal_cdf)(REAL x) {
  const REAL limit = (REAL)(IS_DOUBLE ? 26.0 : 9.0);  // beyond, erfc is subnormal
  REAL y = (x < 0 ? -x : x) * (REAL)0.70710678118654752440;
  y = y > limit ? limit : y;
  REAL t = (y - (REAL)3.75) / (y + (REAL)3.75), q;
  if (IS_DOUBLE) {
    q = (REAL)-1.24357563058294387e-9;
    q = q * t + (REAL)-3.24237995845381854e-9;
    q = q * t + (REAL)9.79431233645849642e-9;
    q = q * t + (REAL)2.95501831821957528e-8;
    q = q * t + (REAL)-7.37777744148748862e-8;
    q = q * t + (REAL)-1.82123211515847093e-7;
    q = q * t + (REAL)6.60411986613440254e-7;
    q = q * t + (REAL)7.48036774571073942e-7;
    q = q * t + (REAL)-6.18388287342705729e-6;
    q = q * t + (REAL)3.58383845584827707e-6;
    q = q * t + (REAL)0.0000478989091388973773;
    q = q * t + (REAL)-0.000152462682240925074;
    q = q * t + (REAL)-0.0000255353529627601366;
    q = q * t + (REAL)0.00180296241798129609;
    q = q * t + (REAL)-0.00822062115196827323;
    q = q * t + (REAL)0.024143223972428697;
    q = q * t + (REAL)-0.054802326695088201;
    q = q * t + (REAL)0.102604312032195669;
    q = q * t + (REAL)-0.163571895523921726;
    q = q * t + (REAL)0.226008066916621526;
    q = q * t + (REAL)-0.27342193149542649;
    q = q * t + (REAL)0.145589721275038539;
  } else {
    q = (REAL)-0.000209167965311961381;
    q = q * t + (REAL)-0.0000273617377530767553;
    q = q * t + (REAL)0.00183239514344817217;
    q = q * t + (REAL)-0.00820986867546065113;
    q = q * t + (REAL)0.024138747920349986;
    q = q * t + (REAL)-0.0548049051838187655;
    q = q * t + (REAL)0.102604457593371959;
    q = q * t + (REAL)-0.163571699835205579;
    q = q * t + (REAL)0.226008074844433456;
    q = q * t + (REAL)-0.273421935340756315;
    q = q * t + (REAL)0.145589721125156938;
  }
  REAL half = (REAL)0.5 * NAME(exp)(-y * y) * q;
  return x > 0 ? 1 - half : half;
}

// SELU (Klambauer et al. 2017): λ and λα.
#define SELU_SCALE ((REAL)1.0507009873554804934193349852946)
#define SELU_ALPHA ((REAL)1.7580993408473768599402175208123)

// Comparisons are written so that NaN passes through: a non-finite value must reach the loss.
INLINE REAL NAME(activate)(int kind, REAL u, REAL slope) {
  switch (kind) {
    case TARTINE_RELU: return u < 0 ? 0 : u;
    case TARTINE_LEAKY_RELU: return u < 0 ? slope * u : u;
    case TARTINE_TANH: return NAME(tanh)(u);
    case TARTINE_SIGMOID: return NAME(logistic)(u);
    case TARTINE_GELU: return u * NAME(normal_cdf)(u);
    case TARTINE_SILU: return u * NAME(logistic)(u);
    case TARTINE_SELU: {
      REAL negative = SELU_ALPHA * NAME(expm1)(u > 0 ? 0 : u);
      return u > 0 ? SELU_SCALE * u : negative;
    }
    case TARTINE_ELU: {
      REAL negative = slope * NAME(expm1)(u > 0 ? 0 : u);
      return u > 0 ? u : negative;
    }
    default: return u;
  }
}

// da/du. At 0 the derivative of the ReLU family is the left one, as is customary: 0 for ReLU.
INLINE REAL NAME(derivative)(int kind, REAL u, REAL slope) {
  switch (kind) {
    case TARTINE_RELU: return u > 0 ? 1 : 0;
    case TARTINE_LEAKY_RELU: return u > 0 ? 1 : slope;
    case TARTINE_TANH: {
      REAL t = NAME(tanh)(u);
      return 1 - t * t;
    }
    case TARTINE_SIGMOID: {
      REAL s = NAME(logistic)(u);
      return s * (1 - s);
    }
    case TARTINE_GELU: {
      REAL density = (REAL)0.39894228040143267794 * NAME(exp)((REAL)-0.5 * u * u);
      return NAME(normal_cdf)(u) + u * density;
    }
    case TARTINE_SILU: {
      REAL s = NAME(logistic)(u);
      return s * (1 + u * (1 - s));
    }
    case TARTINE_SELU: {
      REAL negative = SELU_ALPHA * NAME(exp)(u > 0 ? 0 : u);
      return u > 0 ? SELU_SCALE : negative;
    }
    case TARTINE_ELU: {
      REAL negative = slope * NAME(exp)(u > 0 ? 0 : u);
      return u > 0 ? 1 : negative;
    }
    default: return 1;
  }
}
