import Tartine

/// Displays the progress of a training: a bar on a terminal, a few plain lines elsewhere.
final class ProgressDisplay: TrainingObserver {
  private let width = Files.terminalWidth
  private let clock = ContinuousClock()
  private var start = ContinuousClock().now
  private var lastDraw = ContinuousClock().now
  private var overview: TrainingOverview?
  private var firstStep = 0
  private var last: EpochRecord?
  private var bestEpoch = 0
  /// The tenths of a limited time that had passed when the last line was printed.
  private var lastTenth = 0

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    switch event {
    case .began(let overview):
      self.overview = overview
      start = clock.now
      bestEpoch = overview.bestEpoch
      let rows = overview.rows
      let epochs = overview.recipe.epochs ?? 1
      let time = overview.end.map { "\(Int(max(0, ($0 - start).inSeconds).rounded())) s in epochs" }
      Files.show(
        "\(rows.train) train, \(rows.dev) dev, \(rows.test) test rows; "
          + "\(overview.graph.parameterCount) parameters, \(time ?? "\(epochs) epoch\(epochs == 1 ? "" : "s")") of "
          + "\(overview.steps / epochs) step\(overview.steps == epochs ? "" : "s"), \(overview.threads) thread"
          + "\(overview.threads == 1 ? "" : "s")\n")
      firstStep = (overview.firstEpoch - 1) * overview.steps / epochs
    case .step(let step, _):
      if width != nil, clock.now - lastDraw > .milliseconds(100) { draw(step) }
    case .epoch(let record, let isBest):
      last = record
      if isBest { bestEpoch = record.epoch }
      if width == nil { printLine(record) }
      if record.epoch == overview?.recipe.epochs, overview?.end == nil { finish() }
    }
    return .proceed
  }

  /// Clears the bar.
  func finish() {
    if width != nil { Files.show("\r\u{1B}[K") }
  }

  private func draw(_ step: Int) {
    guard let overview, let width else { return }
    lastDraw = clock.now
    let seconds = (clock.now - start).inSeconds
    let done = Double(step - firstStep)
    let epochs = overview.recipe.epochs ?? 1
    let left =
      overview.end.map { max(0, ($0 - clock.now).inSeconds) }
      ?? (done > 0 ? seconds / done * Double(overview.steps - step) : 0)
    let share = overview.end == nil ? Double(step) / Double(max(1, overview.steps)) : seconds / (seconds + left)
    let epoch = step * epochs / overview.steps + 1
    let count = overview.end == nil ? "\(min(epochs, epoch))/\(epochs)" : "\(epoch)"
    let figures = last.map { ", train \(Self.figure($0.train)), dev \(Self.figure($0.dev))" } ?? ""
    let line =
      "epoch \(count)\(figures), \(Int(left.rounded(.up))) s left"
    // The bar takes what the figures leave.
    let cells = max(0, min(20, width - 2 - line.count))
    let filled = Int(share * Double(cells))
    let bar =
      cells < 4 ? "" : String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled) + " "
    Files.show("\r\u{1B}[K" + (bar + line).prefix(width - 1))
  }

  private func printLine(_ record: EpochRecord) {
    guard let overview, let epochs = overview.recipe.epochs else { return }
    if let end = overview.end {
      // Some ten lines, at about equal distances in time.
      let tenth = Int(10 * (clock.now - start).inSeconds / max(1e-9, (end - start).inSeconds))
      guard record.epoch == 1 || tenth > lastTenth else { return }
      lastTenth = tenth
    } else {
      guard record.epoch % max(1, epochs / 10) == 0 || record.epoch == 1 || record.epoch == epochs else { return }
    }
    Files.show(
      "epoch \(record.epoch)\(overview.end == nil ? "/\(epochs)" : ""): train \(Self.figure(record.train)), dev \(Self.figure(record.dev)), "
        + "lowest dev loss in epoch \(bestEpoch)\n")
  }

  private static func figure(_ part: PartRecord) -> String {
    part.rmse.map { Text.significant($0, digits: 4) } ?? "\(Text.fixed(part.score * 100, decimals: 2)) %"
  }
}
