import TartinePlatform

/// The logarithm of the expected improvement below a threshold, and its derivatives, accurate far into the
/// tail, where the expected improvement itself underflows.
///
/// **Source**: Ament et al., *Unexpected improvements to expected improvement for Bayesian optimization*, 2023, eq. 6.
package enum LogExpectedImprovement {
  /// - Returns: log E[max(0, threshold − y)], and its derivatives by mean and standard deviation.
  package static func value(mean: Double, deviation: Double, threshold: Double) -> (
    value: Double, byMean: Double, byDeviation: Double
  ) {
    let z = (threshold - mean) / deviation
    let density = exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
    let below = 0.5 * erfc(-z / 2.0.squareRoot())
    // h(z) = φ + zΦ, and h′ = Φ: E = σ h(z).
    if z > -5 {
      let h = density + z * below
      return (log(deviation) + log(h), -below / (deviation * h), density / (deviation * h))
    }
    // Mills' ratio Φ/φ by its continued fraction, and h/φ = 1 + z Φ/φ.
    let t = -z
    var fraction = 0.0
    for k in stride(from: 60.0, to: 0, by: -1) { fraction = k / (t + fraction) }
    let ratio = 1 / (t + fraction)
    let rest = fraction * ratio
    let logDensity = -0.5 * z * z - 0.5 * log(2 * Double.pi)
    return (log(deviation) + logDensity + log(rest), -ratio / (deviation * rest), 1 / (deviation * rest))
  }
}
