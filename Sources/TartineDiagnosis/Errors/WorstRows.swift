import TartineData
import TartineTraining
import TartinePlatform

/// The dev rows with the highest loss: −log of the true class's probability, or the absolute error for
/// numbers.
///
/// They often show wrong labels, missing columns, and what the network has not learned.
public struct WorstRows: Sendable, Encodable {
  /// One row.
  public struct Row: Hashable, Sendable, Encodable {
    /// The row number in the file, from 1.
    public let row: Int
    /// The truth, and the prediction.
    public let truth, answer: String
    /// The predicted probability of the truth; nil for numbers.
    public let probability: Double?
    /// The loss of the row.
    public let loss: Double
    /// The row index in the data set.
    package let place: Int

    private enum CodingKeys: String, CodingKey { case row, truth, answer, probability, loss }
  }

  /// The rows, highest loss first.
  public let rows: [Row]

  /// - Parameters:
  ///   - evaluation: The evaluation of the model.
  ///   - dataset: The data set of the rows.
  ///   - count: The maximum number of rows.
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
    // With several labels, the loss of a row has no single truth to show.
    rows =
      evaluation.task == .multilabel
      ? []
      : Array(
        (0..<evaluation.rowCount).map(row).filter { $0.truth != $0.answer || evaluation.task == .regression }
          .sorted { ($1.loss, $0.row) < ($0.loss, $1.row) }.prefix(count))
  }
}
