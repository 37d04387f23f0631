import Tartine

/// Shows how far a search is: a bar on a terminal, a line for each better trial elsewhere.
final class TuningDisplay {
  private let isFraction, isMaximized, isQuiet: Bool
  private let already: Int
  private let total: Int?
  private let seconds: Double?
  private let width = Files.terminalWidth
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now
  private var lastBest: Int?
  private var lastDraw: ContinuousClock.Instant?

  /// - Parameters:
  ///   - already: trials that were done before.
  ///   - total: trials in all; nil: until time is up.
  ///   - seconds: that there are; nil: no end.
  init(isFraction: Bool, isMaximized: Bool, isQuiet: Bool, already: Int, total: Int?, seconds: Double?) {
    self.isFraction = isFraction
    self.isMaximized = isMaximized
    self.isQuiet = isQuiet
    self.already = already
    self.total = total
    self.seconds = seconds
  }

  func begin(_ job: TuningJob) {
    guard !isQuiet || width != nil else { return }
    let parameters = job.study.space.parameters.map(\.name)
    Files.show(
      "\(job.split.trainCount) rows to train, \(job.split.devCount) dev, \(job.split.testCount) test; \(job.tuner.jobs) trial"
        + "\(job.tuner.jobs == 1 ? "" : "s") at a time of \(job.tuner.recipe.epochs ?? 1) epochs; "
        + "\(parameters.count) hyperparameter\(parameters.count == 1 ? "" : "s"): \(parameters.joined(separator: ", "))\n"
    )
    if already > 0 { Files.show("\(already) trials are done already\n") }
  }

  func show(_ progress: Tuner.Progress) {
    let elapsed = (clock.now - start).inSeconds
    let done = progress.done - already
    let rate = Double(done) / max(elapsed, 1e-9)
    var line = "trial \(progress.done)\(total.map { "/\($0)" } ?? "")"
    if let best = progress.best, let value = best.value { line += ", best \(text(value)) (trial \(best.number))" }
    line +=
      ", \(rate >= 1 ? "\(Text.significant(rate, digits: 2)) trials a second" : "\(Text.significant(1 / max(rate, 1e-9), digits: 2)) s a trial")"
    let byTrials = total.map { Double(max(0, $0 - progress.done)) / max(rate, 1e-9) }
    let byTime = seconds.map { max(0, $0 - elapsed) }
    if let left = [byTrials, byTime].compactMap({ $0 }).min() { line += ", \(Int(left.rounded(.up))) s left" }
    if let width {
      if let lastDraw, clock.now - lastDraw < .milliseconds(100), progress.done != total { return }
      lastDraw = clock.now
      Files.show("\r\u{1B}[K" + line.prefix(width - 1))
    } else if !isQuiet, progress.best?.number != lastBest || progress.done == total {
      lastBest = progress.best?.number
      Files.show(line + "\n")
    }
  }

  /// The best few, trained again.
  func show(_ done: Int, of count: Int) {
    if width != nil {
      Files.show("\r\u{1B}[Kthe best again with fresh seeds: \(done) of \(count)")
    } else if done == count, !isQuiet {
      Files.show("the best were trained again, \(count) times in all\n")
    }
  }

  /// Clears the bar.
  func end() { if width != nil { Files.show("\r\u{1B}[K") } }

  private func text(_ value: Double) -> String {
    isFraction ? "\(Text.fixed(value * 100, decimals: 2)) %" : Text.significant(value, digits: 4)
  }
}

/// What `tune` says to a person at the end.
struct TuningText {
  private let result: TuningResult
  private let job: TuningJob
  private let seconds: Double

  init(_ result: TuningResult, _ job: TuningJob, seconds: Double) {
    self.result = result
    self.job = job
    self.seconds = seconds
  }

  private var isFraction: Bool { job.split.task != .regression }

  private func text(_ value: Double?) -> String {
    guard let value else { return "–" }
    return isFraction ? "\(Text.fixed(value * 100, decimals: 2)) %" : Text.significant(value, digits: 4)
  }

