/// A stack of hidden layers of the same kind, as flags describe it: dense → batch norm → activation →
/// dropout, repeated. A way to make layers, and a short description of those that it can make.
public struct HiddenStack: Hashable, Sendable {
  /// The number of units of each hidden layer, first to last; empty for a linear model.
  public var hidden: [Int]
  /// The activation of each hidden layer.
  public var activation: Activation
  /// The initialization of the weights.
  public var initializer: InitializerRule
  /// Whether batch norm follows each dense layer.
  public var batchNorm: Bool
  /// The keep probability of each hidden layer's units; the last value repeats.
  public var keepProb: [Double]
  /// The keep probability of the inputs; 1: no dropout.
  public var keepInput: Double
  /// The schedule of the dropout strength over the run.
  public var dropoutSchedule: DropoutSchedule
  /// The standard deviation of the input noise in training; 0: none.
  public var inputNoise: Double
  /// The dimension of a ``CategoryEmbedding``; 0: none.
  public var embedCategories: Int
  /// The dimension of a ``NumberEmbedding``; 0: none.
  public var embedNumbers: Int
  /// The number of ``Members``; 1: a plain network.
  public var members: Int

  /// Creates a stack.
  public init(
    hidden: [Int], activation: Activation = .relu, initializer: InitializerRule = .automatic,
    batchNorm: Bool = false, keepProb: [Double] = [1], keepInput: Double = 1,
    dropoutSchedule: DropoutSchedule = .constant, inputNoise: Double = 0, embedCategories: Int = 0,
    embedNumbers: Int = 0, members: Int = 1
  ) {
    self.hidden = hidden
    self.activation = activation
    self.initializer = initializer
    self.batchNorm = batchNorm
    self.keepProb = keepProb
    self.keepInput = keepInput
    self.dropoutSchedule = dropoutSchedule
    self.inputNoise = inputNoise
    self.embedCategories = embedCategories
    self.embedNumbers = embedNumbers
    self.members = members
  }

  /// Describes a list of layers; nil if it is not that of a stack.
  package init?(_ layers: [any Layer]) {
    self.init(hidden: [], activation: .identity, keepProb: [])
    for layer in layers {
      guard let known = layer as? any StackLayer else { return nil }
      known.describe(in: &self)
    }
    // The last value repeats.
    if let last = keepProb.last { setKeep(hidden.count > keepProb.count ? 1 : last, upTo: hidden.count) }
    while keepProb.count > 1, keepProb[keepProb.count - 1] == keepProb[keepProb.count - 2] { keepProb.removeLast() }
    if keepProb.isEmpty { keepProb = [1] }
    if hidden.isEmpty { activation = .relu }
    guard self.layers.map({ AnyHashable($0) }) == layers.map({ AnyHashable($0) }) else { return nil }
  }

  /// Sets the keep probability of the last hidden layer so far.
  mutating func setKeep(_ keep: Double) { setKeep(keep, upTo: hidden.count) }

  private mutating func setKeep(_ keep: Double, upTo count: Int) {
    while keepProb.count < count - 1 { keepProb.append(1) }
    if keepProb.count < count { keepProb.append(keep) }
  }

  /// The layers of the stack.
  public var layers: [any Layer] {
    var layers: [any Layer] = [Flatten()]
    if embedNumbers > 0 { layers.append(NumberEmbedding(dimension: embedNumbers)) }
    if embedCategories > 0 { layers.append(CategoryEmbedding(dimension: embedCategories)) }
    if members > 1 { layers.append(Members(members, scales: embedNumbers > 0 ? .normal : .signs)) }
    if inputNoise > 0 { layers.append(GaussianNoise(standardDeviation: inputNoise)) }
    if keepInput < 1 { layers.append(Dropout(keep: keepInput, schedule: dropoutSchedule)) }
    for (index, units) in hidden.enumerated() {
      layers.append(Dense(units, initializer: initializer))
      if batchNorm { layers.append(BatchNorm()) }
      if let layer = activation.layer { layers.append(layer) }
      let keep = keepProb.isEmpty ? 1 : keepProb[min(index, keepProb.count - 1)]
      if keep < 1 { layers.append(Dropout(keep: keep, schedule: dropoutSchedule)) }
    }
    return layers
  }
}

/// A layer that a stack can make, and that says what of the stack makes it.
package protocol StackLayer: Layer {
  func describe(in stack: inout HiddenStack)
}

extension HiddenStack: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case hidden, activation, initializer, batchNorm, keepProb, keepInput, dropoutSchedule, inputNoise, embedCategories,
      embedNumbers, members
  }

  /// All keys of a plain stack in a recipe.
  package static var keys: [String] { Key.allCases.map(\.rawValue) }

  /// Decodes; omitted values take their defaults, invalid ones are an error.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init(hidden: try container.decodeIfPresent([Int].self, forKey: .hidden) ?? [])
    activation = try container.decodeIfPresent(Activation.self, forKey: .activation) ?? activation
    initializer = try container.decodeIfPresent(InitializerRule.self, forKey: .initializer) ?? initializer
    batchNorm = try container.decodeIfPresent(Bool.self, forKey: .batchNorm) ?? batchNorm
    keepProb = try container.decodeIfPresent([Double].self, forKey: .keepProb) ?? keepProb
    keepInput = try container.decodeIfPresent(Double.self, forKey: .keepInput) ?? keepInput
    dropoutSchedule = try container.decodeName(
      DropoutSchedule.self, forKey: .dropoutSchedule, default: dropoutSchedule)
    inputNoise = try container.decodeIfPresent(Double.self, forKey: .inputNoise) ?? inputNoise
    embedCategories = try container.decodeIfPresent(Int.self, forKey: .embedCategories) ?? embedCategories
    embedNumbers = try container.decodeIfPresent(Int.self, forKey: .embedNumbers) ?? embedNumbers
    members = try container.decodeIfPresent(Int.self, forKey: .members) ?? members
    if let problem { throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: problem)) }
  }

  /// Encodes every field.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(hidden, forKey: .hidden)
    try container.encode(activation, forKey: .activation)
    try container.encode(initializer, forKey: .initializer)
    try container.encode(batchNorm, forKey: .batchNorm)
    try container.encode(keepProb, forKey: .keepProb)
    try container.encode(keepInput, forKey: .keepInput)
    try container.encode(dropoutSchedule, forKey: .dropoutSchedule)
    try container.encode(inputNoise, forKey: .inputNoise)
    try container.encode(embedCategories, forKey: .embedCategories)
    try container.encode(embedNumbers, forKey: .embedNumbers)
    try container.encode(members, forKey: .members)
  }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if let units = hidden.first(where: { $0 < 1 || $0 > 1 << 20 }) {
      return "hidden must be a list of units from 1 to 1048576, not \(units)"
    }
    if let keep = (keepProb + [keepInput]).first(where: { !($0 > 0 && $0 <= 1) }) {
      return "a probability to keep must be above 0 and at most 1, not \(keep)"
    }
    if !(inputNoise >= 0 && inputNoise.isFinite) {
      return "inputNoise must be at least 0, not \(inputNoise)"
    }
    if !(0...4_096).contains(embedCategories) || !(0...4_096).contains(embedNumbers) {
      return "embedCategories and embedNumbers must be from 0 to 4096"
    }
    if !(1...1024).contains(members) { return "members must be from 1 to 1024, not \(members)" }
    if keepProb.count > max(1, hidden.count) {
      return "keepProb names \(keepProb.count) layers, but there are \(hidden.count) hidden ones"
    }
    return nil
  }
}
