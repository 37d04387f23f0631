import TartineEngine
import TartineTraining

/// The calibration of predicted probabilities.
///
/// Rows are binned into ten bins by the confidence of their prediction; in each bin, the mean confidence is
/// compared with the accuracy. With few rows the calibration error is above 0 even for perfect calibration,
/// so it is compared with its distribution under perfect calibration.
///
/// **Source**: Guo, Pleiss, Sun, Weinberger, *On calibration of modern neural networks*, 2017, eq. 2 and 3.
public struct Calibration: Sendable, Encodable {
  /// A bin of rows with similar confidence.
  public struct Bin: Hashable, Sendable, Encodable {
    /// The mean confidence.
    public let predicted: Double
    /// The accuracy.
    public let right: Estimate
    /// The number of rows.
    public let rows: Int
  }

  /// The calibration error under perfect calibration, which is above 0 for few rows.
  public struct ErrorIfRight: Hashable, Sendable, Encodable {
    /// The mean, and the 95 % quantile.
    public let mean, high: Double
  }

  /// The bins that have rows, lowest confidence first.
  public let bins: [Bin]
  /// The expected calibration error: the distance between accuracy and confidence, averaged over rows.
  public let error: Double
  /// The calibration error under perfect calibration, for as many rows.
  public let errorIfRight: ErrorIfRight
  /// Whether the model is significantly miscalibrated, and by more than five points.
  public var isOff: Bool { error > errorIfRight.high && error - errorIfRight.mean > 0.05 }

  private static let count = 10
  private static let draws = 200

  private enum CodingKeys: String, CodingKey { case bins, error, errorIfRight }

  /// Computes the calibration of an evaluation; nil if the task is not classification.
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
    // Correct predictions drawn with the predicted probabilities.
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
