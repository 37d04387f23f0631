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
    guard let idea = diagnosis.prescriptions.first else {
      return "\(Shell.program) predict \(Shell.quoted(summary.model)) \(newData)"
    }
    return
      "\(Shell.program) train \(source.flags) --recipe \(Shell.quoted(summary.run + "/recipe.json")) \(idea.flags)"
  }

  private var newData: String {
    if source.data == DataSource.digits { return "digits" }
    if case .images = run.split.dataset.inputs { return Shell.quoted(source.data) }
    return "NEW.csv"
  }
}
