import Dispatch
import Synchronization
import TartineData
import TartineDiagnosis
import TartineEngine
import TartineFiles
import TartineTraining
import TartinePlatform

/// Runs the trials of a study: trains a recipe with their hyperparameters, several in parallel, each on one
/// thread.
///
/// All trials have the recipe's seed, and so the same order of rows and the same random numbers: they differ
/// by their hyperparameters alone. A trial's value is its dev error, or RMSE, which is minimized. With a
/// pruning rule, a trial reports its dev loss after each epoch.
public struct Tuner: Sendable {
  /// The recipe that the trials change.
  public let recipe: Recipe
  /// The data; the test set stays locked.
  public let split: Split
  /// The pruning rule.
  public let stopping: StoppingRule
  /// The number of parallel trials.
  public let jobs: Int
  private let metric: (any CustomMetric)?
  /// The trials' errors on each dev row.
  let outcomes = TrialOutcomes()

  /// The progress of a study.
  public struct Progress: Sendable {
    /// The number of finished trials, including pruned and failed ones.
    public let done: Int
    /// The trial that ended last.
    public let last: Trial
    /// The best trial so far.
    public let best: Trial?
    /// The estimated seconds of the final stage after the trials.
    public let finalSeconds: Double
  }

  /// Creates a tuner.
  ///
  /// - Parameters:
  ///   - recipe: The recipe that the trials change; unspecified settings are chosen automatically.
  ///   - split: The data.
  ///   - stopping: The pruning rule.
  ///   - jobs: The number of parallel trials, at most one per processor; nil: one per processor.
  ///   - metric: What the trials improve on dev; nil: the error, or the RMSE. A metric that is to be high is negated in the study; the
  ///     pruning rule looks at the dev loss all the same.
  public init(
    _ recipe: Recipe, on split: Split, stopping: StoppingRule = .none, jobs: Int? = nil,
    improving metric: (any CustomMetric)? = nil
  ) {
    self.metric = metric
    self.stopping = stopping
    self.recipe = recipe.minutes(nil).resolved(trainRows: split.trainCount)
    self.split = split
    self.jobs = max(1, min(jobs ?? .max, Workers.processorCount))
  }

  /// Returns the recipe of a trial.
  public func recipe(of values: [String: JSONValue]) throws -> Recipe { try recipe.with(values) }

  /// Runs trials until the total number is reached or the time is up.
  ///
  /// - Parameters:
  ///   - study: The study; several processes may work on it.
  ///   - count: The total number of trials; nil: no limit.
  ///   - seconds: The time after which no trial starts; nil: no limit.
  ///   - final: The arguments of a later call of ``winner(of:in:candidates:seeds:including:progress:)``, for
  ///     which time is left.
  ///   - progress: A function called after each trial, by one thread at a time.
  /// - Throws: `SearchError` if no trial could be trained, with the first reason, and for a study that is
  ///   maximized.
  public func run(
    _ study: Study, upTo count: Int? = nil, for seconds: Double? = nil,
    leavingTimeFor final: (candidates: Int, seeds: Int)? = nil,
    progress: @escaping (Progress) -> Void = { _ in }
  ) throws {
    try Self.check(study)
    let start = ContinuousClock().now
    let shared = Mutex(Shared())
    nonisolated(unsafe) let progress = progress
    let prepared = PreparedSplits(split)
    DispatchQueue.concurrentPerform(iterations: jobs) { _ in
      while true {
        let isDone = shared.withLock { $0.failure != nil || $0.isHopeless }
        let elapsed = (ContinuousClock().now - start).inSeconds
        let rest = seconds == nil ? 0 : rest(study.known, final)
        let isLate = seconds.map { elapsed + rest >= $0 } ?? false
        guard !isDone, !isLate else { return }
        do {
          guard let trial = try study.ask(upTo: count) else { return }
          let failure = try attempt(trial, in: study, prepared)
          try shared.withLock { shared in
            shared.ended += 1
            if let failure {
              shared.firstReason = shared.firstReason ?? failure.reason
              shared.hopeless += failure.isDivergence ? 0 : 1
            }
            let trials = study.known
            let done = trials.count { $0.state.isFinished }
            let left = final.map { finalSeconds(trials, candidates: $0.candidates, seeds: $0.seeds) } ?? 0
            progress(
              Progress(done: done, last: trials[trial.number], best: try study.best(), finalSeconds: left))
          }
        } catch {
          shared.withLock { $0.failure = $0.failure ?? error }
          return
        }
      }
    }
    try shared.withLock { shared in
      if let failure = shared.failure { throw failure }
      if let reason = shared.firstReason, try shared.isHopeless || study.best() == nil {
        throw SearchError(
          "none of the first \(shared.ended) trials could be trained; the first error: "
            + (reason.hasSuffix(".") ? reason : reason + "."))
      }
    }
    // Wait for the last trials of other processes.
    while try study.isBusyElsewhere() {
      if let seconds, (ContinuousClock().now - start).inSeconds >= seconds { break }
      usleep(200_000)
    }
  }

