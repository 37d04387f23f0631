import Foundation
import Tartine
import Testing

/// Metrics compared with scikit-learn's; see Tests/Golden/make_metrics.py.
@Suite struct MetricsTests {
  struct Golden: Decodable {
    struct Case: Decodable {
      let name: String
      let classes: Int
      let probabilities: [Double]
      let truths: [Int]
      let values: [String: Double]
      let confusion: [[Int]]
    }
    let cases: [Case]
  }

  /// Without an error among 30 rows the bootstrap knows none; the model expects one in 50, of loss −log 0.02.
  @Test func aLossIntervalKnowsUnseenErrors() {
    let n = 30
    let metrics = ClassMetrics(
      probabilities: (0..<n).flatMap { $0 % 2 == 0 ? [0.98, 0.02] : [0.02, 0.98] }, truths: (0..<n).map { $0 % 2 },
      answers: (0..<n).map { $0 % 2 }, classes: 2)
    let intervals = MetricIntervals(metrics, RowSample(rows: n), classes: 2)
    let value = -log(0.98)
    let found = intervals.replacing(
      [Metric(.logLoss, Estimate(value, low: value, high: value))], seed: 1)[0]
    // A share of errors of 8 % has the probability 0.025 of the posterior Beta(½, 30½).
    #expect(abs(found.estimate.low - value) < 1e-3 && abs(found.estimate.value - value) < 1e-12)
    #expect(abs(found.estimate.high - (value + 0.081 * (-log(0.02) - value))) < 0.06, "\(found)")
    let brier = intervals.replacing([Metric(.brier, Estimate(0.0004, low: 0, high: 0))], seed: 1)[0]
    #expect(abs(brier.estimate.high - (0.0004 + 0.081 * 0.96)) < 0.015, "\(brier)")
  }

