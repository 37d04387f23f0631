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
/// seeds that no trial had, and the one with the lowest mean wins. That choice has its own luck: winner and runner-up are trained
/// once more with seeds that chose nothing at all, and what is said of the two is of these alone.
public struct Winner: Sendable {
  /// One of the few, trained again.
  public struct Candidate: Sendable {
    /// The trial.
    public let trial: Trial
    /// The recipe, with the study's seed.
    public let recipe: Recipe
    /// Its mean dev error, or RMSE, over the fresh seeds by which the winner was chosen.
    public let choice: Double
    /// Whether it was trained once more, with seeds that chose nothing.
    public internal(set) var isConfirmed = false
    /// One run a fresh seed: where it is confirmed, seeds that chose nothing; else those that chose.
    public internal(set) var runs: [Run]
    /// Its dev error, or RMSE, over these seeds, with what rows and seeds leave open.
    public var dev: Estimate {
      SampledFigure(runs.map(\.dev), cases: runs[0].split.groupByRow.map(runs[0].dev.cases)).estimate
        .within(runs[0].model.task)
    }

    init(_ trial: Trial, _ recipe: Recipe, choosing runs: [Run]) {
      self.trial = trial
      self.recipe = recipe
      self.runs = runs
      choice = runs.reduce(0) { $0 + $1.dev.score } / Double(runs.count)
    }
  }

  /// The few, the winner first.
  public let candidates: [Candidate]
  /// The winner's mean over seeds that chose nothing less its first score: what its lead owed to luck.
  public let optimism: Double
  /// The winner against the runner-up, on the same dev rows; nil where there is no other.
  public let lead: Comparison?
  /// The winner against the recipe that the search began with, over the same seeds; nil where that one cannot be trained.
  public let gain: Comparison?
  /// The winner on the test part, over the same seeds; nil where there is none.
  public let test: Estimate?

  /// The one that won.
  public var best: Candidate { candidates[0] }

  /// How many are trained again, and with how many seeds.
  public static let usual = (candidates: 3, seeds: 4)

  /// Whether its first score is better than the seeds' deviation, with Student's t, and the dev rows would allow.
  package var wasLucky: Bool {
    let scores = best.runs.map(\.dev.score)
    return optimism > Estimate.studentT(Double(scores.count - 1)) * Estimate.deviationOfMean(scores)
      && optimism > best.dev.value - best.dev.low
  }
}

/// Each of the best diverged with another seed.
public struct DivergedWinner: Error, CustomStringConvertible {
  /// How many there were.
  public let count: Int

  /// What happened, in a sentence.
  public var description: String {
    "each of the best \(count) diverged with another seed, so there is no winner; try lower rates."
  }
}

extension Tuner {
  /// Trains the best few again over fresh seeds, the best two of these over others, and with those the recipe that the search began
  /// with; opens the test part once for the one that wins.
  ///
  /// - Parameters:
  ///   - trials: of a study of this recipe; those that are done are looked at.
  ///   - space: what was searched: of trials that are near each other a few are lucky, and those are believed in of which most is to
  ///     be expected.
  ///   - candidates: how many of the best.
  ///   - seeds: fresh ones for each, at least 2.
  ///   - number: of a trial that is to be among them, beside the best.
  ///   - progress: is told of each training that is done, by one thread at a time.
  /// - Returns: nil where no trial is done.
  /// - Throws: what a training throws, but for divergence: who diverges with another seed is out; `DivergedWinner` where all do.
  public func winner(
    of trials: [Trial], in space: SearchSpace, candidates: Int = Winner.usual.candidates,
    seeds: Int = Winner.usual.seeds, including number: Int? = nil,
    progress: @escaping (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> Winner? {
    precondition(candidates > 0 && seeds > 1, "a winner is of one candidate or more, over two seeds or more")
    let done = trials.filter {
      $0.state == .complete && $0.value?.isFinite == true && space.point(of: $0.values) != nil
    }
    // Whoever scored best is one of them, however little that is believed.
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
    // The first two that come through, and whoever won before.
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
    // What only the space's values make possible is no recipe to begin with.
    let begun = (try? train([recipe], seeds: seeds..<2 * seeds) { progress(min(all, before + $0), all) })?[0] ?? []
    return Winner(
      candidates: confirmed + made, optimism: best.dev.value - (best.trial.value ?? .nan),
      lead: confirmed.count > 1 ? try Comparison(of: best.runs, to: confirmed[1].runs) : nil,
      gain: begun.count == seeds ? try Comparison(of: best.runs, to: begun) : nil,
      test: try testOnce(best.runs))
  }

  /// How long ``winner(of:in:candidates:seeds:including:progress:)`` takes, and the training of its model, as the trials took; 0
  /// where none is done.
  package func finalSeconds(_ trials: [Trial], candidates: Int, seeds: Int) -> Double {
    let done = trials.filter { $0.state == .complete && $0.value?.isFinite == true }
      .sorted { ($0.value ?? 0) < ($1.value ?? 0) }.compactMap(\.seconds)
    guard !done.isEmpty else { return 0 }
    let mean = done.reduce(0, +) / Double(done.count)
    // The best few, or as many like the mean one.
    let few = (0..<max(1, candidates)).map { $0 < done.count ? max(done[$0], mean) : mean }
    let each = few.reduce(0, +) + few.prefix(2).reduce(0, +) + mean
    return each * Double(seeds) / Double(jobs) + few[0]
  }

  /// Each recipe with each fresh seed; those that diverge are left out.
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

  /// Seeds that no trial had.
  private static func freshSeed(_ number: Int, beside seed: UInt64) -> UInt64 { seed &+ 1_000_003 &+ UInt64(number) }

  /// All models of the winner on the test part, which is opened once.
  private func testOnce(_ runs: [Run]) throws -> Estimate? {
    guard split.testCount > 0 else { return nil }
    let (dataset, rows) = split.test.open()
    var warnings: [String] = []
    let workers = Workers(jobs)
    let tests = try runs.map { try $0.model.evaluate(dataset, rows: rows, warnings: &warnings, workers: workers) }
    // A test file of its own has no groups.
    let groups = split.hasTestFile ? nil : split.groupByRow
    return SampledFigure(tests, cases: groups.map(tests[0].cases)).estimate.within(runs[0].model.task)
  }
}

extension Estimate {
  /// A share lies between 0 and 1, whatever a symmetric interval says.
  fileprivate func within(_ task: LearningTask) -> Estimate {
    task == .regression ? self : Estimate(value, low: max(0, low), high: min(1, high))
  }
}
