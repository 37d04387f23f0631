import TartineData
import TartineFiles
import TartineTraining
import TartinePlatform

/// The difference between two runs, or between two recipes trained with several seeds each, on the same dev
/// rows.
///
/// The interval covers sampling of rows and, with several seeds, of seeds. For one classification run each,
/// it is Bonett and Price's for paired proportions. Otherwise it is the normal interval of the paired row
/// differences (of squared errors for RMSE, by the delta method), averaged over the seeds, plus the variance
/// over seeds of each recipe, with Student's t. If the split keeps groups whole, the rows of a group count as
/// one case, also for classes. With one seed each, the interval is for these two networks: another seed of
/// either recipe may give another result.
///
/// **Source**: Welch, *The generalization of "Student's" problem when several different population variances are involved*,
/// 1947; Bonett and Price, *Adjusted Wald confidence interval for a difference of binomial proportions based on paired
/// data*, 2012; Fagerland, Lydersen and Laake, *The McNemar test for binary matched-pairs data*, 2013, for the mid-p value.
public struct Comparison: Sendable, CustomStringConvertible {
  /// The two errors or RMSEs compared: means over seeds.
  public let figure, otherFigure: Double
  /// The first error less the second: below 0 is better.
  public let difference: Estimate
  /// The p-value: McNemar's exact one for one classification run each; otherwise the level at which the
  /// interval just touches 0.
  public let p: Double
  /// The number of dev rows.
  public let rows: Int
  /// The number of runs of each.
  public let seeds: (Int, Int)
  /// Whether the whole interval lies on one side of 0.
  public var isDecided: Bool { difference.low > 0 || difference.high < 0 }
  /// `better`, `worse` or `undecided`.
  public var verdict: String { !isDecided ? "undecided" : difference.value < 0 ? "better" : "worse" }

  private let unit: Unit

  /// Compares the errors of some runs with those of others.
  ///
  /// - Parameters:
  ///   - runs: One run, or several runs of one recipe with different seeds.
  ///   - others: One run, or several runs of the recipe to compare with.
  /// - Throws: `DataError` if the runs were not measured on the same rows.
  public init(of runs: [Run], to others: [Run]) throws {
    guard let first = runs.first, let other = others.first else {
      throw RecipeError("a comparison needs a run on each side.")
    }
    for run in runs + others {
      guard run.model.task == first.model.task else {
        throw DataError(
          "one run is a \(first.model.task.rawValue) and the other a \(run.model.task.rawValue) task, whose errors cannot be compared.",
          source: run.split.dataset.source)
      }
      guard run.split.dataset.source == first.split.dataset.source, run.dev.origin == first.dev.origin,
        Self.agree(run.dev.truths, first.dev.truths)
      else {
        throw DataError(
          "two runs can be compared only on the same dev rows; train both on the same data with the same \(OptionName.splitShares) and \(OptionName.splitSeed).",
          source: run.split.dataset.source)
      }
    }
    let task = first.model.task
    unit = Unit(first.model)
    let count = first.dev.rowCount
    rows = count
    seeds = (runs.count, others.count)
    let (mine, theirs) = (Self.Arm(runs), Self.Arm(others))
    figure = mine.mean
    otherFigure = theirs.mean
    let cases = first.dev.cases
    if cases == nil, runs.count == 1, others.count == 1, task.isClassification {
      difference = .pairedProportions(first.dev.outcomes, other.dev.outcomes)
      p = Self.mcNemar(first.dev.outcomes, other.dev.outcomes)
      return
    }
    let (spread, freedom) = Estimate.deviationOfMean(zip(mine.rows, theirs.rows).map { $0 - $1 }, cases: cases)
    let seedSpread = Self.seedSpread(mine, theirs)
    let value = figure - otherFigure
    func half(_ tail: Double) -> Double {
      let ofSeeds = seedSpread.map { $0.deviation * HypothesisTest.studentPoint(upperTail: tail, freedom: $0.freedom) }
      // One row gives no variance.
      guard count > 1, spread.isFinite else { return .infinity }
      return hypot(HypothesisTest.studentPoint(upperTail: tail, freedom: freedom) * spread, ofSeeds ?? 0)
    }
    let width = half(0.025)
    difference = Estimate(value, low: value - width, high: value + width)
    // The level at which the interval just touches 0.
    var (low, high) = (1e-12, 0.5)
    while high - low > 1e-6 * high {
      let middle = (low * high).squareRoot()
      if half(middle) > abs(value) { low = middle } else { high = middle }
    }
    p = value == 0 ? 1 : min(1, 2 * high)
  }

