import TartineData
import TartineFiles
import TartineEngine
import TartineTraining

/// Two baselines of a network, trained on the same train set: the constant baseline (majority class, mean or quantile) and the
/// linear model.
public struct Baselines: Sendable {
  /// A baseline and its error.
  public struct Baseline: Sendable, Encodable {
    /// `constant` or `linear`.
    public let name: String
    /// The error, or RMSE, on the dev set.
    public let dev: Estimate
    /// The error, or RMSE, on the test set; nil while that is locked.
    public let test: Estimate?
    /// The baseline's error less the network's, paired by row, on the test set, or on dev while test is locked.
    public let gain: Estimate

    /// Its error less the network's on the dev set.
    let devGain: Estimate
    /// Whether the network predicts the same class in every row.
    let isSame: Bool

    private enum CodingKeys: String, CodingKey { case name, dev, test, gain }

    /// Whether the network is significantly better.
    public var isBeaten: Bool { gain.low > 0 }
  }

  /// The majority class, the mean, or the quantile that a quantile loss asks for.
  public let constant: Baseline
  /// Least squares or logistic regression; nil if the network is linear itself, or if it cannot be trained.
  public let linear: Baseline?

  /// The linear model's error on train; nil if there is none.
  let linearTrain: Estimate?

  private let unit: Unit
  private let part: String
  private let linearRecipe: Recipe?
  /// The network's recipe.
  private let recipe: Recipe

  /// The network's error on dev.
  private let networkError: Double
  /// Why a comparison by the error would mislead; nil: it does not.
  private let otherAim: String?
  /// Whether a class has fewer than half as many rows as classes of one size would.
  private let hasRareClass: Bool
  /// A network that is better by more, as a share of its error, is worth keeping, even if it is not significantly better.
  private static let mostGain = 0.05

  /// The linear model as something to try; nil if the network is better by more than a little, or significantly.
  package var linearPrescription: Prescription? {
    // By the dev set: choosing by the test set would spend it.
    guard let linear, linear.devGain.low <= 0, linear.devGain.value <= Self.mostGain * networkError,
      let linearRecipe
    else { return nil }
    return Prescription(
      "linear-model", "the linear model",
      why:
        "the network is not significantly better, and a linear model is simpler: explained by its weights, and less likely to "
        + "overfit", of: recipe
    ) {
      $0 = linearRecipe
      // The baseline may have had fewer rows.
      ($0.batchSize, $0.accumulation, $0.seed) = (nil, 1, recipe.seed)
      $0.penalty.l2 = Double(Text.significant(linearRecipe.penalty.l2, digits: 2)) ?? linearRecipe.penalty.l2
    }
  }

  /// The maximum number of rows to train the linear model on: more rows change it little.
  private static let mostRows = 20_000

  /// Measures the baselines of a run.
  ///
  /// - Parameters:
  ///   - run: A finished training run.
  ///   - test: The evaluation on the test set; nil while the test set is locked.
  ///   - known: The run of the linear model, if it has been trained (``trainLinear(for:on:minutes:threads:)``).
  ///   - threads: The default is the number of processors.
  public init(of run: Run, test: Evaluation? = nil, linear known: LinearTraining? = nil, threads: Int? = nil) {
    let unit = Unit(run.model)
    self.unit = unit
    part = test == nil ? "dev" : "test"
    recipe = run.recipe
    networkError = run.dev.score
    let threshold = run.recipe.decision.threshold
    otherAim =
      run.model.task == .regression
      ? nil
      : run.recipe.loss.classWeights != nil
        ? "class weights"
        : threshold == nil || threshold == .accuracy ? nil : "threshold for \(threshold?.rawValue ?? "")"
    let counts = Dictionary(grouping: run.dev.truths) { $0 }.values.map(\.count)
    hasRareClass = (counts.min() ?? 0) * 2 * counts.count < counts.reduce(0, +)
    func baseline(_ name: String, isConstant: Bool = false, dev: [Double], test other: [Double]?) -> Baseline {
      let isNumber = run.model.task == .regression
      let (network, own) = test.map { ($0.outcomes, other ?? []) } ?? (run.dev.outcomes, dev)
      func figure(_ outcomes: [Double], _ cases: [Int]?) -> Estimate {
        SampledFigure(outcomes: [outcomes], isNumber: isNumber, cases: cases).rows
      }
      return Baseline(
        name: name, dev: figure(dev, run.dev.cases), test: other.map { figure($0, test?.cases) },
        gain: Estimate.fall(
          from: own, to: network, isNumber: isNumber, cases: test == nil ? run.dev.cases : test?.cases),
        devGain: Estimate.fall(from: dev, to: run.dev.outcomes, isNumber: isNumber, cases: run.dev.cases),
        isSame: isConstant && !isNumber && own == network && Set((test ?? run.dev).predictions).count == 1)
    }
    let train = run.split.train
    let answer = Self.constant(run, rows: train)
    constant = baseline(
      "constant", isConstant: true, dev: Self.outcomes(answer, run.dev), test: test.map { Self.outcomes(answer, $0) })
    guard !run.recipe.network.isLinear,
      known?.isCutShort != true,
      let trained = (known ?? (try? Self.trainLinear(for: run.recipe, on: run.split, threads: threads)))?.run
    else {
      (linear, linearRecipe, linearTrain) = (nil, nil, nil)
      return
    }
    linearRecipe = trained.recipe
    linearTrain = Rung("train", [trained.train], of: trained.split.trainCount).estimate
    let other = test.flatMap { test in
      try? Self.measure(trained.model, run.split.test.dataset, rows: test.origin, threads: threads)
    }
    linear = test != nil && other == nil ? nil : baseline("linear", dev: trained.dev.outcomes, test: other?.outcomes)
  }

