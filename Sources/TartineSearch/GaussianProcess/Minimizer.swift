/// Minimizes a smooth function of few variables within bounds, by BFGS over the variables that are not at a
/// bound.
///
/// **Source**: Nocedal and Wright, *Numerical optimization*, 2006, algorithms 3.1 and 6.1; Bertsekas, *Projected Newton methods*,
/// 1982, for the bounds.
package enum Minimizer {
  /// - Parameters:
  ///   - start: The starting point, within the bounds.
  ///   - evaluations: The largest number of evaluations of the function.
  ///   - function: The function, which returns value and gradient; a value that is not finite is worse than
  ///     any other.
  /// - Returns: The point with the lowest value, and the value.
  package static func minimize(
    from start: [Double], lowest: [Double], highest: [Double], evaluations: Int, tolerance: Double = 1e-7,
    _ function: ([Double]) -> (value: Double, gradient: [Double])
  ) -> (place: [Double], value: Double) {
    let n = start.count
    var x = start
    var (value, gradient) = function(x)
    guard value.isFinite, n > 0 else { return (x, value) }
    var left = evaluations - 1
    var inverse = identity(n)
    var isFresh = true
    while left > 0 {
      // Variables at a bound stay there if the gradient points outside.
      let isFree = (0..<n).map { i in
        !(x[i] <= lowest[i] && gradient[i] > 0) && !(x[i] >= highest[i] && gradient[i] < 0)
      }
      var direction = (0..<n).map { i in
        isFree[i] ? -(0..<n).reduce(0) { isFree[$1] ? $0 + inverse[i * n + $1] * gradient[$1] : $0 } : 0
      }
      var slope = dot(direction, gradient)
      if slope >= 0 {
        inverse = identity(n)
        isFresh = true
        direction = (0..<n).map { isFree[$0] ? -gradient[$0] : 0 }
        slope = dot(direction, gradient)
      }
      guard slope < 0 else { break }
      // The first step has no curvature estimate yet.
      let size = dot(direction, direction).squareRoot()
      var step = isFresh ? min(1, 0.25 / size) : 1
      var found: (x: [Double], value: Double, gradient: [Double])?
      while left > 0 {
        let next = (0..<n).map { min(highest[$0], max(lowest[$0], x[$0] + step * direction[$0])) }
        let (at, slopeThere) = function(next)
        left -= 1
        let moved = zip(next, x).map { $0 - $1 }
        if at.isFinite, at <= value + 1e-4 * dot(moved, gradient) {
          found = (next, at, slopeThere)
          break
        }
        step *= at.isFinite ? 0.4 : 0.1
        if step * size < 1e-9 { break }
      }
      guard let found else {
        if isFresh { break }
        inverse = identity(n)
        isFresh = true
        continue
      }
      let s = zip(found.x, x).map { $0 - $1 }
      let y = zip(found.gradient, gradient).map { $0 - $1 }
      update(&inverse, s, y, isFresh: isFresh)
      isFresh = false
      let fall = value - found.value
      (x, value, gradient) = found
      if fall < tolerance * (1 + abs(value)) { break }
    }
    return (x, value)
  }

  private static func identity(_ n: Int) -> [Double] {
    var matrix = [Double](repeating: 0, count: n * n)
    for i in 0..<n { matrix[i * n + i] = 1 }
    return matrix
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  private static func update(_ h: inout [Double], _ s: [Double], _ y: [Double], isFresh: Bool) {
    let n = s.count
    let curvature = dot(s, y)
    guard curvature > 1e-12 * dot(y, y).squareRoot() * dot(s, s).squareRoot() else { return }
    if isFresh {
      let scale = curvature / dot(y, y)
      for i in 0..<n { h[i * n + i] = scale }
    }
    let hy = (0..<n).map { i in (0..<n).reduce(0) { $0 + h[i * n + $1] * y[$1] } }
    let factor = (1 + dot(y, hy) / curvature) / curvature
    for i in 0..<n {
      for j in 0..<n { h[i * n + j] += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / curvature }
    }
  }
}
