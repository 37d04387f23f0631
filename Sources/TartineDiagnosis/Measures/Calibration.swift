import TartineEngine
import TartineTraining

/// Whether answers are right as often as their probabilities say.
///
/// Rows are put into ten bins by the probability of their answer; in each, the mean of those probabilities stands beside the
/// share of answers that are right. Of few rows the distance is never 0, however right probabilities are: it is held against
/// what it would be then.
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

  /// The calibration error of probabilities that are right, which few rows make more than 0.
  public struct ErrorIfRight: Hashable, Sendable, Encodable {
    /// In the mean, and what it exceeds once in 20.
    public let mean, high: Double
  }

  /// Those that have rows, from the least sure up.
  public let bins: [Bin]
  /// How far shares lie from probabilities, over rows: the expected calibration error.
  public let error: Double
  /// What that would be, of as many rows, if each probability were right.
  public let errorIfRight: ErrorIfRight
  /// Whether probabilities are surely off, and by more than five points.
  public var isOff: Bool { error > errorIfRight.high && error - errorIfRight.mean > 0.05 }

  private static let count = 10
  private static let draws = 200

  private enum CodingKeys: String, CodingKey { case bins, error, errorIfRight }

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
    let total = Double(max(1, evaluation.rowCount))
    func distance(_ right: [Double]) -> Double { zip(right, sums).reduce(0) { $0 + abs($1.0 - $1.1) } / total }
    error = distance(right)
    // Answers that are right as often as their probabilities say, drawn.
    let sure = (0..<evaluation.rowCount).map { probabilities[$0 * classes + Int(evaluation.predictions[$0])] }
    let drawn = (0..<Self.draws).map { draw -> Double in
      var stream = RandomStream(seed: 0, purpose: .bootstrap, index: draw)
      var right = [Double](repeating: 0, count: Self.count)
      for p in sure where stream.uniform() < p { right[min(Self.count - 1, Int(p * Double(Self.count)))] += 1 }
      return distance(right)
    }.sorted()
    errorIfRight = ErrorIfRight(
      mean: drawn.reduce(0, +) / Double(Self.draws), high: drawn[Self.draws * 19 / 20])
    bins = (0..<Self.count).filter { rows[$0] > 0 }.map { bin in
      let count = Double(rows[bin])
      return Bin(predicted: sums[bin] / count, right: .proportion(right[bin] / count, of: rows[bin]), rows: rows[bin])
    }
  }
}
