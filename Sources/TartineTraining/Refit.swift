import TartineData
import TartineNetworks

extension Recipe {
  /// Returns the recipe with the model trained again on train and dev together; see ``refit``.
  public func refitting(_ refits: Bool = true) -> Recipe {
    var copy = self
    copy.refit = refits
    return copy
  }
}

extension Trainer {
  /// Trains the network again on the rows of train and dev, for as many epochs as the run kept.
  ///
  /// - Parameter run: The finished run of this trainer.
  /// - Returns: The run with the new model; unchanged unless the recipe refits. Its history and its figures on train and dev are
  ///   those of the model that has not seen dev.
  func refitted(_ run: Run) throws -> Run {
    guard recipe.refit else { return run }
    let clock = ContinuousClock()
    let start = clock.now
    var again = recipe
    (again.refit, again.keeps, again.earlyStopping) = (false, .last, nil)
    // All rows are one batch.
    if recipe.optimizer.algorithm == .lbfgs { (again.batchSize, again.accumulation) = (nil, 1) }
    let rows = (run.split.train + run.split.dev).sorted()
    let trainer = try Trainer(
      again, split: run.split.with(train: rows), threads: threads, measures: .devAtTheEnd,
      observers: [LastEpoch(run.model.epoch)])
    try trainer.run { _, _ in }
    let model = trainer.keptModel(decision: run.model.decision)
    return run.with(
      Model(
        recipe: recipe, preparation: model.preparation, plan: model.plan, epoch: run.model.epoch,
        weights: model.weights,
        state: model.state, decision: model.decision), seconds: run.seconds + (clock.now - start).inSeconds)
  }
}

/// Ends a training after an epoch.
private final class LastEpoch: TrainingObserver {
  private let epoch: Int

  init(_ epoch: Int) { self.epoch = epoch }

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    if case .epoch(let record, _) = event, record.epoch >= epoch { return .stop(reason: "as many epochs as before") }
    return .proceed
  }
}
