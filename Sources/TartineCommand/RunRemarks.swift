import Tartine

/// What is to be said of a run beside its ladder, on the terminal and in the report.
struct RunRemarks {
  /// What dev decided of the answers.
  let decision: [String]
  /// The recipe over folds.
  let folds: String?
  /// That folds would say more.
  let advice: String?

  /// Rows below which one dev part says little.
  private static let fewRows = 2_000

  init(_ run: Run, folds: CrossValidation?) {
    decision = Self.decision(run)
    self.folds = folds.map(Self.text)
    let rows = run.split.trainCount + run.split.devCount
    advice =
      rows + run.split.testCount < Self.fewRows
      ? "Few rows: --folds 5 measures the recipe on each of the \(rows) rows of train and dev once." : nil
  }

  private static func decision(_ run: Run) -> [String] {
    let (rule, decision) = (run.recipe.decision, run.model.decision)
    var lines: [String] = []
    if rule.calibrates {
      let temperature = Text.significant(decision.temperature, digits: 3)
      lines.append(
        decision.isCalibrated
          ? "Dev's log-loss is smallest with logits divided by \(temperature), and so they are."
          : "Dev's log-loss has no smallest value at a temperature from \(Decision.temperatures.lowerBound) to "
            + "\(Decision.temperatures.upperBound), so the logits are left as they are.")
    }
    if let metric = rule.threshold, let yes = run.model.classes.last {
      let threshold = Text.significant(decision.threshold, digits: 3)
      let figure = Metrics(run.dev)[metric.rawValue].map { ", \(Text.significant($0.value, digits: 3)) there" } ?? ""
      lines.append(
        decision.hasThreshold
          ? "'\(yes)' is answered from the probability \(threshold) on, which is best on dev for \(metric.rawValue)\(figure)."
          : "The threshold stays at one half: dev holds fewer than \(Decision.fewestRows) rows of a class, too few to choose "
            + "it by, or nothing is better.")
    }
    return lines
  }

  private static func text(_ folds: CrossValidation) -> String {
    let each = folds.folds.map { Text.significant($0.task == .regression ? $0.score : $0.score * 100, digits: 3) }
    let unit = folds.pooled.task == .regression ? "" : " %"
    return "Over \(folds.folds.count) folds of train and dev: \(folds.pooled); fold by fold "
      + "\(each.joined(separator: ", "))\(unit)."
  }
}
