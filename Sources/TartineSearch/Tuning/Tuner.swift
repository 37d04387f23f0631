import Dispatch
import Synchronization
import TartineData
import TartineEngine
import TartineFiles
import TartineTraining

/// Trains a recipe with the values of a study's trials, some at a time, each on one thread.
///
/// All trials have the recipe's seed, and so the same order of rows and the same draws: they differ by their values alone. What a
/// trial is worth is its dev error, or RMSE; what it reports after each epoch is its dev loss.
public struct Tuner: Sendable {
  /// What a trial's values are put into.
  public let recipe: Recipe
  /// The rows; test stays locked.
  public let split: Split
  /// When a trial is stopped early.
  public var stopping = StoppingRule.none
  /// Trials at a time.
  public var jobs: Int

  /// How far a study is.
  public struct Progress: Sendable {
    /// Trials that are done, those stopped early and failed ones included.
    public let done: Int
    /// The trial that has just ended.
    public let last: Trial
    /// The best so far.
    public let best: Trial?
  }

  /// A tuner.
  ///
  /// - Parameters:
  ///   - recipe: what a trial's values are put into; what it leaves to the rules is filled in.
  ///   - split: the rows.
  ///   - jobs: trials at a time; nil: one a processor.
  public init(_ recipe: Recipe, on split: Split, jobs: Int? = nil) {
    self.recipe = recipe.resolved(trainRows: split.trainCount)
    self.split = split
    self.jobs = jobs ?? Workers.processorCount
  }

  /// The recipe of a trial.
  public func recipe(of values: [String: JSONValue]) throws -> Recipe {
    // Batch size and epochs are the recipe's own unless a trial says otherwise.
    try recipe.with(values)
  }

  /// Does trials until there are as many in all, or time is up.
  ///
  /// - Parameters:
  ///   - study: what says what to try; several processes may work on one.
  ///   - count: trials that there are to be in all; nil: no end.
  ///   - seconds: after which no trial is begun; nil: no end.
  ///   - progress: is told of each trial that has ended, by one thread at a time.
  /// - Throws: `SearchError` where no trial could be done, with the first one's reason.
  public func run(
    _ study: Study, upTo count: Int? = nil, for seconds: Double? = nil,
    progress: @escaping (Progress) -> Void = { _ in }
  ) throws {
    let start = ContinuousClock().now
    let shared = Mutex(Shared())
    nonisolated(unsafe) let progress = progress
    let prepared = PreparedSplits(split)
    DispatchQueue.concurrentPerform(iterations: jobs) { _ in
      while true {
        let isDone = shared.withLock { $0.failure != nil || $0.isHopeless }
        let isLate = seconds.map { (ContinuousClock().now - start).inSeconds >= $0 } ?? false
        guard !isDone, !isLate else { return }
        do {
          guard let trial = try study.ask(upTo: count) else { return }
          let reason = try attempt(trial, in: study, prepared)
          try shared.withLock { shared in
            shared.ended += 1
            if let reason { shared.reasons.append(reason) }
            let trials = study.known
            let done = trials.count { $0.state.isFinished }
            progress(Progress(done: done, last: trials[trial.number], best: try study.best()))
          }
        } catch {
          shared.withLock { $0.failure = $0.failure ?? error }
          return
        }
      }
    }
    try shared.withLock { shared in
      if let failure = shared.failure { throw failure }
      if shared.isHopeless {
        throw SearchError(
          "none of the first \(shared.ended) trials could be trained; the first said: \(shared.reasons[0])")
      }
    }
  }

  private struct Shared {
    var ended = 0
    var reasons: [String] = []
    var failure: (any Error)?

    /// A space in which nothing trains is no space to go on in.
    var isHopeless: Bool { reasons.count == ended && ended >= 8 }
  }

  /// Trains one trial.
  /// - Returns: why it could not be done; nil where it could, or was stopped early.
  private func attempt(_ trial: Trial, in study: Study, _ prepared: PreparedSplits) throws -> String? {
    let watcher = Watcher(trial, study, stopping, epochs: 0)
    do {
      let recipe = try recipe(of: trial.values)
      watcher.epochs = recipe.epochs ?? 1
      let trainer = try Trainer(recipe, split: split, prepared: prepared, threads: 1, observers: [watcher])
      try trainer.run { _, _ in }
      if let failure = watcher.failure { throw failure }
      if watcher.isStopped {
        try study.prune(trial)
      } else {
        try study.tell(trial, value: trainer.finish(seconds: 0).dev.score)
      }
      return nil
    } catch let error as FileError {
      throw error
    } catch {
      if let failure = watcher.failure { throw failure }
      let reason = (error as? DivergenceError).map { "the training diverged in epoch \($0.epoch)" } ?? "\(error)"
      try study.fail(trial, because: reason)
      return error is DivergenceError ? nil : reason
    }
  }

  /// Reports a trial's epochs, and stops it where the rule says so.
  private final class Watcher: TrainingObserver {
    private let trial: Trial
    private let study: Study
    private let rule: StoppingRule
    var epochs: Int
    private(set) var isStopped = false
    private(set) var failure: (any Error)?
    private var reports: [Int: Double] = [:]

    init(_ trial: Trial, _ study: Study, _ rule: StoppingRule, epochs: Int) {
      self.trial = trial
      self.study = study
      self.rule = rule
      self.epochs = epochs
    }

    func observe(_ event: TrainingEvent) -> TrainingDecision {
      guard case .epoch(let record, _) = event, rule != .none else { return .proceed }
      do {
        reports[record.epoch] = record.dev.loss
        try study.report(trial, step: record.epoch, value: record.dev.loss)
        let others = study.known.filter { $0.number != trial.number }.map(\.reports)
        guard rule.stops(reports, after: record.epoch, of: epochs, beside: others) else { return .proceed }
        isStopped = true
        return .stop(reason: "other trials were better by then")
      } catch {
        failure = error
        return .stop(reason: "the study could not be written")
      }
    }
  }
}
