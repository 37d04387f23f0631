import TartineDiagnosis
import TartineFiles
import TartineTraining

/// What a search came to: `tune --json` prints it, and report.json holds it.
public struct TuningResult: Sendable {
  /// All trials, by number.
  public let trials: [Trial]
  /// What was searched.
  public let space: SearchSpace
  /// The best trial, and its recipe; nil where none is done.
  public let best: (trial: Trial, recipe: Recipe)?
  /// The best few, trained again; nil where none is done.
  public let winner: Winner?
  /// Hyperparameters whose best values lie at an end of their range.
  public let edges: [EdgeOptimum]
  /// How much each hyperparameter matters, the most important first.
  public let importance: [HyperparameterImportance]
  /// Boxes of a search from coarse to fine; empty for any other.
  public let boxes: [CoarseToFineSampler.Box]
  /// The side of the box that a guided zoom had at each trial; empty for any other.
  public let sides: [Double]
  /// What became of the winner of the study before; nil unless it is searched again.
  public let oldWinner: OldWinner?
  /// What suggested the trials.
  public let sampler: SamplerChoice
  /// How often the test part was opened for this study, this time included.
  public let testOpenings: Int

  /// Sums a study up.
  ///
  /// - Parameters:
  ///   - study: its trials.
  ///   - tuner: whose recipe they are of.
  ///   - sampler: what suggested them.
  ///   - winner: the best few, trained again.
  ///   - before: the number of the trial that repeats the winner of a study of other data; nil where there was none.
  ///   - testOpenings: how often the test part was opened for this study.
  /// - Throws: `FileError`.
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
    // Trials that were stopped early have no value of their own.
    let measured = Study.history(trials.filter { $0.state == .complete }, sign: 1)
    let importance = HyperparameterImportance.all(measured, in: space, seed: study.seed)
    self.importance = importance
    edges = EdgeOptimum.all(measured, in: space, best: space.point(of: values)).filter { edge in
      // Where nothing hangs on it, the best lies anywhere.
      importance.first { $0.name == edge.name }.map { $0.share.value >= Self.leastShare } ?? true
    }.compactMap { tuner.possible($0, in: study.space, beside: values) }
    boxes =
      sampler == .coarseToFine
      ? CoarseToFineSampler().boxes(max(0, history.count - 1), in: space, after: history) : []
    let (starts, dimensions) = (GaussianProcessSampler.startTrials(space), space.count)
    sides =
      sampler == .guidedZoom
      ? GuidedZoomSampler.sides(history, dimensions, starts: starts) : []
  }

  /// Below this share of the variance a hyperparameter's end is not told of.
  private static let leastShare = 0.05

  /// What the winner's first score owed to luck, in a sentence.
  package func luck(_ unit: Unit) -> String {
    guard let winner else { return "" }
    return winner.wasLucky
      ? "Its first score was better by \(unit.points(winner.optimism)), which was the luck of the best of many."
      : winner.optimism < 0
        ? "Its first score owed nothing to luck: fresh seeds give no worse."
        : "Its first score is about what fresh seeds give."
  }

  /// The winner beside the recipe that the search began with, in a sentence.
  package var gainSentence: String? {
    winner.map { winner in
      guard let gain = winner.gain else {
        return "The recipe that the search began with cannot be trained with every fresh seed."
      }
      let start = "Against the recipe that the search began with, dev \(gain.text(gain.otherFigure)): \(gain)"
      return gain.verdict == "better"
        ? "\(start)." : "\(start), so that there is no proof yet that it is worth changing."
    }
  }

  /// As in `test, opened once`.
  package var testWords: String {
    testOpenings == 1 ? "test, opened once" : "test, opened \(testOpenings) times for this study"
  }

  /// Why trials failed, the most frequent reason first, in a sentence; nil where none did.
  package var failures: String? {
    let reasons = Dictionary(grouping: trials.filter { $0.state == .failed }) { $0.reason ?? "nobody said why" }
      .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    guard !reasons.isEmpty else { return nil }
    let told = reasons.prefix(3).map {
      "\($0.key.hasSuffix(".") ? String($0.key.dropLast()) : $0.key)\($0.value.count > 1 ? " (\($0.value.count) times)" : "")"
    }
    return "Failed: \(told.joined(separator: "; "))\(reasons.count > 3 ? "; \(reasons.count - 3) other reasons" : "")."
  }

  /// Trials of a state.
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

  /// Writes everything that was found.
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
          optimism: winner.optimism, lead: winner.lead, gain: winner.gain, recipe: winner.best.recipe,
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

/// Whether the winner of a study before is still the best on other data.
public struct OldWinner: Sendable, Encodable {
  /// What is known of that.
  public enum Verdict: String, Sendable, Encodable {
    /// It wins again, and over the seeds that tell too, or is surely better than what was chosen now.
    case holds
    /// Another was better, and it is not sure that it is.
    case undecided
    /// Another is surely better, or it cannot be trained with every seed.
    case fails
  }

  /// The trial with its values.
  public let trial: Int
  /// What is known.
  public let verdict: Verdict
  /// The new winner against it; nil where it is the winner, or cannot be trained.
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

  /// In a sentence.
  package var sentence: String {
    switch verdict {
    case .holds: "The old winner, trial \(trial), still holds."
    case .undecided:
      comparison.map { "The old winner, trial \(trial), may still hold: the new one less it, \($0)." }
        ?? "The old winner, trial \(trial), was chosen again, but may not hold: over the seeds that tell, the runner-up is no worse."
    case .fails:
      comparison.map { "The old winner, trial \(trial), does not hold: the new one less it, \($0)." }
        ?? "The old winner, trial \(trial), does not hold: on these data it cannot be trained with every seed."
    }
  }
}

extension Tuner {
  /// An edge with as much of the range beyond it as there can be recipes of; nil where there can be none.
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