  /// Three classes of ten rows, perfectly separated: the mean distance of Newcombe's ends, times √(2/3); ten likewise, √(2/10).
  @Test(arguments: [3, 10]) func macroAreasAreNarrowerThanTheirClasses(_ classes: Int) {
    let rows = 10 * classes
    let truths = (0..<rows).map { $0 % classes }
    let metrics = ClassMetrics(
      probabilities: truths.flatMap { truth in (0..<classes).map { $0 == truth ? 0.9 : 0.1 / Double(classes - 1) } },
      truths: truths,
      answers: truths,
      classes: classes)
    let found = MetricIntervals(metrics, RowSample(rows: rows), classes: classes).replacing(
      [Metric(.rocAUCMacro, Estimate(1, low: 1, high: 1))], seed: 1)[0].estimate
    let one = MetricIntervals.area(1, yes: 10, no: Double(rows - 10))
    #expect(
      abs(found.low - (1 - (2.0 / Double(classes)).squareRoot() * (1 - one.low))) < 1e-9 && found.high == 1)
  }

  /// Two rows: Student's t with one degree of freedom is 12.7, and R² of so few has no interval.
  @Test func fewRowsHaveWideIntervals() {
    let list = Metrics.metrics([.mae, .r2], of: RowSample(rows: 2), seed: 1) { counts in
      [(counts[0] * 1 + counts[1] * 3) / 2, 0.9]
    }
    #expect(list[0].estimate.low == 0 && list[0].estimate.high > 10)
    #expect(list[1].estimate.low == -.infinity && list[1].estimate.high == 1)
  }

  @Test func figuresAgreeWithScikitLearns() throws {
    let golden = try JSON.decode(Golden.self, from: try Files.readText(Fixtures.folder("Golden") + "/metrics.json"))
    #expect(golden.cases.count == 6)
    for one in golden.cases {
      let answers = one.truths.indices.map { row -> Int in
        let p = one.probabilities[(row * one.classes)..<((row + 1) * one.classes)]
        if one.classes == 2 { return p[p.startIndex + 1] > 0.5 ? 1 : 0 }
        return p.indices.max { p[$0] < p[$1] || (p[$0] == p[$1] && $0 > $1) }! - p.startIndex
      }
      let metrics = ClassMetrics(
        probabilities: one.probabilities, truths: one.truths, answers: answers, classes: one.classes)
      let once = [Double](repeating: 1, count: one.truths.count)
      let values = Dictionary(uniqueKeysWithValues: zip(metrics.kinds.map(\.rawValue), metrics.values(once)))
      #expect(one.values.count > 9)
      for (name, value) in one.values {
        let ours = try #require(values[name], "\(name)")
        #expect(abs(ours - value) < 1e-9, "\(name) of \(one.name): \(ours), not \(value)")
      }
      #expect(metrics.confusion(once) == one.confusion.flatMap { $0 }.map(Double.init))
      // A row that counts twice equals two rows.
      let twice = ClassMetrics(
        probabilities: one.probabilities + one.probabilities, truths: one.truths + one.truths,
        answers: answers + answers, classes: one.classes)
      let doubled = zip(metrics.values(once.map { $0 * 2 }), twice.values(once + once))
      #expect(doubled.allSatisfy { abs($0 - $1) < 1e-9 || ($0.isNaN && $1.isNaN) })
    }
  }

  /// With few errors, at least 92 of 100 intervals still cover the truth; those of a bootstrap cover it in 14
  /// to 50.
  @Test(arguments: [30, 100]) func intervalsHoldTheTruthAtTheirEnds(_ rows: Int) throws {
    var stream = RandomStream(seed: UInt64(rows), purpose: .test)
    // Of each class 2 % are misclassified; the truth of each metric is then 0.98, and of the correlation
    // 0.96.
    let truth = ["precision": 0.98, "recall": 0.98, "balanced-accuracy": 0.98, "f1": 0.98, "mcc": 0.96]
    var hits: [String: Int] = [:]
    for draw in 0..<200 {
      let truths = (0..<rows).map { _ in stream.integer(below: 2) }
      let answers = truths.map { stream.uniform() < 0.02 ? 1 - $0 : $0 }
      let metrics = ClassMetrics(
        probabilities: answers.flatMap { $0 == 1 ? [0.1, 0.9] : [0.9, 0.1] }, truths: truths, answers: answers,
        classes: 2)
      let values = metrics.values([Double](repeating: 1, count: rows))
      let list = zip(metrics.kinds, values).map { Metric($0, Estimate($1, low: $1, high: $1)) }
      for metric in MetricIntervals(metrics, RowSample(rows: rows), classes: 2).replacing(list, seed: UInt64(draw)) {
        guard let value = truth[metric.name] else { continue }
        #expect(metric.estimate.low <= metric.estimate.value && metric.estimate.value <= metric.estimate.high)
        if metric.estimate.low <= value && value <= metric.estimate.high { hits[metric.name, default: 0] += 1 }
      }
    }
    for name in truth.keys { #expect(hits[name] ?? 0 >= 180, "\(name): \(hits[name] ?? 0) of 200") }
  }

  /// Forty groups of 50 rows whose shares of the positive class differ: precision varies with the group far more than the error
  /// does, and its intervals must know.
  @Test func precisionOfGroupsIsAsUnsureAsTheGroups() {
    var hits = 0
    var widths: [Double] = []
    var values: [Double] = []
    var stream = RandomStream(seed: 8, purpose: .test)
    // P(answer 1 | truth 1) and P(answer 0 | truth 0) are 0.8: precision is 0.8 where half of the rows are positive.
    for draw in 0..<100 {
      var (truths, answers, cases) = ([Int](), [Int](), [Int]())
      for group in 0..<40 {
        let share = 0.15 + 0.7 * stream.uniform()
        for _ in 0..<50 {
          let truth = stream.uniform() < share ? 1 : 0
          truths.append(truth)
          answers.append(stream.uniform() < 0.8 ? truth : 1 - truth)
          cases.append(group)
        }
      }
      let metrics = ClassMetrics(
        probabilities: answers.flatMap { $0 == 1 ? [0.2, 0.8] : [0.8, 0.2] }, truths: truths, answers: answers,
        classes: 2)
      let sample = RowSample(rows: truths.count, cases: cases)
      let found = MetricIntervals(metrics, sample, classes: 2).replacing(
        Metrics.metrics(metrics.kinds, of: sample, curves: 2, seed: UInt64(draw), metrics.values), seed: UInt64(draw)
      ).first { $0.name == "precision" }!.estimate
      if found.low <= 0.8, 0.8 <= found.high { hits += 1 }
      widths.append(found.high - found.low)
      values.append(found.value)
    }
    #expect(hits >= 90, "\(hits)")
    let mean = values.reduce(0, +) / 100
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 99).squareRoot()
    #expect(abs(widths.reduce(0, +) / 100 / (3.92 * spread) - 1) < 0.3)
  }

  /// The ends solve (A − Â)² = z² V(A), here by bisection in Python.
  @Test func anAreaOfOneIsNotSure() {
    let area = MetricIntervals.area(1, yes: 5, no: 5)
    #expect(area.high == 1 && abs(area.low - 0.6427028239310432) < 1e-9)
    let many = MetricIntervals.area(1, yes: 500, no: 500)
    #expect(abs(many.low - 0.9961437383831223) < 1e-9)
    #expect(abs(MetricIntervals.area(0.8, yes: 20, no: 30).low - 0.6433456145211157) < 1e-9)
    let half = MetricIntervals.area(0.5, yes: 50, no: 50)
    #expect(abs((0.5 - half.low) - (half.high - 0.5)) < 1e-9 && abs(half.low - 0.38966736752339853) < 1e-9)
  }

  /// Ten labels of 100 rows with independent errors carry as much information as 1 000 predictions.
  @Test func labelsOfOneRowTellMoreThanOne() {
    var stream = RandomStream(seed: 4, purpose: .test)
    let outcomes = (0..<100).map { _ in
      (0..<10).reduce(0.0) { sum, _ in sum + (stream.uniform() < 0.2 ? 0.1 : 0) }
    }
    let figure = SampledFigure(outcomes: [outcomes], isNumber: false).rows
    let apart = Estimate.proportion(figure.value, of: 1_000)
    #expect(abs((figure.high - figure.low) / (apart.high - apart.low) - 1) < 0.25)
    // Labels with the same errors carry no more than one.
    let together = (0..<100).map { _ in stream.uniform() < 0.2 ? 1.0 : 0 }
    let one = SampledFigure(outcomes: [together], isNumber: false).rows
    #expect(one == .proportion(one.value, of: 100))
  }

  /// The interval of a model's metric covers the values of many other test sets.
  @Test func intervalsHoldTheTruth() throws {
    var stream = RandomStream(seed: 12, purpose: .test)
    func draw(_ rows: Int) -> ClassMetrics {
      let truths = (0..<rows).map { _ in stream.integer(below: 2) }
      let p = truths.map { truth in
        let noise = (0..<6).reduce(0.0) { sum, _ in sum + stream.uniform() } - 3
        return 1 / (1 + exp(-(Double(truth) - 0.5 + noise)))
      }
      return ClassMetrics(
        probabilities: p.flatMap { [1 - $0, $0] }, truths: truths, answers: p.map { $0 > 0.5 ? 1 : 0 }, classes: 2)
    }
    let place = draw(2).kinds.firstIndex(of: .rocAUC)!
    let exact = draw(20_000).values([Double](repeating: 1, count: 20_000))[place]
    var held = 0
    for seed in 0..<40 {
      let sample = draw(200)
      let metrics = Metrics.metrics(sample.kinds, of: RowSample(rows: 200), seed: UInt64(seed), sample.values)
      let auc = metrics[place].estimate
      #expect(auc.low < auc.value && auc.value < auc.high)
      if auc.low <= exact && exact <= auc.high { held += 1 }
    }
    #expect(held >= 33, "\(held) of 40")
  }

  @Test func figuresOfLabelsAndNumbers() throws {
    var stream = RandomStream(seed: 2, purpose: .test)
    let rows = (0..<400).map { _ in [Float(stream.uniform()), Float(stream.uniform())] }
    let numbers = try Dataset(features: rows, values: rows.map { Double($0[0]) * 3 + 1 }).split(seed: 1)
    let regression = Metrics(
      try Recipe {
        Dense(8); ReLU()
      }.epochs(10).train(on: numbers, seed: 1).test())
    #expect(regression.values.map(\.name) == ["rmse", "mae", "r2"])
    let r2 = try #require(regression["r2"])
    #expect(r2.low <= r2.value && r2.value <= r2.high && r2.high <= 1)
    struct Row: Encodable {
      let a, b: Float
      let first, second: Int
    }
    let table = rows.map { Row(a: $0[0], b: $0[1], first: $0[0] > 0.5 ? 1 : 0, second: $0[1] > 0.7 ? 1 : 0) }
    let split = try Dataset(rows: table, target: "first,second").split(seed: 1)
    let labels = Metrics(
      try Recipe {
        Dense(16); ReLU()
      }.epochs(150).train(on: split, seed: 1).test())
    #expect(labels["exact-match"].map { $0.value > 0.8 } == true && labels.byClass.count == 2)
    #expect(labels["f1-micro"].map { $0.value > 0.8 && $0.low < $0.value } == true)
  }
}
