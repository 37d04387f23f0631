import TartineData
import TartineEngine

/// A finished training: the model of the kept epoch, the history, and the figures.
public final class Run: Sendable {
  /// The model with the kept epoch's weights.
  public let model: Model
  /// The data it was trained and evaluated on.
  public let split: Split
  /// One record for each epoch.
  public let history: [EpochRecord]
  /// The epoch with the lowest dev loss, from 1; the model has its weights unless the recipe keeps the last.
  public let bestEpoch: Int
  /// The reason for stopping early; nil if it ran to the last epoch.
  public let stopReason: String?
  /// The figures on the train set in prediction mode: on all rows, or a fixed sample of 10 000, or of as many as dev has.
  public let train: Evaluation
  /// The figures on the dev set, which are slightly optimistic, because it selected the epoch; of the model before a
  /// ``Recipe/refit``.
  public let dev: Evaluation
  /// The dev error, or RMSE, of each network, if there are several (``Recipe/seeds``); else empty.
  public let devOfEach: [Double]
  /// The training time in seconds.
  public let seconds: Double
  /// The number of threads.
  public let threads: Int
  /// The number of steps.
  public let steps: Int
  /// The number of epochs in `seconds`: fewer than the history's in a resumed run.
  package let epochsTrained: Int

  init(
    model: Model, split: Split, history: [EpochRecord], bestEpoch: Int, stopReason: String?,
    train: Evaluation, dev: Evaluation, devOfEach: [Double], seconds: Double, threads: Int, steps: Int,
    epochsTrained: Int
  ) {
    self.model = model
    self.split = split
    self.history = history
    self.bestEpoch = bestEpoch
    self.stopReason = stopReason
    self.train = train
    self.dev = dev
    self.devOfEach = devOfEach
    self.seconds = seconds
    self.threads = threads
    self.steps = steps
    self.epochsTrained = epochsTrained
  }

  /// Returns the run with another model, or its split with a test set.
  func with(_ model: Model? = nil, split: Split? = nil, seconds: Double) -> Run {
    Run(
      model: model ?? self.model, split: split ?? self.split, history: history, bestEpoch: bestEpoch,
      stopReason: stopReason, train: train,
      dev: dev, devOfEach: devOfEach, seconds: seconds, threads: threads, steps: steps, epochsTrained: epochsTrained)
  }

  /// The recipe with all automatic settings resolved.
  public var recipe: Recipe { model.recipe }

  /// The number of test-set evaluations.
  public var testOpenings: Int { split.test.openCount }

  /// Evaluates the model on the test set; each call is counted.
  /// - Throws: `DataError` where there is no test set, or it does not match the model.
  public func test() throws -> Evaluation {
    var warnings: [String] = []
    return try test(warnings: &warnings)
  }

  /// Evaluates the model on the test set, and reports the adaptations made; each call is counted.
  public func test(warnings: inout [String]) throws -> Evaluation {
    guard split.testCount > 0 else {
      throw DataError("there is no test set; split into three sets, or give a test file.", source: split.dataset.source)
    }
    let (dataset, rows) = split.test.open()
    // A few unknown categories are normal in a random split.
    warnings += model.preparation.warnings(for: dataset, rows: rows).filter {
      // So are the tails of a distribution.
      switch $0.kind {
      case .outside: $0.isFew || $0.rows.count * 4 > rows.count
      case .beyond: true
      default: $0.rows.count == rows.count
      }
    }.map { "test: \($0.description { dataset.rowNumber(rows[$0]) })" }
    return try model.evaluate(dataset, rows: rows, warnings: &warnings, workers: Workers(threads))
  }
}

extension Recipe {
  /// Trains on the train set, selecting the epoch on the dev set. The test set stays locked.
  ///
  /// - Parameters:
  ///   - split: the data, split.
  ///   - seed: the seed of initialization, shuffling and dropout; by default the recipe's.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  ///   - observers: called after each step and epoch, of the first network if there are several; they may stop the training.
  /// - Throws: `DataError`, `ShapeError`, `NetworkError`, `RecipeError`; `DivergenceError` at the first value
  ///   that is not finite.
  public func train(
    on split: Split, seed: UInt64? = nil, threads: Int? = nil, observers: [any TrainingObserver] = []
  ) throws -> Run {
    var recipe = self
    if let seed { recipe.seed = seed }
    return try Ensemble(recipe, split: split, threads: threads, observers: observers).run()
  }
}

extension Duration {
  package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
