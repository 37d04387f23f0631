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
  /// Trains the network again on the rows of train and dev, for as many epochs as this trainer kept, or until the end of the time with
  /// schedules that come as far as they had come there.
  ///
  /// - Parameters:
  ///   - whole: The split whose train set is train and dev together.
  ///   - seed: The seed; nil: the same.
  ///   - end: When it ends; nil: after the epochs.
  /// - Returns: The trainer of the refit; nil if it diverges.
  func refit(
    on whole: Split, prepared: PreparedSplits, seed: UInt64? = nil, end: ContinuousClock.Instant? = nil
  ) throws -> Trainer? {
    var again = recipe
    again.seed = seed ?? recipe.seed
    (again.refit, again.keeps, again.earlyStopping, again.minutes) = (false, .last, nil, nil)
    // All rows are one batch.
    if recipe.batchSize == trainRows.rowCount { again.batchSize = whole.trainCount }
    if recipe.optimizer.algorithm == .lbfgs { (again.batchSize, again.accumulation) = (nil, 1) }
    let trainer = try Trainer(
      again, split: whole, prepared: prepared, threads: threads, measures: .devAtTheEnd,
      observers: end == nil ? [LastEpoch(keptEpoch)] : [], end: end, reach: reachOfKeptEpoch)
    do {
      try trainer.run { _, _ in }
      return trainer
    } catch let error as DivergenceError {
      Files.warn("the refit on train and dev diverged, so the model is that of train alone: \(error)")
      return nil
    }
  }
}

extension Trainer {
  /// How far the schedules had come at the kept epoch, from 0 to 1.
  var reachOfKeptEpoch: Double { Double(max(1, keptEpoch)) / Double(max(1, history.count)) }
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
