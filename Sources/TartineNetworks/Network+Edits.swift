// Changes to a network's layers by what they are, for any list of layers: a stack of the flags, the user's own, blocks
// inside blocks.

/// A layer with a number of units that can be chosen.
package protocol UnitLayer: Layer {
  var units: Int { get }
  func with(units: Int) -> any Layer
}

/// A layer whose weights have an initializer that can be chosen.
package protocol InitializedLayer: Layer {
  var initializer: InitializerRule { get }
  func with(initializer: InitializerRule) -> any Layer
}

/// A layer that disturbs its input in training, and does nothing else.
package protocol NoiseLayer: Layer {}

/// A layer that drops units in training.
package protocol DroppingLayer: NoiseLayer {
  var keep: Double { get }
  /// How it changes over the run.
  var schedule: DropoutSchedule { get }
  func with(keep: Double) -> any Layer
}

/// A layer that normalizes its input.
package protocol NormalizingLayer: Layer {}

extension Network {
  /// The layers, with those of blocks in their place.
  package var flattened: [any Layer] {
    layers.flatMap { ($0 as? any CompositeLayer)?.lists.flatMap { Network(layers: $0).flattened } ?? [$0] }
  }

  /// The units of the hidden layers that have a number of them, first to last, with those in blocks.
  public var hiddenUnits: [Int] { flattened.compactMap { ($0 as? any UnitLayer)?.units } }

  /// The keep probabilities of its dropout layers, first to last.
  public var keepProbabilities: [Double] { flattened.compactMap { ($0 as? any DroppingLayer)?.keep } }

  /// The initializers of its layers that are not chosen automatically, first to last.
  package var chosenInitializers: [InitializerRule] {
    flattened.compactMap { ($0 as? any InitializedLayer)?.initializer }.filter { $0 != .automatic }
  }

  /// Whether a layer changes over the run.
  package var followsProgress: Bool {
    flattened.contains { (($0 as? any DroppingLayer)?.schedule ?? .constant) != .constant }
  }

  /// Whether a layer normalizes.
  public var isNormalized: Bool { flattened.contains { $0 is any NormalizingLayer } }

  /// Returns the network with every number of units multiplied, at least 1.
  public func scalingUnits(by factor: Double) -> Network {
    edited { list in
      list.map { layer in
        (layer as? any UnitLayer).map { $0.with(units: max(1, Int((Double($0.units) * factor).rounded()))) } ?? layer
      }
    }
  }

  /// Returns the network without what disturbs it in training alone: dropout and noise.
  public func withoutNoise() -> Network {
    edited { list in
      list.filter { !($0 is any NoiseLayer) && ($0 as? any CompositeLayer)?.lists.first?.isEmpty != true }
    }
  }

  /// Returns the network with batch norm after every layer with units that no norm follows.
  public func addingBatchNorm() -> Network {
    edited { list in
      list.indices.flatMap { index -> [any Layer] in
        let isBare = index + 1 == list.count || !(list[index + 1] is any NormalizingLayer)
        return list[index] is any UnitLayer && isBare ? [list[index], BatchNorm()] : [list[index]]
      }
    }
  }

  /// Returns the network with this initializer in every layer whose initializer can be set.
  package func settingInitializer(_ initializer: InitializerRule) -> Network {
    edited { list in list.map { ($0 as? any InitializedLayer)?.with(initializer: initializer) ?? $0 } }
  }

  /// Returns the network with ReLU in place of every other activation; a stack without an activation gets ReLU too.
  package func replacingActivations() -> Network {
    if var stack {
      stack.activation = .relu
      return Network(stack)
    }
    return edited { list in list.map { $0 is any ActivationLayer ? ReLU() : $0 } }
  }

  /// Returns the network with other dropout after its hidden layers, outside of blocks: where a hidden layer, with its norm
  /// and activation, ends without dropout, it is added.
  ///
  /// - Parameter keep: the keep probability, by the index of the hidden layer and what it is now; 1 if there is none.
  public func settingDropout(_ keep: (_ index: Int, _ now: Double) -> Double) -> Network {
    var result: [any Layer] = []
    var index = -1
    var isOpen = false
    func close() {
      guard isOpen else { return }
      isOpen = false
      let new = keep(index, 1)
      if new < 1 { result.append(Dropout(keep: new, schedule: schedule)) }
    }
    for layer in layers {
      switch layer {
      case let dropout as any DroppingLayer where isOpen:
        isOpen = false
        let new = keep(index, dropout.keep)
        if new < 1 { result.append(dropout.with(keep: new)) }
        continue
      case is any UnitLayer:
        close()
        index += 1
        isOpen = true
      case is any CompositeLayer: close()
      default: break
      }
      result.append(layer)
    }
    close()
    return following(result)
  }

  /// The schedule of its dropout.
  private var schedule: DropoutSchedule {
    stack?.dropoutSchedule ?? flattened.lazy.compactMap { ($0 as? any DroppingLayer)?.schedule }.first ?? .constant
  }

  /// Returns a network of changed layers; where a stack makes them, with the settings of this one's that make no layer.
  private func following(_ layers: [any Layer]) -> Network {
    guard let before = stack, var now = HiddenStack(layers) else { return Network(layers: layers) }
    if now.keepProb == [1], now.keepInput == 1 { now.dropoutSchedule = before.dropoutSchedule }
    if now.hidden.isEmpty {
      (now.activation, now.initializer, now.batchNorm) = (before.activation, before.initializer, before.batchNorm)
    }
    return Network(now)
  }

  /// Returns the network with its list of layers, and those of its blocks, changed.
  private func edited(_ change: ([any Layer]) -> [any Layer]) -> Network {
    following(
      change(
        layers.map { layer in
          (layer as? any CompositeLayer).map { $0.mappingLists { Network(layers: $0).edited(change).layers } } ?? layer
        }))
  }
}
