import TartineData
import TartineEngine
import TartineTraining

/// One metric of a model with its 95 % interval over rows.
public struct Metric: Hashable, Sendable {
  /// Its standard name, such as `roc-auc`.
  public let name: String
  /// The value, and its interval for other rows of the same source.
  public let estimate: Estimate

  /// Whether it is a share, shown in percent.
  package let isShare: Bool

  /// Which of the package's own it is; nil: a registered one.
  package let kind: MetricKind?

  package init(_ kind: MetricKind, _ estimate: Estimate) {
    (name, self.kind, self.estimate, isShare) = (kind.rawValue, kind, estimate, kind.isPercent)
  }

  /// A metric of the name that a program gave it.
  package init(custom name: String, _ estimate: Estimate, isShare: Bool) {
    (self.name, kind, self.estimate, self.isShare) = (name, nil, estimate, isShare)
  }
}

extension Metric {
  /// The figure as text: `79.78 %`, `0.862`.
  package var valueText: String { isShare ? "\(text(estimate.value)) %" : text(estimate.value) }
  /// The interval as text: `73.27 to 85.02 %`.
  package var rangeText: String {
    estimate.low.isFinite || estimate.high.isFinite
      ? "\(text(estimate.low)) to \(text(estimate.high))\(isShare ? " %" : "")" : "too few rows for an interval"
  }

  private func text(_ value: Double) -> String {
    guard value.isFinite else { return value < 0 ? "−∞" : "∞" }
    return isShare ? Text.fixed(value * 100, decimals: 2) : Text.significant(value, digits: 4)
  }
}

/// All metrics of a model on some rows.
///
/// | metric | definition |
/// |---|---|
/// | accuracy, top-k-accuracy | the share of rows whose truth is the prediction, or one of the k likeliest classes |
/// | balanced-accuracy | the mean recall over classes |
/// | precision, recall, f1 | of the second class; with more classes `-macro` is the mean over classes, `f1-micro` over rows, `f1-weighted` over classes by their rows |
/// | mcc | Matthews' correlation of prediction and truth |
/// | roc-auc, pr-auc | the area under the ROC curve, and the average precision; with more classes the mean of one against the rest |
/// | log-loss, brier | −log p of the truth; the squared distance of the probabilities from it, halved for two classes |
/// | calibration-error | the expected calibration error over 15 bins: the distance of confidence from accuracy; with two classes, of the second class's probability from its share of rows; corrected for its bias, see `CalibrationError` |
/// | rmse, mae, r2 | for regression, rmse and mae in the target's unit |
/// | quantile-loss, coverage | for a quantile τ: the mean of max(τ d, (τ − 1) d), d the truth less the prediction; the share of truths that are not above the prediction |
/// | exact-match, f1-… | for labels: the share of rows with all labels right; the mean over labels (`-macro`), over all predictions (`-micro`), over labels by their rows (`-weighted`) |
///
/// Shares of rows have Wilson's interval, and RMSE has one by the delta method. Metrics of the confusion
/// matrix and the areas have intervals that also cover when few rows are misclassified (see
/// `MetricIntervals`). All others have percentile bootstrap intervals over rows.
///
/// **Source**: Brier 1950; Matthews 1975; Fawcett, *An introduction to ROC analysis*, 2006; Davis and Goadrich 2006; Guo et al., *On calibration of modern
/// neural networks*, 2017, eq. 5; Efron 1979 for the bootstrap.
///
/// **Differs from**: scikit-learn has the same metrics, but for the calibration error, with the same values; its Brier score of two classes
/// is this one, and that of more classes needs `scale_by_half=False`.
public struct Metrics: Sendable {
  /// The metrics, in the order of printing.
  public private(set) var values: [Metric]
  /// The names of the classes; empty for regression and labels.
  public let classes: [String]
  /// The confusion matrix: rows by truth and prediction.
  public let confusion: [[Int]]
  /// The metrics of each class.
  public let byClass: [ClassFigures]

  /// The number of bootstrap draws. It is smaller for many rows, where intervals are narrow anyway.
  ///
  /// - Parameter curves: The number of ROC and precision-recall curves; ten of them cost about as much as
  ///   everything else.
  private static func draws(rows: Int, curves: Int) -> Int {
    min(400, max(60, 8_000_000 / max(1, rows * max(1, curves / 10))))
  }

  /// Computes the metrics of an evaluation.
  ///
  /// - Parameters:
  ///   - evaluation: Predictions with truths.
  ///   - seed: The seed of the bootstrap.
  public init(_ evaluation: Evaluation, seed: UInt64 = 0) {
    switch evaluation.task {
    case .binary, .multiclass: self.init(classes: evaluation, seed: seed)
    case .multilabel: self.init(labels: evaluation, seed: seed)
    case .regression: self.init(numbers: evaluation, seed: seed)
    }
    values += Self.custom(of: evaluation, seed: seed)
  }

