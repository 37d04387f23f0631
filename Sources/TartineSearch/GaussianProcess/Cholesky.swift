import TartinePlatform

/// The upper factor U of a symmetric matrix A = UᵀU, [row, column]. Every inner loop runs along rows.
struct Cholesky {
  let count: Int
  private let factor: [Double]

  /// Factorizes a matrix; returns nil if it is not positive definite.
  /// - Parameter matrix: The elements as [row, column]; only the upper triangle is read.
  init?(_ matrix: [Double], count n: Int) {
    count = n
    var a = matrix
    let isDefinite = a.withUnsafeMutableBufferPointer { a -> Bool in
      let a = a.baseAddress!
      for k in 0..<n {
        let row = a + k * n
        let pivot = row[k]
        guard pivot > 0, pivot.isFinite else { return false }
        let scale = 1 / pivot.squareRoot()
        for j in k..<n { row[j] *= scale }
        var i = k + 1
        while i < n {
          Self.add(-row[i], times: row + i, to: a + i * n + i, count: n - i)
          i += 1
        }
      }
      return true
    }
    guard isDefinite else { return nil }
    factor = a
  }

  @inline(__always)
  private static func add(
    _ scale: Double, times source: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>, count: Int
  ) {
    for j in 0..<count { target[j] += scale * source[j] }
  }

  private static func add(
    _ scale: Double, times source: UnsafeMutablePointer<Double>, to target: UnsafeMutablePointer<Double>, count: Int
  ) { add(scale, times: UnsafePointer(source), to: target, count: count) }

  /// The sum of the logarithms of the factor's diagonal: half of log det A.
  var logDiagonal: Double { (0..<count).reduce(0) { $0 + log(factor[$1 * count + $1]) } }

  /// Solves Uᵀ X = B in place, with B as [count, columns].
  func halfSolve(_ right: inout [Double], columns m: Int) {
    let n = count
    factor.withUnsafeBufferPointer { u in
      right.withUnsafeMutableBufferPointer { b in
        let (u, b) = (u.baseAddress!, b.baseAddress!)
        for i in 0..<n {
          let row = b + i * m
          let scale = 1 / u[i * n + i]
          for j in 0..<m { row[j] *= scale }
          var k = i + 1
          while k < n {
            Self.add(-u[i * n + k], times: row, to: b + k * m, count: m)
            k += 1
          }
        }
      }
    }
  }

  /// Returns U⁻¹ b.
  func backSolve(_ right: [Double]) -> [Double] {
    var x = right
    for i in stride(from: count - 1, through: 0, by: -1) {
      var sum = x[i]
      for j in (i + 1)..<max(count, i + 1) { sum -= factor[i * count + j] * x[j] }
      x[i] = sum / factor[i * count + i]
    }
    return x
  }

  /// Returns A⁻¹ b.
  func solve(_ right: [Double]) -> [Double] {
    var half = right
    halfSolve(&half, columns: 1)
    return backSolve(half)
  }

  /// Returns the upper triangle of A⁻¹ as [row, column].
  var inverse: [Double] {
    let n = count
    var half = [Double](repeating: 0, count: n * n)
    for i in 0..<n { half[i * n + i] = 1 }
    // Uᵀ⁻¹ is lower triangular: row i has nothing beyond column i.
    factor.withUnsafeBufferPointer { u in
      half.withUnsafeMutableBufferPointer { b in
        let (u, b) = (u.baseAddress!, b.baseAddress!)
        for i in 0..<n {
          let row = b + i * n
          let scale = 1 / u[i * n + i]
          for j in 0...i { row[j] *= scale }
          var k = i + 1
          while k < n {
            Self.add(-u[i * n + k], times: row, to: b + k * n, count: i + 1)
            k += 1
          }
        }
      }
    }
    var inverse = [Double](repeating: 0, count: n * n)
    half.withUnsafeBufferPointer { w in
      inverse.withUnsafeMutableBufferPointer { x in
        let (w, x) = (w.baseAddress!, x.baseAddress!)
        for k in 0..<n {
          let row = w + k * n
          for i in 0...k { Self.add(row[i], times: row + i, to: x + i * n + i, count: k - i + 1) }
        }
      }
    }
    return inverse
  }
}
