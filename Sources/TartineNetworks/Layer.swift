import TartineEngine

/// The description of a layer: a plain value without storage, such as `Dense(128)`.
///
/// A network is a list of these. Building it against an input shape checks the shapes and lays out the
/// parameters. A layer made outside this package conforms to ``CustomLayer``.
public protocol Layer: Codable, Hashable, Sendable {
  /// The layer's name in recipes, model files and tables, such as `"dense"`. Unique, in camel case.
  static var kind: String { get }

  /// The shape that comes out, without the batch.
  /// - Throws: `ShapeError` where the layer cannot take the input.
  func outputShape(for input: Shape) throws -> Shape

  /// What the layer learns, given its input.
  func parameters(for input: Shape) -> [Parameter]

  /// What is wrong with the layer's own values, in a sentence without a full stop; nil if nothing is.
  /// A recipe file can hold any number, so this is asked before anything is built.
  var problem: String? { get }
}

extension Layer {
  /// Nothing is wrong.
  public var problem: String? { nil }

  /// Nothing to learn.
  public func parameters(for input: Shape) -> [Parameter] { [] }
}

/// Something that a layer learns: a tensor with a name, a shape and a start.
public struct Parameter: Hashable, Sendable {
  /// The name within the layer, such as `"weight"`.
  public let name: String
  /// The tensor's shape; a dense weight is [inputs, outputs].
  public let shape: Shape
  /// How it starts.
  public let initializer: Initializer
  /// Whether L1, L2 and decay act on it: true of weights, false of biases, γ and β.
  public let isPenalized: Bool

  /// Describes a parameter.
  public init(_ name: String, shape: Shape, initializer: Initializer, isPenalized: Bool) {
    self.name = name
    self.shape = shape
    self.initializer = initializer
    self.isPenalized = isPenalized
  }
}

/// What a layer of this package is to the engine, which fuses dense → norm → activation → dropout.
package enum Role: Sendable {
  case dense(Dense)
  case norm(BatchNorm)
  case activation(Activation)
  case dropout(Dropout)
  case reshape
}

/// A layer that the engine knows how to fuse.
package protocol FusedLayer: Layer {
  var role: Role { get }
}
