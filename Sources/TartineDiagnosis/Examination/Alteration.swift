import TartineData
import TartineNetworks
import TartineOptimizers
import TartineTraining
import TartinePlatform

/// One setting of a recipe changed to that of a reference recipe. If the change fixes the training, the
/// setting was the fault.
package struct Alteration {
  package let fault: Fault.Name
  /// The change in a few words: `a learning rate of 0.003`.
  package let what: String
  package let recipe: Recipe
  /// Whether it replaces the whole network, which helps whatever in it is wrong.
  package var isOfWholeNetwork = false

  /// Every setting in which a recipe differs from the reference, each changed alone.
  ///
  /// - Parameter rate: A learning rate at which the network learns; nil if unknown.
  package static func all(
    _ recipe: Recipe, towards reference: Recipe, rate: Double?, signals: SignalSummary?
  ) -> [Alteration] {
    (steps(recipe, reference, rate) + rows(recipe, reference) + network(recipe, reference, signals))
      .filter { $0.recipe.problem == nil && $0.recipe != recipe }
  }

  private static func change(
    _ fault: Fault.Name, _ what: String, _ recipe: Recipe, _ body: (inout Recipe) -> Void
  ) -> Alteration {
    var copy = recipe
    body(&copy)
    return Alteration(fault: fault, what: what, recipe: copy)
  }

  // MARK: Steps

  private static func steps(_ recipe: Recipe, _ reference: Recipe, _ seen: Double?) -> [Alteration] {
    guard recipe.optimizer.algorithm != .lbfgs else { return optimizer(recipe, reference) + length(recipe, reference) }
    var list: [Alteration] = []
    let rate = recipe.optimizer.learningRate.peak
    let typical = Optimizer.defaultRate(of: recipe.optimizer.algorithm)
    // Ten times higher and lower, and to the default if that is farther away.
    var rates = [rate / 10, rate * 10].map { Double(Text.significant($0, digits: 3)) ?? $0 }
    if typical < rate / 30 || typical > rate * 30 { rates.append(typical) }
    // And the learning rate suggested by a sweep, unless it is one of these.
    if let seen, seen < rate / 3 || seen > rate * 3, !rates.contains(where: { abs(log($0 / seen)) < 0.7 }) {
      rates.append(seen)
    }
    for other in rates {
      let text = Text.significant(other, digits: 2)
      list.append(
        change(other < rate ? .learningRateTooHigh : .learningRateTooLow, "a learning rate of \(text)", recipe) {
          $0.optimizer.learningRate.peak = other
        })
    }
    list.append(
      change(.badSchedule, "cosine decay of the learning rate", recipe) {
        $0.optimizer.learningRate = .cosine(from: rate)
      })
    return list + optimizer(recipe, reference) + length(recipe, reference)
  }

  private static func optimizer(_ recipe: Recipe, _ reference: Recipe) -> [Alteration] {
    var list = [
      change(.badOptimizer, "no gradient clipping", recipe) {
        $0.optimizer.clipping = GradientClipping()
      },
      change(.badOptimizer, "no weight averaging", recipe) {
        $0.optimizer.average = nil
      },
    ]
    list.append(
      change(.badOptimizer, "the default β and ε of \(recipe.optimizer.name)", recipe) {
        $0.optimizer = recipe.optimizer.withDefaultNumbers
      })
    if recipe.optimizer.algorithm != reference.optimizer.algorithm {
      // Another optimizer with its default learning rate: the remaining case of a learning rate that is wrong
      // for this one.
      list.append(
        change(rateFault(recipe), "AdamW at its default learning rate", recipe) {
          // Its decay and schedule would be changes of their own.
          var rate = recipe.optimizer.learningRate
          rate.peak = reference.optimizer.learningRate.peak
          $0.optimizer = .adamW(learningRate: rate, decay: 0)
        })
    }
    return list
  }

  /// The fault of an optimizer that is worse than another: its learning rate, if that is far from the
  /// default.
  static func rateFault(_ recipe: Recipe) -> Fault.Name {
    let share = recipe.optimizer.learningRate.peak / Optimizer.defaultRate(of: recipe.optimizer.algorithm)
    return share > 3 ? .learningRateTooHigh : share < 1.0 / 3 ? .learningRateTooLow : .badOptimizer
  }

  private static func length(_ recipe: Recipe, _ reference: Recipe) -> [Alteration] {
    var list: [Alteration] = []
    if let epochs = recipe.epochs, let typical = reference.epochs, epochs < 2 * typical {
      let longer = max(4 * epochs, typical)
      list.append(
        change(.trainedTooShort, "\(longer) epochs", recipe) { $0.epochs = longer })
    }
    if recipe.earlyStopping != nil {
      list.append(
        change(.trainedTooShort, "all epochs, without early stopping", recipe) { $0.earlyStopping = nil })
    }
    if recipe.optimizer.algorithm != .lbfgs, let batch = recipe.batchSize, let typical = reference.batchSize,
      batch >= 4 * typical
    {
      list.append(
        change(.largeBatches, "batches of \(typical)", recipe) { $0.batchSize = typical })
    }
    return list
  }

  // MARK: Rows

  private static func rows(_ recipe: Recipe, _ reference: Recipe) -> [Alteration] {
    var list: [Alteration] = []
    if !recipe.shuffle {
      list.append(
        change(.unshuffledRows, "shuffling in each epoch", recipe) { $0.shuffle = true })
    }
    if !recipe.preparation.standardize {
      list.append(
        change(.unscaledInputs, "standardized inputs", recipe) {
          $0.preparation.standardize = true
        })
    }
    if !recipe.augmentation.isNone {
      list.append(
        change(.harmfulAugmentation, "no augmentation", recipe) {
          $0.augmentation = .none
        })
    }
    if recipe.loss.kind != reference.loss.kind, recipe.loss.kind != .automatic {
      list.append(change(.badLoss, "the default loss", recipe) { $0.loss.kind = .automatic })
    }
    if recipe.loss.classWeights != nil {
      list.append(change(.badWeights, "equal class weights", recipe) { $0.loss.classWeights = nil })
    }
    if let batch = recipe.batchSize, batch < 16 {
      list.append(change(.smallBatches, "batches of 64", recipe) { $0.batchSize = 64 })
    }
    return list
  }

  // MARK: The network

  private static func network(_ recipe: Recipe, _ reference: Recipe, _ signals: SignalSummary?) -> [Alteration] {
    let network = recipe.network
    var list = regularization(recipe)
    func change(_ fault: Fault.Name, _ what: String, _ other: Network, isWhole: Bool = false) {
      guard other != network else { return }
      var alteration = Self.change(fault, what, recipe) { $0.network = other }
      alteration.isOfWholeNetwork = isWhole
      list.append(alteration)
    }
    if let (what, wider) = widened(network, towards: reference.network) { change(.tooSmallNetwork, what, wider) }
    if !network.chosenInitializers.isEmpty {
      change(
        .badInitialization, "the default initializer of the activation", network.settingInitializer(.automatic))
    }
    if let fault = signals?.fault {
      if !network.isNormalized { change(fault, "batch norm", network.addingBatchNorm()) }
      change(fault, "ReLU", network.replacingActivations())
    }
    if network.stack == nil {
      change(
        signals?.fault ?? .tooSmallNetwork, "the network of the automatic recipe", reference.network, isWhole: true)
    }
    return list
  }

  /// A network with the widths of a reference, if it has less than half of them: a stack gets its hidden layers, the layers of
  /// a list are widened until the widest is as wide.
  private static func widened(_ network: Network, towards reference: Network) -> (what: String, network: Network)? {
    let (own, good) = (network.hiddenUnits, reference.hiddenUnits)
    if var stack = network.stack {
      guard own.isEmpty || zip(own, good).contains(where: { $0 * 2 <= $1 }) else { return nil }
      stack.hidden = good
      stack.keepProb = Array(stack.keepProb.prefix(max(1, good.count)))
      return ("\(good.map(String.init).joined(separator: ",")) units", Network(stack))
    }
    guard let widest = own.max(), let wanted = good.max(), widest * 2 <= wanted else { return nil }
    let wider = network.scalingUnits(by: Double(wanted) / Double(widest))
    return ("\(wider.hiddenUnits.map(String.init).joined(separator: ",")) units", wider)
  }

  /// The recipe without any regularization.
  static func unregularized(_ recipe: Recipe) -> Recipe {
    var free = recipe
    free.penalty = .none
    free.mixup = 0
    free.loss.smoothing = 0
    if free.optimizer.algorithm == .adamW { free.optimizer.decay = 0 }
    free.network = recipe.network.withoutNoise()
    return free
  }

  private static func regularization(_ recipe: Recipe) -> [Alteration] {
    var list: [Alteration] = []
    let free = unregularized(recipe)
    if free != recipe {
      list.append(
        Alteration(
          fault: .tooMuchRegularization, what: "no dropout, penalty, decay or noise", recipe: free))
    }
    return list + moreRegularization(recipe)
  }

  /// The recipe with more regularization.
  static func moreRegularization(_ recipe: Recipe) -> [Alteration] {
    var list: [Alteration] = []
    let dropping = recipe.network.settingDropout { _, now in now > 0.6 ? 0.5 : now }
    if dropping != recipe.network, dropping.keepProbabilities.allSatisfy({ $0 >= 0.5 }) {
      var bound = recipe
      bound.network = dropping
      if bound.optimizer.algorithm == .adamW {
        bound.optimizer.decay = max(3, bound.optimizer.decay ?? 0)
      } else {
        bound.penalty.l2 = max(1e-3, bound.penalty.l2)
      }
      list.append(
        Alteration(
          fault: .tooLittleRegularization, what: "dropout with keep 0.5, and more weight decay", recipe: bound))
    }
    if recipe.keeps == .last {
      list.append(
        Alteration(
          fault: .tooLittleRegularization, what: "the weights of the best epoch by dev loss",
          recipe: recipe.keeping(.best)))
    }
    return list
  }
}

/// A summary of the layer signals.
package struct SignalSummary {
  /// The first layer's gradient over the last hidden layer's, at initialization.
  let gradientRatio: Double
  /// The largest share of dead units of any layer, over all of dev, at the end.
  let deadShare: Double

  /// The fault that would explain these signals.
  var fault: Fault.Name? {
    if gradientRatio < 1e-3 { return .vanishingGradients }
    if gradientRatio > 1e3 || !gradientRatio.isFinite { return .explodingGradients }
    if deadShare > 0.5 { return .deadUnits }
    return nil
  }
}
