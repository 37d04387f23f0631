import TartineData
import TartineNetworks
import TartineOptimizers

extension Recipe {
  /// The number of train rows below which the L2 penalty is chosen by cross-validation; above, it hardly
  /// matters.
  private static let fewForPenalty = 2_000
  /// From almost no penalty to almost the constant model.
  private static let penalties = [1e-7, 1e-5, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100]
  private static let folds = 5

  /// The linear model of a task, ridge or logistic regression, trained to its optimum by L-BFGS: the baseline of a network.
  ///
  /// The L2 penalty is the one of eleven, from 10⁻⁷ to 100, with the lowest loss over five folds of the train
  /// rows; from 2 000 rows on it is 10⁻⁵. If rows · inputs · outputs exceed 200 000, fewer penalties, folds and
  /// iterations are tried. The dev and test sets are not used.
  ///
  /// - Parameters:
  ///   - split: the split whose train rows are divided into folds.
  ///   - loss: the loss function.
  ///   - seconds: the most time for the folds, after which the penalty is 10⁻³; nil: no limit.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  ///
  /// **Source**: Hoerl and Kennard, *Ridge regression*, 1970; Stone 1974 for the folds.
  public static func linear(
    for split: Split, loss: Loss = .automatic, seconds: Double? = nil, threads: Int? = nil
  ) -> Recipe {
    linearCandidate(for: split.with(dev: []), loss: loss, seconds: seconds, threads: threads).recipe
  }

  /// The linear model, and its loss over folds of train and dev; nil without folds.
  private static func linearCandidate(
    for split: Split, loss: Loss, seconds: Double? = nil, threads: Int?
  ) -> (recipe: Recipe, validation: CrossValidation?) {
    let end = seconds.map { ContinuousClock.now + .seconds($0) }
    var recipe = Recipe(Network(HiddenStack(hidden: [])))
    recipe.loss = loss
    recipe.optimizer = .lbfgs()
    recipe.outputBias = .prior
    recipe.keeps = .last
    recipe.penalty.l2 = penalties[1]
    let effort = Effort(split)
    recipe.epochs = effort.epochs
    guard split.trainCount < fewForPenalty, effort.folds > 0 else { return (recipe, nil) }
    var best: (recipe: Recipe, validation: CrossValidation)?
    for l2 in effort.penalties {
      if let end, ContinuousClock.now >= end {
        recipe.penalty.l2 = 1e-3
        return (recipe, nil)
      }
      recipe.penalty.l2 = l2
      guard let validation = try? recipe.crossValidate(on: split, folds: effort.folds, threads: threads) else {
        continue
      }
      if validation.pooled.loss < best?.validation.pooled.loss ?? .infinity { best = (recipe, validation) }
    }
    // Too few rows for folds.
    recipe.penalty.l2 = 1 / Double(max(1, split.trainCount))
    return best.map { ($0.recipe, $0.validation) } ?? (recipe, nil)
  }

  /// The effort that a baseline is worth: tables of many inputs and classes get fewer penalties, folds and iterations, so that it
  /// takes seconds.
  private struct Effort {
    let epochs, folds: Int
    let penalties: [Double]

    init(_ split: Split) {
      let outputs = split.dataset.outputCount
      let width = (try? Preparation(fitting: split.dataset, rows: split.train, bins: 0))?.width ?? 1
      // Multiplications of an iteration.
      let work = Double(split.trainCount) * Double(width) * Double(outputs)
      epochs = Int(max(30, min(400, 4e9 / max(1, work))))
      switch work {
      case ..<2e5: (folds, penalties) = (Recipe.folds, Recipe.penalties)
      // The folds of the network that it may be compared with row by row.
      case _ where split.trainCount + split.devCount <= Recipe.fewForNetwork:
        (folds, penalties) = (Recipe.folds, [1e-5, 1e-3, 0.03, 0.3, 3])
      case ..<4e6: (folds, penalties) = (3, [1e-5, 1e-3, 0.03, 0.3, 3])
      case ..<4e7: (folds, penalties) = (2, [1e-3, 0.03, 0.3])
      default: (folds, penalties) = (0, [])
      }
    }
  }

  /// The largest number of train and dev rows for which cross-validation compares the linear model with the network.
  private static let fewForNetwork = 500
  /// The largest number for which the dev set does; with more, a network loses hardly anything on a linear problem.
  private static let fewForLinear = 5_000
  private static let veryFew = 120