  private static func measure(_ model: Model, _ dataset: Dataset, rows: [Int], threads: Int?) throws -> Evaluation {
    var warnings: [String] = []
    return try model.evaluate(
      dataset, rows: rows, warnings: &warnings, workers: Workers(threads ?? Workers.processorCount))
  }

  /// Trains the linear model that a run of the recipe is compared with.
  ///
  /// - Parameters:
  ///   - recipe: The recipe, whose loss function, seed and refit it has, and whose decision unless that is a threshold for another
  ///     metric than accuracy.
  ///   - split: The data, split; the test set stays locked.
  ///   - minutes: About the most minutes that it takes; nil: until it cannot get better.
  ///   - threads: The default is the number of processors.
  /// - Throws: The errors of a training.
  public static func trainLinear(
    for recipe: Recipe, on split: Split, minutes: Double? = nil, threads: Int? = nil
  ) throws -> LinearTraining {
    let split = split.withoutTest
    let some = split.trainCount > mostRows ? split.with(train: split.sample(mostRows, seed: 0)) : split
    var linear = Recipe.linear(for: some, loss: recipe.loss, seconds: minutes.map { 30 * $0 }, threads: threads)
    (linear.seed, linear.refit) = (recipe.seed, recipe.refit)
    if [nil, .accuracy].contains(recipe.decision.threshold) { linear.decision = recipe.decision }
    return try LinearTraining(
      linear, on: some, seconds: minutes.map { (recipe.refit ? 20 : 40) * $0 }, threads: threads)
  }

  /// The constant prediction: a number, a class, or each label's value.
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

  /// Each row's own error with the constant prediction.
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

  /// Returns the result in sentences: the network's error beside the baselines', and a line for each that it does not beat.
  ///
  /// - Parameter network: the network's error on the same set.
  public func text(network: Estimate) -> [String] {
    func figure(_ baseline: Baseline) -> String { unit.text((baseline.test ?? baseline.dev).value) }
    let others =
      ["constant baseline \(figure(constant))"] + (linear.map { ["linear model \(figure($0))"] } ?? [])
    var lines = [
      "\(unit.figure.prefix(1).uppercased() + unit.figure.dropFirst()) on \(part): \(unit.text(network.value)) (\(unit.range(network))); "
        + others.joined(separator: ", ") + "."
    ]
    if let otherAim {
      let isLower = constant.isBeaten && linear?.isBeaten != false
      if !isLower {
        lines.append(
          "The error is not significantly lower than that of both baselines, which have no \(otherAim): compare the "
            + "metrics below, such as balanced accuracy and F1.")
      }
      return lines
    }
    for (baseline, name) in [(constant, "the constant baseline"), (linear, "the linear model")] {
      guard let baseline, !baseline.isBeaten else { continue }
      lines.append(
        baseline.isSame
          ? "Not significantly better than \(name): the same predictions in every row. The error cannot show a weaker signal, which roc-auc and log-loss can"
            + (hasRareClass
              ? "; \(OptionName.threshold) f1 or \(OptionName.classWeights) balanced predict a rare class." : ".")
          : baseline.gain.high < 0
            ? "Significantly worse than \(name): \(unit.change(baseline.gain))."
            : "Not significantly better than \(name): \(unit.change(baseline.gain)).")
    }
    return lines
  }
}
