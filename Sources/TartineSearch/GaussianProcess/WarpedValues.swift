#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Values of mean 0 and variance 1, those above the median drawn in by a logarithm: what is bad is bad, and how bad does not matter,
/// where it would take all of a process's attention.
struct WarpedValues {
  let list: [Double]

  init(_ values: [Double]) {
    let sorted = values.sorted()
    let middle = sorted[sorted.count / 2]
    let scale = max(middle - sorted[0], .leastNormalMagnitude)
    let drawn = values.map { $0 > middle ? middle + scale * log1p(($0 - middle) / scale) : $0 }
    let count = Double(values.count)
    let mean = drawn.reduce(0, +) / count
    let deviation = (drawn.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    list = drawn.map { deviation > 0 ? ($0 - mean) / deviation : 0 }
  }
}
