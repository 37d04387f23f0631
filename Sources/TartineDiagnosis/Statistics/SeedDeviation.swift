#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much the seeds' mean may lie off the mean over all seeds, from a few seeds and from what is known of networks.
///
/// The seeds' figures vary by σ² + c / n: networks that are better or worse on the whole, and, c being the variance of one
/// network's outcome on one row beyond that, the luck of n rows. Of c / n, what the n rows' luck leaves open is in the rows'
/// own interval; of a part of P rows in all, c / P stays. Two or three seeds tell σ badly: by themselves they need Student's
/// 12.7 and 4.3 deviations either way, and most gaps would stay undecided. But σ / √c is alike over data, sizes and networks:
/// mostly between 0.01 and 0.1 for the error of one part, and about half of that for differences of two, where what makes a
/// seed better on both cancels (Adult, Titanic, digits, MNIST and housing with 200 to 10 000 rows, and artificial data). So
/// log σ has a prior around 0.04 √c, or 0.02 √c, of Student's distribution with three degrees of freedom, whose long tails let
/// seeds that are far apart overrule it. The interval's ends are those of the mixture of normal distributions that σ's
/// posterior gives, each with the rows' own variance beside it.
///
/// **Source**: Gelman, *Prior distributions for variance parameters in hierarchical models*, 2006, for informative priors
/// where there are few groups. The prior's figures are from our own measurements.
struct SeedDeviation {
  /// Of a grid over σ: the posterior, and the variance of the mean.
  private let weights, variances: [Double]

  /// The prior's median of σ / √c, for figures of one part and for differences of two.
  static let (ofOne, ofDifferences) = (0.04, 0.02)
  /// Of its logarithm.
  private static let (scale, freedom) = (0.5, 3.0)
  /// How far the grid goes beyond the prior's middle and the seeds' own spread, in σ's logarithm.
  private static let reach = 4.0
  private static let points = 120

  /// - Parameters:
  ///   - seeds: each one's figure.
  ///   - median: the prior's, of σ / √c.
  ///   - interaction: c.
  ///   - inSample: c / n of the rows that were looked at.
  ///   - inPart: c / n of all that there are; 0 where there is no end of them.
  ///
  /// Nil where nothing is to be added: of one seed, which says nothing of others, and of seeds that do the same on each row.
  init?(of seeds: [Double], median: Double, interaction: Double, inSample: Double, inPart: Double) {
    guard seeds.count > 1 else { return nil }
    let count = Double(seeds.count)
    let deviation = Estimate.deviationOfMean(seeds)
    let spread = deviation * deviation * count
    // Seeds that differ by as much on every row have no c.
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

  /// An interval that rows alone have left, with what seeds leave open besides.
  func widened(_ rows: Estimate) -> Estimate {
    Estimate(rows.value, low: rows.value - leg(rows.value - rows.low), high: rows.value + leg(rows.high - rows.value))
  }

  /// How far the mixture's 97.5 % point lies, where the rows' lies at `rows`; by bisection.
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
