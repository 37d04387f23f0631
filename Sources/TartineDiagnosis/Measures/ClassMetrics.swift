import TartineEngine
import TartineTraining
import TartinePlatform

/// Class probabilities and truths, prepared for metrics with row counts (as in a bootstrap).
package struct ClassMetrics {
  private let classes: Int
  private let truths: [Int]
  private let answers: [Int]
  private let logLosses, briers, confidences: [Double]
  /// The log loss and Brier score that the probabilities expect of a misclassified row.
  private let unseenLosses: (log: Double, brier: Double)
  /// The rank of the true class among the row's probabilities, 0 for the highest.
  private let ranks: [Int]
  /// For each class with a curve, the rows by descending probability, and where a tie ends.
  private let curves: [Curve]

  private struct Curve {
    let isTrue: [Bool]
    let order: [Int]
    /// Whether the next row has another probability.
    let ends: [Bool]
  }

  /// - Parameters:
  ///   - probabilities: An array of shape [rows, classes].
  ///   - truths: Class indices.
  ///   - answers: The predicted class indices, which a threshold may have chosen.
  ///   - logLosses: Each row's log loss from the logits; nil: from the probabilities.
  package init(
    probabilities: [Double], truths: [Int], answers: [Int], logLosses known: [Double]? = nil, classes: Int
  ) {
    self.classes = classes
    self.truths = truths
    self.answers = answers
    var logLosses: [Double] = []
    var briers: [Double] = []
    var confidences: [Double] = []
    var ranks: [Int] = []
    var unseen = (weight: 0.0, log: 0.0, brier: 0.0)
    for (row, truth) in truths.enumerated() {
      let p = probabilities[(row * classes)..<((row + 1) * classes)]
      let first = p.startIndex
      // A probability that underflows to 0 in Float is not impossible.
      logLosses.append(known?[row] ?? -log(max(p[first + truth], Double(Float.leastNormalMagnitude))))
      let squares = p.indices.reduce(0.0) { sum, place in
        let difference = p[place] - (place == first + truth ? 1 : 0)
        return sum + difference * difference
      }
      briers.append(classes == 2 ? squares / 2 : squares)
      for place in p.indices where place != first + answers[row] {
        // The squares if that class were the truth.
        let other = squares + 2 * (p[first + truth] - p[place])
        unseen.weight += p[place]
        unseen.log -= p[place] * log(max(p[place], Double(Float.leastNormalMagnitude)))
        unseen.brier += p[place] * (classes == 2 ? other / 2 : other)
      }
      confidences.append(p[first + (classes == 2 ? 1 : answers[row])])
      // Among equal probabilities, the first class ranks higher, as in a prediction.
      ranks.append(
        p.indices.reduce(0) { rank, place in
          rank + (p[place] > p[first + truth] || (p[place] == p[first + truth] && place < first + truth) ? 1 : 0)
        })
    }
    self.logLosses = logLosses
    self.briers = briers
    unseenLosses = (unseen.log / unseen.weight, unseen.brier / unseen.weight)
    self.confidences = confidences
    self.ranks = ranks
    curves = (classes == 2 ? [1] : Array(0..<classes)).map { place in
      let order = truths.indices.sorted {
        let (a, b) = (probabilities[$0 * classes + place], probabilities[$1 * classes + place])
        return a == b ? $0 < $1 : a > b
      }
      let ends = order.indices.map { at in
        at + 1 == order.count
          || probabilities[order[at] * classes + place] != probabilities[order[at + 1] * classes + place]
      }
      return Curve(isTrue: truths.map { $0 == place }, order: order, ends: ends)
    }
  }

  func logLossInterval(effect: Double, seed: UInt64) -> Estimate {
    interval(ofMean: logLosses, unseen: unseenLosses.log, effect, seed)
  }

  func brierInterval(effect: Double, seed: UInt64) -> Estimate {
    interval(ofMean: briers, unseen: unseenLosses.brier, effect, seed)
  }

  private func interval(ofMean losses: [Double], unseen: Double, _ effect: Double, _ seed: UInt64) -> Estimate {
    let isError = truths.indices.map { truths[$0] != answers[$0] }
    return MeanLossInterval(losses: losses, isError: isError, unseen: unseen, effect: effect).estimate(seed: seed)
  }

  package var kinds: [MetricKind] {
    let averages: [MetricKind] =
      classes == 2 ? [.precision, .recall, .f1] : [.precisionMacro, .recallMacro, .f1Macro, .f1Micro]
    let areas: [MetricKind] = classes == 2 ? [.rocAUC, .prAUC] : [.rocAUCMacro, .prAUCMacro]
    return [.accuracy, .balancedAccuracy] + averages + [.f1Weighted, .mcc] + areas + [
      .logLoss, .brier, .calibrationError,
    ]
      + (classes > 3 ? [.top3Accuracy] : []) + (classes > 5 ? [.top5Accuracy] : [])
  }

  /// One value for each of ``kinds``, NaN if undefined; `counts` is how often each row counts.
  package func values(_ counts: [Double]) -> [Double] {
    let total = counts.reduce(0, +)
    var values = confusionValues(confusion(counts))
    func mean(_ list: [Double]) -> Double { list.reduce(0, +) / Double(list.count) }
    func weighted(_ values: [Double]) -> Double { zip(values, counts).reduce(0) { $0 + $1.0 * $1.1 } / total }
    let areas = curves.map { area($0, counts) }
    // Over the classes that occur in these rows, as in balanced accuracy.
    values += [mean(areas.map(\.roc).filter { !$0.isNaN }), mean(areas.map(\.precisionRecall).filter { !$0.isNaN })]
    values += [weighted(logLosses), weighted(briers), calibrationError(counts, total: total)]
    for k in [3, 5] where classes > k { values.append(weighted(ranks.map { $0 < k ? 1 : 0 })) }
    return values
  }

  /// The metrics of the confusion matrix, which are the first of ``kinds``.
  ///
  /// - Parameters:
  ///   - confusion: Rows, or shares of them, by truth and prediction.
  ///   - counted: The matrix whose classes a macro average is over; nil: this one.
  func confusionValues(_ confusion: [Double], classesOf counted: [Double]? = nil) -> [Double] {
    let total = confusion.reduce(0, +)
    let byClass = figures(confusion)
    let known = counted.map(figures) ?? byClass
    func mean(_ isCounted: (ClassFigures) -> Bool, _ value: (ClassFigures) -> Double) -> Double {
      let list = byClass.indices.filter { isCounted(known[$0]) }.map { value(byClass[$0]) }
      return list.reduce(0, +) / Double(list.count)
    }
    func isSeen(_ figures: ClassFigures) -> Bool { figures.support > 0 || figures.answered > 0 }
    let accuracy = byClass.reduce(0) { $0 + $1.hits } / total
    let balanced = mean({ $0.support > 0 }, \.recall)
    let weighted = byClass.reduce(0) { $0 + $1.f1 * $1.support } / total
    let averages =
      classes == 2
      ? [byClass[1].precision, byClass[1].recall, byClass[1].f1]
      : [mean(isSeen, \.precision), mean(isSeen, \.recall), mean(isSeen, \.f1), accuracy]
    return [accuracy, balanced] + averages + [weighted, matthews(confusion, total: total)]
  }

  /// Indexed by [truth, prediction].
  package func confusion(_ counts: [Double]) -> [Double] {
    var cells = [Double](repeating: 0, count: classes * classes)
    for row in truths.indices { cells[truths[row] * classes + answers[row]] += counts[row] }
    return cells
  }

  /// The precision and recall of each class; 0 if the class is never predicted, or has no rows.
  func figures(_ confusion: [Double]) -> [ClassFigures] {
    (0..<classes).map { place in
      let hit = confusion[place * classes + place]
      let support = (0..<classes).reduce(0.0) { $0 + confusion[place * classes + $1] }
      let answered = (0..<classes).reduce(0.0) { $0 + confusion[$1 * classes + place] }
      return ClassFigures(hits: hit, support: support, answered: answered)
    }
  }

  private func matthews(_ confusion: [Double], total: Double) -> Double {
    let byClass = figures(confusion)
    let correct = byClass.reduce(0) { $0 + $1.hits }
    let product = byClass.reduce(0) { $0 + $1.support * $1.answered }
    let truth = total * total - byClass.reduce(0) { $0 + $1.support * $1.support }
    let answer = total * total - byClass.reduce(0) { $0 + $1.answered * $1.answered }
    return truth * answer > 0 ? (correct * total - product) / (truth * answer).squareRoot() : 0
  }

  /// The area under the ROC curve, ties counting half, and the average precision; NaN if all rows are of one
  /// class.
  private func area(_ curve: Curve, _ counts: [Double]) -> (roc: Double, precisionRecall: Double) {
    var (yes, no, roc, average) = (0.0, 0.0, 0.0, 0.0)
    var (tiedYes, tiedNo) = (0.0, 0.0)
    for (row, isEnd) in zip(curve.order, curve.ends) {
      if curve.isTrue[row] { tiedYes += counts[row] } else { tiedNo += counts[row] }
      guard isEnd else { continue }
      roc += tiedNo * (yes + tiedYes / 2)
      yes += tiedYes
      no += tiedNo
      if yes > 0 { average += tiedYes * yes / (yes + no) }
      (tiedYes, tiedNo) = (0, 0)
    }
    return (yes > 0 && no > 0 ? roc / (yes * no) : .nan, yes > 0 ? average / yes : .nan)
  }

  /// The expected calibration error over bins of confidence; with two classes, over bins of the second
  /// class's probability.
  private func calibrationError(_ counts: [Double], total: Double) -> Double {
    calibrationBins(counts).reduce(0) { $0 + abs($1.hits - $1.sum) } / total
  }

  /// The rows of each of 15 bins of confidence, those that are right, and the sum of their confidences.
  package var calibrationBins: [CalibrationError.Bin] { calibrationBins([Double](repeating: 1, count: truths.count)) }

  private func calibrationBins(_ counts: [Double]) -> [CalibrationError.Bin] {
    let bins = 15
    var list = [CalibrationError.Bin](repeating: CalibrationError.Bin(rows: 0, hits: 0, sum: 0), count: bins)
    for row in truths.indices {
      let bin = min(bins - 1, max(0, Int((confidences[row] * Double(bins)).rounded(.up)) - 1))
      if truths[row] == (classes == 2 ? 1 : answers[row]) { list[bin].hits += counts[row] }
      list[bin].rows += counts[row]
      list[bin].sum += confidences[row] * counts[row]
    }
    return list
  }
}

