import Dispatch
import Synchronization
import TartineData
import TartineDiagnosis
import TartineEngine
import TartineFiles
import TartineTraining

/// The best few of a study, trained again over fresh seeds: the one that stays best, and how much of its lead was luck.
///
/// The first score of the best of many trials is better than it is, since it is the best. So the few best are trained again with
/// seeds that chose nothing; the one with the lowest mean over these wins, and what is said of it is of these alone.
public struct Winner: Sendable {
  /// One of the few, trained again.
  public struct Candidate: Sendable {
    /// The trial.
    public let trial: Trial
    /// The recipe, with the study's seed.
    public let recipe: Recipe
    /// One run a fresh seed.
    public let runs: [Run]
    /// Its dev error, or RMSE, over the fresh seeds, with what rows and seeds leave open.
    public let dev: Estimate
  }

  /// The few, the winner first.
  public let candidates: [Candidate]
  /// The winner's mean over fresh seeds less its first score: what its lead owed to luck.
  public let shrinkage: Double
  /// The winner against the runner-up, on the same dev rows; nil where there is no other.
  public let lead: Comparison?
  /// The winner on the test part, over the fresh seeds; nil where there is none.
  public let test: Estimate?

  /// The one that won.
  public var best: Candidate { candidates[0] }

  /// How many are trained again, and with how many seeds.
  public static let usual = (candidates: 3, seeds: 4)
}

extension Tuner {
  /// Trains the best few again over fresh seeds, and opens the test part once for the one that wins.
  ///
  /// - Parameters:
  ///   - trials: of a study of this recipe; those that are done are looked at.
  ///   - space: what was searched: of trials that are near each other a few are lucky, and those are believed in of which most is to
  ///     be expected.
  ///   - isMaximized: whether more is better.
  ///   - candidates: how many of the best.
  ///   - seeds: fresh ones for each.
  ///   - number: of a trial that is to be among them.
  ///   - progress: is told of each training that is done, by one thread at a time.
  /// - Returns: nil where no trial is done.
  /// - Throws: what a training throws, but for divergence: who diverges with another seed is out, unless all do.
  public func winner(
    of trials: [Trial], in space: SearchSpace, isMaximized: Bool = false, candidates: Int = Winner.usual.candidates,
    seeds: Int = Winner.usual.seeds, including number: Int? = nil,
    progress: @escaping (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> Winner? {
    let sign = isMaximized ? -1.0 : 1
    let done = trials.filter {
      $0.state == .complete && $0.value?.isFinite == true && space.point(of: $0.values) != nil
    }
    let order = Choice.order(Study.history(done, space, sign: sign), in: space)
    var few = done.filter { $0.number == number }
    for trial in order.map({ done[$0] })
    where few.count < candidates && !few.contains(where: { $0.values == trial.values }) {
      few.append(trial)
    }
    guard !few.isEmpty else { return nil }
    let recipes = try few.map { try recipe(of: $0.values) }
    let runs = try train(recipes, seeds: seeds, progress)
    var made = zip(few, zip(recipes, runs)).compactMap { trial, pair -> Winner.Candidate? in
      guard pair.1.count == seeds else { return nil }
      return Winner.Candidate(
        trial: trial, recipe: pair.0, runs: pair.1, dev: SampledFigure(pair.1.map(\.dev)).estimate)
    }
    guard !made.isEmpty else {
      throw SearchError(
        "each of the best \(few.count) diverged with another seed, so there is no winner; try lower rates.")
    }
    made.sort { ($0.dev.value, $0.trial.number) < ($1.dev.value, $1.trial.number) }
    let best = made[0]
    return Winner(
      candidates: made, shrinkage: best.dev.value - best.trial.score(sign: sign),
      lead: made.count > 1 ? try Comparison(of: best.runs, to: made[1].runs) : nil,
      test: try testOnce(best.runs))
  }

  /// Each recipe with each fresh seed; those that diverge are left out.
  private func train(
    _ recipes: [Recipe], seeds: Int, _ progress: @escaping (Int, Int) -> Void
  ) throws -> [[Run]] {
    let prepared = PreparedSplits(split)
    let count = recipes.count * seeds
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
        var recipe = recipes[place / seeds]
        recipe.seed = Self.freshSeed(place % seeds, beside: recipe.seed)
        let result = Result { () throws -> Run? in
          do {
            let trainer = try Trainer(recipe, split: split, prepared: prepared, threads: 1, observers: [])
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
          progress(shared.done, count)
        }
      }
    }
    return try shared.withLock { shared in
      if let failure = shared.failure { throw failure }
      return (0..<recipes.count).map { recipe in (0..<seeds).compactMap { shared.runs[recipe * seeds + $0] } }
    }
  }

  /// Seeds that no trial had.
  static func freshSeed(_ number: Int, beside seed: UInt64) -> UInt64 { seed &+ 1_000_003 &+ UInt64(number) }

  /// All models of the winner on the test part, which is opened once.
  private func testOnce(_ runs: [Run]) throws -> Estimate? {
    guard split.testCount > 0 else { return nil }
    let (dataset, rows) = split.test.open()
    var warnings: [String] = []
    let workers = Workers(jobs)
    return SampledFigure(
      try runs.map { try $0.model.evaluate(dataset, rows: rows, warnings: &warnings, workers: workers) }
    ).estimate
  }
}

extension Trial {
  /// What came of it, lower being better.
  func score(sign: Double) -> Double { (value ?? .infinity) * sign }
}
