import TartineEngine

/// An update rule defined outside this package: one tensor at a time.
///
/// ```swift
/// struct SignMomentum: CustomUpdate {
///   static let name = "sign-momentum"
///   var beta = 0.9
///   let momentCount = 1
///   func update<Scalar: EngineScalar>(_ tensor: TensorUpdate<Scalar>) { … }
/// }
/// var optimizer = Optimizer.custom(SignMomentum(), learningRate: .cosine(from: 1e-3))
/// ```
///
/// Gradients arrive clipped, with those of L1 and L2 added; decoupled weight decay has been applied to the weights. Register a rule
/// before a recipe or model file that names it is opened, or a tuner changes a recipe that has it: ``Optimizer/register(_:)``.
public protocol CustomUpdate: NamedExtension {
  /// The number of moments that it keeps for each weight, from 0 to 3; they are 0 at first.
  var momentCount: Int { get }

  /// Updates the weights of one tensor.
  func update<Scalar: EngineScalar>(_ tensor: TensorUpdate<Scalar>)

  /// Calls `update` with a known scalar, so that it is compiled for it. Not to be implemented.
  func _perform(_ tensor: TensorUpdate<Float>)
  /// Calls `update` with a known scalar, so that it is compiled for it. Not to be implemented.
  func _perform(_ tensor: TensorUpdate<Double>)
}

extension CustomUpdate {
  /// Calls `update`.
  @inlinable public func _perform(_ tensor: TensorUpdate<Float>) { update(tensor) }
  /// Calls `update`.
  @inlinable public func _perform(_ tensor: TensorUpdate<Double>) { update(tensor) }
}

/// A tensor in a step, in the engine's own buffers, valid during the call only.
public struct TensorUpdate<Scalar: EngineScalar> {
  /// The weights, to be changed in place.
  public let weights: UnsafeMutableBufferPointer<Scalar>
  /// The gradient.
  public let gradient: UnsafeMutableBufferPointer<Scalar>
  /// The moments, to be changed in place; those beyond `momentCount` are empty.
  public let moments:
    (
      UnsafeMutableBufferPointer<Scalar>, UnsafeMutableBufferPointer<Scalar>, UnsafeMutableBufferPointer<Scalar>
    )
  /// The number of the step, from 1.
  public let step: Int
  /// The learning rate of the step.
  public let learningRate: Double
}

extension Optimizer {
  /// A rule of the program's own.
  public static func custom(_ rule: some CustomUpdate, learningRate: LearningRate) -> Optimizer {
    var optimizer = Optimizer(.other, learningRate: learningRate)
    optimizer.custom = AnyExtension(rule, rule)
    return optimizer
  }

  /// Registers a rule, so that recipes and model files can name it. Its name must differ from those of ``Algorithm``, ignoring
  /// case and separators, and from that of another registered type.
  public static func register(_ type: (some CustomUpdate).Type) {
    registry.register(type, unlike: Algorithm.allCases.map(\.rawValue))
  }
  static let registry = ExtensionRegistry<any CustomUpdate>()
}
