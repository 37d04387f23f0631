import TartinePlatform

/// Power laws with a floor, each with its likelihood given the measured errors.
struct PowerLawFit {
  private struct Law {
    let floor, scale, exponent, weight: Double

    func error(at rows: Double) -> Double { floor + scale * pow(rows, -exponent) }
  }

  private let laws: [Law]
  /// Whether the residuals of the likeliest law are within the standard deviation over seeds.
  let isPlausible: Bool
  /// Whether errors fall faster at the large sizes than at the small ones, which no such law does.
  let isSteepening: Bool
  /// Whether errors significantly fall with the number of rows. A law never rises, so chance alone would make
  /// it fall.
  let isFalling: Bool
  /// Whether errors significantly rise.
  let isRising: Bool

  /// - Returns: Nil for fewer than four sizes, or errors of 0.
  init?(_ points: [LearningCurve.Point]) {
    guard points.count >= 4, points.allSatisfy({ $0.errors.count >= 2 && $0.mean > 0 }), let last = points.last else {
      return nil
    }
    let sizes = points.map { Double($0.rows) }
    let logs = points.map { log($0.mean) }
    let (deviations, freedom) = Self.deviations(points, of: Double(last.rows))
    let smallest = points.map(\.mean).min() ?? 0
    let spread = deviations.last ?? 0.05
    var candidates: [(law: Law, fit: Double)] = []
    for exponent in stride(from: 0.05, through: 1.5, by: 0.05) {
      for share in stride(from: 0.0, through: 0.98, by: 0.07) {
        for level in -12...12 {
          // The law's error at all rows, around the measured one.
          let error = last.mean * exp(Double(level) / 4 * spread)
          let floor = share * min(smallest, error)
          let law = Law(
            floor: floor, scale: (error - floor) * pow(Double(last.rows), exponent), exponent: exponent, weight: 0)
          let distance = zip(zip(sizes, logs), deviations).reduce(0.0) { sum, point in
            let difference = (point.0.1 - log(law.error(at: point.0.0))) / point.1
            return sum + difference * difference
          }
          candidates.append((law, distance))
        }
      }
    }
    // Student's t likelihood: the standard deviation is estimated from few trainings.
    let power = -(freedom + Double(points.count)) / 2
    let best = candidates.map(\.fit).min() ?? 0
    laws = candidates.map { candidate in
      let weight = pow((1 + candidate.fit / freedom) / (1 + best / freedom), power)
      return Law(
        floor: candidate.law.floor, scale: candidate.law.scale, exponent: candidate.law.exponent, weight: weight)
    }
    // An F-like ratio of the residuals between sizes to those between seeds, with three fitted parameters.
    isPlausible = best / Double(points.count - 3) < Self.largestRatio
    let steepening = Self.steepening(sizes.map { log($0) }, logs, deviations)
    isSteepening = steepening.value > steepening.deviation
    let slope = Self.slope(sizes.map { log($0) }, logs, deviations, 0..<sizes.count)
    isFalling = slope.value < -2 * slope.variance.squareRoot()
    isRising = slope.value > 2 * slope.variance.squareRoot()
  }

  /// About the 99.5 % point of F with three and eight degrees of freedom.
  private static let largestRatio = 9.0

  /// The slope of the larger half of the sizes relative to that of the smaller half.
  private static func steepening(
    _ x: [Double], _ y: [Double], _ deviations: [Double]
  ) -> (value: Double, deviation: Double) {
    let half = (x.count + 1) / 2
    let small = slope(x, y, deviations, 0..<half)
    let large = slope(x, y, deviations, x.count - half..<x.count)
    return (small.value - large.value, (small.variance + large.variance).squareRoot())
  }

  private static func slope(
    _ x: [Double], _ y: [Double], _ deviations: [Double], _ range: Range<Int>
  ) -> (value: Double, variance: Double) {
    let middle = range.reduce(0) { $0 + x[$1] } / Double(range.count)
    let squares = range.reduce(0) { $0 + (x[$1] - middle) * (x[$1] - middle) }
    return (
      range.reduce(0) { $0 + (x[$1] - middle) * y[$1] } / squares,
      range.reduce(0) { $0 + (x[$1] - middle) * (x[$1] - middle) * deviations[$1] * deviations[$1] } / squares / squares
    )
  }

  /// The relative standard deviation of each size's mean around the law.
  ///
  /// Seeds at one size share rows, more of them at larger sizes. For a standard deviation σ and a correlation
  /// of n/N, the expected s² is σ²(1 − n/N), and the mean of k has the variance σ²(1 + (k − 1) n/N)/k. Sizes
  /// below half of the rows estimate σ.
  private static func deviations(_ points: [LearningCurve.Point], of all: Double) -> (
    deviations: [Double], freedom: Double
  ) {
    var (sum, freedom) = (0.0, 0.0)
    for point in points where Double(point.rows) <= 0.51 * all {
      let mean = point.mean
      let squares = point.errors.reduce(0) { $0 + ($1 / mean - 1) * ($1 / mean - 1) }
      sum += squares / (1 - Double(point.rows) / all)
      freedom += Double(point.errors.count - 1)
    }
    // Few trainings can be close together by chance: the standard deviation is at least half a percent.
    let variance = max(sum / max(1, freedom), 2.5e-5)
    let deviations = points.map { point -> Double in
      let (k, share) = (Double(point.errors.count), Double(point.rows) / all)
      return (variance * (1 + (k - 1) * share) / k).squareRoot()
    }
    return (deviations, max(2, freedom))
  }

  /// The weighted median of the laws' errors and its 90 % band, dev sampling included.
  func estimate(at rows: Double, samplingStandardDeviation: Double) -> Estimate {
    let laws = spread { $0.error(at: rows) }
    let sampling = 1.6448536269514722 * samplingStandardDeviation
    let below = hypot(log(laws.value / laws.low), sampling)
    let above = hypot(log(laws.high / laws.value), sampling)
    return Estimate(laws.value, low: laws.value * exp(-below), high: laws.value * exp(above))
  }

  /// The decrease of the error between two sizes, with its 90 % band: both are measured on the same dev rows.
  func fall(from rows: Double, to more: Double) -> Estimate { spread { $0.error(at: rows) - $0.error(at: more) } }

  private func spread(_ figure: (Law) -> Double) -> Estimate {
    let values = laws.map { (figure: figure($0), weight: $0.weight) }.sorted { $0.figure < $1.figure }
    let total = values.reduce(0) { $0 + $1.weight }
    func quantile(_ share: Double) -> Double {
      var sum = 0.0
      for value in values {
        sum += value.weight
        if sum >= share * total { return value.figure }
      }
      return values.last?.figure ?? 0
    }
    return Estimate(quantile(0.5), low: quantile(0.05), high: quantile(0.95))
  }
}
