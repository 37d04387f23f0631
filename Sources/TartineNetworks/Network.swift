/// A network: a list of layer descriptions. A value type without weights.
///
/// ```swift
/// Network {
///   Dense(128); BatchNorm(); ReLU(); Dropout(keep: 0.7)
///   if deep { Dense(64); ReLU() }
/// }
/// ```
///
/// The output layer is not in the list: the task appends a dense layer of the width of its outputs, and
/// computes the loss from its logits.
public struct Network: Sendable {
  /// The hidden layers, first to last.
  public let layers: [any Layer]
  /// The settings that the layers were made from, which may say more than the layers do, such as the schedule of a dropout
  /// that is off.
  private let settings: HiddenStack?
  /// The stack that makes these layers; nil if none does.
  public var stack: HiddenStack? { settings ?? HiddenStack(layers) }

  /// Creates a network of the listed layers.
  public init(@LayerBuilder _ layers: () -> [any Layer]) {
    self.layers = layers()
    settings = nil
  }

  /// Creates a network of these layers.
  public init(layers: [any Layer]) {
    self.layers = layers
    settings = nil
  }

  /// Creates a network from a stack, as flags describe it.
  public init(_ stack: HiddenStack) {
    layers = stack.layers
    settings = stack
  }
}

extension Network {
  /// Whether the same rows give the same loss each time: no random numbers, and no batch statistics.
  package var isRepeatable: Bool {
    layers.allSatisfy { !$0.isRandom && !$0.mixesRows }
  }

  /// The number of members; 1: a plain network.
  package var members: Int { layers.reduce(1) { $0 * (($1 as? any EngineLayer)?.copies ?? 1) } }

  /// Whether its predictions are a linear function of its inputs, apart from the output's activation.
  package var isLinear: Bool {
    layers.allSatisfy(\.isLinear)
  }
}

extension Network: Hashable {
  /// Compares the layers.
  public static func == (left: Network, right: Network) -> Bool {
    left.layers.map { AnyHashable($0) } == right.layers.map { AnyHashable($0) }
  }

  /// Hashes the layers.
  public func hash(into hasher: inout Hasher) {
    for layer in layers { hasher.combine(AnyHashable(layer)) }
  }
}

extension Network: Codable {
  private enum Key: String, CodingKey { case layers }

  /// Decodes either a list of layers or a plain stack.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    if container.contains(.layers) {
      self.init(layers: try container.decode([CodedLayer].self, forKey: .layers).map(\.layer))
    } else {
      self.init(try HiddenStack(from: decoder))
    }
  }

  /// Encodes what a stack makes as that, anything else as a list of layers.
  public func encode(to encoder: any Encoder) throws {
    if let stack {
      try stack.encode(to: encoder)
    } else {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(layers.map { CodedLayer($0) }, forKey: .layers)
    }
  }
}

/// A result builder for layers, with `if`, `else`, `switch` and `for`.
@resultBuilder
public enum LayerBuilder {
  /// A layer.
  public static func buildExpression(_ layer: any Layer) -> [any Layer] { [layer] }
  /// Several layers at once.
  public static func buildExpression(_ layers: [any Layer]) -> [any Layer] { layers }
  /// A sequence.
  public static func buildBlock(_ parts: [any Layer]...) -> [any Layer] { parts.flatMap { $0 } }
  /// An `if` without `else`.
  public static func buildOptional(_ part: [any Layer]?) -> [any Layer] { part ?? [] }
  /// The first branch.
  public static func buildEither(first part: [any Layer]) -> [any Layer] { part }
  /// The other branch.
  public static func buildEither(second part: [any Layer]) -> [any Layer] { part }
  /// A `for`.
  public static func buildArray(_ parts: [[any Layer]]) -> [any Layer] { parts.flatMap { $0 } }
}
