import TartineEngine

/// The description of a layer: a value type without storage, such as `Dense(128)`.
///
/// A network is a list of these. Planning it for an input shape checks the shapes and lays out the
/// parameters. A layer defined outside this package conforms to ``CustomLayer``.
public protocol Layer: Codable, Hashable, Sendable {
  /// The layer's name in recipes, model files and tables, such as `"dense"`. Unique, in camel case.
  static var kind: String { get }

  /// Returns the output shape, without the batch dimension.
  /// - Throws: `ShapeError` for an unsupported input shape.
  func outputShape(for input: Shape) throws -> Shape

  /// Returns the layer's parameters for an input shape.
  func parameters(for input: Shape) -> [Parameter]

  /// A clause that says which of the layer's values is invalid, without a full stop, or nil. A recipe file
  /// can contain any number, so this is checked before anything is built.
  var problem: String? { get }
}

extension Layer {
  /// No problem.
  public var problem: String? { nil }

  /// No parameters.
  public func parameters(for input: Shape) -> [Parameter] { [] }
}

/// A parameter of a layer: a tensor with a name, a shape and an initialization.
public struct Parameter: Hashable, Sendable {
  /// The name within the layer, such as `"weight"`.
  public let name: String
  /// The tensor's shape; a dense weight is [inputs, outputs].
  public let shape: Shape
  /// The initialization.
  public let initializer: Initializer
  /// Whether L1, L2 and weight decay apply to it: true for weights, false for biases, γ and β.
  public let isPenalized: Bool

  /// Creates a parameter.
  public init(_ name: String, shape: Shape, initializer: Initializer, isPenalized: Bool) {
    self.name = name
    self.shape = shape
    self.initializer = initializer
    self.isPenalized = isPenalized
  }
}

/// The role of a built-in layer for the engine, which fuses dense → norm → activation → dropout.
package enum Role: Sendable {
  case dense(Dense)
  case norm(BatchNorm)
  case activation(Activation)
  case dropout(Dropout)
  case reshape
}

/// A layer that the engine can fuse.
package protocol FusedLayer: Layer {
  var role: Role { get }
}
