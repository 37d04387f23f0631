import TartineData
import TartineNetworks
import TartineOptimizers

/// Everything that decides a training beside the data: a plain value, the same in flags, files, searches and
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
  /// How columns become inputs.
  public var preparation: PreparationRecipe
  /// How train pictures are changed.
  public var augmentation: Augmentation
  /// α of the Beta distribution by which rows are mixed with each other; 0: they are not.
  public var mixup: Double
  /// The hidden layers; the task adds the output layer.
  public var network: Network
  /// What the output layer answers before anything is learned.
  public var outputBias: OutputBias
  /// What is left to the dev rows once training is done.
  public var decision: DecisionRule
  /// What a prediction costs.
  public var loss: Loss
  /// How the weights follow their gradients, and the learning rate.
  public var optimizer: Optimizer
  /// What large weights cost.
  public var penalty: Penalty
  /// Rows of a step; nil: by the number of train rows.
  public var batchSize: Int?
  /// Whether each epoch takes the rows in another order; else in the file's, which is for showing what that does.
  public var shuffle: Bool
  /// Pieces that a batch goes through the network in, their gradients added up: less memory, the same step but for
  /// rounding, for batch norm, whose statistics are a piece's, and for what is drawn: dropout, noise and mixup draw for
  /// each piece.
  public var accumulation: Int
  /// Passes over the train rows; nil: by their number.
  public var epochs: Int?
  /// Epochs without a better dev loss after which training stops; nil: it runs to the end.
  public var earlyStopping: Int?
  /// Which epoch's weights the model has.
  public var keeps: KeptEpoch
  /// What every random draw follows from.
  public var seed: UInt64

  /// A recipe for a network, the rest left to the rules.
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
    seed = 0
  }

  /// A recipe for the layers listed, the rest left to the rules.
  public init(@LayerBuilder _ layers: () -> [any Layer]) {
    self.init(Network(layers: layers()))
  }

  /// With at most so many bins for each column of numbers; 0: none.
  public func bins(_ bins: Int) -> Recipe { with { $0.preparation.bins = bins } }
  /// With train pictures changed.
  public func augmentation(_ augmentation: Augmentation) -> Recipe { with { $0.augmentation = augmentation } }
  /// With rows mixed with each other, by shares of Beta(α, α); see Zhang et al., *mixup*, 2018.
  public func mixup(alpha: Double) -> Recipe { with { $0.mixup = alpha } }
  /// With this start of the output layer's bias.
  public func outputBias(_ start: OutputBias) -> Recipe { with { $0.outputBias = start } }
  /// With probabilities calibrated, or a threshold chosen, on dev.
  public func decision(_ rule: DecisionRule) -> Recipe { with { $0.decision = rule } }
  /// With this loss.
  public func loss(_ loss: Loss) -> Recipe { with { $0.loss = loss } }
  /// With this optimizer.
  public func optimizer(_ optimizer: Optimizer) -> Recipe { with { $0.optimizer = optimizer } }
  /// With this penalty.
  public func penalty(_ penalty: Penalty) -> Recipe { with { $0.penalty = penalty } }
  /// With steps of so many rows; 1 is one sample at a time.
  public func batchSize(_ rows: Int) -> Recipe { with { $0.batchSize = rows } }
  /// With each batch taken in so many pieces, whose gradients are added up.
  public func accumulation(_ pieces: Int) -> Recipe { with { $0.accumulation = pieces } }
  /// With so many passes over the train rows.
  public func epochs(_ epochs: Int) -> Recipe { with { $0.epochs = epochs } }
  /// Stopped after so many epochs without a better dev loss.
  public func earlyStopping(patience: Int) -> Recipe { with { $0.earlyStopping = patience } }

  /// With the last epoch's weights kept, or the best one's.
  public func keeping(_ epoch: KeptEpoch) -> Recipe { with { $0.keeps = epoch } }

  private func with(_ change: (inout Recipe) -> Void) -> Recipe {
    var copy = self
    change(&copy)
    return copy
  }
}

/// Which epoch's weights a model has.
public enum KeptEpoch: String, Codable, Hashable, Sendable, CaseIterable {
  /// That with the lowest dev loss: early stopping in hindsight.
  case best
  /// The last, whatever dev says.
  case last
}

/// What the output layer's bias starts at.
public enum OutputBias: String, Codable, Hashable, Sendable, CaseIterable {
  /// 0: every class is as likely.
  case zero
  /// The logarithm of each class's share of the train rows, or a number's mean, or its quantile where the loss asks for one: the answer that is best without looking,
  /// so that the first steps need not learn it.
  case prior
}

/// A recipe that cannot be trained.
public struct RecipeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong and what to do, in a sentence.
  public let description: String

  package init(_ description: String) { self.description = description }
}

extension Recipe {
  /// What is wrong with the values, in a sentence; nil if nothing is.
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
          "lbfgs needs the same loss each time it asks: leave out batch norm (--no-batch-norm), dropout (--keep-prob 1), "
          + "noise, mixup and augmentation"
      }
      if penalty.l1 > 0 || penalty.maxNorm != nil {
        return "lbfgs takes no l1 or maxNorm, whose cost has corners; take l2"
      }
    }
    if !(mixup >= 0 && mixup <= 1e6) { return "mixup must be from 0 to 1000000, not \(mixup)" }
    if let batchSize, batchSize < 1 { return "batchSize must be at least 1, not \(batchSize)" }
    if accumulation < 1 { return "accumulation must be at least 1 piece, not \(accumulation)" }
    if let epochs, epochs < 1 || epochs > 1_000_000 {
      return "epochs must be from 1 to 1000000, not \(epochs)"
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
      keeps, seed
  }

  /// Decodes; what is left out is left to the rules.
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
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? 0
  }
}
