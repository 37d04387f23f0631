import TartineDiagnosis
import TartineFiles
import TartineTraining

/// The result of a search, as `tune --json` prints it and report.json holds it.
public struct TuningResult: Sendable {
  /// All trials, by number.
  public let trials: [Trial]
  /// The search space.
  public let space: SearchSpace
  /// The trial with the best first score, and its recipe; nil if no trial is complete.
  public let best: (trial: Trial, recipe: Recipe)?
  /// The winner among the retrained trials; nil if there is none.
  public let winner: Winner?
  /// The hyperparameters whose best values are at the edge of their range.
  public let edges: [EdgeOptimum]
  /// The importance of each hyperparameter, the most important first.
  public let importance: [HyperparameterImportance]
  /// The boxes of a coarse-to-fine search; empty for other samplers.
  public let boxes: [CoarseToFineSampler.Box]
  /// The width of the guided zoom's box at each trial; empty for other samplers.
  public let sides: [Double]
  /// Whether the winner of an earlier study is still the best; nil without one.
  public let oldWinner: OldWinner?
  /// The sampler.
  public let sampler: SamplerChoice
  /// The number of test-set evaluations for this study, including this one.
  public let testOpenings: Int

  /// Summarizes a study.
  ///
  /// - Parameters:
  ///   - study: The study.
  ///   - tuner: The tuner that ran its trials.
  ///   - sampler: The sampler.
  ///   - winner: The winner among the retrained trials.
  ///   - before: The number of the trial that repeats the winner of an earlier study; nil without one.
  ///   - testOpenings: The number of test-set evaluations for this study.
  /// - Throws: `FileError` if the study cannot be read.
  public init(
    _ study: Study, _ tuner: Tuner, _ sampler: SamplerChoice, winner: Winner?, before: Int? = nil,
    testOpenings: Int = 1
  ) throws {
    trials = try study.trials()
    space = study.space
    self.testOpenings = testOpenings
    best = try study.best().map { ($0, try tuner.recipe(of: $0.values)) }
    self.winner = winner
    let history = Study.history(trials, sign: 1)
    self.sampler = sampler
    oldWinner = before.flatMap { number in winner.map { OldWinner(number, beside: $0) } }
    let values = (winner?.best.trial ?? best?.trial)?.values ?? [:]
    // Pruned trials have no final value.
    let measured = Study.history(trials.filter { $0.state == .complete }, sign: 1)
    let importance = HyperparameterImportance.all(measured, in: space, seed: study.seed)
    self.importance = importance
    edges = EdgeOptimum.all(measured, in: space, best: space.point(of: values)).filter { edge in
      // The best value of an unimportant hyperparameter can be anywhere.
      importance.first { $0.name == edge.name }.map {
        $0.share.value >= Self.leastShare && $0.share.low >= Self.leastLow
      } ?? true
    }.compactMap { tuner.possible($0, in: study.space, beside: values) }
    boxes =
      sampler == .coarseToFine
      ? CoarseToFineSampler().boxes(max(0, history.count - 1), in: space, after: history) : []
    let (starts, dimensions) = (GaussianProcessSampler.startTrials(space), space.count)
    sides =
      sampler == .guidedZoom
      ? GuidedZoomSampler.sides(history, dimensions, starts: starts) : []
  }

  /// The share of the variance below which an edge is not reported.
  private static let leastShare = 0.05
  /// The lower end of its interval: where nothing matters, shares are luck.
  private static let leastLow = 0.05

  /// Returns a sentence about the selection bias of the winner's first score.
  package func luck(_ unit: Unit) -> String {
    guard let winner else { return "" }
    let seeds =
      winner.wasLucky
      ? "Its first score was better by \(unit.points(winner.optimism)) than over fresh seeds: luck of the best of many trials."
      : winner.optimism < 0
        ? "Over fresh seeds it is no worse than its first score."
        : "Its first score agrees with the fresh seeds."
    return winner.selectionBias.map { "\(seeds) \($0.sentence(unit))" } ?? seeds
  }

  /// Whether the winner's figure is better than the original recipe's, or that cannot be trained.
  package var isImproved: Bool { winner.map { $0.gain.map { $0.difference.value < 0 } ?? true } ?? false }

  /// A sentence that compares the winner with the original recipe.
  package var gainSentence: String? {
    winner.map { winner in
      guard let gain = winner.gain else {
        return "The original recipe cannot be trained with every fresh seed."
      }
      let start = "Winner minus original recipe (dev \(gain.text(gain.otherFigure))): \(gain)"
      return gain.verdict == "better"
        ? "\(start)."
        : gain.difference.value < 0
          ? "\(start), so the improvement is not significant."
          : "\(start): no improvement, so keep the original recipe."
    }
  }

  /// The name of the test figure, such as `test set, evaluated once`.
  package var testWords: String {
    testOpenings == 1
      ? "test set, evaluated once"
      : "test set, evaluated \(testOpenings) times for this study"
  }

  /// A sentence with the reasons of failures, the most frequent first; nil if no trial failed.
  package var failures: String? {
    let reasons = Dictionary(grouping: trials.filter { $0.state == .failed }) { $0.reason ?? "no reason given" }
      .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    guard !reasons.isEmpty else { return nil }
    let told = reasons.prefix(3).map {
      "\($0.key.hasSuffix(".") ? String($0.key.dropLast()) : $0.key)\($0.value.count > 1 ? " (\($0.value.count) times)" : "")"
    }
    return "Failed: \(told.joined(separator: "; "))\(reasons.count > 3 ? "; \(reasons.count - 3) other reasons" : "")."
  }

  /// Returns the number of trials of a state.
  public func count(_ state: Trial.State) -> Int { trials.count { $0.state == state } }
}

