import Dispatch
import Synchronization
import TartineData
import TartineEngine
import TartineFiles
import TartineTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Trains a recipe with the values of a study's trials, some at a time, each on one thread.
///
/// All trials have the recipe's seed, and so the same order of rows and the same draws: they differ by their values alone. What a
/// trial is worth is its dev error, or RMSE, and less is better; with a rule that stops trials early it reports its dev loss after
/// each epoch.
public struct Tuner: Sendable {
  /// What a trial's values are put into.
  public let recipe: Recipe
  /// The rows; test stays locked.
  public let split: Split
  /// When a trial is stopped early.
  public let stopping: StoppingRule
  /// Trials at a time.
  public let jobs: Int

  /// How far a study is.
  public struct Progress: Sendable {
    /// Trials that are done, those stopped early and failed ones included.
    public let done: Int
    /// The trial that has just ended.
    public let last: Trial
    /// The best so far.
    public let best: Trial?
    /// How long what comes after the trials will take, in seconds, as far as that is known by now.
    public let finalSeconds: Double
  }

  /// A tuner.
  ///
  /// - Parameters:
  ///   - recipe: what a trial's values are put into; what it leaves to the rules is filled in.
  ///   - split: the rows.
  ///   - stopping: when a trial is stopped early.
  ///   - jobs: trials at a time, at most one a processor, which is what nil means.
  public init(_ recipe: Recipe, on split: Split, stopping: StoppingRule = .none, jobs: Int? = nil) {
    self.stopping = stopping
    self.recipe = recipe.resolved(trainRows: split.trainCount)
    self.split = split
    self.jobs = max(1, min(jobs ?? .max, Workers.processorCount))
  }

  /// The recipe of a trial.
  public func recipe(of values: [String: JSONValue]) throws -> Recipe { try recipe.with(values) }

  /// Does trials until there are as many in all, or time is up.
  ///
  /// - Parameters:
  ///   - study: what says what to try; several processes may work on one.
  ///   - count: trials that there are to be in all; nil: no end.
  ///   - seconds: after which no trial is begun; nil: no end.
  ///   - final: what ``winner(of:in:candidates:seeds:including:progress:)`` is then asked for, for which time is left.
  ///   - progress: is told of each trial that has ended, by one thread at a time.
  /// - Throws: `SearchError` where no trial could be done, with the first one's reason, and for a study that looks for the most.
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
          "none of the first \(shared.ended) trials could be trained; the first said: "
            + (reason.hasSuffix(".") ? reason : reason + "."))
      }
    }
    // The last trials of other processes count too.
    while try study.isBusyElsewhere() {
      if let seconds, (ContinuousClock().now - start).inSeconds >= seconds { break }
      usleep(200_000)
    }
  }

  /// The time that one more trial and what comes after the trials will take.
  private func rest(_ trials: [Trial], _ final: (candidates: Int, seeds: Int)?) -> Double {
    let taken = trials.filter { $0.state.isFinished }.compactMap(\.seconds)
    let one = taken.reduce(0, +) / Double(max(1, taken.count))
    return one + (final.map { finalSeconds(trials, candidates: $0.candidates, seeds: $0.seeds) } ?? 0)
  }

  /// - Throws: `SearchError` for a study that looks for the most.
  package static func check(_ study: Study) throws {
    guard study.isMaximized else { return }
    throw SearchError(
      "the study '\(study.name)' looks for the most, and a trial of a network is worth its error, of which less is better; begin "
        + "another study.")
  }

  private struct Shared {
    var ended = 0
    /// Trials that no rate would have made possible.
    var hopeless = 0
    var firstReason: String?
    var failure: (any Error)?

    /// A space in which nothing trains is no space to go on in.
    var isHopeless: Bool { hopeless == ended && ended >= 8 }
  }

  /// Trains one trial.
  /// - Returns: why it could not be done; nil where it could, or was stopped early.
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
        try study.tell(trial, value: trainer.devScore())
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
        guard rule.looks(after: record.epoch, of: epochs) else { return .proceed }
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