  private func range(_ estimate: Estimate) -> String {
    isFraction
      ? "\(Text.fixed(max(0, estimate.low) * 100, decimals: 2)) to \(Text.fixed(min(1, estimate.high) * 100, decimals: 2)) %"
      : "\(Text.significant(estimate.low, digits: 4)) to \(Text.significant(estimate.high, digits: 4))"
  }

  var text: String {
    let others = [(Trial.State.pruned, "stopped early"), (.failed, "failed")].compactMap { state, word in
      result.count(state) > 0 ? "\(result.count(state)) \(word)" : nil
    }
    var lines = [
      "\(result.count(.complete)) trials\(others.isEmpty ? "" : " (and \(others.joined(separator: ", ")))") in "
        + "\(Text.fixed(seconds, decimals: 1)) s, study \(job.folder.study)"
    ]
    guard let winner = result.winner else {
      lines.append("No trial is done, so there is no winner. Report: \(job.folder.report)")
      return lines.joined(separator: "\n") + "\n"
    }
    lines += ["", "The winner: trial \(winner.best.trial.number)"]
    let longest = result.space.parameters.map(\.name.count).max() ?? 0
    for parameter in result.space.parameters {
      guard let value = winner.best.trial.values[parameter.name] else { continue }
      lines.append("  \(parameter.name.padded(to: longest))  \(Self.text(value))")
    }
    lines += ["", "\(isFraction ? "Error" : "RMSE") over \(winner.best.runs.count) fresh seeds, with 95 % intervals:"]
    for (place, candidate) in winner.candidates.enumerated() {
      lines.append(
        "  \(place + 1). trial \(candidate.trial.number): dev \(text(candidate.dev.value)) (\(range(candidate.dev))), "
          + "first score \(text(candidate.trial.value))")
    }
    if let test = winner.test { lines.append("  test, opened once: \(text(test.value)) (\(range(test)))") }
    let luck = winner.shrinkage
    lines.append(
      luck > 0
        ? "Its first score was better by \(points(luck)): that was luck." : "Its first score owed nothing to luck.")
    if let lead = winner.lead, winner.candidates.count > 1 {
      lines.append("Against the runner-up: \(lead).")
    }
    if let before = job.before { lines.append(again(winner, before)) }
    let told = result.importance.filter { $0.share.value > 0.02 }.prefix(4).map {
      "\($0.name) \(Text.fixed($0.share.value * 100, decimals: 0)) % (\(Text.fixed($0.share.low * 100, decimals: 0)) to \(Text.fixed($0.share.high * 100, decimals: 0)))"
    }
    if !told.isEmpty { lines += ["", "What matters: \(told.joined(separator: ", "))"] }
    for edge in result.edges { lines.append("At an edge: \(edge.sentence).") }
    lines += [
      "", "Recipe: \(job.folder.best)", "Report: \(job.folder.report)",
      "To train it: \(Shell.program) train \(job.source.flags) --recipe \(Shell.quoted(job.folder.best))",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Whether the winner of the data before is still the best.
  private func again(_ winner: Winner, _ before: Int) -> String {
    if winner.best.trial.number == before { return "The old winner still holds." }
    guard let old = winner.candidates.first(where: { $0.trial.number == before }),
      let comparison = try? Comparison(of: winner.best.runs, to: old.runs)
    else { return "The old winner does not hold: it diverged with another seed." }
    return
      "The old winner \(comparison.isDecided ? "does not" : "may still") hold: trial \(winner.best.trial.number) against it "
      + "is \(comparison)."
  }

  private func points(_ value: Double) -> String {
    isFraction ? "\(Text.fixed(value * 100, decimals: 2)) points" : Text.significant(value, digits: 4)
  }

  private static func text(_ value: JSONValue) -> String {
    if let text = value.string { return text }
    if let whole = value.integer { return "\(whole)" }
    if let number = value.number { return Text.significant(number, digits: 4) }
    return (try? JSON.text(value)) ?? ""
  }
}
