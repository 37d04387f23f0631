import Tartine

/// The text that `train` prints at the end.
struct TrainingSummary {
  private let run: Run
  private let test: Evaluation?
  private let baselines: Baselines
  private let remarks: RunRemarks
  private let diagnosis: Diagnosis
  private let summary: RunSummary
  /// Sentences on why the result may be too good.
  private let cautions: [String]
  /// An earlier run on the same data with a lower dev error.
  private let better: (run: String, dev: Double)?
  private let source: DataSource

  init(
    _ run: Run, test: Evaluation?, baselines: Baselines, remarks: RunRemarks, diagnosis: Diagnosis, summary: RunSummary,
    source: DataSource, cautions: [String], better: (run: String, dev: Double)?
  ) {
    self.better = better
    self.cautions = cautions
    self.remarks = remarks
    self.baselines = baselines
    self.run = run
    self.test = test
    self.diagnosis = diagnosis
    self.summary = summary
    self.source = source
  }

  var text: String {
    var lines = [""] + baselines.text(network: diagnosis.result) + cautions
    if case .time = run.split.method, let warning = (test ?? run.dev).serialWarning { lines.append(warning) }
    if let warning = oneRow ?? (test ?? run.dev).tailWarning { lines.append(warning) }
    lines += [
      "",
      "\(diagnosis.heading) (epoch \(run.model.epoch) of \(run.history.count), "
        + "\(Text.fixed(summary.seconds, decimals: 1)) s):",
    ]
    lines += diagnosis.ladderText.split(separator: "\n").map { "  \($0)" }
    if let reason = run.stopReason { lines.append("Stopped after epoch \(run.history.count): \(reason).") }
    lines += ["", figures]
    if let intervals { lines.append(intervals) }
    lines += ["", diagnosis.verdict]
    if let mismatch = diagnosis.mismatch { lines.append(mismatch.sentence) }
    if run.split.dataset.weights != nil {
      lines.append("Sample weights count in training alone: errors, baselines and metrics are unweighted.")
    }
    if run.recipe.keeps == .best {
      lines.append("The epoch was chosen on dev, so the dev error is a little optimistic.")
    }
    lines += remarks.decision
    if let folds = remarks.folds ?? remarks.advice { lines += ["", folds] }
    if let mistakes { lines += ["", mistakes] }
    lines += ["", "Model:  \(summary.model)", "Report: \(summary.run)/report.html"]
    lines += ["", next, ""]
    return lines.joined(separator: "\n")
  }

  private static let figures = [
    "accuracy", "balanced-accuracy", "f1", "f1-macro", "roc-auc", "roc-auc-macro", "log-loss", "rmse", "mae", "r2",
  ]
  /// The largest number of classes whose confusion matrix is printed; the report has any.
  private static let mostClasses = 5

