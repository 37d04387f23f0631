import TartineData
import TartineEngine
import TartineTraining

/// What a network has to beat: the constant that is best without looking at any input, and the linear model, both of the same
/// train rows.
public struct Baselines: Sendable {
  /// A simpler answer, measured beside the network.
  public struct Baseline: Sendable, Encodable {
    /// `constant` or `linear`.
    public let name: String
    /// Its error, or RMSE.
    public let dev: Estimate
    /// The same on the test part; nil while that is locked.
    public let test: Estimate?
    /// By how much the network's error is lower, on test, or on dev while test is locked.
    public let gain: Estimate

    /// Whether the network is surely better.
    public var isBeaten: Bool { gain.low > 0 }
  }

  /// The most frequent class, or the mean; a quantile or the median where the loss asks for such.
  public let constant: Baseline
  /// Least squares or logistic regression; nil for a network that is one itself, and where it cannot be trained.
  public let linear: Baseline?

  private let unit: Unit
  private let part: String

  /// Rows that the linear model is trained on at most: more change it little.
  private static let mostRows = 20_000

  /// Measures the baselines of a run.
  ///
  /// - Parameters:
  ///   - run: a finished training.
  ///   - test: the test part's evaluation, once it was opened.
  ///   - threads: by default as many as there are processors.
  public init(of run: Run, test: Evaluation? = nil, threads: Int? = nil) {
    let unit = Unit(run.model)
    self.unit = unit
    part = test == nil ? "dev" : "test"
    let groups = run.split.groupByRow
    func baseline(_ name: String, dev: [Double], test other: [Double]?) -> Baseline {
      let isNumber = run.model.task == .regression
      let (network, own) = test.map { ($0.outcomes, other ?? []) } ?? (run.dev.outcomes, dev)
      // A test file of its own has no groups.
      let cases = test == nil || !run.split.hasTestFile ? groups.map { (test ?? run.dev).cases($0) } : nil
      return Baseline(
        name: name, dev: Self.estimate(dev, isNumber: isNumber, unit),
        test: other.map { Self.estimate($0, isNumber: isNumber, unit) },
        gain: Estimate.fall(from: own, to: network, isNumber: isNumber, cases: cases))
    }
    let train = run.split.train
    let answer = Self.constant(run, rows: train)
    constant = baseline(
      "constant", dev: Self.outcomes(answer, run.dev), test: test.map { Self.outcomes(answer, $0) })
    guard !run.recipe.network.isLinear,
      let model = try? Self.linearModel(run, threads: threads),
      let dev = try? Self.measure(model, run.split.dataset, rows: run.dev.origin, threads: threads)
    else {
      linear = nil
      return
    }
    let other = test.flatMap { test in
      try? Self.measure(model, run.split.test.dataset, rows: test.origin, threads: threads)
    }
    linear = test != nil && other == nil ? nil : baseline("linear", dev: dev.outcomes, test: other?.outcomes)
  }

  private static func estimate(_ outcomes: [Double], isNumber: Bool, _ unit: Unit) -> Estimate {
    if isNumber { return .rootMeanSquare(outcomes) }
    let mean = outcomes.reduce(0, +) / Double(max(1, outcomes.count))
    return .proportion(mean, of: outcomes.count)
  }

  private static func measure(_ model: Model, _ dataset: Dataset, rows: [Int], threads: Int?) throws -> Evaluation {
    var warnings: [String] = []
    return try model.evaluate(
      dataset, rows: rows, warnings: &warnings, workers: Workers(threads ?? Workers.processorCount))
  }

  private static func linearModel(_ run: Run, threads: Int?) throws -> Model {
    let split = run.split.withoutTest
    let some = split.trainCount > mostRows ? split.with(train: split.sample(mostRows, seed: 0)) : split
    return try Recipe.linear(for: some, loss: run.recipe.loss, threads: threads).train(on: some, threads: threads).model
  }

  /// The answer for every row: a number, a class, or each label's.
  private static func constant(_ run: Run, rows: [Int]) -> [Double] {
    let truths = run.model.preparation.target.truths(of: run.split.dataset, rows: rows)
    return truths.map { truth in
      if let classes = truth.classes {
        var counts = [Int](repeating: 0, count: classes)
        for value in truth.values { counts[Int(value)] += 1 }
        return Double(counts.indices.max { (counts[$0], $1) < (counts[$1], $0) } ?? 0)
      }
      let sorted = truth.values.sorted()
      if let quantile = run.dev.quantile { return sorted[min(sorted.count - 1, Int(quantile * Double(sorted.count)))] }
      return truth.values.reduce(0, +) / Double(max(1, truth.values.count))
    }
  }

  /// Each row's own error with that answer.
  private static func outcomes(_ answer: [Double], _ evaluation: Evaluation) -> [Double] {
    let width = answer.count
    return (0..<evaluation.rowCount).map { row in
      if evaluation.task == .regression {
        let difference = evaluation.truths[row] - answer[0]
        return difference * difference
      }
      return (0..<width).reduce(0) { $0 + (evaluation.truths[row * width + $1] == answer[$1] ? 0 : 1) } / Double(width)
    }
  }

  /// The network's figure beside theirs, and whether it is surely better: what is to be said first.
  ///
  /// - Parameter network: the same part's figure of the network.
  public func text(network: Estimate) -> [String] {
    func figure(_ baseline: Baseline) -> String { unit.text((baseline.test ?? baseline.dev).value) }
    let others =
      ["constant baseline \(figure(constant))"] + (linear.map { ["linear model \(figure($0))"] } ?? [])
    var lines = [
      "\(unit.figure) on \(part): \(unit.text(network.value)) (\(unit.range(network))); "
        + others.joined(separator: ", ") + "."
    ]
    for (baseline, name) in [(constant, "the constant baseline"), (linear, "the linear model")] {
      guard let baseline, !baseline.isBeaten else { continue }
      lines.append(
        baseline.gain.high < 0
          ? "Significantly worse than \(name): \(unit.change(baseline.gain))."
          : "Not significantly better than \(name): \(unit.change(baseline.gain)).")
    }
    return lines
  }
}
