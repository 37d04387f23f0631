import TartineTraining

/// The ROC and precision-recall curves of one class against the rest.
///
/// **Source**: Fawcett, *An introduction to ROC analysis*, 2006, algorithm 1; Davis and Goadrich, *The relationship between
/// precision-recall and ROC curves*, 2006.
public struct OperatingCurve: Sendable {
  /// One threshold: the rows with at least this probability are predicted to be of the class.
  public struct Point: Hashable, Sendable {
    /// The probability from which rows are predicted to be of the class.
    public let threshold: Double
    /// The share of the other rows that are predicted to be of the class.
    public let falsePositiveRate: Double
    /// The share of the class that is found: the true positive rate, or recall.
    public let recall: Double
    /// The share of the predicted rows that are of the class; 1 where none is predicted.
    public let precision: Double
  }

  /// The class; `micro-average` for all classes together.
  public let name: String
  /// The name for a legend.
  package var title: String { isAverage ? name : "class '\(name.prefix(24))'" }
  private let isAverage: Bool
  /// The share of rows of the class: the precision of a random prediction.
  public let prevalence: Double
  /// The points by falling threshold, one for each probability that occurs, after one where no row is predicted.
  public let points: [Point]

  init?(_ name: String, scores: [(probability: Double, isTrue: Bool)], isAverage: Bool = false) {
    let positives = Double(scores.count { $0.isTrue })
    let negatives = Double(scores.count) - positives
    guard positives > 0, negatives > 0 else { return nil }
    self.name = name
    self.isAverage = isAverage
    prevalence = positives / Double(scores.count)
    var points = [Point(threshold: .infinity, falsePositiveRate: 0, recall: 0, precision: 1)]
    var (hits, misses) = (0.0, 0.0)
    let sorted = scores.sorted { $0.probability > $1.probability }
    for (place, score) in sorted.enumerated() {
      if score.isTrue { hits += 1 } else { misses += 1 }
      // Rows with one probability are predicted together.
      guard place + 1 == sorted.count || sorted[place + 1].probability < score.probability else { continue }
      points.append(
        Point(
          threshold: score.probability, falsePositiveRate: misses / negatives, recall: hits / positives,
          precision: hits / (hits + misses)))
    }
    self.points = points
  }

  /// Returns the curve of the second of two classes; of more classes each one's, or the micro-average where there are more
  /// than `most`. Classes of which there are no rows, or no others, are left out.
  public static func list(of evaluation: Evaluation, upTo most: Int = 6) -> [OperatingCurve] {
    let names = evaluation.outputNames
    guard evaluation.task.isClassification, names.count > 1 else { return [] }
    let count = names.count
    let probabilities = evaluation.classProbabilities
    func scores(_ place: Int) -> [(probability: Double, isTrue: Bool)] {
      (0..<evaluation.rowCount).map { (probabilities[$0 * count + place], Int(evaluation.truths[$0]) == place) }
    }
    if count == 2 { return [OperatingCurve(names[1], scores: scores(1))].compactMap { $0 } }
    guard count > most else { return names.indices.compactMap { OperatingCurve(names[$0], scores: scores($0)) } }
    let micro = OperatingCurve("micro-average", scores: names.indices.flatMap(scores), isAverage: true)
    return [micro].compactMap { $0 }
  }
}
