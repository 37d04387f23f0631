import TartineData
import TartineTraining

/// A difference between two rungs, compared with δ, the smallest difference that matters.
public enum Reading: String, Hashable, Sendable, Codable {
  /// The whole interval lies above δ.
  case present
  /// The whole interval lies below δ.
  case absent
  /// The interval contains δ, or there is no reference.
  case undecided

  /// Compares a difference with δ.
  public init(_ difference: Estimate, worth delta: Double) {
    self = difference.low > delta ? .present : difference.high < delta ? .absent : .undecided
  }
}

/// One error of the ladder, for one network or for a recipe with several seeds.
public struct Rung: Hashable, Sendable {
  /// The name: `train`, `train-dev`, `dev`, `test`, `human` for a given reference, or `reached` for a
  /// reference estimated by the lowest train error of another recipe.
  public let name: String
  /// The error or RMSE, with its interval.
  public let estimate: Estimate
  /// The number of rows measured; 0 for a given reference.
  public let rows: Int
  /// The number of rows in the set. Train is measured on at most 10 000 rows, or as many as dev has.
  public let partRows: Int

  let figure: SampledFigure

  /// - Parameters:
  ///   - evaluations: The evaluation of each seed, on the same rows.
  ///   - partRows: The number of rows in the set, if only a sample of them was measured.
  init(_ name: String, _ evaluations: [Evaluation], of partRows: Int? = nil) {
    self.name = name
    rows = evaluations[0].rowCount
    self.partRows = partRows ?? rows
    figure = SampledFigure(evaluations, partRows: partRows)
    estimate = figure.estimate
  }

  /// Creates a given reference.
  init(human error: Double) {
    name = "human"
    (rows, partRows) = (0, 0)
    figure = SampledFigure(outcomes: [[error]], isNumber: false, partRows: 1)
    estimate = Estimate(error, low: error, high: error)
  }

  /// Returns whether two rungs have the same name and figure.
  public static func == (left: Rung, right: Rung) -> Bool {
    left.name == right.name && left.estimate == right.estimate && left.rows == right.rows
  }

  /// Hashes the name and figure.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(estimate)
  }
}

/// One finding of the ladder, such as bias or variance.
public struct Finding: Hashable, Sendable {
  /// Whether the difference is present, absent or undecided.
  public let reading: Reading
  /// The difference, if there is one.
  public let difference: Estimate?
  /// The finding as a sentence.
  public let sentence: String
}
