import TartineData
import TartineTraining

/// What a difference between two rungs says, held against the smallest that matters.
public enum Reading: String, Hashable, Sendable, Codable {
  /// The whole interval lies above δ.
  case present
  /// The whole interval lies below δ.
  case absent
  /// The interval holds δ, or there is nothing to compare with.
  case undecided

  /// Reads a difference against δ.
  public init(_ difference: Estimate, worth delta: Double) {
    self = difference.low > delta ? .present : difference.high < delta ? .absent : .undecided
  }
}

/// One error of the ladder.
public struct Rung: Hashable, Sendable {
  /// `train`, `dev` or `test`.
  public let name: String
  /// Error or RMSE, with its interval.
  public let estimate: Estimate
  /// Rows it was measured on.
  public let rows: Int
  /// Rows that the part has: train is measured on a sample as large as dev.
  public let partRows: Int

  init(_ name: String, _ evaluation: Evaluation, of partRows: Int? = nil) {
    self.partRows = partRows ?? evaluation.rowCount
    self.name = name
    estimate = evaluation.estimate
    rows = evaluation.rowCount
  }
}

/// One fault that the ladder can show.
public struct Finding: Hashable, Sendable {
  /// What the difference says.
  public let reading: Reading
  /// The difference, where there is one.
  public let difference: Estimate?
  /// The finding in a sentence.
  public let sentence: String
}
