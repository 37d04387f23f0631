import TartinePlatform
import TartineTraining

/// A figure with its 95 % interval.
public struct Estimate: Hashable, Sendable, Encodable {
  /// The point estimate.
  public let value: Double
  /// The interval's lower end.
  public let low: Double
  /// The interval's upper end.
  public let high: Double

  /// Creates an estimate from a figure and its interval.
  public init(_ value: Double, low: Double, high: Double) {
    self.value = value
    self.low = low
    self.high = high
  }

  /// Encodes the estimate; NaN and an unbounded end become null.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(value.isFinite ? value : nil, forKey: .value)
    try values.encode(low.isFinite ? low : nil, forKey: .low)
    try values.encode(high.isFinite ? high : nil, forKey: .high)
  }

  private enum Key: String, CodingKey { case value, low, high }

  /// The normal distribution's 97.5 % point.
  package static let z = 1.959963984540054

  /// The 97.5 % point of Student's t distribution.
  package static func studentT(_ freedom: Double) -> Double {
    HypothesisTest.studentPoint(upperTail: 0.025, freedom: freedom)
  }

  /// A proportion of `count` rows, with Wilson's interval.
  ///
  /// **Source**: Wilson, *Probable inference, the law of succession, and statistical inference*, 1927.
  public static func proportion(_ share: Double, of count: Int) -> Estimate {
    proportion(share, ofEffective: Double(count))
  }

  /// A proportion with Wilson's interval for an effective sample size of `n`.
  static func proportion(_ share: Double, ofEffective n: Double) -> Estimate {
    let z2 = z * z
    let middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    let half = z / (1 + z2 / n) * (share * (1 - share) / n + z2 / (4 * n * n)).squareRoot()
    // At 0 and 1 the formula ends there, up to rounding.
    return Estimate(
      share, low: share == 0 ? 0 : max(0, middle - half), high: share == 1 ? 1 : min(1, middle + half))
  }

  /// The root mean square error, with a delta-method interval on its logarithm.
  static func rootMeanSquare(_ squares: [Double]) -> Estimate {
    let n = Double(squares.count)
    let mean = squares.reduce(0, +) / n
    guard squares.count > 1 else { return Estimate(mean.squareRoot(), low: 0, high: .infinity) }
    guard mean != 0 else { return Estimate(0, low: 0, high: 0) }
    var variance = squares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    // Few rows can be close together by chance: squares of normal errors vary by at least this.
    if squares.count < 30 { variance = max(variance, 2 * mean * mean) }
    let half = studentT(n - 1) * (variance / n).squareRoot() / (2 * mean)
    return Estimate(mean.squareRoot(), low: mean.squareRoot() * exp(-half), high: mean.squareRoot() * exp(half))
  }

  /// The difference between two independent figures; the distances to the ends of their intervals are added
  /// in quadrature.
  ///
  /// **Source**: Newcombe, *Interval estimation for the difference between independent proportions*, 1998,
  /// method 10; Zou and Donner 2008 for other figures.
  public static func - (left: Estimate, right: Estimate) -> Estimate {
    let difference = left.value - right.value
    func leg(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
    return Estimate(
      difference, low: difference - leg(left.value - left.low, right.high - right.value),
      high: difference + leg(left.high - left.value, right.value - right.low))
  }
}