  /// Estimates the seconds of one more trial and the final stage.
  private func rest(_ trials: [Trial], _ final: (candidates: Int, seeds: Int)?) -> Double {
    let taken = trials.filter { $0.state.isFinished }.compactMap(\.seconds)
    let one = taken.reduce(0, +) / Double(max(1, taken.count))
    return one + (final.map { finalSeconds(trials, candidates: $0.candidates, seeds: $0.seeds) } ?? 0)
  }

  /// - Throws: `SearchError` for a study that is maximized.
  package static func check(_ study: Study) throws {
    guard study.isMaximized else { return }
    throw SearchError(
      "the study '\(study.name)' is maximized, but the error of a network is minimized; start a new study.")
  }

  private struct Shared {
    var ended = 0
    /// The number of trials that failed other than by divergence.
    var hopeless = 0
    var firstReason: String?
    var failure: (any Error)?

    /// Whether every trial so far failed other than by divergence, which ends the search.
    var isHopeless: Bool { hopeless == ended && ended >= 8 }
  }

  /// Trains one trial.
  /// - Returns: The reason of a failure; nil if the trial is complete or pruned.
  private func attempt(_ trial: Trial, in study: Study, _ prepared: PreparedSplits) throws -> (
    reason: String, isDivergence: Bool
  )? {
    let watcher = Watcher(trial, study, stopping, epochs: 0)
    do {
      let recipe = try recipe(of: trial.values)
      watcher.epochs = recipe.epochs ?? 1
      let trainer = try Trainer(
        recipe, split: split, prepared: prepared, threads: 1,
        measures: stopping == .none ? .devAtTheEnd : .dev, observers: [watcher])
      try trainer.run { _, _ in }
      if let failure = watcher.failure { throw failure }
      if watcher.isStopped {
        try study.prune(trial)
      } else {
        // They tell the luck of the lowest error, not of another metric.
        if metric == nil { outcomes.add(trainer.devOutcomes(), of: trial.number) }
        try study.tell(trial, value: try value(of: trainer))
      }
      return nil
    } catch let error as FileError {
      throw error
    } catch {
      if let failure = watcher.failure { throw failure }
      let reason = (error as? DivergenceError).map { "the training diverged in epoch \($0.epoch)" } ?? "\(error)"
      try study.fail(trial, because: reason)
      return (reason, error is DivergenceError)
    }
  }

  /// What a trial is told to be worth, lower being better.
  private func value(of trainer: Trainer) throws -> Double {
    guard let metric else { return trainer.devScore() }
    let evaluation = trainer.devEvaluation()
    guard let value = metric.value(of: evaluation.taskPredictions, groups: evaluation.groups) else {
      throw SearchError("the metric '\(metric.name)' does not apply to the target.")
    }
    guard value.isFinite else { throw SearchError("the metric '\(metric.name)' is \(value) on dev.") }
    return metric.isLowerBetter ? value : -value
  }

  /// Reports a trial's dev losses, and prunes it by the rule.
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
        guard rule.looks(after: record.epoch, of: epochs) else { return .proceed }
        let others = study.known.filter { $0.number != trial.number }.map(\.reports)
        guard rule.stops(reports, after: record.epoch, of: epochs, beside: others) else { return .proceed }
        isStopped = true
        return .stop(reason: "other trials were better at this epoch")
      } catch {
        failure = error
        return .stop(reason: "the study could not be written")
      }
    }
  }
}
