import Tartine

/// What `train` says to a person at the end.
struct TrainingSummary {
  private let run: Run
  private let test: Evaluation?
  private let remarks: RunRemarks
  private let diagnosis: Diagnosis
  private let summary: RunSummary
  private let source: DataSource

  init(
    _ run: Run, test: Evaluation?, remarks: RunRemarks, diagnosis: Diagnosis, summary: RunSummary,
    source: DataSource
  ) {
    self.remarks = remarks
    self.run = run
    self.test = test
    self.diagnosis = diagnosis
    self.summary = summary
    self.source = source
  }

  var text: String {
    var lines = [
      "",
      "\(diagnosis.heading) (epoch \(run.model.epoch) of \(run.history.count), "
        + "\(Text.fixed(summary.seconds, decimals: 1)) s):",
    ]
    lines += diagnosis.ladderText.split(separator: "\n").map { "  \($0)" }
    if let reason = run.stopReason { lines.append("It stopped early: \(reason).") }
    lines += ["", diagnosis.verdict]
    if let mismatch = diagnosis.mismatch { lines.append(mismatch.sentence) }
    if run.recipe.keeps == .best { lines.append("Dev chose the epoch, so its error is a little optimistic.") }
    lines += remarks.decision
    if let folds = remarks.folds ?? remarks.advice { lines += ["", folds] }
    if let mistakes { lines += ["", mistakes] }
    lines += ["", "Model:  \(summary.model)", "Report: \(summary.run)/report.html"]
    lines += ["", "Next:   \(nextCommand)", ""]
    return lines.joined(separator: "\n")
  }

  /// Three images that the model got wrong.
  private var mistakes: String? {
    let names = run.model.classes
    func wrong(_ evaluation: Evaluation, of dataset: Dataset) -> [DigitDrawing.Captioned] {
      evaluation.outcomes.indices.filter { evaluation.outcomes[$0] > 0 }.map { place in
        let row = evaluation.origin[place]
        let truth = dataset.targets[0].text(row) ?? "?"
        return DigitDrawing.Captioned(
          dataset: dataset, row: row, caption: "a \(truth), taken for \(names[Int(evaluation.predictions[place])])")
      }
    }
    guard run.model.task == .multiclass else { return nil }
    // Dev first; test, which is open by now, fills up.
    let found = wrong(run.dev, of: run.split.dataset) + (test.map { wrong($0, of: run.split.test.dataset) } ?? [])
    return DigitDrawing.sideBySide(Array(found.prefix(3))).map { "Some that it got wrong:\n" + $0 }
  }

  private var nextCommand: String {
    let data = source.data == DataSource.digits ? "" : " \(quoted(source.data))"
    let target = source.target.map { " --target \(quoted($0))" } ?? ""
    let weights = source.weights.map { " --weights \(quoted($0))" } ?? ""
    let test = source.test.map { " --test \(quoted($0))" } ?? ""
    let task = source.task.map { " --task \($0.rawValue)" } ?? ""
    let shares = source.split.map { " --split " + $0.map { "\($0)" }.joined(separator: ",") } ?? ""
    let method = source.splitBy.map { " --split-by \(quoted($0))" } ?? ""
    let seed = source.splitSeed == run.recipe.seed ? "" : " --split-seed \(source.splitSeed)"
    if let idea = diagnosis.prescriptions.first {
      return
        "\(program) train\(data)\(target)\(weights)\(test)\(task)\(shares)\(method)\(seed) --recipe \(quoted(summary.run))/recipe.json \(idea.flags)"
    }
    return "\(program) predict \(quoted(summary.model)) \(newData)"
  }

  private var newData: String {
    if source.data == DataSource.digits { return "digits" }
    if case .images = run.split.dataset.inputs { return quoted(source.data) }
    return "NEW.csv"
  }

  /// The command as it was called.
  private var program: String { quoted(CommandLine.arguments.first ?? "tartine") }

  private func quoted(_ text: String) -> String {
    text.allSatisfy { $0.isLetter || $0.isNumber || "/._-,=+".contains($0) }
      ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
