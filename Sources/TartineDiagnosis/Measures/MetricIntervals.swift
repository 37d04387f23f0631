import TartineEngine

/// 95 % intervals of classification metrics that also cover where few rows are misclassified. The percentile bootstrap does not:
/// it never draws an error that was not observed, so that no error in 30 rows gives an interval of zero width.
///
/// | metrics | interval |
/// |---|---|
/// | precision and recall of two classes | Wilson, n the rows predicted as, or of, the class |
/// | balanced accuracy, F1, macro averages, MCC | quantiles of two Dirichlet posteriors of the confusion matrix, the lower of the low and the higher of the high: each cell with the prior 1/K², and each class with one of ¼ for right and ¼ for wrong, which keeps classes of few rows uncertain |
/// | ROC-AUC | Newcombe: the areas A with \|A − Â\| ≤ 1.96 √V(A); macro: the mean of the classes' ends, their distance times √(2/K) |
/// | average precision | Wilson, n the rows of the class |
/// | calibration error | see `CalibrationError` |
/// | log loss, Brier score | see `MeanLossInterval` |
///
/// Where rows belong together in groups, n is the effective number of rows, and the bootstrap over groups widens what is narrower.
///
/// `script/metric-intervals.py` measures their coverage beside the bootstrap's; see Documentation/Evidence.md.
///
/// **Source**: Goutte and Gaussier, *A probabilistic interpretation of precision, recall and F-score*, 2005; Newcombe, *Confidence
/// intervals for an effect size measure based on the Mann–Whitney statistic*, part 2, 2006, method 5; Boyd, Eng and Page, *Area under
/// the precision-recall curve: point estimates and confidence intervals*, 2013.
package struct MetricIntervals {
  private let metrics: ClassMetrics
  private let cells: [Double]
  private let classes: Int
  private let byClass: [ClassFigures]
  private let sample: RowSample

  private static let draws = 1_000

  package init(_ metrics: ClassMetrics, _ sample: RowSample, classes: Int) {
    self.metrics = metrics
    self.classes = classes
    self.sample = sample
    // As many independent rows as these tell as much as.
    cells = metrics.confusion([Double](repeating: 1 / sample.designEffect, count: sample.rows))
    byClass = metrics.figures(cells)
  }

  /// The metrics with these intervals instead of the bootstrap's, if there is one.
  package func replacing(_ list: [Metric], seed: UInt64) -> [Metric] {
    let drawn = drawnFigures(seed: seed)
    return list.map { metric in
      let value = metric.estimate.value
      guard value.isFinite, let kind = metric.kind else { return metric }
      var found = metric.estimate
      switch kind {
      case .calibrationError:
        return Metric(
          kind, CalibrationError(metrics.calibrationBins, effect: sample.designEffect, seed: seed).estimate)
      case .logLoss: return Metric(kind, metrics.logLossInterval(effect: sample.designEffect, seed: seed))
      case .brier: return Metric(kind, metrics.brierInterval(effect: sample.designEffect, seed: seed))
      case .precision:
        // Without a prediction of the class any precision is possible.
        found =
          byClass[1].answered > 0
          ? .proportion(value, ofEffective: byClass[1].answered) : Estimate(value, low: 0, high: 1)
      case .recall: if byClass[1].support > 0 { found = .proportion(value, ofEffective: byClass[1].support) }
      case .rocAUC: found = Self.area(value, yes: byClass[1].support, no: byClass[0].support)
      case .prAUC: if byClass[1].support > 0 { found = .proportion(value, ofEffective: byClass[1].support) }
      case .rocAUCMacro, .prAUCMacro:
        let total = byClass.reduce(0) { $0 + $1.support }
        // The interval of each class against the rest. With two classes both areas are one, with many they are nearly independent:
        // their correlation is taken as 1/(K − 1).
        let ends = byClass.filter { $0.support > 0 }.map { figures -> Estimate in
          kind == .rocAUCMacro
            ? Self.area(value, yes: figures.support, no: total - figures.support)
            : .proportion(value, ofEffective: figures.support)
        }
        let count = Double(max(1, ends.count))
        let share = min(1, (2 / count).squareRoot())
        let (low, high) = (ends.reduce(0) { $0 + $1.low } / count, ends.reduce(0) { $0 + $1.high } / count)
        found = Estimate(value, low: value - share * (value - low), high: value + share * (high - value))
      default:
        let sorted = drawn.compactMap { $0[kind] }
        guard !kind.isShareOfRows, !sorted.isEmpty else { return metric }
        let lows = sorted.map { $0[Int(0.025 * Double($0.count))] } + [value]
        let highs = sorted.map { $0[Int(0.975 * Double($0.count))] } + [value]
        found = Estimate(value, low: lows.min() ?? value, high: highs.max() ?? value)
      }
      // The design effect is that of the error: precision and recall also vary with the groups' shares of the classes.
      if sample.isGrouped {
        found = Estimate(
          value, low: min(found.low, metric.estimate.low), high: max(found.high, metric.estimate.high))
      }
      return Metric(kind, found)
    }
  }

  /// The prior of each cell, in each of the two posteriors.
  private var priors: [[Double]] {
    let even = [Double](repeating: 1 / Double(classes * classes), count: classes * classes)
    let byTruth = cells.indices.map { cell in
      let (truth, answer) = (cell / classes, cell % classes)
      return byClass[truth].support > 0 ? (truth == answer ? 0.25 : 0.25 / Double(max(1, classes - 1))) : 0
    }
    return [even, byTruth]
  }

  /// Sorted draws of each metric, by posterior.
  private func drawnFigures(seed: UInt64) -> [[MetricKind: [Double]]] {
    priors.enumerated().map { drawnFigures($1, seed: seed, step: $0 == 0 ? 1 : 3) }
  }

  private func drawnFigures(_ prior: [Double], seed: UInt64, step: Int) -> [MetricKind: [Double]] {
    var drawn: [MetricKind: [Double]] = [:]
    // The cost is proportional to the number of cells.
    let draws = max(100, min(Self.draws, 20_000_000 / (classes * classes)))
    for draw in 0..<draws {
      var stream = RandomStream(seed: seed, purpose: .bootstrap, step: step, index: draw)
      let shares = zip(cells, prior).map { $0 + $1 > 0 ? stream.gamma(shape: $0 + $1) : 0 }
      for (kind, value) in zip(metrics.kinds, metrics.confusionValues(shares, classesOf: cells)) where value.isFinite {
        drawn[kind, default: []].append(value)
      }
    }
    return drawn.mapValues { $0.sorted() }
  }

  /// The areas A with |A − seen| ≤ z √V(A), V by Hanley and McNeil with each group of their mean size.
  package static func area(_ seen: Double, yes: Double, no: Double) -> Estimate {
    guard yes > 0, no > 0 else { return Estimate(seen, low: -.infinity, high: .infinity) }
    let size = (yes + no) / 2 - 1
    func deviation(_ a: Double) -> Double {
      let spread = 1 + size * ((1 - a) / (2 - a) + a / (1 + a))
      return (max(0, a * (1 - a) * spread) / (yes * no)).squareRoot()
    }
    func end(_ limit: Double) -> Double {
      var (inside, outside) = (seen, limit)
      guard abs(outside - seen) > Estimate.z * deviation(outside) else { return outside }
      for _ in 0..<60 {
        let middle = (inside + outside) / 2
        if abs(middle - seen) <= Estimate.z * deviation(middle) { inside = middle } else { outside = middle }
      }
      return inside
    }
    return Estimate(seen, low: end(0), high: end(1))
  }
}
