import Tartine

/// Displays the progress of a search: a bar on a terminal, a line for each new best trial elsewhere.
final class TuningDisplay {
  private let unit: Unit
  private let isQuiet: Bool
  private let already: Int
  private let total: Int?
  private let seconds: Double?
  private let width = Files.terminalWidth
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now
  private var lastBest: Double?
  private var isTold = false
  private var lastDraw: ContinuousClock.Instant?
  private var finalStart: ContinuousClock.Instant?

  /// - Parameters:
  ///   - already: The number of trials finished before.
  ///   - total: The total number of trials; nil: until the time is up.
  ///   - seconds: The time limit; nil: none.
  init(_ job: TuningJob, isQuiet: Bool, already: Int, total: Int?, seconds: Double?) {
    unit = Unit(task: job.split.task, target: "")
    self.isQuiet = isQuiet
    self.already = already
    self.total = total
    self.seconds = seconds
  }

  func begin(_ job: TuningJob) {
    guard !isQuiet || width != nil else { return }
    let parameters = job.study.space.parameters.map(\.name)
    Files.show(
      "\(job.split.trainCount) train, \(job.split.devCount) dev, \(job.split.testCount) test rows; "
        + "\(job.tuner.jobs) parallel trial\(job.tuner.jobs == 1 ? "" : "s") of "
        + "\(job.tuner.recipe.epochs ?? 1) epoch\(job.tuner.recipe.epochs == 1 ? "" : "s"); "
        + "\(parameters.count) hyperparameter\(parameters.count == 1 ? "" : "s"): \(parameters.joined(separator: ", "))\n"
    )
    if already > 0 { Files.show("\(already) \(already == 1 ? "trial is" : "trials are") finished already\n") }
  }

  func show(_ progress: Tuner.Progress) {
    let elapsed = (clock.now - start).inSeconds
    let done = progress.done - already
    let rate = Double(done) / max(elapsed, 1e-9)
    var line =
      "\(progress.done)\(total.map { " of \(max($0, progress.done))" } ?? "") trial\((total ?? progress.done) == 1 ? "" : "s")"
    if let best = progress.best, let value = best.value { line += ", best \(unit.text(value)) (trial \(best.number))" }
    line +=
      ", \(rate >= 1 ? "\(Text.significant(rate, digits: 2)) trials/s" : "\(Text.significant(1 / max(rate, 1e-9), digits: 2)) s per trial")"
    // The time left includes the retraining of the finalists.
    let byTrials = total.map { Double(max(0, $0 - progress.done)) / max(rate, 1e-9) + progress.finalSeconds }
    let byTime = seconds.map { max(0, $0 - elapsed) }
    if let left = [byTrials, byTime].compactMap({ $0 }).min() { line += ", \(Int(left.rounded(.up))) s left" }
    if let width {
      if let lastDraw, clock.now - lastDraw < .milliseconds(100), progress.done != total { return }
      lastDraw = clock.now
      Files.show("\r\u{1B}[K" + line.prefix(width - 1))
    } else if !isQuiet,
      progress.best?.value != lastBest || progress.done == total
        || clock.now - (lastDraw ?? start) > .seconds(30)
    {
      (lastBest, lastDraw) = (progress.best?.value, clock.now)
      Files.show(line + "\n")
    }
  }

  /// Shows how many trainings with fresh seeds are done.
  func show(_ done: Int, of count: Int) {
    let begun = finalStart ?? clock.now
    finalStart = begun
    if let width {
      let left = done > 1 ? (clock.now - begun).inSeconds / Double(done - 1) * Double(count - done) : nil
      let line =
        "retraining the best trials with fresh seeds: \(done) of \(count)"
        + (left.map { ", \(Int($0.rounded(.up))) s left" } ?? "")
      Files.show("\r\u{1B}[K" + line.prefix(width - 1))
    } else if done == count, !isQuiet, !isTold {
      isTold = true
      Files.show("the best trials were retrained, \(count) trainings in all\n")
    }
  }

