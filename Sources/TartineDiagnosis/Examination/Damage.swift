import TartineNetworks
import TartineOptimizers
import TartineTraining

/// One setting of a recipe put into a reference recipe. If it makes that one fail, the setting is at fault,
/// whatever else is.
struct Damage {
  let fault: Fault.Name
  /// The setting in a few words: `its learning rate of 3`.
  let what: String
  let recipe: Recipe

  private init(_ fault: Fault.Name, _ what: String, in reference: Recipe, _ change: (inout Recipe) -> Void) {
    var copy = reference
    change(&copy)
    (self.fault, self.what, recipe) = (fault, what, copy)
  }

  /// Every setting in which a recipe differs from the reference, each put in alone.
  static func all(_ recipe: Recipe, into reference: Recipe, signals: SignalSummary?) -> [Damage] {
    func put(_ fault: Fault.Name, _ what: String, _ body: (inout Recipe) -> Void) -> Damage {
      Damage(fault, what, in: reference, body)
    }
    let rate = recipe.optimizer.learningRate
    var list = [
      put(
        Alteration.rateFault(recipe),
        "its optimizer with a learning rate of \(Text.significant(rate.peak, digits: 2))"
      ) {
        $0.optimizer = recipe.optimizer
        $0.optimizer.learningRate = .cosine(from: rate.peak)
        ($0.optimizer.clipping, $0.optimizer.average) = (.none, nil)
        if recipe.optimizer.algorithm == .lbfgs { ($0.batchSize, $0.network) = (recipe.batchSize, recipe.network) }
      },
      put(.badSchedule, "its learning-rate schedule") {
        let peak = $0.optimizer.learningRate.peak
        $0.optimizer.learningRate = rate
        $0.optimizer.learningRate.peak = peak
      },
      put(.badOptimizer, "its gradient clipping") { $0.optimizer.clipping = recipe.optimizer.clipping },
      put(.badOptimizer, "its weight averaging") { $0.optimizer.average = recipe.optimizer.average },
      put(.unshuffledRows, "its order of the rows") { $0.shuffle = recipe.shuffle },
      put(.badLoss, "its loss") { $0.loss.kind = recipe.loss.kind },
      put(.badWeights, "its class weights") { $0.loss.classWeights = recipe.loss.classWeights },
      put(.unscaledInputs, "unscaled inputs") { $0.preparation.standardize = recipe.preparation.standardize },
      put(.harmfulAugmentation, "its augmentation") { $0.augmentation = recipe.augmentation },
    ]
    if let epochs = recipe.epochs, let typical = reference.epochs, epochs < typical {
      list.append(put(.trainedTooShort, "its \(epochs) epochs") { $0.epochs = epochs })
    }
    if let batch = recipe.batchSize, let typical = reference.batchSize {
      list.append(
        put(batch > typical ? .largeBatches : .smallBatches, "its batches of \(batch)") { $0.batchSize = batch })
    }
    list += network(recipe, into: reference, signals)
    return list.filter { $0.recipe.problem == nil && $0.recipe != reference }
  }

  private static func network(_ recipe: Recipe, into reference: Recipe, _ signals: SignalSummary?) -> [Damage] {
    func put(_ fault: Fault.Name, _ what: String, _ body: (inout Recipe) -> Void) -> Damage {
      Damage(fault, what, in: reference, body)
    }
    let (network, good) = (recipe.network, reference.network)
    var list = [
      put(.badInitialization, "its initializer") {
        $0.network = good.settingInitializer(network.chosenInitializers.first ?? .automatic)
      },
      put(.tooMuchRegularization, "its dropout, penalty, decay and noise") {
        $0.network = disturbed(good, as: network)
        ($0.penalty, $0.mixup, $0.loss.smoothing) = (recipe.penalty, recipe.mixup, recipe.loss.smoothing)
      },
      put(signals?.fault ?? .tooSmallNetwork, "its layers") {
        $0.network = layered(good, as: network)
      },
    ]
    if !network.hiddenUnits.isEmpty || network.stack != nil {
      let units = network.hiddenUnits.map(String.init).joined(separator: ",")
      list.insert(put(.tooSmallNetwork, "its \(units) units") { $0.network = narrowed(good, as: network) }, at: 0)
    }
    return list
  }

  /// The network without its initializer and noise; for a stack, all other settings come from the reference.
  private static func layered(_ good: Network, as network: Network) -> Network {
    guard let stack = network.stack, var copy = good.stack else {
      return network.withoutNoise().settingInitializer(.automatic)
    }
    (copy.hidden, copy.activation, copy.batchNorm) = (stack.hidden, stack.activation, stack.batchNorm)
    copy.keepProb = Array(copy.keepProb.prefix(max(1, copy.hidden.count)))
    return Network(copy)
  }

  /// The reference network with the dropout of another, and its noise if it has a stack's settings.
  private static func disturbed(_ good: Network, as network: Network) -> Network {
    if let stack = network.stack, var copy = good.stack {
      (copy.keepProb, copy.keepInput, copy.inputNoise) = (stack.keepProb, stack.keepInput, stack.inputNoise)
      copy.keepProb = Array(copy.keepProb.prefix(1))
      return Network(copy)
    }
    return good.settingDropout { _, _ in network.keepProbabilities.min() ?? 1 }
  }

  /// The reference network with the units of another: all of a stack's, or its widest layer as wide.
  private static func narrowed(_ good: Network, as network: Network) -> Network {
    if let stack = network.stack, var copy = good.stack {
      copy.hidden = stack.hidden
      copy.keepProb = Array(copy.keepProb.prefix(max(1, copy.hidden.count)))
      return Network(copy)
    }
    guard let own = network.hiddenUnits.max(), let wide = good.hiddenUnits.max(), own < wide else { return good }
    return good.scalingUnits(by: Double(own) / Double(wide))
  }
}
