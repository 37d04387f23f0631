import TartinePlatform

/// Values standardized to mean 0 and variance 1, with those above the median compressed by a logarithm:
/// without it, a few very bad values would dominate the fit of a Gaussian process.
package struct WarpedValues {
  package let list: [Double]

  /// - Parameter values: The values; infinite ones are clipped to the largest or smallest finite value.
  package init(_ values: [Double]) {
    let finite = values.filter(\.isFinite)
    let (least, most) = (finite.min() ?? 0, finite.max() ?? 0)
    // Scale to 0 to 1, so that no square overflows.
    let width = most / 2 - least / 2
    let places = values.map { width > 0 ? (max(least, min(most, $0)) / 2 - least / 2) / width : 0 }
    let middle = places.sorted()[places.count / 2]
    // If at least half of the values are the lowest, the unit is the mean of the others.
    let beyond = places.filter { $0 > middle }
    let scale = middle > 0 ? middle : beyond.isEmpty ? 1 : beyond.reduce(0, +) / Double(beyond.count)
    let drawn = places.map { $0 > middle ? middle + scale * log1p(($0 - middle) / scale) : $0 }
    let count = Double(values.count)
    let mean = drawn.reduce(0, +) / count
    let deviation = (drawn.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    list = drawn.map { deviation > 0 ? ($0 - mean) / deviation : 0 }
  }
}