  /// Shows that the winner's model is being trained.
  func training() { if width != nil { Files.show("\r\u{1B}[Ktraining the winner's model") } }

  /// Clears the bar.
  func end() { if width != nil { Files.show("\r\u{1B}[K") } }
}

/// The text that `tune` prints at the end.
struct TuningText {
  private let result: TuningResult
  private let job: TuningJob
  private let seconds: Double

  init(_ result: TuningResult, _ job: TuningJob, seconds: Double) {
    self.result = result
    self.job = job
    self.seconds = seconds
  }

  private var unit: Unit { Unit(task: job.split.task, target: "") }

  var text: String {
    let others = [(Trial.State.pruned, "stopped early"), (.failed, "failed"), (.running, "still running")].compactMap {
      state, word in result.count(state) > 0 ? "\(result.count(state)) \(word)" : nil
    }
    var lines = [
      "\(result.count(.complete)) trial\(result.count(.complete) == 1 ? "" : "s")\(others.isEmpty ? "" : " (and \(others.joined(separator: ", ")))"), "
        + "\(Text.fixed(seconds, decimals: 1)) s in this call; study \(job.folder.study)"
    ]
    if let failures = result.failures { lines.append(failures) }
    guard let winner = result.winner else {
      lines.append(
        "\(result.best == nil ? "No trial is complete" : "None of the best trials can be trained with every seed"), so there is no winner. "
          + "Report: \(job.folder.report)")
      return lines.joined(separator: "\n") + "\n"
    }
    lines += ["", "The winner: trial \(winner.best.trial.number)"]
    let longest = result.space.parameters.map(\.name.count).max() ?? 0
    for parameter in result.space.parameters {
      guard let value = winner.best.trial.values[parameter.name] else { continue }
      lines.append("  \(parameter.name.padded(to: longest))  \(value.shortText)")
    }
    lines += [
      "",
      "\(unit.isFraction ? "Error" : "RMSE") on dev: the mean over \(winner.best.runs.count) fresh seeds "
        + "that chose the winner, then over as many that did not, with its 95 % interval:",
    ]
    for (place, candidate) in winner.candidates.enumerated() {
      lines.append(
        "  \(place + 1). trial \(candidate.trial.number): \(unit.text(candidate.choice))"
          + (candidate.isConfirmed ? ", then \(unit.text(candidate.dev.value)) (\(unit.range(candidate.dev)))" : "")
          + "; first score \(unit.text(candidate.trial.value ?? .nan))")
    }
    if let test = winner.test { lines.append("  \(result.testWords): \(unit.text(test.value)) (\(unit.range(test)))") }
    lines.append(result.luck(unit))
    if let sentence = result.gainSentence { lines.append(sentence) }
    if let lead = winner.lead, winner.candidates.count > 1 {
      lines.append("Winner minus runner-up: \(lead).")
    }
    if let old = result.oldWinner { lines.append(old.sentence) }
    let told = result.importance.filter { $0.share.low > 0.05 }.prefix(4).map {
      "\($0.name) \(Text.fixed($0.share.value * 100, decimals: 0)) % (\(Text.fixed($0.share.low * 100, decimals: 0)) to \(Text.fixed($0.share.high * 100, decimals: 0)))"
    }
    lines += [
      "",
      "Importance: \(told.isEmpty ? result.importance.isEmpty ? "too few trials to say" : "nothing significant" : told.joined(separator: ", "))",
    ]
    for edge in result.edges { lines.append("At the edge of its range: \(edge.sentence).") }
    lines += [
      "", "Recipe: \(job.folder.best)", "Report: \(job.folder.report)",
    ]
    if result.isImproved {
      lines.append("To train it: tartine train \(job.source.flags) --recipe \(Shell.quoted(job.folder.best))")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
