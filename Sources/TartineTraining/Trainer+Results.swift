import TartineData
import TartineEngine
import TartineNetworks

extension Trainer {
  /// The epoch whose weights are kept.
  var keptEpoch: Int { recipe.keeps == .last ? progress.epoch : progress.bestEpoch }

  /// The kept epoch's model; the initial one before the first epoch. With other trainers, which have other seeds, the mean of
  /// all.
  package func keptModel(decision: Decision = .default, with others: [Trainer] = [], recipe: Recipe? = nil) -> Model {
    let held = HeldOutErrors.ofMean([heldOut] + others.map(\.heldOut), of: preparation.target.task)
    var recipe = recipe ?? self.recipe
    // A time limit, not the recipe, ended it.
    if clock != nil { recipe.epochs = max(1, progress.epoch) }
    recipe.seeds = 1 + others.count
    return Model(
      recipe: recipe, preparation: preparation, graph: graph, epoch: keptEpoch,
      networks: ([self] + others).map(\.keptNetwork), decision: decision,
      conformal: held.scores(devRows, task: preparation.target.task))
  }

  private var keptNetwork: TrainedWeights {
    let network = TrainedWeights(weights: graph.makeParameterArena(.float32), state: graph.makeInitialState(.float32))
    network.weights.copy(from: kept.weights)
    network.state.copy(from: kept.state)
    return network
  }

  /// The decision chosen on the dev rows for the kept epoch.
  private func decide(with others: [Trainer] = []) -> Decision {
    guard recipe.decision != .none else { return .default }
    let evaluator = Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss,
      networks: ([self] + others).map { TrainedWeights(weights: $0.kept.weights, state: $0.kept.state) },
      workers: workers)
    return Decision(
      recipe.decision, logits: evaluator.logits(of: devRows), truths: evaluator.evaluate(devRows).truths,
      output: preparation.target.output(for: recipe.loss))
  }

  /// The kept epoch's error, or RMSE, on dev.
  package func devScore() -> Double {
    // Without a decision rule the figures of the epoch's evaluation hold.
    if recipe.decision == .none, progress.epoch > 0 {
      return progress.history[(recipe.keeps == .last ? progress.epoch : progress.bestEpoch) - 1].dev.score
    }
    return evaluator(of: keptModel(decision: decide())).evaluate(devRows.unweighted).score
  }

  /// The kept epoch's error on each dev row.
  package func devOutcomes() -> [Double] { devEvaluation().outcomes }

  /// The kept epoch's figures on dev.
  package func devEvaluation() -> Evaluation {
    evaluator(of: keptModel(decision: decide())).evaluate(devRows.unweighted)
  }

  private func evaluator(of model: Model, workers: Workers? = nil) -> Evaluator {
    Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss, networks: model.networks,
      workers: workers ?? self.workers, decision: model.decision, conformal: model.conformal)
  }

  /// The finished run, with the mean of other trainers' networks.
  ///
  /// - Parameter threads: The threads of all; nil: this trainer's.
  package func finish(
    seconds: Double, with others: [Trainer] = [], recipe: Recipe? = nil, threads: Int? = nil
  ) -> Run {
    let model = keptModel(decision: decide(with: others), with: others, recipe: recipe)
    let evaluator = evaluator(of: model, workers: threads.map { Workers($0) })
    // The loss that selects the epoch is weighted; the reported figures count each row once, as on the test
    // set.
    let train = trainRows.subset(sampledTrainRows(finishedTrainRows))
    let dev = devRows.unweighted
    return Run(
      model: model, split: split, history: progress.history, bestEpoch: progress.bestEpoch,
      stopReason: progress.stopReason, train: evaluator.evaluate(train.unweighted),
      dev: evaluator.evaluate(dev),
      devOfEach: others.isEmpty ? [] : ([self] + others).map { $0.devScore() }, seconds: seconds,
      threads: threads ?? workers.count, steps: progress.step, epochsTrained: progress.epoch - firstEpoch)
  }

  private var finishedTrainRows: Int { max(Self.mostSampledRows, split.devCount) }

  /// About how long the evaluations of ``finish(seconds:with:recipe:)`` take, with that of the test set, by the time of dev's.
  var secondsOfFinish: Double {
    let rows = min(split.trainCount, finishedTrainRows) + split.devCount + split.testCount
    return secondsOfDev * Double(rows) / Double(max(1, split.devCount))
  }

  /// About how long the evaluations after an epoch take.
  var secondsOfEvaluations: Double { 2 * secondsOfDev }

  private var secondsOfDev: Double {
    let start = ContinuousClock.now
    _ = evaluator.evaluate(devRows)
    return (ContinuousClock.now - start).inSeconds
  }

  /// The most train rows that a finished training is evaluated on, unless dev is larger.
  private static let mostSampledRows = 10_000

  /// A fixed sample of the train set; a larger one includes the smaller.
  func sampledTrainRows(_ count: Int) -> [Int] {
    var rows = Array(0..<split.trainCount)
    var stream = RandomStream(seed: split.seed, purpose: .sample)
    stream.shuffle(&rows)
    return rows.prefix(count).sorted()
  }
}