extension TuningResult: Encodable {
  private enum Key: String, CodingKey {
    case trials, best, winner, oldWinner, sampler, space, edges, importance, history
  }

  private struct Best: Encodable {
    let value: Double?
    let trial: Int
    let parameters: [String: JSONValue]
    let recipe: Recipe
  }

  private struct Won: Encodable {
    struct Other: Encodable {
      let trial: Int
      let first: Double?
      let choice: Double
      let isConfirmed: Bool
      let dev: Estimate
    }

    let trial: Int
    let parameters: [String: JSONValue]
    let dev: Estimate
    let test: Estimate?
    let testOpenings: Int?
    let firstScore: Double?
    let optimism: Double
    let selectionBias: SelectionBias?
    let lead: Comparison?
    let gain: Comparison?
    let recipe: Recipe
    let candidates: [Other]
    let seeds: [UInt64]
  }

  private struct Line: Encodable {
    let number: Int
    let state: String
    let value: Double?
    let parameters: [String: JSONValue]
    let seconds: Double?
    let reason: String?
  }

  /// Encodes the result.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    let counts = Trial.State.allCases.map { ($0.rawValue.lowercased(), count($0)) }
    try values.encode(Dictionary(uniqueKeysWithValues: counts), forKey: .trials)
    try values.encode(
      best.map {
        Best(value: $0.trial.value, trial: $0.trial.number, parameters: $0.trial.values, recipe: $0.recipe)
      }, forKey: .best)
    try values.encode(
      winner.map { winner in
        Won(
          trial: winner.best.trial.number, parameters: winner.best.trial.values, dev: winner.best.dev,
          test: winner.test, testOpenings: winner.test == nil ? nil : testOpenings, firstScore: winner.best.trial.value,
          optimism: winner.optimism, selectionBias: winner.selectionBias, lead: winner.lead, gain: winner.gain,
          recipe: winner.best.recipe,
          candidates: winner.candidates.map {
            Won.Other(
              trial: $0.trial.number, first: $0.trial.value, choice: $0.choice, isConfirmed: $0.isConfirmed, dev: $0.dev
            )
          }, seeds: winner.best.runs.map(\.recipe.seed))
      }, forKey: .winner)
    try values.encode(oldWinner, forKey: .oldWinner)
    try values.encode(sampler.rawValue, forKey: .sampler)
    try values.encode(space.tree, forKey: .space)
    try values.encode(edges, forKey: .edges)
    try values.encode(importance, forKey: .importance)
    try values.encode(
      trials.map {
        Line(
          number: $0.number, state: $0.state.rawValue.lowercased(),
          value: $0.value.flatMap { $0.isFinite ? $0 : nil }, parameters: $0.values, seconds: $0.seconds,
          reason: $0.reason)
      }, forKey: .history)
  }
}

/// Whether the winner of an earlier study is still the best on new data.
public struct OldWinner: Sendable, Encodable {
  /// The verdict on the old winner.
  public enum Verdict: String, Sendable, Encodable {
    /// It wins again, also over the seeds of the estimate, or is significantly better than the new winner.
    case holds
    /// Another trial was better, but the difference is not significant.
    case undecided
    /// Another trial is significantly better, or the old winner cannot be trained with every seed.
    case fails
  }

  /// The number of the trial with its values.
  public let trial: Int
  /// The verdict.
  public let verdict: Verdict
  /// The new winner minus the old one; nil if the old one wins again, or cannot be trained.
  public let comparison: Comparison?

  package init(_ number: Int, beside winner: Winner) {
    trial = number
    guard winner.best.trial.number != number else {
      let isAhead = winner.lead.map { $0.difference.value <= 0 } ?? true
      (verdict, comparison) = (isAhead ? .holds : .undecided, nil)
      return
    }
    comparison = winner.candidates.first { $0.trial.number == number }.flatMap {
      try? Comparison(of: winner.best.runs, to: $0.runs)
    }
    verdict =
      comparison.map { $0.difference.high < 0 ? .fails : $0.difference.low > 0 ? .holds : .undecided } ?? .fails
  }

  /// The verdict in a sentence.
  package var sentence: String {
    switch verdict {
    case .holds: "The old winner, trial \(trial), still holds."
    case .undecided:
      comparison.map { "The old winner, trial \(trial), may still hold: new winner minus old winner, \($0)." }
        ?? "The old winner, trial \(trial), was chosen again, but may not hold: over other seeds the "
        + "runner-up is no worse."
    case .fails:
      comparison.map { "The old winner, trial \(trial), does not hold: new winner minus old winner, \($0)." }
        ?? "The old winner, trial \(trial), does not hold: on these data it cannot be trained with every seed."
    }
  }
}

extension Tuner {
  /// Returns an edge with the range to search next limited to values that the recipe allows, or nil if there
  /// are none.
  fileprivate func possible(
    _ edge: EdgeOptimum, in space: SearchSpace, beside values: [String: JSONValue]
  ) -> EdgeOptimum? {
    guard let domain = space.parameters.first(where: { $0.name == edge.name })?.domain,
      let end = domain.value(at: edge.isLow ? 0 : 1).number
    else { return nil }
    let beyond = edge.isLow ? edge.low : edge.high
    for share in [1, 0.5, 0.25, 0.1] {
      var reached = end + (beyond - end) * share
      if case .integer = domain { reached.round() }
      guard reached != end else { return nil }
      let value: JSONValue = if case .integer = domain { .integer(Int(reached)) } else { .number(reached) }
      if (try? recipe(of: values.merging([edge.name: value]) { $1 })) != nil { return edge.ending(at: reached) }
    }
    return nil
  }
}
