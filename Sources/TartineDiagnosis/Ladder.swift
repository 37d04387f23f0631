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

/// One error of the ladder, of one network or of a recipe with several seeds.
public struct Rung: Hashable, Sendable {
  /// `human`, or `reached` where the reference is estimated by the lowest train error of another recipe; `train`, `train-dev`,
  /// `dev` or `test`.
  public let name: String
  /// Error or RMSE, with its interval.
  public let estimate: Estimate
  /// Rows it was measured on; 0 for a reference that was given.
  public let rows: Int
  /// Rows that the part has: train is measured on a sample as large as dev.
  public let partRows: Int

  let figure: SampledFigure

  /// - Parameters:
  ///   - evaluations: of each seed, on the same rows.
  ///   - partRows: rows of the part, where only a sample of them was measured.
  ///   - cases: which rows belong together; nil: none do.
  init(_ name: String, _ evaluations: [Evaluation], of partRows: Int? = nil, cases: [Int]? = nil) {
    self.name = name
    rows = evaluations[0].rowCount
    self.partRows = partRows ?? rows
    figure = SampledFigure(evaluations, partRows: partRows, cases: cases)
    estimate = figure.estimate
  }

  /// A reference that was given.
  init(human error: Double) {
    name = "human"
    (rows, partRows) = (0, 0)
    figure = SampledFigure(outcomes: [[error]], isNumber: false, partRows: 1)
    estimate = Estimate(error, low: error, high: error)
  }

  /// Rungs with one name and figure are alike.
  public static func == (left: Rung, right: Rung) -> Bool {
    left.name == right.name && left.estimate == right.estimate && left.rows == right.rows
  }

  /// Hashes what makes rungs alike.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(estimate)
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
