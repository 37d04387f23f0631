import TartineData

/// A training that is driven step by step, for a loop of one's own.
///
/// ```swift
/// let training = try recipe.training(on: split)
/// while let step = try training.step() {
///   print(step.number, step.loss)
///   if step.number == 1_000 { break }
/// }
/// let run = try training.finish()
/// ```
///
/// Steps, evaluations after each epoch, early stopping and the kept epoch are those of ``Recipe/train(on:seed:threads:observers:)``, which
/// gives the same run, but does not train on dev at the end (`Recipe.refit`).
public final class Training {
  private let trainer: Trainer
  private let start = ContinuousClock.now

  init(_ trainer: Trainer) { self.trainer = trainer }

  /// The recipe with all automatic settings resolved.
  public var recipe: Recipe { trainer.recipe }
  /// The epochs so far.
  public var history: [EpochRecord] { trainer.history }

  /// Runs one step, and evaluates after the last step of an epoch; nil once the training is done.
  ///
  /// - Returns: The step, whose weights, gradients and activations are those of now: they change with the next.
  /// - Throws: `DivergenceError` at the first value that is not finite.
  public func step() throws -> StepView? { trainer.isDone ? nil : try trainer.advance().step }

  /// Returns the run of the epochs so far. Finishes the current epoch; trains the first if none has begun. A later ``step()``
  /// continues the training.
  ///
  /// - Throws: `DivergenceError` at the first value that is not finite.
  public func finish() throws -> Run {
    if trainer.isInEpoch || trainer.history.isEmpty { _ = try trainer.finishEpoch() }
    return trainer.finish(seconds: (ContinuousClock.now - start).inSeconds)
  }
}

extension Recipe {
  /// Returns a training on the train set that is driven step by step.
  ///
  /// - Parameters:
  ///   - split: the data, split.
  ///   - seed: the seed of initialization, shuffling and dropout; by default the recipe's.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  /// - Throws: `DataError`, `ShapeError`, `NetworkError`, `RecipeError`.
  public func training(on split: Split, seed: UInt64? = nil, threads: Int? = nil) throws -> Training {
    var recipe = self
    if let seed { recipe.seed = seed }
    return Training(try Trainer(recipe, split: split, threads: threads, observers: []))
  }
}
