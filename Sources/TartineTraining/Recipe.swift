import TartineData
import TartineNetworks
import TartineOptimizers

/// All settings of a training except the data: a value type, with the same keys in flags, files, searches and
/// model files.
///
/// ```swift
/// let recipe = Recipe {
///   Dense(128); BatchNorm(); ReLU(); Dropout(keep: 0.7)
///   Dense(64);  BatchNorm(); ReLU(); Dropout(keep: 0.9)
/// }
/// .optimizer(.adam(learningRate: .cosine(from: 3e-3)))
/// ```
public struct Recipe: Hashable, Sendable {
  /// The transformation of columns into inputs.
  public var preparation: PreparationRecipe
  /// Random changes to train images.
  public var augmentation: Augmentation
  /// The α of mixup's Beta distribution; 0: no mixup.
  public var mixup: Double
  /// The hidden layers; the task adds the output layer.
  public var network: Network
  /// The initialization of the output layer's bias.
  public var outputBias: OutputBias
  /// The choices made on the dev set after training.
  public var decision: DecisionRule
  /// The loss function.
  public var loss: Loss
  /// The optimizer, with its learning rate.
  public var optimizer: Optimizer
  /// The regularization penalty on the weights.
  public var penalty: Penalty
  /// The number of rows of a batch; nil: chosen by the number of train rows.
  public var batchSize: Int?
  /// Whether rows are shuffled in each epoch; otherwise they keep the file's order, to demonstrate the
  /// effect.
  public var shuffle: Bool
  /// The number of micro-batches of a batch, whose gradients are accumulated. They take less memory; the step
  /// is the same up to rounding, except that batch norm's statistics, dropout, noise and mixup are those of
  /// each micro-batch.
  public var accumulation: Int
  /// The number of epochs; nil: chosen by the number of train rows.
  public var epochs: Int?
  /// The number of epochs without a lower dev loss after which training stops; nil: no early stopping.
  public var earlyStopping: Int?
  /// The epoch whose weights are kept.
  public var keeps: KeptEpoch
  /// Whether the final model is trained on train and dev together, for as many epochs as were best on dev.
  ///
  /// Then the figures on train and dev are those of the model before, which has not seen dev. On few rows the dev rows are worth
  /// the second training.
  ///
  /// **Source**: Goodfellow, Bengio, Courville, *Deep learning*, 2016, algorithm 7.2.
  public var refit: Bool
  /// The number of networks, each from the next seed, whose mean is the model's prediction; 1 by default.
  ///
  /// They are trained side by side. The squared error of their mean is lower than theirs by the variance of their predictions
  /// (Krogh and Vedelsby, 1995). Cross-validation, tuning and diagnosis measure one network.
  ///
  /// **Source**: Lakshminarayanan, Pritzel, Blundell, *Simple and scalable predictive uncertainty estimation using deep ensembles*,
  /// 2017.
  public var seeds: Int
  /// The time of a training in minutes, at whose end it stops; nil: it ends after its epochs.
  ///
  /// Schedules then follow the time, so a repetition gives other bits.
  public var minutes: Double?
  /// The seed of all random numbers.
  public var seed: UInt64

  /// Creates a recipe for a network; other settings are automatic.
  public init(_ network: Network) {
    preparation = PreparationRecipe()
    augmentation = .none
    mixup = 0
    self.network = network
    outputBias = .zero
    decision = .none
    loss = .automatic
    optimizer = .adamW()
    penalty = .none
    shuffle = true
    accumulation = 1
    keeps = .best
    refit = false
    seeds = 1
    seed = 0
  }

  /// Creates a recipe for the listed layers; other settings are automatic.
  public init(@LayerBuilder _ layers: () -> [any Layer]) {
    self.init(Network(layers: layers()))
  }

  /// Returns the recipe with at most this many bins for each column of numbers; 0: none.
  public func bins(_ bins: Int) -> Recipe { with { $0.preparation.bins = bins } }
  /// Returns the recipe with image augmentation.
  public func augmentation(_ augmentation: Augmentation) -> Recipe { with { $0.augmentation = augmentation } }
  /// Returns the recipe with mixup, with coefficients from Beta(α, α); see Zhang et al., *mixup*, 2018.
  public func mixup(alpha: Double) -> Recipe { with { $0.mixup = alpha } }
  /// Returns the recipe with this initialization of the output layer's bias.
  public func outputBias(_ start: OutputBias) -> Recipe { with { $0.outputBias = start } }
  /// Returns the recipe with calibrated probabilities, or a decision threshold chosen on the dev set.
  public func decision(_ rule: DecisionRule) -> Recipe { with { $0.decision = rule } }
  /// Returns the recipe with this loss.
  public func loss(_ loss: Loss) -> Recipe { with { $0.loss = loss } }
  /// Returns the recipe with this optimizer.
  public func optimizer(_ optimizer: Optimizer) -> Recipe { with { $0.optimizer = optimizer } }
  /// Returns the recipe with this penalty.
  public func penalty(_ penalty: Penalty) -> Recipe { with { $0.penalty = penalty } }
  /// Returns the recipe with this batch size; 1 is stochastic gradient descent on single samples.
  public func batchSize(_ rows: Int) -> Recipe { with { $0.batchSize = rows } }
  /// Returns the recipe with this number of micro-batches in each batch, whose gradients are accumulated.
  public func accumulation(_ microBatches: Int) -> Recipe { with { $0.accumulation = microBatches } }
  /// Returns the recipe with this number of epochs.
  public func epochs(_ epochs: Int) -> Recipe { with { $0.epochs = epochs } }
  /// Returns the recipe with early stopping after this many epochs without a lower dev loss.
  public func earlyStopping(patience: Int) -> Recipe { with { $0.earlyStopping = patience } }