  /// The metric with this name.
  public subscript(name: String) -> Estimate? { values.first { $0.name == name }?.estimate }

  private init(classes evaluation: Evaluation, seed: UInt64) {
    let classes = evaluation.outputNames.count
    let truths = evaluation.truths.map { Int($0) }
    let metrics = ClassMetrics(
      probabilities: evaluation.classProbabilities, truths: truths,
      answers: evaluation.predictions.map { Int($0) }, logLosses: evaluation.logLosses, classes: classes)
    let once = [Double](repeating: 1, count: truths.count)
    let sample = RowSample(evaluation)
    values = MetricIntervals(metrics, sample, classes: classes).replacing(
      Self.metrics(metrics.kinds, of: sample, curves: classes, seed: seed, metrics.values), seed: seed)
    let cells = metrics.confusion(once)
    confusion = (0..<classes).map { truth in (0..<classes).map { Int(cells[truth * classes + $0]) } }
    byClass = metrics.figures(cells)
    self.classes = evaluation.outputNames
  }

  private init(labels evaluation: Evaluation, seed: UInt64) {
    let labels = evaluation.outputNames.count
    let rows = evaluation.rowCount
    func each(_ body: (Int, Int) -> Double) -> [[Double]] {
      (0..<labels).map { label in (0..<rows).map { body($0, label) } }
    }
    let truths = each { evaluation.truths[$0 * labels + $1] }
    let answers = each { evaluation.scores[$0 * labels + $1] > 0.5 ? 1 : 0 }
    let areas = (0..<labels).map { label in
      ClassMetrics(
        probabilities: (0..<rows).flatMap { row in
          let p = Double(evaluation.scores[row * labels + label])
          return [1 - p, p]
        }, truths: truths[label].map { Int($0) }, answers: answers[label].map { Int($0) }, classes: 2)
    }
    let aucPlace = areas[0].kinds.firstIndex(of: .rocAUC)!
    let exact = (0..<rows).map { row in (0..<labels).allSatisfy { truths[$0][row] == answers[$0][row] } ? 1.0 : 0 }
    values = Self.metrics(
      [.exactMatch, .f1Macro, .f1Micro, .f1Weighted, .rocAUCMacro], of: RowSample(evaluation), seed: seed
    ) { counts in
      let total = counts.reduce(0, +)
      let figures = areas.map { $0.figures($0.confusion(counts))[1] }
      let support = figures.reduce(0) { $0 + $1.support }
      let micro = ClassFigures(
        hits: figures.reduce(0) { $0 + $1.hits }, support: support, answered: figures.reduce(0) { $0 + $1.answered })
      let auc = areas.map { $0.values(counts)[aucPlace] }.filter { !$0.isNaN }
      return [
        zip(exact, counts).reduce(0) { $0 + $1.0 * $1.1 } / total,
        figures.reduce(0) { $0 + $1.f1 } / Double(labels), micro.f1,
        support > 0 ? figures.reduce(0) { $0 + $1.f1 * $1.support } / support : 0,
        auc.reduce(0, +) / Double(auc.count),
      ]
    }
    classes = []
    confusion = []
    byClass = areas.map { $0.figures($0.confusion([Double](repeating: 1, count: rows)))[1] }
  }

  private init(numbers evaluation: Evaluation, seed: UInt64) {
    let squares = evaluation.outcomes
    let absolute = evaluation.absoluteErrors
    let truths = evaluation.truths
    let sample = RowSample(evaluation)
    // Truths in the target's unit are rounded, so that equal ones differ in a Double.
    let isConstant = Set(truths.map { Float($0) }).count < 2
    var list = Self.metrics([.rmse, .mae, .r2], of: sample, seed: seed) { counts in
      let total = counts.reduce(0, +)
      func mean(_ values: [Double]) -> Double { zip(values, counts).reduce(0) { $0 + $1.0 * $1.1 } / total }
      let middle = mean(truths)
      let variance = mean(truths.map { ($0 - middle) * ($0 - middle) })
      return [
        mean(squares).squareRoot(), mean(absolute), variance > 0 && !isConstant ? 1 - mean(squares) / variance : .nan,
      ]
    }
    if isConstant { list.removeLast() }
    list[0] = Metric(.rmse, evaluation.estimate)
    if let share = evaluation.quantile {
      let misses = zip(truths, evaluation.predictions).map { $0 - $1 }
      list += Self.metrics([.quantileLoss, .coverage], of: sample, seed: seed) { counts in
        let total = counts.reduce(0, +)
        let loss = zip(misses, counts).reduce(0) { $0 + max(share * $1.0, (share - 1) * $1.0) * $1.1 }
        return [loss / total, zip(misses, counts).reduce(0) { $0 + ($1.0 <= 0 ? $1.1 : 0) } / total]
      }
    }
    values = list
    classes = []
    confusion = []
    byClass = []
  }

