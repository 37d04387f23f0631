import Dispatch
import Synchronization
import TartineData
import TartineDiagnosis
import TartineEngine
import TartineFiles
import TartineTraining

/// The best trials of a study, retrained with fresh seeds: the winner, and the selection bias of its first
/// score.
///
/// The best first score of many trials is optimistic. So the best trials are retrained with fresh seeds, and
/// the one with the lowest mean wins. This choice is a selection too: winner and runner-up are trained again
/// with other seeds, and their figures come from these seeds alone.
public struct Winner: Sendable {
  /// A finalist: one of the retrained trials.
  public struct Candidate: Sendable {
    /// The trial.
    public let trial: Trial
    /// The recipe, with the study's seed.
    public let recipe: Recipe
    /// The mean dev error, or RMSE, over the fresh seeds that chose the winner.
    public let choice: Double
    /// Whether it was trained again with the seeds of the estimate, as winner and runner-up are.
    public internal(set) var isConfirmed = false
    /// The runs, one per seed: with the seeds of the estimate if it is confirmed, else with those of the
    /// choice.
    public internal(set) var runs: [Run]
    /// The mean dev error, or RMSE, over these seeds, with an interval over rows and seeds.
    public var dev: Estimate {
      SampledFigure(runs.map(\.dev)).estimate
        .within(runs[0].model.task)
    }

    init(_ trial: Trial, _ recipe: Recipe, choosing runs: [Run]) {
      self.trial = trial
      self.recipe = recipe
      self.runs = runs
      choice = runs.reduce(0) { $0 + $1.dev.score } / Double(runs.count)
    }
  }

  /// The finalists, the winner first.
  public let candidates: [Candidate]
  /// The selection bias: the winner's mean over the seeds of the estimate minus its first score.
  public let optimism: Double
  /// The bias that selecting among the trials on the same dev rows adds; nil for trials of an earlier process.
  public let selectionBias: SelectionBias?
  /// The winner minus the runner-up, on the same dev rows; nil if there is no runner-up.
  public let lead: Comparison?
  /// The winner minus the original recipe, over the same seeds; nil if the original cannot be trained.
  public let gain: Comparison?
  /// The winner's mean test error, or RMSE, over the same seeds; nil without a test set.
  public let test: Estimate?

  /// The winner.
  public var best: Candidate { candidates[0] }

  /// The default numbers of finalists and of fresh seeds.
  public static let `default` = (candidates: 3, seeds: 4)

  /// Whether the first score is better than explained by the spread over the seeds, with Student's t, and by
  /// the dev rows.
  package var wasLucky: Bool {
    let scores = best.runs.map(\.dev.score)
    return optimism > Estimate.studentT(Double(scores.count - 1)) * Estimate.deviationOfMean(scores)
      && optimism > best.dev.value - best.dev.low
  }
}

/// The error when every finalist diverges with a fresh seed.
public struct DivergedWinner: Error, CustomStringConvertible {
  /// The number of finalists.
  public let count: Int

  /// The message.
  public var description: String {
    "each of the best \(count) trials diverged with a fresh seed, so there is no winner; try lower "
      + "learning rates."
  }
}