  /// Returns this recipe or, on few rows, the linear model, whichever 5-fold cross-validation favors.
  ///
  /// Cross-validation is run where the recipe is ``automatic`` with any of its numbers of members, apart from seed, loss, decision,
  /// seeds, time and refit, and the table has at most 500 rows of train and dev. Below 120 rows the network is selected if its loss is lower by more than one standard error; from 120 on,
  /// if its loss or its error is lower.
  ///
  /// - Parameters:
  ///   - split: the split; its test set is not used.
  ///   - refits: whether the recipe then refits on train and dev; nil: it does.
  ///   - threads: the number of threads, by default that of the processors; the choice does not depend on it.
  ///   - progress: called before the first fold and after each.
  /// - Returns: the recipe, which then refits on train and dev (``refit``), and both cross-validations where they were run.
  ///
  /// **Source**: Breiman et al., *Classification and regression trees*, 1984, §3.4.3, for the one standard error.
  public func selectedByCrossValidation(
    on split: Split, refits: Bool? = nil, threads: Int? = nil,
    progress: (_ done: Int, _ folds: Int) -> Void = { _, _ in }
  ) -> (recipe: Recipe, linear: CrossValidation?, network: CrossValidation?) {
    // The folds take some seconds.
    if let minutes, minutes < 0.5 { return (self, nil, nil) }
    guard isAutomatic(on: split), split.trainCount + split.devCount <= Self.fewForNetwork else {
      return (self, nil, nil)
    }
    progress(0, Self.folds)
    guard
      let network = try? crossValidate(
        on: split, folds: Self.folds, threads: threads, progress: { progress($0, Self.folds) })
    else { return (self, nil, nil) }
    var (linear, validation) = Self.linearCandidate(for: split, loss: loss, threads: threads)
    guard let validation, linear.problem == nil else { return (self, nil, nil) }
    (linear.seed, linear.decision) = (seed, decision)
    // On very few rows cross-validation is noisy, and a linear model is the safer choice.
    let (own, other) = (network.pooled, validation.pooled)
    let isNetwork =
      own.rowCount < Self.veryFew
      ? own.isBetterByOneStandardError(than: other)
      // A better log-loss may come with a higher error.
      : own.loss < other.loss || own.meanOutcome < other.meanOutcome
    let chosen = isNetwork ? self : linear
    return (chosen.refitting(refits ?? true), validation, network)
  }

  /// Whether all but seed, loss, decision, seeds, time and refit is automatic, and the data are a table.
  private func isAutomatic(on split: Split) -> Bool {
    guard case .table = split.dataset.inputs, hasAutomaticNetwork else { return false }
    var plain = Self.automatic(members: network.members)
    (plain.seed, plain.loss, plain.decision) = (seed, loss, decision)
    (plain.refit, plain.seeds, plain.minutes) = (refit, seeds, minutes)
    return plain.agrees(with: resolved(trainRows: split.trainCount), trainRows: split.trainCount)
  }

  /// Whether the linear model is kept unless the network is better on dev by one standard error: the recipe is automatic, and the table so
  /// small that a network loses on a linear problem, but larger than those of
  /// ``selectedByCrossValidation(on:refits:threads:progress:)``. With class weights, or a threshold for another metric, neither loss
  /// nor error on dev is what is asked for.
  package func competesWithLinear(on split: Split) -> Bool {
    let rows = split.trainCount + split.devCount
    return Self.fewForNetwork < rows && rows <= Self.fewForLinear && isAutomatic(on: split) && loss.classWeights == nil
      && [nil, .accuracy].contains(decision.threshold)
  }
}

/// A finished training of the linear model, which the folder of a run can take over.
public struct LinearTraining: Sendable {
  /// The figures and the model.
  public let run: Run
  /// Whether its time was up before its optimizer was done.
  package let isCutShort: Bool
  let ensemble: Ensemble

  /// Trains the model on the train rows.
  ///
  /// - Parameters:
  ///   - recipe: A recipe of ``Recipe/linear(for:loss:seconds:threads:)``.
  ///   - seconds: The most time; nil: until it cannot get better.
  /// - Throws: The errors of a training.
  package init(_ recipe: Recipe, on split: Split, seconds: Double? = nil, threads: Int? = nil) throws {
    let deadline = seconds.map { Deadline(.now + .seconds($0)) }
    ensemble = try Ensemble(recipe, split: split, threads: threads, observers: deadline.map { [$0] } ?? [])
    run = try ensemble.run()
    isCutShort = deadline?.hasPassed ?? false
  }

  /// Stops a training after the first epoch that ends later.
  private final class Deadline: TrainingObserver {
    private let end: ContinuousClock.Instant
    private(set) var hasPassed = false

    init(_ end: ContinuousClock.Instant) { self.end = end }

    func observe(_ event: TrainingEvent) -> TrainingDecision {
      guard case .epoch = event, ContinuousClock.now >= end else { return .proceed }
      hasPassed = true
      return .stop(reason: "the time of the linear baseline is up")
    }
  }
}

extension Run {
  /// Whether the loss or the error on dev is lower than another run's by more than the standard error of the paired difference.
  package func isBetterByOneStandardError(than other: Run) -> Bool {
    dev.isBetterByOneStandardError(than: other.dev)
      || Evaluation.isLower(dev.outcomes, than: other.dev.outcomes, dev.cases)
  }
}

extension Evaluation {
  /// Whether the mean loss is lower than another model's on the same rows by more than the standard error of the paired difference.
  fileprivate func isBetterByOneStandardError(than other: Evaluation) -> Bool {
    logLosses.isEmpty
      ? Self.isLower(losses, than: other.losses, cases) : Self.isLower(logLosses, than: other.logLosses, cases)
  }

  /// Whether the mean of one model's values is lower than another's by more than the standard error of the paired difference.
  ///
  /// - Parameter cases: The case of each row, whose rows depend on each other; nil: each row is one.
  fileprivate static func isLower(_ own: [Double], than others: [Double], _ cases: [Int]?) -> Bool {
    let differences = zip(others, own).map { $0 - $1 }
    let mean = differences.reduce(0, +) / Double(max(1, differences.count))
    var sums: [Int: Double] = [:]
    for (row, difference) in differences.enumerated() { sums[cases?[row] ?? row, default: 0] += difference - mean }
    let count = Double(sums.count)
    let variance = sums.keys.sorted().reduce(0) { $0 + sums[$1]! * sums[$1]! } * count / max(1, count - 1)
    return mean > variance.squareRoot() / Double(max(1, differences.count))
  }
}

extension Dataset {
  /// The number of outputs that a network needs for the targets.
  fileprivate var outputCount: Int { task.task == .multiclass ? strata().count : targets.count }
}
