/// How far gradients may reach, before penalties are added to them. Any of the three together, in this order.
///
/// With g the gradient of the loss by one tensor and G all of them:
///
/// | bound | gradient |
/// |---|---|
/// | ``globalNorm`` c | g · min(1, c / ‖G‖₂) |
/// | ``norm`` c | g · min(1, c / ‖g‖₂), each tensor by itself |
/// | ``value`` c | each element within [−c, c] |
///
/// **Source**: Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013, algorithm 1.
public struct GradientClipping: Hashable, Sendable {
  /// The largest norm of all gradients together; nil: any.
  public var globalNorm: Double?
  /// The largest norm of each tensor's gradient; nil: any.
  public var norm: Double?
  /// The largest absolute value of each element; nil: any.
  public var value: Double?

  /// Describes bounds.
  public init(globalNorm: Double? = nil, norm: Double? = nil, value: Double? = nil) {
    self.globalNorm = globalNorm
    self.norm = norm
    self.value = value
  }

  /// Gradients as they are.
  public static let none = GradientClipping()
  /// All gradients scaled down together, where their norm is larger.
  public static func globalNorm(_ bound: Double) -> GradientClipping { GradientClipping(globalNorm: bound) }
  /// Each tensor's gradient scaled down, where its norm is larger.
  public static func norm(_ bound: Double) -> GradientClipping { GradientClipping(norm: bound) }
  /// Each element held within ± the bound.
  public static func value(_ bound: Double) -> GradientClipping { GradientClipping(value: bound) }

  /// What is wrong with the values, in a sentence; nil if nothing is.
  public var problem: String? {
    for (name, bound) in [("clip", globalNorm), ("clipNorm", norm), ("clipValue", value)] {
      if let bound, !(bound > 0) { return "\(name) must be above 0, not \(bound)" }
    }
    return nil
  }
}
