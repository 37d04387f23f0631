import TartineTraining

/// Whether answers are right as often as their probabilities say.
///
/// Rows are put into ten bins by the probability of their answer; in each, the mean of those probabilities stands beside the
/// share of answers that are right.
///
/// **Source**: Guo, Pleiss, Sun, Weinberger, *On calibration of modern neural networks*, 2017, eq. 2 and 3.
public struct Calibration: Sendable, Encodable {
  /// Rows whose answers have about one probability.
  public struct Bin: Hashable, Sendable, Encodable {
    /// The mean probability of their answers.
    public let predicted: Double
    /// The share of them that is right.
    public let right: Estimate
    /// Rows.
    public let rows: Int
  }

  /// Those that have rows, from the least sure up.
  public let bins: [Bin]

  private static let count = 10

  /// Looks at answers beside the truth; nil where these are no classes.
  public init?(_ evaluation: Evaluation) {
    guard evaluation.task.isClassification else { return nil }
    let classes = evaluation.outputNames.count
    let probabilities = evaluation.classProbabilities
    var sums = [Double](repeating: 0, count: Self.count)
    var right = sums
    var rows = [Int](repeating: 0, count: Self.count)
    for row in 0..<evaluation.rowCount {
      let sure = probabilities[row * classes + Int(evaluation.predictions[row])]
      let bin = min(Self.count - 1, Int(sure * Double(Self.count)))
      sums[bin] += sure
      right[bin] += 1 - evaluation.outcomes[row]
      rows[bin] += 1
    }
    bins = (0..<Self.count).filter { rows[$0] > 0 }.map { bin in
      let count = Double(rows[bin])
      return Bin(predicted: sums[bin] / count, right: .proportion(right[bin] / count, of: rows[bin]), rows: rows[bin])
    }
  }
}
