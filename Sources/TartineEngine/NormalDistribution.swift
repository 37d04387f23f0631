import TartinePlatform

extension RandomStream {
  /// Draws two independent numbers from the standard normal distribution.
  ///
  /// **Source**: Box and Muller, *A note on the generation of random normal deviates*, 1958.
  public mutating func normalPair() -> (Double, Double) {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    return (radius * cos(angle), radius * sin(angle))
  }

  /// Draws from the gamma distribution of that shape, above 0, and scale 1.
  ///
  /// **Source**: Marsaglia and Tsang, *A simple method for generating gamma variables*, 2000.
  package mutating func gamma(shape: Double) -> Double {
    // Shapes below 1: a draw for shape + 1, times u^(1/shape).
    let boost = shape < 1 ? pow(1 - uniform(), 1 / shape) : 1
    let d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let (x, _) = normalPair()
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      if v > 0, log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return boost * d * v }
    }
  }
}