  /// The task's metrics with their intervals and the confusion matrix, on test, or on dev without a test set.
  private var figures: String {
    let metrics = Metrics(test ?? run.dev)
    let part = test == nil ? "dev" : "test"
    let found = Self.figures.compactMap { name in
      metrics.values.first { $0.name == name && $0.estimate.value.isFinite }
    }
    let width = found.map(\.name.count).max() ?? 0
    let positive = run.model.task == .binary ? run.model.classes.last.map { "; positive class '\($0)'" } ?? "" : ""
    var lines = ["Metrics on \(part), with 95 % intervals\(positive):"]
    lines += found.map { "  \($0.name.padded(to: width))  \($0.valueText) (\($0.rangeText))" }
    let classes = metrics.classes
    if classes.count > 1, classes.count <= Self.mostClasses, classes.count == metrics.confusion.count {
      lines.append("Confusion matrix on \(part):")
      let names = classes.map { String($0.prefix(24)) }
      let longest = names.map(\.count).max() ?? 0
      for (name, row) in zip(names, metrics.confusion) {
        lines.append(
          "  actual \(name.padded(to: longest))  predicted "
            + zip(names, row).map { "\($0) \($1)" }.joined(separator: ", "))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// A sentence about the intervals of single predictions, which are not judged on the dev rows that made them.
  private var intervals: String? {
    guard let found = test.flatMap({ IntervalCoverage($0, coverage: 0.9) }) else { return nil }
    func percent(_ share: Double) -> String { Text.fixed(share * 100, decimals: 1) }
    let isNumber = run.model.task == .regression
    return
      "\(isNumber ? "Intervals" : "Sets of classes") for 90 % (predict --interval 0.9) held the truth of \(percent(found.held.value)) % of "
      + "the test rows (\(percent(found.held.low)) to \(percent(found.held.high)) %), "
      + (isNumber
        ? "\(Text.significant(found.size, digits: 4)) wide in the mean."
        : "\(Text.fixed(found.size, decimals: 2)) classes in the mean.")
  }

  /// A sentence about a row that accounts for most of a set's squared error, or nil.
  private var oneRow: String? {
    for (part, evaluation, dataset) in [
      ("test", test, run.split.test.dataset), ("dev", run.dev, run.split.dataset),
    ] as [(String, Evaluation?, Dataset)] {
      guard let evaluation, evaluation.task == .regression, evaluation.rowCount >= 10 else { continue }
      let sum = evaluation.outcomes.reduce(0, +)
      guard let worst = evaluation.outcomes.indices.max(by: { evaluation.outcomes[$0] < evaluation.outcomes[$1] }),
        evaluation.outcomes[worst] > 0.5 * sum
      else { continue }
      let share = Text.fixed(evaluation.outcomes[worst] / sum * 100, decimals: 0)
      return
        "Row \(dataset.rowNumber(evaluation.origin[worst])) alone accounts for \(share) % of the squared error on \(part): actual "
        + "\(Text.significant(evaluation.truths[worst], digits: 4)), predicted "
        + "\(Text.significant(evaluation.predictions[worst], digits: 4))."
    }
    return nil
  }

  /// Three misclassified images.
  private var mistakes: String? {
    let names = run.model.classes
    func wrong(_ evaluation: Evaluation, of dataset: Dataset) -> [DigitDrawing.Captioned] {
      evaluation.outcomes.indices.filter { evaluation.outcomes[$0] > 0 }.map { place in
        let row = evaluation.origin[place]
        let truth = dataset.targets[0].text(row) ?? "?"
        return DigitDrawing.Captioned(
          dataset: dataset, row: row,
          caption: "actual \(truth), predicted \(names[Int(evaluation.predictions[place])])"
        )
      }
    }
    guard run.model.task == .multiclass else { return nil }
    // Dev images first, then test images: the test set is already evaluated.
    let found = wrong(run.dev, of: run.split.dataset) + (test.map { wrong($0, of: run.split.test.dataset) } ?? [])
    return DigitDrawing.sideBySide(Array(found.prefix(3)), width: Files.outputWidth).map {
      "Misclassified images:\n" + $0
    }
  }

  private var next: String {
    if let better {
      return
        "Next:   \(Shell.quoted(better.run)) on the same data has a lower dev error, \(diagnosis.text(better.dev)); is the difference "
        + "significant?\n        \(Shell.program) compare \(Shell.quoted(better.run)) \(Shell.quoted(summary.run))"
    }
    guard let idea = diagnosis.prescriptions.first else {
      return "Next:   \(Shell.program) predict \(Shell.quoted(summary.model)) \(newData)"
    }
    return "Next:   \(idea.what): \(idea.why).\n        \(Shell.program) train \(source.flags) --recipe "
      + "\(Shell.quoted(summary.run + "/recipe.json")) \(idea.settings.flags)"
  }

  private var newData: String {
    if source.data == DataSource.digits { return "digits" }
    if case .images = run.split.dataset.inputs { return Shell.quoted(source.data) }
    return "NEW.csv"
  }
}