extension Tuner {
  /// Retrains the best trials with fresh seeds, then the best two of them and the original recipe with other
  /// seeds, and evaluates the winner on the test set, once.
  ///
  /// - Parameters:
  ///   - trials: The trials of a study of this recipe; only complete ones count.
  ///   - space: The search space. A Gaussian process over it ranks the trials, since scores are noisy.
  ///   - candidates: The number of finalists.
  ///   - seeds: The number of fresh seeds per finalist, at least 2.
  ///   - number: The number of a trial that is a finalist in any case.
  ///   - progress: A function called after each training, by one thread at a time.
  /// - Returns: The winner, or nil if no trial is complete.
  /// - Throws: Errors of a training, except divergence, which excludes a finalist; `DivergedWinner` if all
  ///   finalists diverge.
  public func winner(
    of trials: [Trial], in space: SearchSpace, candidates: Int = Winner.default.candidates,
    seeds: Int = Winner.default.seeds, including number: Int? = nil,
    progress: @escaping (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> Winner? {
    precondition(candidates > 0 && seeds > 1, "at least one candidate and two seeds are needed")
    let done = trials.filter {
      $0.state == .complete && $0.value?.isFinite == true && space.point(of: $0.values) != nil
    }
    // The trial with the best score is always a finalist.
    var few = done.min { ($0.value ?? 0, $0.number) < ($1.value ?? 0, $1.number) }.map { [$0] } ?? []
    for trial in Recommendation.order(Study.history(done, sign: 1), in: space).map({ done[$0] })
    where few.count < candidates && !few.contains(where: { space.isNear($0.values, trial.values) }) {
      few.append(trial)
    }
    few += done.filter { trial in trial.number == number && !few.contains { $0.number == number } }
    guard !few.isEmpty else { return nil }
    let isOld = few.contains { $0.number == number }
    let all = (few.count + min(isOld ? 3 : 2, few.count) + 1) * seeds
    let recipes = try few.map { try recipe(of: $0.values) }
    let runs = try train(recipes, seeds: 0..<seeds) { progress($0, all) }
    var made = zip(few, zip(recipes, runs)).compactMap { trial, pair -> Winner.Candidate? in
      pair.1.count == seeds ? Winner.Candidate(trial, pair.0, choosing: pair.1) : nil
    }
    made.sort { ($0.choice, $0.trial.number) < ($1.choice, $1.trial.number) }
    var confirmed: [Winner.Candidate] = []
    var trained = few.count * seeds
    // The first two that do not diverge, and the winner of an earlier study.
    while let next = made.first(where: { confirmed.count < 2 || $0.trial.number == number }) {
      let two = confirmed.isEmpty ? made.prefix(2).map { $0 } : [next]
      made.removeAll { one in two.contains { $0.trial.number == one.trial.number } }
      let done = trained
      for (candidate, runs) in zip(
        two,
        try train(two.map(\.recipe), seeds: seeds..<2 * seeds) {
          progress(min(all, done + $0), all)
        }) where runs.count == seeds
      {
        var candidate = candidate
        candidate.runs = runs
        candidate.isConfirmed = true
        confirmed.append(candidate)
      }
      trained += two.count * seeds
    }
    guard let best = confirmed.first else {
      throw DivergedWinner(count: few.count)
    }
    let before = trained
    // The original recipe may be untrainable without the space's values.
    let begun = (try? train([recipe], seeds: seeds..<2 * seeds) { progress(min(all, before + $0), all) })?[0] ?? []
    return Winner(
      candidates: confirmed + made, optimism: best.dev.value - (best.trial.value ?? .nan),
      selectionBias: SelectionBias(
        outcomes.of(done), isNumber: split.task == .regression, cases: best.runs[0].dev.cases, seed: recipe.seed),
      lead: confirmed.count > 1 ? try Comparison(of: best.runs, to: confirmed[1].runs) : nil,
      gain: begun.count == seeds ? try Comparison(of: best.runs, to: begun) : nil,
      test: try testOnce(best.runs))
  }

  /// Estimates the seconds of ``winner(of:in:candidates:seeds:including:progress:)`` and of the training of
  /// its model from the trials; 0 if none is complete.
  package func finalSeconds(_ trials: [Trial], candidates: Int, seeds: Int) -> Double {
    let done = trials.filter { $0.state == .complete && $0.value?.isFinite == true }
      .sorted { ($0.value ?? 0) < ($1.value ?? 0) }.compactMap(\.seconds)
    guard !done.isEmpty else { return 0 }
    let mean = done.reduce(0, +) / Double(done.count)
    // The finalists take as long as the best trials, but at least the mean.
    let few = (0..<max(1, candidates)).map { $0 < done.count ? max(done[$0], mean) : mean }
    let each = few.reduce(0, +) + few.prefix(2).reduce(0, +) + mean
    return each * Double(seeds) / Double(jobs) + few[0]
  }

  /// Trains each recipe with each fresh seed; runs that diverge are left out.
  private func train(
    _ recipes: [Recipe], seeds: Range<Int>, _ progress: @escaping (Int) -> Void
  ) throws -> [[Run]] {
    let prepared = PreparedSplits(split)
    let count = recipes.count * seeds.count
    let shared = Mutex<(next: Int, done: Int, runs: [Int: Run], failure: (any Error)?)>((0, 0, [:], nil))
    nonisolated(unsafe) let progress = progress
    DispatchQueue.concurrentPerform(iterations: min(jobs, count)) { _ in
      while true {
        let place = shared.withLock { shared -> Int? in
          guard shared.failure == nil, shared.next < count else { return nil }
          shared.next += 1
          return shared.next - 1
        }
        guard let place else { return }
        var recipe = recipes[place / seeds.count]
        recipe.seed = Self.freshSeed(seeds.lowerBound + place % seeds.count, beside: recipe.seed)
        let result = Result { () throws -> Run? in
          do {
            let trainer = try Trainer(
              recipe, split: split, prepared: prepared, threads: 1, measures: .devAtTheEnd, observers: [])
            try trainer.run { _, _ in }
            return trainer.finish(seconds: 0)
          } catch is DivergenceError {
            return nil
          }
        }
        shared.withLock { shared in
          switch result {
          case .success(let run): shared.runs[place] = run
          case .failure(let error): shared.failure = shared.failure ?? error
          }
          shared.done += 1
          progress(shared.done)
        }
      }
    }
    return try shared.withLock { shared in
      if let failure = shared.failure { throw failure }
      return recipes.indices.map { recipe in
        seeds.indices.compactMap { shared.runs[recipe * seeds.count + $0 - seeds.lowerBound] }
      }
    }
  }

  /// Returns a seed that no trial had.
  private static func freshSeed(_ number: Int, beside seed: UInt64) -> UInt64 { seed &+ 1_000_003 &+ UInt64(number) }

  /// Evaluates all models of the winner on the test set, which is opened once.
  private func testOnce(_ runs: [Run]) throws -> Estimate? {
    guard split.testCount > 0 else { return nil }
    let (dataset, rows) = split.test.open()
    var warnings: [String] = []
    let workers = Workers(jobs)
    let tests = try runs.map { try $0.model.evaluate(dataset, rows: rows, warnings: &warnings, workers: workers) }
    return SampledFigure(tests).estimate.within(runs[0].model.task)
  }
}

extension Estimate {
  /// Returns the estimate with the interval of an error rate clipped to 0 to 1.
  fileprivate func within(_ task: LearningTask) -> Estimate {
    task == .regression ? self : Estimate(value, low: max(0, low), high: min(1, high))
  }
}