extension Estimate {
  /// The standard error of the mean of these values.
  package static func deviationOfMean(_ values: [Double]) -> Double {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, n - 1) / n).squareRoot()
  }

  /// The cluster-robust standard error of the mean for rows in cases, such as the visits of one patient, and
  /// its degrees of freedom.
  ///
  /// **Source**: Liang and Zeger, *Longitudinal data analysis using generalized linear models*, 1986, for an independence
  /// working model.
  static func deviationOfMean(_ values: [Double], cases: [Int]?) -> (value: Double, freedom: Double) {
    let n = Double(values.count)
    guard let cases else { return (deviationOfMean(values), n - 1) }
    let mean = values.reduce(0, +) / n
    var sums: [Int: Double] = [:]
    var sizes: [Int: Double] = [:]
    for (value, each) in zip(values, cases) {
      sums[each, default: 0] += value - mean
      sizes[each, default: 0] += 1
    }
    // As many groups as groups of one size would count: one large group beside small ones is hardly more than one.
    let count = n * n / sizes.values.sorted().reduce(0) { $0 + $1 * $1 }
    guard sums.count > 1 else { return (.infinity, 1) }
    // In the order of the cases: a sum over a dictionary has no fixed order.
    let squares = sums.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value * $1.value }
    return ((squares * count / (count - 1)).squareRoot() / n, max(1, count - 1))
  }

  /// The design effect: the number of rows over the effective sample size, because rows come in cases; 1 for
  /// independent rows.
  static func designEffect(_ values: [Double], cases: [Int]?) -> Double {
    guard let cases else { return 1 }
    let count = Set(cases).count
    guard count > 1 else { return .infinity }
    let (alone, together) = (deviationOfMean(values), deviationOfMean(values, cases: cases))
    // If all rows have the same value, each case counts as one row.
    guard alone > 0 else { return Double(values.count) / Double(count) }
    let student = studentT(together.freedom) / z
    return max(1, together.value * together.value / (alone * alone)) * student * student
  }

  /// The amount by which the error, or RMSE, of some rows is lower after than before.
  ///
  /// - Parameters:
  ///   - before: Each row's own error; squared for regression.
  ///   - after: The errors of the same rows after.
  ///   - isNumber: Whether the figure is the root of the mean.
  ///   - cases: Which rows belong together; nil if rows are independent.
  package static func fall(
    from before: [Double], to after: [Double], isNumber: Bool, cases: [Int]? = nil
  ) -> Estimate {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
    func between(_ value: Double, _ differences: [Double]) -> Estimate {
      // One row gives no variance, and few rows give little.
      let (deviation, freedom) = deviationOfMean(differences, cases: cases)
      let half = freedom > 0 && deviation.isFinite ? studentT(freedom) * deviation : .infinity
      return Estimate(value, low: value - half, high: value + half)
    }
    if isNumber {
      // The slope of the root at each mean.
      let (old, new) = (mean(before).squareRoot(), mean(after).squareRoot())
      let (first, second) = (2 * max(old, .leastNormalMagnitude), 2 * max(new, .leastNormalMagnitude))
      return between(old - new, zip(before, after).map { $0 / first - $1 / second })
    }
    let differences = zip(before, after).map { $0 - $1 }
    guard (before + after).allSatisfy({ $0 == 0 || $0 == 1 }) else { return between(mean(differences), differences) }
    let alone = pairedProportions(before, after)
    guard cases != nil else { return alone }
    // If few or no rows differ, the cases give too little information about the variance.
    let together = between(mean(differences), differences)
    return Estimate(together.value, low: min(alone.low, together.low), high: max(alone.high, together.high))
  }

  /// The difference between two proportions on the same rows, each row 0 or 1.
  static func pairedProportions(_ first: [Double], _ second: [Double]) -> Estimate {
    let n = Double(first.count)
    let worse = zip(first, second).reduce(0.0) { $0 + ($1.0 > $1.1 ? 1 : 0) }
    let better = zip(first, second).reduce(0.0) { $0 + ($1.0 < $1.1 ? 1 : 0) }
    let p = (worse + 1) / (n + 2)
    let q = (better + 1) / (n + 2)
    let half = z * ((p + q - (p - q) * (p - q)) / (n + 2)).squareRoot()
    return Estimate((worse - better) / n, low: p - q - half, high: p - q + half)
  }
}

extension Evaluation {
  /// The task's error or RMSE, with its 95 % interval over rows.
  public var estimate: Estimate {
    SampledFigure([self]).rows
  }
}

extension Evaluation {
  /// The kurtosis of the errors about 0, 3 if they are normally distributed; nil for classes.
  public var kurtosis: Double? {
    guard task == .regression, meanOutcome > 0 else { return nil }
    return outcomes.reduce(0) { $0 + $1 * $1 } / Double(outcomes.count) / (meanOutcome * meanOutcome)
  }

  /// A warning where heavy-tailed errors make the RMSE's interval unreliable; nil otherwise.
  ///
  /// The interval needs the variance of the squared errors, and rows with large errors that were not drawn are not in it. Of 30
  /// normally distributed errors 1.5 % have a kurtosis above 5.
  package var tailWarning: String? {
    guard rowCount >= 10, let kurtosis, kurtosis > 5 else { return nil }
    return
      "The errors have heavy tails (kurtosis \(Text.significant(kurtosis, digits: 2)), 3 if normal): the intervals of RMSE and R² "
      + "may be too narrow, as a few rows decide them."
  }
}

extension Evaluation: CustomStringConvertible {
  /// The estimate as text: `error 2.79 % (1.52 to 5.05 %), 359 rows`.
  public var description: String {
    let unit = Unit(task: task, target: "")
    let name = task == .regression ? "RMSE" : "error"
    return
      "\(name) \(unit.text(estimate.value)) (\(unit.range(estimate))), \(rowCount) \(rowCount == 1 ? "row" : "rows")"
  }
}
