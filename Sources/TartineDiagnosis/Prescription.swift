import TartineData
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// A recipe to try, and why.
public struct Prescription: Sendable {
  /// The kind of change, as in `bigger-network`.
  public let name: String
  /// The change, in a few words.
  public let what: String
  /// Why it should help.
  public let why: String
  /// The complete recipe, ready to train.
  public let recipe: Recipe
  /// The change as settings of the recipe that it improves.
  public let settings: RecipeSettings

  /// Changes a recipe; nil if the change does nothing, or the other settings forbid it, such as dropout with L-BFGS.
  package init?(
    _ name: String, _ what: String, why: String, of recipe: Recipe, _ change: (inout Recipe) -> Void
  ) {
    var changed = recipe
    change(&changed)
    guard changed != recipe, changed.problem == nil,
      let settings = try? RecipeSettings(from: recipe, to: changed)
    else { return nil }
    self.name = name
    self.what = what
    self.why = why
    self.recipe = changed
    self.settings = settings
  }

  /// What is present comes first; if nothing is, what the point estimates suggest.
  static func list(for run: Run, bias: Reading, variance: Finding, worth: Double) -> [Prescription] {
    let gap = variance.difference?.value ?? 0
    let byVariance =
      variance.reading == .present || variance.reading != .absent && gap > worth
      ? againstVariance(run.recipe, areImages: run.split.dataset.imageShape != nil) : []
    let byBias = bias != .absent ? againstBias(run) : []
    let leansToVariance = variance.reading == .present || (bias != .present && gap > worth)
    return leansToVariance ? byVariance + byBias : byBias + byVariance
  }

  package static func againstBias(_ run: Run) -> [Prescription] {
    let recipe = run.recipe
    var list: [Prescription?] = []
    let units = recipe.network.hiddenUnits
    if !units.isEmpty {
      let shown = units.map { "\(2 * $0)" }.joined(separator: " and ")
      list.append(
        Prescription(
          "bigger-network", "a bigger network, \(units.count > 4 ? "twice the" : shown) units",
          why: "it can fit more, and rarely hurts where it is regularized", of: recipe
        ) { $0.network = $0.network.scalingUnits(by: 2) })
    }
    if recipe.optimizer.algorithm != .adamW, recipe.optimizer.algorithm != .lbfgs {
      list.append(
        Prescription(
          "better-optimizer", "a better optimizer, AdamW with a learning rate of 0.003 and cosine decay",
          why: "it adapts the step size of each weight, and the last steps are small", of: recipe
        ) {
          $0.optimizer = .adamW(learningRate: .cosine(from: 3e-3, warmup: 0.05), decay: 0)
          ($0.optimizer.clipping, $0.optimizer.average) = (recipe.optimizer.clipping, recipe.optimizer.average)
        })
    }
    if !units.isEmpty, !recipe.network.isNormalized {
      list.append(
        Prescription(
          "batch-norm", "batch norm", why: "normalized layers train faster and at higher learning rates", of: recipe
        ) {
          $0.network = $0.network.addingBatchNorm()
        })
    }
    // If the best epoch by dev loss came long before the end, more epochs do not help.
    if let epochs = recipe.epochs, run.bestEpoch * 5 >= run.history.count * 4, run.stopReason == nil {
      list.append(
        Prescription("train-longer", "train twice as long", why: "the train error may still fall", of: recipe) {
          if let minutes = recipe.minutes { $0.minutes = 2 * minutes } else { $0.epochs = epochs * 2 }
        }
      )
    }
    // A list of layers may not allow the change.
    return list.compactMap { $0 }.filter { idea in
      (try? idea.recipe.network.graph(
        input: run.model.preparation.inputShape, layout: run.model.preparation.inputLayout,
        outputs: run.model.graph.outputWidth)) != nil
    }
  }

  package static func againstVariance(_ recipe: Recipe, areImages: Bool) -> [Prescription] {
    var list: [Prescription?] = []
    // Earlier layers overfit more, and get a lower keep probability.
    let dropped = recipe.network.settingDropout { index, now in
      min(now, max(0.4, ((now - (index == 0 ? 0.3 : 0.2)) * 100).rounded() / 100))
    }
    let keeps = dropped.keepProbabilities.map { "\($0)" }.joined(separator: ",")
    list.append(
      Prescription(
        "more-dropout", "more dropout, keep \(keeps)", why: "it keeps units from relying on few features", of: recipe
      ) {
        $0.network = dropped
      })
    if recipe.optimizer.algorithm == .adamW {
      let decay = max(0.05, (recipe.optimizer.decay ?? 0) * 5)
      list.append(
        Prescription(
          "more-decay", "more weight decay, \(decay)", why: "smaller weights make a simpler function", of: recipe
        ) {
          $0.optimizer.decay = decay
        })
    } else {
      let l2 = max(1e-4, recipe.penalty.l2 * 10)
      list.append(
        Prescription(
          "stronger-l2", "a stronger L2 penalty, \(l2)", why: "smaller weights make a simpler function", of: recipe
        ) {
          $0.penalty.l2 = l2
        })
    }
    if areImages, recipe.augmentation.isNone {
      list.append(
        Prescription(
          "augmentation", "augmentation, images slightly rotated, zoomed, sheared, shifted and elastically deformed",
          why: "each epoch sees new images with the same labels", of: recipe
        ) { $0.augmentation = .preset })
    }
    if recipe.earlyStopping == nil {
      list.append(
        Prescription(
          "early-stopping", "early stopping", why: "it ends the training once the dev loss no longer falls", of: recipe
        ) {
          $0 = $0.earlyStopping(patience: 10)
        })
    }
    return list.compactMap { $0 }
  }
}