  /// The fewest rows or groups with an interval of R².
  private static let fewestForVariance = 5

  package static func metrics(
    _ kinds: [MetricKind], of sample: RowSample, curves: Int = 1, seed: UInt64, _ values: ([Double]) -> [Double]
  ) -> [Metric] {
    zip(kinds, estimates(kinds, of: sample, curves: curves, seed: seed, values)).map(Metric.init)
  }

  /// Each metric's value with its interval; nil stands for a custom metric, whose range is unbounded.
  package static func estimates(
    _ kinds: [MetricKind?], of sample: RowSample, curves: Int = 1, seed: UInt64, _ values: ([Double]) -> [Double]
  ) -> [Estimate] {
    let rows = sample.rows
    let all = values([Double](repeating: 1, count: rows))
    var drawn = [[Double]](repeating: [], count: kinds.count)
    for draw in 0..<draws(rows: rows, curves: curves) where rows > 1 {
      var stream = RandomStream(seed: seed, purpose: .bootstrap, index: draw)
      for (place, value) in values(sample.draw(&stream)).enumerated() where !value.isNaN { drawn[place].append(value) }
    }
    return kinds.enumerated().map { place, kind in
      let value = all[place]
      if kind?.isShareOfRows == true { return .proportion(value, ofEffective: sample.effectiveRows) }
      let sorted = drawn[place].sorted()
      // One row, or an undefined metric, has no interval; nor has a ratio of variances of very few.
      let (lowest, highest) = kind?.range ?? (-.infinity, .infinity)
      guard sorted.count > 1, kind != .r2 || sample.units >= fewestForVariance else {
        return Estimate(value, low: -.infinity, high: kind == .r2 ? 1 : .infinity)
      }
      // The percentile bootstrap of few units is too narrow, as a normal interval beside Student's is.
      let units = Double(sample.units)
      let wider =
        HypothesisTest.studentPoint(upperTail: 0.025, freedom: units - 1) / Estimate.z
        * (units / (units - 1)).squareRoot()
      func percentile(_ share: Double) -> Double {
        let at = share * Double(sorted.count - 1)
        let below = Int(at)
        let next = min(below + 1, sorted.count - 1)
        return sorted[below] + (at - Double(below)) * (sorted[next] - sorted[below])
      }
      return Estimate(
        value, low: max(lowest, value - wider * (value - percentile(0.025))),
        high: min(highest, value + wider * (percentile(0.975) - value)))
    }
  }
}

/// The rows of an evaluation as a sample: independent, or in groups.
package struct RowSample {
  /// The number of rows.
  let rows: Int
  /// The effective number of rows: independent rows that estimate the error as precisely.
  let effectiveRows: Double
  /// The rows of each group; nil: rows are independent.
  private let groups: [[Int]]?

  package init(_ evaluation: Evaluation) {
    rows = evaluation.rowCount
    effectiveRows = max(1, Double(rows) / Estimate.designEffect(evaluation.outcomes, cases: evaluation.cases))
    groups = evaluation.cases.map(Self.together)
  }

  /// Rows without outcomes.
  ///
  /// - Parameter cases: Which rows belong together; nil: rows are independent.
  package init(rows: Int, cases: [Int]? = nil) {
    self.rows = rows
    effectiveRows = Double(max(1, rows))
    groups = cases.map(Self.together)
  }

  private static func together(_ cases: [Int]) -> [[Int]] {
    Dictionary(grouping: cases.indices) { cases[$0] }.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Whether rows belong together.
  var isGrouped: Bool { groups != nil }

  /// The number of rows, or of groups.
  var units: Int { groups?.count ?? rows }

  /// The number of rows per independent one, at least 1.
  var designEffect: Double { max(1, Double(rows) / effectiveRows) }

  /// Returns how often each row is drawn: rows, or whole groups, with replacement.
  package func draw(_ stream: inout RandomStream) -> [Double] {
    var counts = [Double](repeating: 0, count: rows)
    if let groups {
      for _ in groups { for row in groups[stream.integer(below: groups.count)] { counts[row] += 1 } }
    } else {
      for _ in 0..<rows { counts[stream.integer(below: rows)] += 1 }
    }
    return counts
  }
}
