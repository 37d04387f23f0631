import TartineData
import TartineTraining
import TartinePlatform

/// An error, or RMSE, of one network or of one recipe with several seeds, measured on a sample of rows. The
/// variances of row sampling and seed sampling are kept apart, so that differences of two such figures get
/// correct intervals.
///
/// With several seeds, each row counts by its mean over the seeds. Proportions have Wilson's interval, with
/// the effective sample size of the rows' standard deviation. Rows and seeds are two crossed random factors.
/// The variance over seeds is estimated from the few seeds and a prior from other networks: see
/// ``SeedDeviation``. If all rows of a finite set are measured, row sampling adds nothing.
package struct SampledFigure {
  /// The figure of each seed.
  package let seeds: [Double]
  /// The estimate with row sampling alone.
  package let rows: Estimate
  /// The row-by-seed interaction variance of one seed's outcome on one row.
  private let interaction: Double
  /// The interaction variance in a seed's mean over the rows measured, and over all rows of the set.
  private let inSample, inPart: Double

  /// The mean over the seeds.
  package var value: Double { rows.value }

  /// - Parameters:
  ///   - outcomes: For each seed, each row's own error: 0 or 1, a share, or a squared error.
  ///   - partRows: The number of rows in the set, if these are a sample of it without replacement; nil for an
  ///     infinite population.
  ///   - cases: Which rows belong together, such as those of one patient; nil if rows are independent.
  package init(outcomes: [[Double]], isNumber: Bool, partRows: Int? = nil, cases: [Int]? = nil) {
    let count = Double(outcomes[0].count)
    let means = outcomes.map { $0.reduce(0, +) / count }
    seeds = isNumber ? means.map { $0.squareRoot() } : means
    let value = seeds.reduce(0, +) / Double(seeds.count)
    // The share of the set that was not measured.
    let unseen = partRows.map { max(0, 1 - count / Double($0)) } ?? 1
    let byRow = Self.means(of: outcomes)
    let effect = Estimate.designEffect(byRow, cases: cases)
    // The slope of the root, which converts squared errors to RMSE.
    let slope = isNumber ? 1 / (2 * max(value, .leastNormalMagnitude)) : 1
    let spread = Estimate.deviationOfMean(byRow)
    let crossed = Self.interaction(outcomes, byRow) * slope * slope
    interaction = crossed
    inSample = crossed / count
    inPart = partRows.map { crossed / max(count, Double($0)) } ?? 0
    if unseen == 0 {
      rows = Estimate(value, low: value, high: value)
    } else if isNumber {
      let root = Estimate.rootMeanSquare(byRow)
      // The interval is symmetric on the logarithm, and so is a wider or narrower one.
      let wider = (unseen * effect).squareRoot()
      func end(_ bound: Double) -> Double { bound == root.value ? value : value * pow(bound / root.value, wider) }
      rows = Estimate(value, low: end(root.low), high: end(root.high))
    } else {
      var effective = count
      // With several labels, a row's error is a share, and its labels carry more information than one label.
      let labels = outcomes.joined().reduce(1.0) { $1 > 0 && $1 < 1 ? max($0, 1 / $1) : $0 }
      if outcomes.count > 1 || labels > 1, value > 0, value < 1 {
        // The effective sample size lies between one network's and that of as many independent networks. The
        // spread of few rows with errors may be too small by chance, and is taken larger by 0.3 of its
        // standard error, found with `TartineEvidence ladder`.
        let erring = Double(max(1, byRow.count { $0 > 0 }))
        let told = value * (1 - value) / max(1e-300, spread * spread) / (1 + 0.3 * (0.5 / erring).squareRoot())
        effective = min(count * Double(outcomes.count) * labels, max(count, told))
      }
      rows = .proportion(value, ofEffective: max(1, effective / effect) / unseen)
    }
  }

  private static func means(of outcomes: [[Double]]) -> [Double] {
    guard outcomes.count > 1 else { return outcomes[0] }
    var means = outcomes[0]
    for row in means.indices { means[row] = outcomes.reduce(0) { $0 + $1[row] } / Double(outcomes.count) }
    return means
  }

  /// The row-by-seed interaction variance of one seed on one row.
  private static func interaction(_ outcomes: [[Double]], _ byRow: [Double]) -> Double {
    let (seeds, rows) = (Double(outcomes.count), Double(byRow.count))
    guard seeds > 1, rows > 1 else { return 0 }
    let all = byRow.reduce(0, +) / rows
    let squares = outcomes.reduce(0.0) { sum, list in
      let mean = list.reduce(0, +) / rows
      return sum + zip(list, byRow).reduce(0) { $0 + pow2($1.0 - $1.1 - mean + all) }
    }
    return squares / ((seeds - 1) * (rows - 1))
  }

  private static func pow2(_ x: Double) -> Double { x * x }

  package init(_ evaluations: [Evaluation], partRows: Int? = nil) {
    self.init(
      outcomes: evaluations.map(\.outcomes), isNumber: evaluations[0].task == .regression, partRows: partRows,
      cases: evaluations[0].cases)
  }

  /// The estimate with row and seed sampling.
  package var estimate: Estimate {
    let deviation = SeedDeviation(
      of: seeds, median: SeedDeviation.ofOne, interaction: interaction, inSample: inSample, inPart: inPart)
    let estimate = deviation?.widened(rows) ?? rows
    return Estimate(value, low: max(0, estimate.low), high: estimate.high)
  }

  /// The difference to another figure of the same seeds on other rows.
  package func less(_ other: SampledFigure) -> Estimate {
    let deviation = SeedDeviation(
      of: zip(seeds, other.seeds).map { $0 - $1 }, median: SeedDeviation.ofDifferences,
      interaction: (interaction + other.interaction) / 2, inSample: inSample + other.inSample,
      inPart: inPart + other.inPart)
    return deviation?.widened(rows - other.rows) ?? (rows - other.rows)
  }
}
