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
  /// Whether more is better.
  public let isMaximized: Bool

  /// Sums a study up.
  ///
  /// - Parameters:
  ///   - study: its trials.
  ///   - tuner: whose recipe they are of.
  ///   - sampler: what suggested them.
  ///   - winner: the best few, trained again.
  /// - Throws: `FileError`.
  public init(_ study: Study, _ tuner: Tuner, _ sampler: SamplerChoice, winner: Winner?) throws {
    trials = try study.trials()
    space = study.space
    isMaximized = study.isMaximized
    best = try study.best().map { ($0, try tuner.recipe(of: $0.values)) }
    self.winner = winner
    let history = Study.history(trials, space, sign: isMaximized ? -1 : 1)
    edges = EdgeOptimum.all(history, in: space)
    importance = HyperparameterImportance.all(history, in: space, seed: study.seed)
    boxes =
      sampler == .coarseToFine
      ? CoarseToFineSampler().boxes(max(0, history.count - 1), in: space, after: history) : []
    let (starts, dimensions) = (GaussianProcessSampler.startTrials(space), space.count)
    sides =
      sampler == .guidedZoom
      ? history.indices.map { GuidedZoomSampler.side(Array(history.prefix($0)), dimensions, starts: starts) } : []
  }

  /// Trials of a state.
  public func count(_ state: Trial.State) -> Int { trials.count { $0.state == state } }
}

extension TuningResult: Encodable {
  private enum Key: String, CodingKey { case trials, best, winner, edges, importance, history }

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
      let dev: Estimate
    }

    let trial: Int
    let parameters: [String: JSONValue]
    let dev: Estimate
    let test: Estimate?
    let firstScore: Double?
    let shrinkage: Double
    let lead: Comparison?
    let candidates: [Other]
    let seeds: [UInt64]
  }

  private struct Line: Encodable {
    let number: Int
    let state: String
    let value: Double?
    let parameters: [String: JSONValue]
    let seconds: Double?
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
          test: winner.test, firstScore: winner.best.trial.value, shrinkage: winner.shrinkage, lead: winner.lead,
          candidates: winner.candidates.map {
            Won.Other(trial: $0.trial.number, first: $0.trial.value, dev: $0.dev)
          }, seeds: winner.best.runs.map(\.recipe.seed))
      }, forKey: .winner)
    try values.encode(edges, forKey: .edges)
    try values.encode(importance, forKey: .importance)
    try values.encode(
      trials.map {
        Line(
          number: $0.number, state: $0.state.rawValue.lowercased(),
          value: $0.value.flatMap { $0.isFinite ? $0 : nil }, parameters: $0.values, seconds: $0.seconds)
      }, forKey: .history)
  }
}