  /// Numbers are converted back from the training unit, with rounding.
  private static func agree(_ a: [Double], _ b: [Double]) -> Bool {
    guard a.count == b.count else { return false }
    let largest = b.reduce(0) { max($0, abs($1)) }
    return zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * largest }
  }

  /// The runs on one side.
  private struct Arm {
    let scores: [Double]
    /// Each row's contribution to the figure, by the delta method, averaged over the runs.
    let rows: [Double]

    var mean: Double { scores.reduce(0, +) / Double(scores.count) }
    /// The standard deviation over seeds; nil for one run.
    var variance: Double? {
      guard scores.count > 1 else { return nil }
      return scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count - 1)
    }

    init(_ runs: [Run]) {
      scores = runs.map(\.dev.score)
      var sums = [Double](repeating: 0, count: runs[0].dev.rowCount)
      for run in runs {
        let scale = run.model.task == .regression ? 1 / (2 * max(run.dev.score, .leastNormalMagnitude)) : 1
        for (row, outcome) in run.dev.outcomes.enumerated() { sums[row] += outcome * scale / Double(runs.count) }
      }
      rows = sums
    }
  }

  /// The standard deviation of the difference over seeds, and its degrees of freedom by Welch and
  /// Satterthwaite. A side with one run is assumed to vary like the other. Nil if neither side has several
  /// runs.
  private static func seedSpread(_ mine: Arm, _ theirs: Arm) -> (deviation: Double, freedom: Double)? {
    let arms = [mine, theirs]
    guard let known = arms.map(\.variance).compactMap({ $0 }).first else { return nil }
    let parts = arms.map { ($0.variance ?? known) / Double($0.scores.count) }
    let sum = parts[0] + parts[1]
    guard sum > 0 else { return (0, 1) }
    if arms.contains(where: { $0.variance == nil }) {
      return (sum.squareRoot(), Double(mine.scores.count + theirs.scores.count - 2))
    }
    let terms = zip(parts, arms).map { $0 * $0 / Double($1.scores.count - 1) }
    return (sum.squareRoot(), sum * sum / (terms[0] + terms[1]))
  }

  /// The mid-p value of as few or fewer changes in one direction, among all rows that changed.
  private static func mcNemar(_ first: [Double], _ second: [Double]) -> Double {
    let worse = zip(first, second).count { $0 > $1 }
    let changed = zip(first, second).count { $0 != $1 }
    let fewer = min(worse, changed - worse)
    guard changed > 0 else { return 1 }
    func share(_ k: Int) -> Double {
      exp(
        lgamma(Double(changed + 1)) - lgamma(Double(k + 1)) - lgamma(Double(changed - k + 1)) - Double(changed) * log(2)
      )
    }
    let tail = (0...fewer).reduce(0.0) { $0 + share($1) }
    return min(1, 2 * tail - share(fewer))
  }

  /// The difference and verdict: `−1.20 points (−1.90 to −0.50): better`.
  public var description: String { "\(unit.difference(difference)): \(verdict)" }

  /// The difference and the verdict by a p-value that is adjusted for several comparisons.
  package func description(adjusted p: Double) -> String {
    let isAlone = difference.low > 0 || difference.high < 0
    let verdict =
      p > 0.05 ? (isAlone ? "undecided after the adjustment" : "undecided") : difference.value < 0 ? "better" : "worse"
    return "\(unit.difference(difference)): \(verdict)"
  }

  /// An error as text.
  package func text(_ value: Double) -> String { unit.text(value) }
}

extension Run {
  /// The paired difference of the dev errors, this run's less the other's.
  /// - Throws: `DataError` if the runs were not measured on the same rows.
  public func compared(to other: Run) throws -> Comparison { try Comparison(of: [self], to: [other]) }
}

extension Comparison: Encodable {
  private enum Key: String, CodingKey { case figure, other, difference, low, high, p, verdict, rows, seeds }

  /// The object that `compare --json` prints.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(figure, forKey: .figure)
    try values.encode(otherFigure, forKey: .other)
    try values.encode(difference.value, forKey: .difference)
    // An unbounded end is null.
    try values.encode(difference.low.isFinite ? difference.low : nil, forKey: .low)
    try values.encode(difference.high.isFinite ? difference.high : nil, forKey: .high)
    try values.encode(p, forKey: .p)
    try values.encode(verdict, forKey: .verdict)
    try values.encode(rows, forKey: .rows)
    try values.encode([seeds.0, seeds.1], forKey: .seeds)
  }
}
