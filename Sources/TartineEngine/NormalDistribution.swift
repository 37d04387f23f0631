#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension RandomStream {
  /// Two independent draws of the standard normal distribution.
  ///
  /// **Source**: Box and Muller, *A note on the generation of random normal deviates*, 1958.
  public mutating func normalPair() -> (Double, Double) {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    return (radius * cos(angle), radius * sin(angle))
  }
}
