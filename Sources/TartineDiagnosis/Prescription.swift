import TartineData
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// A recipe to try, and why.
public struct Prescription: Sendable {
  /// The change, in a few words.
  public let what: String
  /// Why it should help.
  public let why: String
  /// The complete recipe, ready to train.
  public let recipe: Recipe
  /// The change as command-line flags to add to those of the run.
  public let flags: String

  /// What is present comes first; if nothing is, what the point estimates suggest.
  static func list(for run: Run, bias: Reading, variance: Finding, worth: Double) -> [Prescription] {
    let gap = variance.difference?.value ?? 0
    let byVariance =
      variance.reading == .present || variance.reading != .absent && gap > worth
      ? againstVariance(run.recipe, areImages: run.split.dataset.imageShape != nil) : []
    let byBias = bias != .absent ? againstBias(run) : []
    let leansToVariance = variance.reading == .present || (bias != .present && gap > worth)
    let list = leansToVariance ? byVariance + byBias : byBias + byVariance
    // Recipes that the other settings forbid are skipped, such as dropout with L-BFGS.
    return list.filter { $0.recipe.problem == nil }
  }

  private static func againstBias(_ run: Run) -> [Prescription] {
    let recipe = run.recipe
    var list: [Prescription] = []
    if let stack = recipe.network.stack, !stack.hidden.isEmpty {
      var wider = stack
      wider.hidden = stack.hidden.map { $0 * 2 }
      var changed = recipe
      changed.network = Network(wider)
      list.append(
        Prescription(
          what: "a bigger network, \(wider.hidden.map(String.init).joined(separator: " and ")) units",
          why: "it can fit more, and rarely hurts where it is regularized", recipe: changed,
          flags: "--hidden \(wider.hidden.map(String.init).joined(separator: ","))"))
    }
    if recipe.optimizer.algorithm != .adamW, recipe.optimizer.algorithm != .lbfgs {
      var changed = recipe
      changed.optimizer = .adamW(learningRate: .cosine(from: 3e-3, warmup: 0.05), decay: 0)
      (changed.optimizer.clipping, changed.optimizer.average) = (recipe.optimizer.clipping, recipe.optimizer.average)
      list.append(
        Prescription(
          what: "a better optimizer, AdamW with a learning rate of 0.003 and cosine decay",
          why: "it adapts the step size of each weight, and the last steps are small", recipe: changed,
          flags: "--optimizer adamw --learning-rate 0.003 --schedule cosine --warmup 0.05 --decay 0"))
    }
    if var stack = recipe.network.stack, !stack.hidden.isEmpty, !stack.batchNorm {
      stack.batchNorm = true
      var changed = recipe
      changed.network = Network(stack)
      list.append(
        Prescription(
          what: "batch norm", why: "normalized layers train faster and at higher learning rates", recipe: changed,
          flags: "--batch-norm"))
    }
    // If the best epoch by dev loss came long before the end, more epochs do not help.
    if let epochs = recipe.epochs, run.bestEpoch * 5 >= run.history.count * 4, run.stopReason == nil {
      var changed = recipe
      changed.epochs = epochs * 2
      list.append(
        Prescription(
          what: "train twice as long", why: "the train error may still fall", recipe: changed,
          flags: "--epochs \(epochs * 2)"))
    }
    return list
  }

  private static func againstVariance(_ recipe: Recipe, areImages: Bool) -> [Prescription] {
    var list: [Prescription] = []
    if let stack = recipe.network.stack, !stack.hidden.isEmpty {
      var dropped = stack
      // Earlier layers overfit more, and get a lower keep probability.
      dropped.keepProb = stack.hidden.indices.map { index in
        let now = stack.keepProb.isEmpty ? 1 : stack.keepProb[min(index, stack.keepProb.count - 1)]
        return min(now, max(0.4, ((now - (index == 0 ? 0.3 : 0.2)) * 100).rounded() / 100))
      }
      if dropped.keepProb != stack.keepProb {
        var changed = recipe
        changed.network = Network(dropped)
        let keeps = dropped.keepProb.map { "\($0)" }.joined(separator: ",")
        list.append(
          Prescription(
            what: "more dropout, keep \(keeps)", why: "it keeps units from relying on few features", recipe: changed,
            flags: "--keep-prob \(keeps)"))
      }
    }
    var decayed = recipe
    let decay = max(0.05, (recipe.optimizer.decay ?? 0) * 5)
    if recipe.optimizer.algorithm == .adamW {
      decayed.optimizer.decay = decay
      list.append(
        Prescription(
          what: "more weight decay, \(decay)", why: "smaller weights make a simpler function",
          recipe: decayed, flags: "--decay \(decay)"))
    } else {
      let l2 = max(1e-4, recipe.penalty.l2 * 10)
      decayed.penalty.l2 = l2
      list.append(
        Prescription(
          what: "a stronger L2 penalty, \(l2)", why: "smaller weights make a simpler function",
          recipe: decayed, flags: "--l2 \(l2)"))
    }
    if areImages, recipe.augmentation.isNone {
      var changed = recipe
      changed.augmentation = .preset
      list.append(
        Prescription(
          what: "augmentation, images slightly rotated, zoomed, sheared, shifted and elastically deformed",
          why: "each epoch sees new images with the same labels", recipe: changed,
          flags: "--augment \(Augmentation.preset.flag)"))
    }
    if recipe.earlyStopping == nil {
      list.append(
        Prescription(
          what: "early stopping", why: "it ends the training once the dev loss no longer falls",
          recipe: recipe.earlyStopping(patience: 10), flags: "--early-stopping 10"))
    }
    return list
  }
}
