import TartineData
import TartineTraining

/// Rows whose label is probably wrong: networks that never saw them are as sure of another class as they are of that class's
/// own rows.
///
/// Each row is judged by a network that was trained on the other folds. A class's threshold is the mean probability that its
/// own rows are given; a row is suspect where the likeliest of the classes that reach their threshold is not its label.
///
/// **Source**: Northcutt, Jiang, Chuang, *Confident learning: estimating uncertainty in dataset labels*, 2021, eq. 1 and 2.
public struct LabelErrors: Sendable, Encodable {
  /// A row that may be labelled wrongly.
  public struct Suspect: Hashable, Sendable, Encodable {
    /// As a person counts the rows of the file, from 1.
    public let row: Int
    /// What it is labelled, and what it seems to be.
    public let label, suggestion: String
    /// The probability of the suggestion, and of the label.
    public let probability, labelProbability: Double
    /// Its place in the data set.
    package let place: Int

    private enum CodingKeys: String, CodingKey { case row, label, suggestion, probability, labelProbability }
  }

  /// The surest first.
  public let suspects: [Suspect]
  /// Their share of the rows.
  public let share: Estimate
  /// Rows that were judged: train and dev.
  public let rows: Int

  /// Judges what folds' networks said.
  ///
  /// - Parameters:
  ///   - validation: of a task of classes.
  ///   - dataset: the rows' own.
  public init(_ validation: CrossValidation, of dataset: Dataset) {
    self.init(validation.pooled, of: dataset)
  }

  /// - Parameter evaluation: by networks that were not trained on these rows.
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
    share = .proportion(Double(found.count) / Double(max(1, rows)), of: max(1, rows))
  }
}

extension Recipe {
  /// Looks for rows of train and dev that are probably labelled wrongly, by training once for each fold.
  /// - Throws: what a training throws.
  public func labelErrors(on split: Split, folds: Int = 4, threads: Int? = nil) throws -> LabelErrors {
    LabelErrors(try crossValidate(on: split, folds: folds, threads: threads), of: split.dataset)
  }
}
