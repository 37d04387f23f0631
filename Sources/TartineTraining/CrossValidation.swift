import TartineData

/// A recipe trained once for each fold of the rows, and measured each time on the fold that it did not see: on few rows the
/// surest figure, since every row of train and dev is measured on once.
///
/// Within each training a dev part of the rest chooses the epoch, as it does in a run, so that a fold chooses nothing. The
/// figures are of the recipe, not of one model; the test part stays locked.
///
/// **Source**: Stone, *Cross-validatory choice and assessment of statistical predictions*, 1974.
public struct CrossValidation: Sendable {
  /// Each fold by the model that did not see it.
  public let folds: [Evaluation]
  /// All folds' rows together.
  public let pooled: Evaluation
}

extension Recipe {
  /// Trains once for each fold.
  ///
  /// - Parameters:
  ///   - split: whose train and dev rows are cut in folds.
  ///   - folds: how many, from 2 on; 5 or 10 are usual.
  ///   - share: of the rows that a fold leaves, those to train on.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - progress: is told of each fold that is done.
  /// - Throws: `DataError` for too few rows; `RecipeError` that names the fold whose training fails.
  public func crossValidate(
    on split: Split, folds: Int, share: Double = 1, threads: Int? = nil, progress: (_ done: Int) -> Void = { _ in }
  ) throws -> CrossValidation {
    var evaluations: [Evaluation] = []
    for part in try split.folds(folds) {
      do {
        let rows = share < 1 ? part.sample(max(2, Int(share * Double(part.trainCount))), seed: seed) : part.train
        evaluations.append(try train(on: part.with(train: rows), threads: threads).test())
      } catch {
        throw RecipeError("fold \(evaluations.count + 1) of \(folds): \(error)")
      }
      progress(evaluations.count)
    }
    return CrossValidation(folds: evaluations, pooled: Evaluation(pooling: evaluations))
  }
}

extension Evaluation {
  /// Several parts' rows as one.
  init(pooling parts: [Evaluation]) {
    let rows = Double(max(1, parts.reduce(0) { $0 + $1.rowCount }))
    let truths = parts.flatMap(\.truths)
    let isRegression = parts[0].task == .regression
    let mean = truths.reduce(0, +) / Double(max(1, truths.count))
    self.init(
      task: parts[0].task, loss: parts.reduce(0) { $0 + $1.loss * Double($1.rowCount) } / rows,
      outcomes: parts.flatMap(\.outcomes), absoluteErrors: parts.flatMap(\.absoluteErrors),
      targetVariance: isRegression ? truths.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / rows : 0,
      predictions: parts.flatMap(\.predictions), truths: truths, scores: parts.flatMap(\.scores),
      logLosses: parts.flatMap(\.logLosses),
      outputNames: parts[0].outputNames, quantile: parts[0].quantile, origin: parts.flatMap(\.origin))
  }
}
