import TartinePlatform

/// A Gaussian process over the unit cube, with predictive means and variances.
///
/// The kernel is a Matérn kernel with ν = 5/2 and one lengthscale per hyperparameter, plus a quadratic trend
/// in each ordered hyperparameter, plus noise:
///
///     k(x, x′) = s² (1 + √5 r + 5/3 r²) e^(−√5 r) + t² Σ φ(x) φ(x′) + n² [x = x′],   r² = Σ (x − x′)² / ℓ²
///
/// with φ(x) = x − ½ and (x − ½)² − 1/12. The distance of two different choices is 1, as is that of a
/// hyperparameter that is active in one point alone. Lengthscales, signal, trend and noise are maximum a
/// posteriori estimates.
///
/// **Source**: Rasmussen and Williams, *Gaussian processes for machine learning*, 2006, eq. 2.25, 4.17, 5.9;
/// Hvarfner, Hellsten, Nardi, *Vanilla Bayesian optimization performs great in high dimensions*, 2024, for
/// lengthscales that grow with √d.
package struct GaussianProcess {
  /// Whether each hyperparameter is ordered.
  package let isOrdered: [Bool]
  package private(set) var points: [[Double]]
  private var values: [Double]
  package private(set) var parameters: Parameters
  /// The features of the quadratic trend, by point.
  private var features: [[Double]]
  private var cholesky: Cholesky
  private var weights: [Double]
  private var halfValues: [Double]

  /// The logarithms of the kernel's parameters.
  package struct Parameters {
    /// The log lengthscale of each hyperparameter.
    package var lengths: [Double]
    /// The log variances.
    package var signal, trend, noise: Double

    var list: [Double] { lengths + [signal, trend, noise] }

    package init(_ list: [Double]) {
      lengths = Array(list.dropLast(3))
      (signal, trend, noise) = (list[list.count - 3], list[list.count - 2], list[list.count - 1])
    }
  }

  /// The normal priors of the log parameters.
  private struct Prior {
    let mean, deviation, lowest, highest: [Double]

    init(dimensions d: Int) {
      // Lengthscales around √d / 4; wide priors of trend and noise.
      let lengths = [Double](repeating: log(0.25) + 0.5 * log(Double(d)), count: d)
      mean = lengths + [0, log(0.3), log(0.01)]
      deviation = [Double](repeating: 1, count: d) + [1, 1.5, 3]
      lowest = [Double](repeating: log(0.02), count: d) + [log(0.05), log(1e-4), log(1e-6)]
      highest = [Double](repeating: log(30), count: d) + [log(20), log(20), log(1)]
    }
  }

  // MARK: Fitting

  /// Fits the parameters to observations; returns nil if no covariance is positive definite.
  ///
  /// - Parameters:
  ///   - points: Points of the unit cube, with NaN for inactive hyperparameters.
  ///   - values: The observed values, of mean 0 and variance about 1.
  ///   - isOrdered: Whether each hyperparameter is ordered.
  ///   - evaluations: The largest number of evaluations of the likelihood.
  package init?(
    _ points: [[Double]], _ values: [Double], isOrdered: [Bool], evaluations: Int
  ) {
    let prior = Prior(dimensions: isOrdered.count)
    let squares = Self.squares(points, isOrdered)
    let features = points.map { Self.features($0, isOrdered) }
    var best: (place: [Double], value: Double)?
    // Two starts, from the prior mean and from large noise: each may lead to its own local optimum.
    for noise in [0.01, 0.3] {
      var start = prior.mean
      start[start.count - 1] = log(noise)
      let found = Minimizer.minimize(
        from: start, lowest: prior.lowest, highest: prior.highest, evaluations: evaluations / 2, tolerance: 1e-5
      ) { Self.loss($0, prior, squares, features, values) }
      if found.value.isFinite, found.value < best?.value ?? .infinity { best = found }
    }
    guard let best else { return nil }
    self.init(points, values, isOrdered: isOrdered, Parameters(best.place))
  }

  /// Creates a process with given parameters.
  package init?(_ points: [[Double]], _ values: [Double], isOrdered: [Bool], _ parameters: Parameters) {
    self.isOrdered = isOrdered
    self.points = points
    self.values = values
    self.parameters = parameters
    let n = points.count
    features = points.map { Self.features($0, isOrdered) }
    let squares = Self.squares(points, isOrdered)
    guard
      let cholesky = Cholesky(
        Self.covariance(parameters, squares, features, count: n).matrix, count: n)
    else { return nil }
    self.cholesky = cholesky
    var half = values
    cholesky.halfSolve(&half, columns: 1)
    halfValues = half
    weights = cholesky.backSolve(half)
  }

  /// Returns the process with pending points added, whose values are their predicted means.
  package func believing(_ pending: [[Double]]) -> GaussianProcess {
    guard !pending.isEmpty else { return self }
    let expected = predict(pending).map(\.mean)
    return GaussianProcess(points + pending, values + expected, isOrdered: isOrdered, parameters) ?? self
  }

  /// Returns the squared distances by hyperparameter as [pair][dimension], with pairs i < j row by row.
  private static func squares(_ points: [[Double]], _ isOrdered: [Bool]) -> [Double] {
    var squares: [Double] = []
    squares.reserveCapacity(points.count * (points.count - 1) / 2 * isOrdered.count)
    for i in points.indices {
      for j in (i + 1)..<max(points.count, i + 1) {
        for k in isOrdered.indices { squares.append(square(points[i][k], points[j][k], isOrdered[k])) }
      }
    }
    return squares
  }

  private static func square(_ a: Double, _ b: Double, _ isOrdered: Bool) -> Double {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : 1 }
    return isOrdered ? (a - b) * (a - b) : a == b ? 0 : 1
  }

  private static func features(_ point: [Double], _ isOrdered: [Bool]) -> [Double] {
    zip(point, isOrdered).flatMap { x, isOrdered -> [Double] in
      guard isOrdered, !x.isNaN else { return [0, 0] }
      return [x - 0.5, (x - 0.5) * (x - 0.5) - 1.0 / 12]
    }
  }

  private static let root5 = 5.0.squareRoot()

  /// Returns the covariance matrix, and for each pair i < j the derivative of the Matérn part by −r²/2.
  private static func covariance(
    _ parameters: Parameters, _ squares: [Double], _ features: [[Double]], count n: Int
  ) -> (matrix: [Double], slopes: [Double]) {
    let d = parameters.lengths.count
    let scales = parameters.lengths.map { exp(-2 * $0) }
    let (signal, trend, noise) = (exp(parameters.signal), exp(parameters.trend), exp(parameters.noise))
    var matrix = [Double](repeating: 0, count: n * n)
    var slopes = [Double](repeating: 0, count: n * (n - 1) / 2)
    var pair = 0
    for i in 0..<n {
      matrix[i * n + i] = signal + trend * dot(features[i], features[i]) + noise
      for j in (i + 1)..<max(n, i + 1) {
        var r2 = 0.0
        for k in 0..<d { r2 += squares[pair * d + k] * scales[k] }
        let r = root5 * r2.squareRoot()
        let decay = signal * exp(-r)
        matrix[i * n + j] = decay * (1 + r + r * r / 3) + trend * dot(features[i], features[j])
        slopes[pair] = decay * (1 + r) * 5 / 3
        pair += 1
      }
    }
    return (matrix, slopes)
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for k in a.indices { sum += a[k] * b[k] }
    return sum
  }

  /// Returns the negative log posterior and its gradient.
  private static func loss(
    _ list: [Double], _ prior: Prior, _ squares: [Double], _ features: [[Double]], _ values: [Double]
  ) -> (Double, [Double]) {
    let n = values.count
    let d = list.count - 3
    let parameters = Parameters(list)
    let (matrix, slopes) = covariance(parameters, squares, features, count: n)
    guard let cholesky = Cholesky(matrix, count: n) else { return (.infinity, list.map { _ in 0 }) }
    let weights = cholesky.solve(values)
    let inverse = cholesky.inverse
    var loss = 0.5 * dot(values, weights) + cholesky.logDiagonal
    // ½ tr((K⁻¹ − α αᵀ) ∂K).
    var gradient = [Double](repeating: 0, count: d + 3)
    let (signal, trend, noise) = (exp(parameters.signal), exp(parameters.trend), exp(parameters.noise))
    let scales = parameters.lengths.map { exp(-2 * $0) }
    var pair = 0
    for i in 0..<n {
      let diagonal = inverse[i * n + i] - weights[i] * weights[i]
      let own = dot(features[i], features[i])
      gradient[d] += 0.5 * diagonal * signal
      gradient[d + 1] += 0.5 * diagonal * trend * own
      gradient[d + 2] += 0.5 * diagonal * noise
      for j in (i + 1)..<max(n, i + 1) {
        let part = inverse[i * n + j] - weights[i] * weights[j]
        let polynomial = trend * dot(features[i], features[j])
        gradient[d + 1] += part * polynomial
        gradient[d] += part * (matrix[i * n + j] - polynomial)
        let slope = part * slopes[pair]
        for k in 0..<d { gradient[k] += slope * squares[pair * d + k] * scales[k] }
        pair += 1
      }
    }
    for k in list.indices {
      let z = (list[k] - prior.mean[k]) / prior.deviation[k]
      loss += 0.5 * z * z
      gradient[k] += z / prior.deviation[k]
    }
    return (loss, gradient)
  }

  // MARK: Prediction

  /// Returns the predictive means and variances at some points, without noise.
  package func predict(_ candidates: [[Double]]) -> [(mean: Double, variance: Double)] {
    let (n, m) = (points.count, candidates.count)
    guard m > 0 else { return [] }
    let scales = parameters.lengths.map { exp(-2 * $0) }
    let (signal, trend) = (exp(parameters.signal), exp(parameters.trend))
    let asked = candidates.map { Self.features($0, isOrdered) }
    var cross = [Double](repeating: 0, count: n * m)
    for i in 0..<n {
      for j in 0..<m {
        var r2 = 0.0
        for k in isOrdered.indices { r2 += Self.square(points[i][k], candidates[j][k], isOrdered[k]) * scales[k] }
        let r = Self.root5 * r2.squareRoot()
        cross[i * m + j] = signal * exp(-r) * (1 + r + r * r / 3) + trend * Self.dot(features[i], asked[j])
      }
    }
    cholesky.halfSolve(&cross, columns: m)
    return (0..<m).map { j in
      var (mean, explained) = (0.0, 0.0)
      for i in 0..<n {
        let c = cross[i * m + j]
        mean += c * halfValues[i]
        explained += c * c
      }
      let prior = signal + trend * Self.dot(asked[j], asked[j])
      return (mean, max(1e-12, prior - explained))
    }
  }

  /// Returns the prediction at one point, with its derivatives by the hyperparameters.
  package func slopes(_ x: [Double]) -> (mean: Double, variance: Double, meanSlope: [Double], varianceSlope: [Double]) {
    let (n, d) = (points.count, isOrdered.count)
    let scales = parameters.lengths.map { exp(-2 * $0) }
    let (signal, trend) = (exp(parameters.signal), exp(parameters.trend))
    let feature = Self.features(x, isOrdered)
    var cross = [Double](repeating: 0, count: n)
    var steep = [Double](repeating: 0, count: n)
    for i in 0..<n {
      var r2 = 0.0
      for k in 0..<d { r2 += Self.square(points[i][k], x[k], isOrdered[k]) * scales[k] }
      let r = Self.root5 * r2.squareRoot()
      let decay = signal * exp(-r)
      cross[i] = decay * (1 + r + r * r / 3) + trend * Self.dot(features[i], feature)
      steep[i] = -decay * (1 + r) * 5 / 3
    }
    var half = cross
    cholesky.halfSolve(&half, columns: 1)
    let solved = cholesky.backSolve(half)
    let mean = Self.dot(cross, weights)
    let variance = max(1e-12, signal + trend * Self.dot(feature, feature) - Self.dot(half, half))
    var (meanSlope, varianceSlope) = ([Double](repeating: 0, count: d), [Double](repeating: 0, count: d))
    for k in 0..<d where isOrdered[k] && !x[k].isNaN {
      let (first, second) = (x[k] - 0.5, (x[k] - 0.5) * (x[k] - 0.5) - 1.0 / 12)
      for i in 0..<n where !points[i][k].isNaN {
        let other = points[i][k]
        let polynomial = trend * ((other - 0.5) + 2 * first * ((other - 0.5) * (other - 0.5) - 1.0 / 12))
        let slope = steep[i] * (x[k] - other) * scales[k] + polynomial
        meanSlope[k] += slope * weights[i]
        varianceSlope[k] -= 2 * slope * solved[i]
      }
      varianceSlope[k] += trend * (2 * first + 4 * second * first)
    }
    return (mean, variance, meanSlope, varianceSlope)
  }
}
