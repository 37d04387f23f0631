import TartineData
import TartineTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The difference of two runs, or of two recipes trained with several seeds each, on the same dev rows.
///
/// The interval is of rows like these and, where there are several seeds, of seeds like these: for one run each of classes
/// Bonett and Price's for paired proportions; else the rows' differences (of their squared errors, for RMSE by the delta
/// method), averaged over the seeds, and the seeds' own deviations with Student's t. With one seed each it is of these two
/// networks: another seed of either recipe may say otherwise.
///
/// **Source**: Bonett and Price, *Adjusted Wald confidence interval for a difference of binomial proportions based on paired
/// data*, 2012; Fagerland, Lydersen and Laake, *The McNemar test for binary matched-pairs data*, 2013, for the mid-p value.
public struct Comparison: Sendable, CustomStringConvertible {
  /// The figures compared, error or RMSE: mean over seeds.
  public let figure, otherFigure: Double
  /// The first less the other: below 0 is better.
  public let difference: Estimate
  /// How likely a difference as large is where there is none: McNemar's, exact, for one run each of classes; else from the
  /// interval's own deviation.
  public let p: Double
  /// Dev rows.
  public let rows: Int
  /// Runs of each.
  public let seeds: (Int, Int)
  /// Whether the whole interval lies on one side of 0.
  public var isDecided: Bool { difference.low > 0 || difference.high < 0 }
  /// `better`, `worse` or `undecided`.
  public var verdict: String { !isDecided ? "undecided" : difference.value < 0 ? "better" : "worse" }

  private let unit: Unit

  /// Compares what some runs reach with what others do.
  ///
  /// - Parameters:
  ///   - runs: of one recipe with several seeds, or one run.
  ///   - others: the same of what they are held against.
  /// - Throws: `DataError` where they were not measured on the same rows.
  public init(of runs: [Run], to others: [Run]) throws {
    guard let first = runs.first, let other = others.first else {
      throw RecipeError("a comparison needs a run on either side.")
    }
    for run in runs + others {
      guard run.split.dataset.source == first.split.dataset.source, run.dev.origin == first.dev.origin,
        run.dev.truths == first.dev.truths, run.model.task == first.model.task
      else {
        throw DataError(
          "two runs can be compared only on the same dev rows; train both on the same data with the same --split and --split-seed.",
          source: run.split.dataset.source)
      }
    }
    let task = first.model.task
    unit = Unit(first.model)
    rows = first.dev.rowCount
    seeds = (runs.count, others.count)
    let (mine, theirs) = (Self.Arm(runs), Self.Arm(others))
    figure = mine.mean
    otherFigure = theirs.mean
    if runs.count == 1, others.count == 1, task.isClassification {
      difference = .pairedProportions(first.dev.outcomes, other.dev.outcomes)
      p = Self.mcNemar(first.dev.outcomes, other.dev.outcomes)
      return
    }
    let spread = Estimate.deviationOfMean(zip(mine.rows, theirs.rows).map { $0 - $1 })
    let seedSpread = Self.seedSpread(mine, theirs)
    let value = figure - otherFigure
    let half = hypot(Estimate.z * spread, seedSpread.quantile * seedSpread.deviation)
    difference = Estimate(value, low: value - half, high: value + half)
    // The interval's half width is so many deviations of a normal distribution.
    p = half > 0 ? 2 * HypothesisTest.normalTail(abs(value) / half * Estimate.z) : 1
  }

  /// Runs on one side.
  private struct Arm {
    let scores: [Double]
    /// Each row's share in the figure, as the delta method has it, averaged over the runs.
    let rows: [Double]

    var mean: Double { scores.reduce(0, +) / Double(scores.count) }
    var squares: Double { scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } }

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

  /// The deviation of the difference that seeds make, with Student's quantile; none where nothing tells it.
  private static func seedSpread(_ mine: Arm, _ theirs: Arm) -> (deviation: Double, quantile: Double) {
    let freedom = mine.scores.count + theirs.scores.count - 2
    guard freedom > 0 else { return (0, 0) }
    let variance = (mine.squares + theirs.squares) / Double(freedom)
    let deviation = (variance * (1 / Double(mine.scores.count) + 1 / Double(theirs.scores.count))).squareRoot()
    return (deviation, Estimate.studentT(freedom))
  }

  /// The mid-p value of as many or fewer changes in one direction, of all rows that changed.
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

  /// As in `−1.20 points (−1.90 to −0.50): better`.
  public var description: String { "\(unit.difference(difference)): \(verdict)" }

  /// A figure as text.
  package func text(_ value: Double) -> String { unit.text(value) }
}

extension Run {
  /// The paired difference of the dev errors, this run's less the other's.
  /// - Throws: `DataError` where the runs were not measured on the same rows.
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
    try values.encode(difference.low, forKey: .low)
    try values.encode(difference.high, forKey: .high)
    try values.encode(p, forKey: .p)
    try values.encode(verdict, forKey: .verdict)
    try values.encode(rows, forKey: .rows)
    try values.encode([seeds.0, seeds.1], forKey: .seeds)
  }
}

extension Estimate {
  /// The deviation of the mean of so many values.
  static func deviationOfMean(_ values: [Double]) -> Double {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, n - 1) / n).squareRoot()
  }

  /// By how much the error, or the RMSE, of some rows is lower after than before.
  ///
  /// - Parameters:
  ///   - before: each row's own error; of a number, squared.
  ///   - after: the same rows'.
  ///   - isNumber: whether the figure is the root of the mean.
  static func fall(from before: [Double], to after: [Double], isNumber: Bool) -> Estimate {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
    func between(_ value: Double, _ differences: [Double]) -> Estimate {
      let half = z * deviationOfMean(differences)
      return Estimate(value, low: value - half, high: value + half)
    }
    if isNumber {
      // The root's slope at each mean.
      let (old, new) = (mean(before).squareRoot(), mean(after).squareRoot())
      let (first, second) = (2 * max(old, .leastNormalMagnitude), 2 * max(new, .leastNormalMagnitude))
      return between(old - new, zip(before, after).map { $0 / first - $1 / second })
    }
    if (before + after).allSatisfy({ $0 == 0 || $0 == 1 }) { return pairedProportions(before, after) }
    let differences = zip(before, after).map { $0 - $1 }
    return between(mean(differences), differences)
  }

  /// The difference of two shares of the same rows, each row 0 or 1.
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
