"""Fits the polynomial of the kernels' error function, see normal_cdf in Sources/TartineKernels/kernels.body.h.

erfc(x) = exp(-x²) Q(t), t = (x - 3.75) / (x + 3.75) in [-1, 1) for x >= 0, as far as erfc is a normal number: Q is smooth, so its Chebyshev
series, turned into powers of t, converges fast. Prints the coefficients, highest power first, and the largest
relative error against mpmath. Needs mpmath (1.3 was used).
"""
import mpmath as mp

mp.mp.dps = 60
K = mp.mpf(15) / 4


def q(t):
    x = K * (1 + t) / (1 - t)
    return mp.exp(x * x) * mp.erfc(x) if x < 60 else mp.quad(lambda s: mp.exp(-s * s / (4 * x * x)) * mp.exp(-s), [0, 60]) / (x * mp.sqrt(mp.pi))


for name, degree, end in (("float", 10, mp.mpf("0.5")), ("double", 21, mp.mpf("0.77"))):
    chebyshev = [c for c in mp.chebyfit(q, [-1, end], degree + 1)]  # powers, highest first
    worst = max(abs(mp.polyval(chebyshev, t) / q(t) - 1) for t in mp.linspace(-1, end, 400))
    print(f"// {name}: degree {degree}, relative error {mp.nstr(worst, 3)}")
    for c in chebyshev:
        print(f"    {mp.nstr(c, 18)},")