/// The metrics of one class.
public struct ClassFigures: Hashable, Sendable {
  let hits, answered: Double
  /// The number of rows of the class.
  public let support: Double
  /// The precision; 0 if the class is never predicted.
  public var precision: Double { answered > 0 ? hits / answered : 0 }
  /// The recall; 0 if the class has no rows.
  public var recall: Double { support > 0 ? hits / support : 0 }
  /// The F1 score.
  public var f1: Double { support + answered > 0 ? 2 * hits / (support + answered) : 0 }

  /// The metrics of each class; empty unless the task is classification.
  static func list(of evaluation: Evaluation) -> [ClassFigures] {
    guard evaluation.task.isClassification else { return [] }
    let count = evaluation.outputNames.count
    var (hits, support, answered) = (
      [Double](repeating: 0, count: count), [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
    )
    for (truth, answer) in zip(evaluation.truths, evaluation.predictions) {
      support[Int(truth)] += 1
      answered[Int(answer)] += 1
      if truth == answer { hits[Int(truth)] += 1 }
    }
    return (0..<count).map { ClassFigures(hits: hits[$0], support: support[$0], answered: answered[$0]) }
  }

  init(hits: Double, support: Double, answered: Double) {
    self.hits = hits
    self.support = support
    self.answered = answered
  }
}
