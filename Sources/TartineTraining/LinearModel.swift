import TartineData
import TartineNetworks
import TartineOptimizers

extension Recipe {
  /// Fewer train rows leave the penalty of a linear model open; of more it hardly matters.
  private static let fewForPenalty = 2_000
  /// From hardly any to nearly the constant.
  private static let penalties = [1e-7, 1e-5, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100]
  private static let folds = 5

  /// The linear model of a task, least squares or logistic regression, solved to its optimum: what a network has to beat.
  ///
  /// The L2 penalty is the one of eleven, from 10⁻⁷ to 100, with the lowest loss over five folds of the train rows; from 2 000
  /// rows on it is 10⁻⁵.
  /// Neither dev nor test is looked at.
  ///
  /// - Parameters:
  ///   - split: whose train rows the folds are of.
  ///   - loss: what a prediction costs.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///
  /// **Source**: Hoerl and Kennard, *Ridge regression*, 1970; Stone 1974 for the folds.
  public static func linear(for split: Split, loss: Loss = .automatic, threads: Int? = nil) -> Recipe {
    solvedLine(for: split.with(dev: []), loss: loss, threads: threads).recipe
  }

  /// The linear model, and its loss over folds of train and dev; nil where there are no folds.
  private static func solvedLine(
    for split: Split, loss: Loss, threads: Int?
  ) -> (recipe: Recipe, validation: CrossValidation?) {
    var recipe = Recipe(Network(HiddenStack(hidden: [])))
    recipe.loss = loss
    recipe.optimizer = .lbfgs()
    recipe.outputBias = .prior
    recipe.keeps = .last
    recipe.epochs = 400
    recipe.penalty.l2 = penalties[1]
    guard split.trainCount < fewForPenalty else { return (recipe, nil) }
    var best: (recipe: Recipe, validation: CrossValidation)?
    for l2 in penalties {
      recipe.penalty.l2 = l2
      guard let validation = try? recipe.crossValidate(on: split, folds: folds, threads: threads) else { continue }
      if validation.pooled.loss < best?.validation.pooled.loss ?? .infinity { best = (recipe, validation) }
    }
    // Too few rows to fold.
    recipe.penalty.l2 = 1 / Double(max(1, split.trainCount))
    return best.map { ($0.recipe, $0.validation) } ?? (recipe, nil)
  }

  /// Up to so many rows of train and dev a line is often as good as any network, and which is better shows over folds alone.
  private static let fewForNetwork = 500
  private static let veryFew = 60

  /// This recipe, or, where it is ``automatic`` but for seed, loss and decision, and a table has at most 500 rows of train and
  /// dev, the linear model where five folds of them say so: below 60 rows unless the network's loss is lower by more than one
  /// standard error, from 60 on where the line's is.
  ///
  /// - Parameters:
  ///   - split: the rows, divided; test is not looked at.
  ///   - threads: by default as many as there are processors; the choice is the same for any number.
  /// - Returns: the recipe, and where there was a choice, both figures over the folds.
  ///
  /// **Source**: Breiman et al., *Classification and regression trees*, 1984, §3.4.3, for the one standard error.
  public func chosen(
    for split: Split, threads: Int? = nil
  ) -> (recipe: Recipe, line: CrossValidation?, network: CrossValidation?) {
    var plain = self
    (plain.seed, plain.loss, plain.decision) = (Recipe.automatic.seed, Recipe.automatic.loss, Recipe.automatic.decision)
    guard plain == .automatic, case .table = split.dataset.inputs,
      split.trainCount + split.devCount <= Self.fewForNetwork,
      let network = try? crossValidate(on: split, folds: Self.folds, threads: threads)
    else { return (self, nil, nil) }
    var (line, validation) = Self.solvedLine(for: split, loss: loss, threads: threads)
    guard let validation, line.problem == nil else { return (self, nil, nil) }
    (line.seed, line.decision) = (seed, decision)
    // What folds of so few rows say is mostly chance, and a line errs less by it.
    let isNetwork =
      network.pooled.rowCount < Self.veryFew
      ? network.pooled.isSurelyBetter(than: validation.pooled) : !validation.pooled.isSurelyBetter(than: network.pooled)
    return (isNetwork ? self : line, validation, network)
  }
}

extension Evaluation {
  /// Whether the mean of the rows' own losses is lower than another's of the same rows by more than its standard error.
  fileprivate func isSurelyBetter(than other: Evaluation) -> Bool {
    let (own, others) = logLosses.isEmpty ? (outcomes, other.outcomes) : (logLosses, other.logLosses)
    let differences = zip(others, own).map { $0 - $1 }
    let count = Double(differences.count)
    let mean = differences.reduce(0, +) / count
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
    return mean > (variance / count).squareRoot()
  }
}
