import TartineData
import TartineTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The dev rows that cost most: −log of the truth's probability for classes, the distance for numbers.
///
/// A person who looks at them sees wrong labels, missing columns, and what the network does not know.
public struct WorstRows: Sendable, Encodable {
  /// One row.
  public struct Row: Hashable, Sendable, Encodable {
    /// As a person counts the rows of the file, from 1.
    public let row: Int
    /// What it is, and what the network says.
    public let truth, answer: String
    /// The probability that the truth was given; nil for numbers.
    public let probability: Double?
    /// What it costs.
    public let loss: Double
    /// Its place in the data set.
    package let place: Int

    private enum CodingKeys: String, CodingKey { case row, truth, answer, probability, loss }
  }

  /// The one that costs most first.
  public let rows: [Row]

  /// - Parameters:
  ///   - evaluation: of the model.
  ///   - dataset: where the rows are.
  ///   - count: the most to tell of.
  public init(_ evaluation: Evaluation, of dataset: Dataset, count: Int = 12) {
    let names = evaluation.outputNames
    let probabilities = evaluation.task.isClassification ? evaluation.classProbabilities : []
    func row(_ place: Int) -> Row {
      let number = dataset.rowNumber(evaluation.origin[place])
      guard evaluation.task.isClassification else {
        return Row(
          row: number, truth: Text.significant(evaluation.truths[place], digits: 4),
          answer: Text.significant(evaluation.predictions[place], digits: 4), probability: nil,
          loss: evaluation.outcomes[place].squareRoot(), place: evaluation.origin[place])
      }
      let truth = Int(evaluation.truths[place])
      let probability = probabilities[place * names.count + truth]
      return Row(
        row: number, truth: names[truth], answer: names[Int(evaluation.predictions[place])], probability: probability,
        loss: -log(max(probability, 1e-30)), place: evaluation.origin[place])
    }
    // What a row of several labels costs has no one truth to stand beside.
    rows =
      evaluation.task == .multilabel
      ? []
      : Array(
        (0..<evaluation.rowCount).map(row).filter { $0.truth != $0.answer || evaluation.task == .regression }
          .sorted { ($1.loss, $0.row) < ($0.loss, $1.row) }.prefix(count))
  }
}
