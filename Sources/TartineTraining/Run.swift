import TartineData
import TartineEngine

/// A finished training: the model of the epoch that was kept, its history, and its errors.
public final class Run: Sendable {
  /// The kept epoch's weights, ready to use.
  public let model: Model
  /// What it was trained and measured on.
  public let split: Split
  /// One record an epoch.
  public let history: [EpochRecord]
  /// The epoch with the lowest dev loss, from 1, whose weights the model has unless the recipe keeps the last.
  public let bestEpoch: Int
  /// Why it stopped before its last epoch; nil if it did not.
  public let stopReason: String?
  /// On a fixed sample of the train part, as large as dev, in prediction mode.
  public let train: Evaluation
  /// On the dev part. Dev chose the epoch, so this is a little optimistic.
  public let dev: Evaluation
  /// Seconds of training.
  public let seconds: Double
  /// Threads at work.
  public let threads: Int
  /// Steps taken.
  public let steps: Int
  /// Epochs that `seconds` are of: fewer than the history's after a resumption.
  package let epochsTrained: Int

  init(
    model: Model, split: Split, history: [EpochRecord], bestEpoch: Int, stopReason: String?,
    train: Evaluation, dev: Evaluation, seconds: Double, threads: Int, steps: Int, epochsTrained: Int
  ) {
    self.model = model
    self.split = split
    self.history = history
    self.bestEpoch = bestEpoch
    self.stopReason = stopReason
    self.train = train
    self.dev = dev
    self.seconds = seconds
    self.threads = threads
    self.steps = steps
    self.epochsTrained = epochsTrained
  }

  /// The recipe with everything filled in.
  public var recipe: Recipe { model.recipe }

  /// Times the test part was opened.
  public var testOpenings: Int { split.test.openCount }

  /// Opens the test part, once more, and measures the model on it.
  /// - Throws: `DataError` where there is none, or it does not fit the model.
  public func test() throws -> Evaluation {
    var warnings: [String] = []
    return try test(warnings: &warnings)
  }

  /// Opens the test part, once more, and tells what was adapted to read it.
  public func test(warnings: inout [String]) throws -> Evaluation {
    guard split.testCount > 0 else {
      throw DataError("there is no test part; split into three, or give a test file.", source: split.dataset.source)
    }
    let (dataset, rows) = split.test.open()
    // A few unknown categories are the rule where rows are divided at random.
    warnings += model.preparation.warnings(for: dataset, rows: rows).filter {
      if case .outside = $0.kind { true } else { $0.rows.count == rows.count }
    }.map { "test: \($0.description { dataset.rowNumber(rows[$0]) })" }
    return try model.evaluate(dataset, rows: rows, warnings: &warnings, workers: Workers(threads))
  }
}

extension Recipe {
  /// Trains on the train part, choosing the epoch by the dev part. The test part stays locked.
  ///
  /// - Parameters:
  ///   - split: the rows, divided.
  ///   - seed: of initialization, shuffling and dropout; by default the recipe's own.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - observers: are told of each step and epoch, and may stop the training.
  /// - Throws: `DataError`, `ShapeError`, `NetworkError`, `RecipeError`; `DivergenceError` at the first value
  ///   that is not finite.
  public func train(
    on split: Split, seed: UInt64? = nil, threads: Int? = nil, observers: [any TrainingObserver] = []
  ) throws -> Run {
    var recipe = self
    if let seed { recipe.seed = seed }
    let clock = ContinuousClock()
    let start = clock.now
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: observers)
    try trainer.run { _, _ in }
    return trainer.finish(seconds: (clock.now - start).inSeconds)
  }
}

extension Duration {
  package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