  /// Returns the recipe with so many networks from successive seeds, whose mean is predicted; see ``seeds``.
  public func seeds(_ count: Int) -> Recipe { with { $0.seeds = count } }
  /// Returns the recipe with a time limit in minutes, which schedules follow; see ``minutes``.
  public func minutes(_ minutes: Double?) -> Recipe { with { $0.minutes = minutes } }

  /// Returns the recipe with the last epoch's weights kept, or the best one's.
  public func keeping(_ epoch: KeptEpoch) -> Recipe { with { $0.keeps = epoch } }

  private func with(_ change: (inout Recipe) -> Void) -> Recipe {
    var copy = self
    change(&copy)
    return copy
  }
}

/// The epoch whose weights a model keeps.
public enum KeptEpoch: String, Codable, Hashable, Sendable, CaseIterable {
  /// The epoch with the lowest dev loss.
  case best
  /// The last epoch, whatever its dev loss.
  case last
}

/// The initialization of the output layer's bias.
public enum OutputBias: String, Codable, Hashable, Sendable, CaseIterable {
  /// 0, which makes every class equally likely.
  case zero
  /// The best constant prediction, which the first steps then need not learn: the logarithm of each class's
  /// proportion in the train rows, a number's mean, or its quantile for a quantile loss.
  case prior
}

/// A recipe that cannot be trained.
public struct RecipeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sentence that says what is wrong and what to do.
  public let description: String

  package init(_ description: String) { self.description = description }
}

extension Recipe {
  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if let problem = preparation.problem ?? augmentation.problem ?? network.stack?.problem ?? loss.problem ?? optimizer
      .problem
      ?? penalty.problem
    {
      return problem
    }
    if optimizer.algorithm == .lbfgs {
      if !network.isRepeatable || !augmentation.isNone || mixup > 0 {
        return
          "lbfgs needs the same loss each time it is evaluated: leave out batch norm, dropout, "
          + "noise, mixup and augmentation"
      }
      if penalty.l1 > 0 || penalty.maxNorm != nil {
        return "lbfgs does not support l1 or maxNorm, which are not differentiable; use l2"
      }
    }
    if mixup > 0, loss.custom != nil { return "mixup does not apply to a loss of the program's own" }
    if refit, optimizer.learningRate.followsDevLosses {
      return "refit trains on dev too, so the learning rate cannot follow the dev loss; use another schedule"
    }
    if !(mixup >= 0 && mixup <= 1e6) { return "mixup must be from 0 to 1000000, not \(mixup)" }
    if let batchSize, batchSize < 1 { return "batchSize must be at least 1, not \(batchSize)" }
    if accumulation < 1 { return "accumulation must be at least 1 micro-batch, not \(accumulation)" }
    if let epochs, epochs < 1 || epochs > 1_000_000 {
      return "epochs must be from 1 to 1000000, not \(epochs)"
    }
    if seeds < 1 || seeds > 100 { return "seeds must be from 1 to 100, not \(seeds)" }
    if let minutes, !(minutes > 0 && minutes <= 1e5) {
      return "minutes must be above 0 and at most 100000, not \(minutes)"
    }
    if let earlyStopping, earlyStopping < 1 {
      return "earlyStopping must be at least 1 epoch, not \(earlyStopping)"
    }
    return nil
  }
}

extension Recipe: Codable {
  private enum Key: String, CodingKey {
    case preparation, augmentation, mixup, network, outputBias, decision, loss, optimizer, penalty, batchSize,
      shuffle, accumulation, epochs, earlyStopping,
      keeps, refit, seeds, minutes, seed
  }

  /// Decodes; omitted settings are automatic.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(try values.decode(Network.self, forKey: .network))
    preparation = try values.decodeIfPresent(PreparationRecipe.self, forKey: .preparation) ?? preparation
    augmentation = try values.decodeIfPresent(Augmentation.self, forKey: .augmentation) ?? .none
    mixup = try values.decodeIfPresent(Double.self, forKey: .mixup) ?? 0
    outputBias = try values.decodeName(OutputBias.self, forKey: .outputBias, default: .zero)
    decision = try values.decodeIfPresent(DecisionRule.self, forKey: .decision) ?? .none
    loss = try values.decodeIfPresent(Loss.self, forKey: .loss) ?? loss
    optimizer = try values.decodeIfPresent(Optimizer.self, forKey: .optimizer) ?? optimizer
    penalty = try values.decodeIfPresent(Penalty.self, forKey: .penalty) ?? .none
    batchSize = try values.decodeIfPresent(Int.self, forKey: .batchSize)
    shuffle = try values.decodeIfPresent(Bool.self, forKey: .shuffle) ?? true
    accumulation = try values.decodeIfPresent(Int.self, forKey: .accumulation) ?? 1
    epochs = try values.decodeIfPresent(Int.self, forKey: .epochs)
    earlyStopping = try values.decodeIfPresent(Int.self, forKey: .earlyStopping)
    keeps = try values.decodeName(KeptEpoch.self, forKey: .keeps, default: .best)
    refit = try values.decodeIfPresent(Bool.self, forKey: .refit) ?? false
    seeds = try values.decodeIfPresent(Int.self, forKey: .seeds) ?? 1
    minutes = try values.decodeIfPresent(Double.self, forKey: .minutes)
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? 0
  }
}
