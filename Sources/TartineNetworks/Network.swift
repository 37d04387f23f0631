/// A network: layer descriptions, in order. A plain value, without weights.
///
/// ```swift
/// Network {
///   Dense(128); BatchNorm(); ReLU(); Dropout(keep: 0.7)
///   if deep { Dense(64); ReLU() }
/// }
/// ```
///
/// The output layer is not among them: it belongs to the task, which appends a dense layer as wide as its
/// outputs, and computes the loss from its logits.
public struct Network: Sendable {
  /// The hidden layers, first to last.
  public let layers: [any Layer]
  /// The description this network was made from, where it is a plain stack.
  public let stack: HiddenStack?

  /// A network of the layers listed.
  public init(@LayerBuilder _ layers: () -> [any Layer]) {
    self.layers = layers()
    stack = nil
  }

  /// A network of these layers.
  public init(layers: [any Layer]) {
    self.layers = layers
    stack = nil
  }

  /// The plain stack that flags describe.
  public init(_ stack: HiddenStack) {
    layers = stack.layers
    self.stack = stack
  }
}

extension Network {
  /// Whether the same rows give the same loss each time: nothing is drawn, and no batch's averages are kept.
  package var isRepeatable: Bool {
    layers.allSatisfy { layer in
      switch layer {
      case let dropout as Dropout: dropout.keep == 1
      case let residual as Residual: residual.block.isRepeatable
      default: !(layer is BatchNorm || layer is GaussianNoise)
      }
    }
  }

  /// Whether its predictions are a linear function of its inputs, but for the task's own.
  package var isLinear: Bool {
    layers.allSatisfy { $0 is Dense || $0 is BatchNorm || $0 is Dropout || $0 is Flatten }
  }
}

extension Network: Hashable {
  /// Networks are equal if their layers are.
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

  /// Encodes a plain stack as one, anything else as a list of layers.
  public func encode(to encoder: any Encoder) throws {
    if let stack {
      try stack.encode(to: encoder)
    } else {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(layers.map { CodedLayer($0) }, forKey: .layers)
    }
  }
}

/// Collects layers, with `if`, `else`, `switch` and `for` among them.
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
