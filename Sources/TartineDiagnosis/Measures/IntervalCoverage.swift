import TartineData
import TartineTraining

/// How often the intervals of single predictions, or the sets of classes, held the truth on rows that made none of them.
///
/// Of rows like those of dev they hold the share that was asked for, over all rows; where some rows are harder than others it may
/// be less among them, so the slices that are missed significantly more often than the other rows are listed.
///
/// **Source**: `ConformalScores` for the intervals; ``Slices`` for the slices.
public struct IntervalCoverage: Sendable, Encodable {
  /// The share that was asked for.
  public let coverage: Double
  /// The share of the rows whose truth was held, with its interval.
  public let held: Estimate
  /// The mean width of the intervals in the target's unit, or the mean number of classes of a set.
  public let size: Double
  /// The slices of the rows in which fewer are held; their error is the share that is missed.
  public let slices: [Slices.Slice]

  /// The shares that a report shows.
  public static let usual = [0.8, 0.9, 0.95]

  /// - Parameters:
  ///   - evaluation: The model on these rows.
  ///   - coverage: The share to hold.
  ///   - dataset: The data set with their columns; nil: no slices.
  /// - Returns: Nil for several labels, for a model without conformal scores, or with too few of them.
  public init?(_ evaluation: Evaluation, coverage: Double, of dataset: Dataset? = nil) {
    guard let rows = evaluation.intervals(coverage), !rows.isEmpty else { return nil }
    self.coverage = coverage
    let misses = rows.map { $0.isHeld ? 0.0 : 1 }
    let missed = SampledFigure(outcomes: [misses], isNumber: false, cases: evaluation.cases).rows
    held = Estimate(1 - missed.value, low: 1 - missed.high, high: 1 - missed.low)
    size = rows.reduce(0) { $0 + $1.size } / Double(rows.count)
    slices = dataset.map { Slices(evaluation, of: $0, outcomes: misses, isNumber: false).worst } ?? []
  }
}
