import TartinePlatform

/// The posterior of the standard error of the seeds' mean, from a few seeds and a prior measured on other
/// networks.
///
/// The seeds' figures have the variance σ² + c / n: σ² is the variance between networks, c the row-by-seed
/// interaction variance of one network's outcome on one row, n the number of rows. The rows' own interval
/// already covers the part of c / n that is due to row sampling; for a set of P rows in all, c / P remains.
/// Two or three seeds estimate σ poorly: alone they need Student's t of 12.7 and 4.3 standard errors, and
/// most gaps would stay undecided. But σ / √c is similar across data, sizes and networks: mostly between 0.01
/// and 0.1 for the error of one set, and about half of that for differences of two sets, where the seeds are
/// paired (Adult, Titanic, digits, MNIST and housing with 200 to 10 000 rows, and artificial data). So log σ
/// has a Student's t prior with three degrees of freedom around 0.04 √c, or 0.02 √c, whose long tails let
/// seeds that are far apart override it. The interval's ends are those of the mixture of normal distributions
/// over σ's posterior, each with the rows' own variance added.
///
/// **Source**: Gelman, *Prior distributions for variance parameters in hierarchical models*, 2006, for informative priors
/// where there are few groups. The prior's parameters are from our own measurements.
struct SeedDeviation {
  /// A grid over σ: the posterior weight, and the variance of the mean.
  private let weights, variances: [Double]

  /// The prior's median of σ / √c, for figures of one set and for differences of two.
  static let (ofOne, ofDifferences) = (0.04, 0.02)
  /// The scale of the prior in the logarithm of σ.
  private static let (scale, freedom) = (0.5, 3.0)
  /// How far the grid extends beyond the prior's median and the seeds' own spread, in log σ.
  private static let reach = 4.0
  private static let points = 120

  /// - Parameters:
  ///   - seeds: The figure of each seed.
  ///   - median: The prior median of σ / √c.
  ///   - interaction: The interaction variance c.
  ///   - inSample: c / n for the rows measured.
  ///   - inPart: c / P for all rows of the set; 0 for an infinite population.
  ///
  /// Nil if there is nothing to add: for one seed, and for seeds with the same outcome on each row.
  init?(of seeds: [Double], median: Double, interaction: Double, inSample: Double, inPart: Double) {
    guard seeds.count > 1 else { return nil }
    let count = Double(seeds.count)
    let deviation = Estimate.deviationOfMean(seeds)
    let spread = deviation * deviation * count
    // Seeds that differ by the same amount on every row have no interaction.
    let unit = max(interaction, spread)
    guard unit > 0 else { return nil }
    let middle = log(median * unit.squareRoot())
    let low = middle - Self.reach
    let high = max(middle, 0.5 * log(max(spread, .leastNormalMagnitude))) + Self.reach
    var (likelihoods, variances) = ([Double](), [Double]())
    for point in 0...Self.points {
      let logarithm = low + (high - low) * Double(point) / Double(Self.points)
      let variance = exp(2 * logarithm)
      let (expected, off) = (variance + inSample, (logarithm - middle) / Self.scale)
      let prior = -(Self.freedom + 1) / 2 * log(1 + off * off / Self.freedom)
      likelihoods.append(prior - (count - 1) / 2 * (log(expected) + spread / expected))
      variances.append((variance + inPart) / count)
    }
    let likeliest = likelihoods.max() ?? 0
    let weights = likelihoods.map { exp($0 - likeliest) }
    let sum = weights.reduce(0, +)
    self.weights = weights.map { $0 / sum }
    self.variances = variances
  }

  /// An interval from row sampling alone, widened by the variance over seeds.
  func widened(_ rows: Estimate) -> Estimate {
    Estimate(rows.value, low: rows.value - leg(rows.value - rows.low), high: rows.value + leg(rows.high - rows.value))
  }

  /// The distance of the mixture's 97.5 % point, given that of the rows at `rows`; by bisection.
  private func leg(_ rows: Double) -> Double {
    guard rows.isFinite else { return rows }
    let ofRows = rows / Estimate.z
    let deviations = variances.map { (ofRows * ofRows + $0).squareRoot() }
    var (low, high) = (rows, Estimate.z * (deviations.max() ?? 0))
    for _ in 0..<50 {
      let middle = (low + high) / 2
      let beyond = zip(weights, deviations).reduce(0) { $0 + $1.0 * HypothesisTest.normalTail(middle / $1.1) }
      if beyond > 0.025 { low = middle } else { high = middle }
    }
    return high
  }
}
