import Tartine
import Testing

/// The final stages of tuning, on trials with made-up first scores.
@Suite struct WinnerTests {
  private static let rate = "optimizer.learningRate"
  private let space: SearchSpace
  private let tuner: Tuner

  init() throws {
    space = try SearchSpace([Hyperparameter(Self.rate, .number(low: 1e-9, high: 1e30, scale: .log))])
    var stream = RandomStream(seed: 3, purpose: .test)
    let features = (0..<400).map { _ in (0..<3).map { _ in Float(stream.normalPair().0) } }
    let data = try Dataset(features: features, labels: features.map { $0[0] + $0[1] > 0 ? "yes" : "no" })
    let recipe = Recipe(Network(HiddenStack(hidden: [8]))).optimizer(.gradientDescent(learningRate: 0.1)).epochs(3)
      .batchSize(32)
    tuner = Tuner(recipe, on: try data.split(seed: 1))
  }

  private static func values(_ rate: Double) -> [String: JSONValue] { [Self.rate: .number(rate)] }

  /// Trials with these learning rates and first scores.
  private func trials(_ tried: [(rate: Double, score: Double)]) throws -> [Trial] {
    let study = try Study(space, sampler: RandomSampler())
    for (rate, score) in tried {
      try study.enqueue(Self.values(rate))
      let trial = try #require(try study.ask())
      try study.tell(trial, value: score)
    }
    return try study.trials()
  }

  @Test func whoDivergesWithAnotherSeedIsOut() throws {
    let trials = try trials([(1e29, 0.01), (0.3, 0.05), (0.02, 0.06)])
    let winner = try #require(try tuner.winner(of: trials, in: space, seeds: 2))
    #expect(winner.candidates.map(\.trial.number).sorted() == [1, 2])
    #expect(winner.lead != nil && winner.test != nil)
    #expect(winner.optimism == winner.best.dev.value - (winner.best.trial.value ?? 0))
    // Both are reported with seeds that chose nothing.
    let seeds = winner.candidates.map { $0.runs.map(\.recipe.seed) }
    #expect(seeds == [[1_000_005, 1_000_006], [1_000_005, 1_000_006]])

    #expect(throws: DivergedWinner.self) {
      try tuner.winner(of: try self.trials([(1e28, 0.1), (1e29, 0.2)]), in: space, seeds: 2)
    }
    #expect(try tuner.winner(of: [], in: space) == nil)
  }

  /// A metric of a program's own that has no value.
  @Test func aMetricThatIsNoNumber() throws {
    struct Nothing: CustomMetric {
      let name = "nothing"
      let isShare = true
      let isLowerBetter = true
      func value(of rows: TaskPredictions, groups: [Int]?) -> Double? { .nan }
    }
    let study = try Study(space, sampler: RandomSampler())
    try study.enqueue(Self.values(0.1))
    let tuner = Tuner(tuner.recipe, on: tuner.split, jobs: 1, improving: Nothing())
    let error = #expect(throws: SearchError.self) { try tuner.run(study, upTo: 1) }
    #expect(error?.description.hasSuffix("the metric 'nothing' is nan on dev.") == true, "\(error?.description ?? "")")
  }

  @Test func whoeverWonBefore() throws {
    // The third of the good ones is nearly the same setting as the first; tiny learning rates leave the
    // network as initialized, sometimes better and sometimes worse.
    let trials = try trials([(1e-8, 0.5), (0.3, 0.05), (0.02, 0.06), (0.25, 0.055), (1e29, 0.4)])
    func old(_ number: Int) throws -> (OldWinner, Winner) {
      let winner = try #require(
        try tuner.winner(of: trials, in: space, candidates: 2, seeds: 6, including: number))
      return (OldWinner(number, beside: winner), winner)
    }
    let (worse, winner) = try old(0)
    #expect(worse.verdict == .fails && worse.comparison?.difference.high ?? 1 < 0 && worse.trial == 0)
    #expect(
      winner.candidates.contains {
        $0.trial.number == 0 && $0.runs.map(\.recipe.seed) == winner.best.runs.map(\.recipe.seed)
      })
    let best = winner.best.trial.number
    let (same, _) = try old(best)
    #expect(same.verdict == .holds && same.comparison == nil)
    // A candidate that can no longer be trained is dropped.
    let (diverged, _) = try old(4)
    #expect(diverged.verdict == .fails && diverged.comparison == nil)
    #expect(diverged.sentence.contains("cannot be trained"))
  }
}
