import TartineData
import TartineDiagnosis
import TartineEngine
import TartineTraining

extension Improver {
  // MARK: Time

  var elapsed: Double { clock.elapsed + (ContinuousClock.now - clock.at).inSeconds }

  /// The seconds for the proof.
  private func reserve(_ budget: Double) -> Double {
    min(0.02 * budget + 0.5, 0.1 * budget) + (options.refits ? 1.4 * (incumbent.trained[0]?.seconds ?? 0) : 0)
  }

  var left: Double? { options.budget.map { $0 - reserve($0) - elapsed } }

  // MARK: Trainings

  /// Trains one side of a pair.
  ///
  /// - Parameter expected: The seconds that it takes.
  /// - Throws: `End` where there is no time for it.
  func train(_ arm: Arm, pair: Int, expected: Double, for what: String) throws {
    guard arm.trained[pair] == nil else { return }
    var recipe = arm.recipe
    recipe.seed = seed(ofPair: pair)
    arm.trained[pair] = try trained(recipe, on: pair, expected: expected, for: what)
  }

  /// An ensemble takes the seeds that follow too.
  func seed(ofPair pair: Int) -> UInt64 { seed &+ UInt64(pair) &* 1_000 }

  func trained(_ recipe: Recipe, on pair: Int, expected: Double, for what: String) throws -> Trained {
    let number = asked
    let known = archive?.known(number)
    /// Ends here, this time and after a kill.
    func end(_ outcome: TrainingArchive.Record.Outcome) throws -> Never {
      if known == nil { try archive?.write(.init(seconds: 0, elapsed: elapsed, outcome: outcome), number) }
      asked += 1
      throw outcome == .interrupted ? End.stopped : End.time
    }
    if let known, known.outcome != .trained {
      clock = (known.elapsed, .now)
      try end(known.outcome)
    }
    if known == nil {
      if options.isStopped() { try end(.interrupted) }
      if let left, left < expected { try end(.noTime) }
    }
    progress(.training(what, left: left))
    let deadline = left.map { Deadline(.now + .seconds(max(0, $0))) }
    let start = ContinuousClock.now
    let made = try made(recipe, on: splits.rows(ofPair: pair), number, known == nil ? deadline : nil)
    guard let made else { try end(.noTime) }
    let seconds = known?.seconds ?? (ContinuousClock.now - start).inSeconds
    let record = TrainingArchive.Record(seconds: seconds, elapsed: known?.elapsed ?? elapsed, outcome: .trained)
    if known == nil { try archive?.write(record, number) }
    clock = (record.elapsed, .now)
    (asked, trainings) = (asked + 1, trainings + 1)
    return Trained(
      rows: made.rows, outcomes: made.outcomes, score: made.score, model: made.model, run: pair == 0 ? made.run : nil,
      divergence: made.divergence, seconds: seconds)
  }

  /// Trains, and measures on the rows that judge; nil if the time was up before.
  private func made(
    _ recipe: Recipe, on part: PairSplits.Rows, _ number: Int, _ deadline: Deadline?
  ) throws -> Trained? {
    let split = part.split
    let run: Run
    do {
      run =
        try archive?.train(
          recipe, on: split, number: number, threads: options.threads, observers: [deadline].compactMap { $0 })
        ?? recipe.train(on: split, threads: options.threads, observers: [deadline].compactMap { $0 })
    } catch let error as DivergenceError {
      let judged = part.judging.map { split.with(dev: $0) } ?? split
      let constant = Baseline(judged, try Preparation(fitting: split.dataset, rows: split.train).target)
      return Trained(
        rows: judged.dev, outcomes: constant.outcomes, score: constant.score,
        divergence: "training diverged at step \(error.step), in epoch \(error.epoch)")
    }
    // Also of one that was cut short just before a kill.
    if run.stopReason == Deadline.reason { return nil }
    guard let rows = part.judging else {
      return Trained(
        rows: run.dev.origin, outcomes: run.dev.outcomes, score: run.dev.score, model: run.model, run: run)
    }
    let judged = try evaluate(run.model, split.dataset, rows)
    return Trained(rows: judged.origin, outcomes: judged.outcomes, score: judged.score, model: run.model)
  }

  func evaluate(_ model: Model, _ dataset: Dataset, _ rows: [Int]) throws -> Evaluation {
    var warnings: [String] = []
    return try model.evaluate(
      dataset, rows: rows, warnings: &warnings, workers: Workers(options.threads ?? Workers.processorCount))
  }

  /// Stops a training when the time is up.
  private final class Deadline: TrainingObserver {
    static let reason = "the time is up"
    private let end: ContinuousClock.Instant

    init(_ end: ContinuousClock.Instant) { self.end = end }

    func observe(_ step: StepView) -> TrainingDecision {
      ContinuousClock.now >= end ? .stop(reason: Self.reason) : .proceed
    }
  }
}
