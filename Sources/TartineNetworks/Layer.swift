import TartineEngine

/// The description of a layer: a value type without storage, such as `Dense(128)`.
///
/// A layer alone knows its output shape, its parameters with their initializers, its state, and its properties. A
/// network is a list of layers; its ``LayerGraph`` checks the shapes and gives each tensor its position. A layer
/// defined outside this package conforms to ``RowLayer``.
public protocol Layer: Codable, Hashable, Sendable {
  /// The layer's name in recipes, model files and tables, such as `"dense"`. Unique, in camel case.
  static var kind: String { get }

  /// Returns the output shape, without the batch dimension.
  /// - Throws: `ShapeError` for an unsupported input shape.
  func outputShape(for input: Shape) throws -> Shape

  /// Returns the layer's parameters for an input shape.
  ///
  /// - Parameters:
  ///   - input: the shape of a sample.
  ///   - next: what follows the layer, which may decide on the initialization.
  func parameters(for input: Shape, before next: Successors) -> [Parameter]

  /// Returns the tensors that training accumulates, such as batch norm's moving averages.
  func state(for input: Shape) -> [StateTensor]

  /// A clause that says which of the layer's values is invalid, without a full stop, or nil. A recipe file
  /// can contain any number, so this is checked before anything is built.
  var problem: String? { get }

  /// Whether its output in prediction is a linear function of its input.
  var isLinear: Bool { get }

  /// Whether it draws random numbers in training.
  var isRandom: Bool { get }

  /// Whether a row's output in training depends on the other rows of the batch.
  var mixesRows: Bool { get }

  /// Whether it subtracts a constant that was added before it, so that a dense layer before it needs no bias.
  var cancelsBias: Bool { get }

  /// The activation whose gain the weights before it are initialized for; nil: that of the next layer.
  var precedingGain: Activation? { get }
}

extension Layer {
  /// No problem.
  public var problem: String? { nil }
  /// No parameters.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] { [] }
  /// No state.
  public func state(for input: Shape) -> [StateTensor] { [] }
  /// False.
  public var isLinear: Bool { false }
  /// False.
  public var isRandom: Bool { false }
  /// False.
  public var mixesRows: Bool { false }
  /// False.
  public var cancelsBias: Bool { false }
  /// The identity's.
  public var precedingGain: Activation? { .identity }
}

/// What follows a layer in its list.
public struct Successors: Hashable, Sendable {
  /// The activation whose gain its weights are initialized for.
  public let gain: Activation
  /// Whether the next layer subtracts a constant that is added before it.
  public let cancelBias: Bool

  /// Creates a description of what follows; by default nothing does.
  public init(gain: Activation = .identity, cancelBias: Bool = false) {
    self.gain = gain
    self.cancelBias = cancelBias
  }

  init(_ layers: ArraySlice<any Layer>) {
    self.init(
      gain: layers.lazy.compactMap(\.precedingGain).first ?? .identity,
      cancelBias: layers.first?.cancelsBias == true)
  }
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

/// A tensor of a layer that training accumulates, and prediction reads.
public struct StateTensor: Hashable, Sendable {
  /// The name within the layer, such as `"movingMean"`.
  public let name: String
  /// The tensor's shape.
  public let shape: Shape
  /// The value of all elements before the first batch.
  public let initial: Double
  /// The weight of a new batch in a moving average that starts at 0 and is read with bias correction, divided by
  /// 1 − (1 − momentum)ᵗ after t batches; nil: it is read as it is.
  public let correctedMomentum: Double?

  /// Creates a state tensor.
  public init(_ name: String, shape: Shape, initial: Double = 0, correctedMomentum: Double? = nil) {
    self.name = name
    self.shape = shape
    self.initial = initial
    self.correctedMomentum = correctedMomentum
  }
}
