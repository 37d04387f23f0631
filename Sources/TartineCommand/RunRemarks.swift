import Tartine

/// Remarks on a run beside its error ladder, for the terminal and the report.
struct RunRemarks {
  /// The temperature and the decision threshold that were chosen on dev.
  let decision: [String]
  /// The result of cross-validation.
  let folds: String?
  /// The advice to cross-validate.
  let advice: String?

  /// The number of rows below which cross-validation is advised.
  private static let fewRows = 2_000

  /// - Parameters:
  ///   - choice: How network or linear model was chosen; nil: it was not.
  ///   - isChosenByFolds: Whether cross-validation has chosen it.
  init(_ run: Run, folds: CrossValidation?, choice: String?, isChosenByFolds: Bool) {
    decision = [choice].compactMap { $0 } + Self.decision(run)
    self.folds = folds.map(Self.text)
    let rows = run.split.trainCount + run.split.devCount
    advice =
      !isChosenByFolds && rows + run.split.testCount < Self.fewRows
      ? "Few rows: --folds 5 cross-validates the recipe on all \(rows) rows of train and dev." : nil
  }

  private static func decision(_ run: Run) -> [String] {
    let (rule, decision) = (run.recipe.decision, run.model.decision)
    var lines: [String] = []
    if let seeds = seeds(run) { lines.append(seeds) }
    if run.recipe.refit {
      let rows = "Refitted on all \(run.split.trainCount + run.split.devCount) rows of train and dev"
      let how =
        run.recipe.minutes != nil
        ? run.recipe.seeds > 1 ? ", from \(run.recipe.seeds) seeds in the time that was left" : ""
        : run.recipe.seeds > 1
          ? ", each network for the epochs chosen on dev"
          : ", for \(run.model.epoch) epoch\(run.model.epoch == 1 ? "" : "s")\(run.recipe.keeps == .last ? "" : ", as chosen on dev")"
      lines.append(rows + how + "; train and dev above are of the model before.")
    }
    if rule.calibrates {
      let temperature = Text.significant(decision.temperature, digits: 3)
      lines.append(
        decision.isCalibrated
          ? "Temperature scaling: the logits are divided by \(temperature), where the log-loss on "
            + "dev is lowest."
          : "No temperature scaling: the log-loss on dev has no minimum at a temperature from "
            + "\(Decision.temperatures.lowerBound) to \(Decision.temperatures.upperBound).")
    }
    if let metric = rule.threshold, let yes = run.model.classes.last {
      let threshold = Text.significant(decision.threshold, digits: 3)
      let figure = Metrics(run.dev)[metric.rawValue].map { " (\(Text.significant($0.value, digits: 3)))" } ?? ""
      lines.append(
        decision.hasThreshold
          ? "'\(yes)' is predicted from a probability of \(threshold) on, the best threshold by "
            + "\(metric.rawValue) on dev\(figure)."
          : "The threshold stays at 0.5: dev has fewer than \(Decision.fewestRows) rows of a class, too "
            + "few to choose one, or no threshold is better.")
    }
    return lines
  }

  /// What the networks of several seeds are worth, each and together.
  private static func seeds(_ run: Run) -> String? {
    let scores = run.devOfEach
    guard scores.count > 1 else { return nil }
    let mean = scores.reduce(0, +) / Double(scores.count)
    let deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(scores.count - 1)).squareRoot()
    func text(_ score: Double) -> String {
      run.model.task == .regression ? Text.significant(score, digits: 4) : "\(Text.fixed(score * 100, decimals: 2)) %"
    }
    let figure = run.model.task == .regression ? "RMSE" : "error"
    let last = run.recipe.seed &+ UInt64(scores.count - 1)
    return
      "Ensemble of \(scores.count) networks (seeds \(run.recipe.seed) to \(last)): mean dev \(figure) \(text(mean)), standard deviation "
      + "\(text(deviation)); the ensemble's dev \(figure) is \(text(run.dev.score))."
  }

  private static func text(_ folds: CrossValidation) -> String {
    let each = folds.folds.map { Text.significant($0.task == .regression ? $0.score : $0.score * 100, digits: 3) }
    let unit = folds.pooled.task == .regression ? "" : " %"
    return "Over \(folds.folds.count) folds of train and dev: \(folds.pooled); by fold "
      + "\(each.joined(separator: ", "))\(unit)."
  }
}
