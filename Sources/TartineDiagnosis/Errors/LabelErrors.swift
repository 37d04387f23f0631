import TartineData
import TartineTraining

/// Rows whose label is probably wrong: out-of-fold networks are as confident of another class as they are for
/// that class's own rows.
///
/// Each row is predicted by the network trained on the other folds. The threshold of a class is the mean
/// probability of that class over its own rows. A row is suspect if the likeliest of the classes above their
/// threshold is not its label.
///
/// **Source**: Northcutt, Jiang, Chuang, *Confident learning: estimating uncertainty in dataset labels*, 2021, eq. 1 and 2.
public struct LabelErrors: Sendable, Encodable {
  /// A row that may be mislabeled.
  public struct Suspect: Hashable, Sendable, Encodable {
    /// The row number in the file, from 1.
    public let row: Int
    /// The label, and the suggested label.
    public let label, suggestion: String
    /// The probabilities of the suggestion and of the label.
    public let probability, labelProbability: Double
    /// The row index in the data set.
    package let place: Int

    private enum CodingKeys: String, CodingKey { case row, label, suggestion, probability, labelProbability }
  }

  /// The suspect rows, most certain first.
  public let suspects: [Suspect]
  /// The share of suspect rows.
  public let share: Estimate
  /// The number of rows that were checked: train and dev.
  public let rows: Int

  /// Finds suspect rows from out-of-fold predictions.
  ///
  /// - Parameters:
  ///   - validation: The cross-validation of a classification task.
  ///   - dataset: The data set of the rows.
  public init(_ validation: CrossValidation, of dataset: Dataset) {
    self.init(validation.pooled, of: dataset)
  }

  /// - Parameter evaluation: Predictions by networks that were not trained on these rows.
  init(_ evaluation: Evaluation, of dataset: Dataset) {
    let names = evaluation.outputNames
    let probabilities = evaluation.classProbabilities
    let count = names.count
    rows = evaluation.rowCount
    guard evaluation.task.isClassification else {
      suspects = []
      share = .proportion(0, of: max(1, rows))
      return
    }
    var sums = [Double](repeating: 0, count: count)
    var counts = [Double](repeating: 0, count: count)
    for row in 0..<rows {
      let label = Int(evaluation.truths[row])
      sums[label] += probabilities[row * count + label]
      counts[label] += 1
    }
    let thresholds = zip(sums, counts).map { $1 > 0 ? $0 / $1 : 1 }
    var found: [Suspect] = []
    for row in 0..<rows {
      let label = Int(evaluation.truths[row])
      let sure = (0..<count).filter { probabilities[row * count + $0] >= thresholds[$0] }
      guard let best = sure.max(by: { probabilities[row * count + $0] < probabilities[row * count + $1] }),
        best != label
      else { continue }
      found.append(
        Suspect(
          row: dataset.rowNumber(evaluation.origin[row]), label: names[label], suggestion: names[best],
          probability: probabilities[row * count + best], labelProbability: probabilities[row * count + label],
          place: evaluation.origin[row]))
    }
    suspects = found.sorted {
      ($0.labelProbability - $0.probability, $0.row) < ($1.labelProbability - $1.probability, $1.row)
    }
    let places = Set(found.map(\.place))
    share =
      SampledFigure(
        outcomes: [evaluation.origin.map { places.contains($0) ? 1 : 0 }], isNumber: false, cases: evaluation.cases
      ).rows
  }
}

extension Recipe {
  /// Finds rows of train and dev that are probably mislabeled, by training one network for each fold.
  /// - Throws: The errors of a training.
  public func labelErrors(on split: Split, folds: Int = 4, threads: Int? = nil) throws -> LabelErrors {
    LabelErrors(try crossValidate(on: split, folds: folds, threads: threads), of: split.dataset)
  }
}
