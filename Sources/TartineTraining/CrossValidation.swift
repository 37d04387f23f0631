import TartineData

/// A recipe trained once for each fold, and evaluated on the held-out fold: on few rows the most precise
/// estimate, since every row of train and dev is evaluated once.
///
/// In each training a dev set taken from the other folds selects the epoch, as in a run, so the held-out fold
/// selects nothing. The figures describe the recipe, not one model; the test set stays locked.
///
/// **Source**: Stone, *Cross-validatory choice and assessment of statistical predictions*, 1974.
public struct CrossValidation: Sendable {
  /// The evaluation of each held-out fold.
  public let folds: [Evaluation]
  /// The evaluation of all folds' rows together.
  public let pooled: Evaluation
}

/// The error of a fold's training.
public struct FoldError: Error, CustomStringConvertible {
  /// The number of the fold, from 1.
  public let fold: Int
  /// The number of folds.
  public let folds: Int
  /// Why its training failed, such as a `DivergenceError`.
  public let error: any Error

  /// The error, with the fold.
  public var description: String { "fold \(fold) of \(folds): \(error)" }
}

extension Recipe {
  /// Trains once for each fold.
  ///
  /// - Parameters:
  ///   - split: the split whose train and dev rows are divided into folds.
  ///   - folds: the number of folds, at least 2; typically 5 or 10.
  ///   - share: the fraction of the rows outside a fold to train on; the rest selects the epoch.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  ///   - progress: called after each fold.
  /// - Throws: `DataError` for too few rows; `FoldError` that names the fold whose training fails.
  public func crossValidate(
    on split: Split, folds: Int, share: Double = 1, threads: Int? = nil, progress: (_ done: Int) -> Void = { _ in }
  ) throws -> CrossValidation {
    var evaluations: [Evaluation] = []
    let one = seeds(1).minutes(nil)
    for part in try split.folds(folds) {
      do {
        let rows = share < 1 ? part.sample(max(2, Int(share * Double(part.trainCount))), seed: seed) : part.train
        evaluations.append(try one.train(on: part.with(train: rows), threads: threads).test())
      } catch {
        throw FoldError(fold: evaluations.count + 1, folds: folds, error: error)
      }
      progress(evaluations.count)
    }
    return CrossValidation(folds: evaluations, pooled: Evaluation(pooling: evaluations))
  }
}

extension Evaluation {
  /// Merges the evaluations of several sets of rows.
  init(pooling parts: [Evaluation]) {
    let rows = Double(max(1, parts.reduce(0) { $0 + $1.rowCount }))
    let truths = parts.flatMap(\.truths)
    let isRegression = parts[0].task == .regression
    let mean = truths.reduce(0, +) / Double(max(1, truths.count))
    self.init(
      task: parts[0].task, loss: parts.reduce(0) { $0 + $1.loss * Double($1.rowCount) } / rows,
      losses: parts.flatMap(\.losses),
      outcomes: parts.flatMap(\.outcomes), absoluteErrors: parts.flatMap(\.absoluteErrors),
      targetVariance: isRegression ? truths.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / rows : 0,
      predictions: parts.flatMap(\.predictions), truths: truths, scores: parts.flatMap(\.scores),
      logLosses: parts.flatMap(\.logLosses),
      outputNames: parts[0].outputNames, quantile: parts[0].quantile,
      conformal: nil, temperature: 1, origin: parts.flatMap(\.origin),
      cases: parts.allSatisfy { $0.cases != nil } ? parts.flatMap { $0.cases ?? [] } : nil)
  }
}
