import TartineData
import TartineTraining

/// An error, or RMSE, of one network or of one recipe with several seeds, measured on a sample of rows: what rows and what
/// seeds leave open, apart, so that differences of two such figures can be taken rightly.
///
/// With several seeds each row counts by its mean over them. Shares have Wilson's interval, for as many rows as would give
/// the rows' own deviation. Rows and seeds are two random factors that cross; what seeds add beyond the two together is known
/// from few of them, and from what networks differ by elsewhere: see ``SeedDeviation``. Rows that are all that there are leave
/// nothing open.
package struct SampledFigure {
  /// Of each seed.
  package let seeds: [Double]
  /// By rows alone.
  package let rows: Estimate
  /// What rows and seeds together put into one seed's outcome on one row, as a variance.
  private let interaction: Double
  /// The same in a seed's mean over the rows that were looked at, and over all that there are.
  private let inSample, inPart: Double

  /// The mean over the seeds.
  package var value: Double { rows.value }

  /// - Parameters:
  ///   - outcomes: for each seed, each row's own error: 0 or 1, a share, or a squared error.
  ///   - partRows: rows that there are, where these are a sample of them without repetition; nil: any number.
  ///   - cases: which rows belong together, such as those of one patient; nil: none do.
  package init(outcomes: [[Double]], isNumber: Bool, partRows: Int? = nil, cases: [Int]? = nil) {
    let count = Double(outcomes[0].count)
    let means = outcomes.map { $0.reduce(0, +) / count }
    seeds = isNumber ? means.map { $0.squareRoot() } : means
    let value = seeds.reduce(0, +) / Double(seeds.count)
    // The share of the part that was not looked at.
    let unseen = partRows.map { max(0, 1 - count / Double($0)) } ?? 1
    let byRow = Self.means(of: outcomes)
    let effect = Estimate.designEffect(byRow, cases: cases)
    // The root's slope, by which squared errors become RMSE.
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
      let scale = root.value > 0 ? value / root.value * (unseen * effect).squareRoot() : 0
      rows = Estimate(
        value, low: value - (root.value - root.low) * scale, high: value + (root.high - root.value) * scale)
    } else {
      var effective = count
      // Of several labels a row's error is a share, and its labels tell more than one of them would.
      let labels = outcomes.joined().reduce(1.0) { $1 > 0 && $1 < 1 ? max($0, 1 / $1) : $0 }
      if outcomes.count > 1 || labels > 1, value > 0, value < 1 {
        // Between what one network tells and what as many independent ones would; a spread of few rows with errors may be too
        // small by chance, and is taken larger by three tenths of its own deviation, found with `TartineEvidence ladder`.
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

  /// What seeds differ in from row to row, beyond rows and seeds each by itself, of one seed on one row.
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

  package init(_ evaluations: [Evaluation], partRows: Int? = nil, cases: [Int]? = nil) {
    self.init(
      outcomes: evaluations.map(\.outcomes), isNumber: evaluations[0].task == .regression, partRows: partRows,
      cases: cases)
  }

  /// With what rows and seeds leave open.
  package var estimate: Estimate {
    let deviation = SeedDeviation(
      of: seeds, median: SeedDeviation.ofOne, interaction: interaction, inSample: inSample, inPart: inPart)
    let estimate = deviation?.widened(rows) ?? rows
    return Estimate(value, low: max(0, estimate.low), high: estimate.high)
  }

  /// This less another, of the same seeds and other rows.
  package func less(_ other: SampledFigure) -> Estimate {
    let deviation = SeedDeviation(
      of: zip(seeds, other.seeds).map { $0 - $1 }, median: SeedDeviation.ofDifferences,
      interaction: (interaction + other.interaction) / 2, inSample: inSample + other.inSample,
      inPart: inPart + other.inPart)
    return deviation?.widened(rows - other.rows) ?? (rows - other.rows)
  }
}
