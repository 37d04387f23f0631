import TartineData
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// Something to try: a recipe to train, and why.
public struct Prescription: Sendable {
  /// What changes, in a few words.
  public let what: String
  /// Why it should help.
  public let why: String
  /// The whole recipe, ready to train.
  public let recipe: Recipe
  /// The same as flags of the command, added to those of the run.
  public let flags: String

  /// What is present first; of what is undecided, what the figures lean to.
  static func list(for run: Run, bias: Reading, variance: Finding, worth: Double) -> [Prescription] {
    let gap = variance.difference?.value ?? 0
    let byVariance =
      variance.reading != .absent && gap > 0
      ? againstVariance(run.recipe, isPictures: run.split.dataset.imageShape != nil) : []
    let byBias = bias != .absent ? againstBias(run) : []
    let leansToVariance = variance.reading == .present || (bias != .present && gap > worth)
    let list = leansToVariance ? byVariance + byBias : byBias + byVariance
    // What the recipe's other settings forbid is no help, such as dropout beside L-BFGS.
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
          what: "a better optimizer, AdamW with a rate of 0.003 that falls along a cosine",
          why: "each weight has steps of its own size, and the last ones are small", recipe: changed,
          flags: "--optimizer adamw --learning-rate 0.003 --schedule cosine --warmup 0.05 --decay 0"))
    }
    if var stack = recipe.network.stack, !stack.hidden.isEmpty, !stack.batchNorm {
      stack.batchNorm = true
      var changed = recipe
      changed.network = Network(stack)
      list.append(
        Prescription(
          what: "batch norm", why: "layers that are normalized train faster and at higher rates", recipe: changed,
          flags: "--batch-norm"))
    }
    // What dev was best at long before the end is not to be had by going on.
    if let epochs = recipe.epochs, run.bestEpoch * 5 >= run.history.count * 4, run.stopReason == nil {
      var changed = recipe
      changed.epochs = epochs * 2
      list.append(
        Prescription(
          what: "train twice as long", why: "the train error may not be at its end", recipe: changed,
          flags: "--epochs \(epochs * 2)"))
    }
    return list
  }

  private static func againstVariance(_ recipe: Recipe, isPictures: Bool) -> [Prescription] {
    var list: [Prescription] = []
    if let stack = recipe.network.stack, !stack.hidden.isEmpty {
      var dropped = stack
      // Earlier layers overfit more, and keep less.
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
            what: "more dropout, keep \(keeps)", why: "it spreads the weights out", recipe: changed,
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
    if isPictures, recipe.augmentation.isNone {
      var changed = recipe
      changed.augmentation = .preset
      list.append(
        Prescription(
          what: "augmentation, pictures a little turned, zoomed, sheared, shifted and bent",
          why: "each epoch sees other pictures that mean the same", recipe: changed,
          flags: "--augment \(Augmentation.preset.flag)"))
    }
    if recipe.earlyStopping == nil {
      list.append(
        Prescription(
          what: "early stopping", why: "last, since it ties bias and variance to one knob",
          recipe: recipe.earlyStopping(patience: 10), flags: "--early-stopping 10"))
    }
    return list
  }
}
