import TartineData
import TartineFiles
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
  ///   those of the model that has not seen dev. Unchanged too if an observer ended the training, or the refit diverges.
  func refitted(_ run: Run) throws -> Run {
    guard recipe.refit, !isStoppedByObserver else { return run }
    let clock = ContinuousClock()
    let start = clock.now
    var again = recipe
    (again.refit, again.keeps, again.earlyStopping) = (false, .last, nil)
    // All rows are one batch.
    let rows = (run.split.train + run.split.dev).sorted()
    if recipe.batchSize == run.split.trainCount { again.batchSize = rows.count }
    if recipe.optimizer.algorithm == .lbfgs { (again.batchSize, again.accumulation) = (nil, 1) }
    let trainer = try Trainer(
      again, split: run.split.with(train: rows), threads: threads, measures: .devAtTheEnd,
      observers: [LastEpoch(run.model.epoch)])
    do {
      try trainer.run { _, _ in }
    } catch let error as DivergenceError {
      Files.warn("the refit on train and dev diverged, so the model is that of train alone: \(error)")
      return run
    }
    let model = trainer.keptModel(decision: run.model.decision)
    return run.with(
      Model(
        recipe: recipe, preparation: model.preparation, graph: model.graph, epoch: run.model.epoch,
        weights: model.weights,
        state: model.state, decision: model.decision, conformal: run.model.conformal),
      seconds: run.seconds + (clock.now - start).inSeconds)
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
