/// Gradient clipping, before penalties are added. The three bounds can be combined, and apply in this order.
///
/// With g the gradient of the loss with respect to one tensor and G all of them:
///
/// | bound | gradient |
/// |---|---|
/// | ``globalNorm`` c | g · min(1, c / ‖G‖₂) |
/// | ``norm`` c | g · min(1, c / ‖g‖₂), for each tensor |
/// | ``value`` c | each element within [−c, c] |
///
/// **Source**: Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013, algorithm 1.
public struct GradientClipping: Hashable, Sendable {
  /// The largest norm of all gradients together; nil: no bound.
  public var globalNorm: Double?
  /// The largest norm of each tensor's gradient; nil: no bound.
  public var norm: Double?
  /// The largest absolute value of each element; nil: no bound.
  public var value: Double?

  /// Creates bounds.
  public init(globalNorm: Double? = nil, norm: Double? = nil, value: Double? = nil) {
    self.globalNorm = globalNorm
    self.norm = norm
    self.value = value
  }

  /// No clipping.
  public static let none = GradientClipping()
  /// Scales all gradients together, so that their norm is at most the bound.
  public static func globalNorm(_ bound: Double) -> GradientClipping { GradientClipping(globalNorm: bound) }
  /// Scales each tensor's gradient, so that its norm is at most the bound.
  public static func norm(_ bound: Double) -> GradientClipping { GradientClipping(norm: bound) }
  /// Clips each element to ± the bound.
  public static func value(_ bound: Double) -> GradientClipping { GradientClipping(value: bound) }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    for (name, bound) in [("clip", globalNorm), ("clipNorm", norm), ("clipValue", value)] {
      if let bound, !(bound > 0) { return "\(name) must be above 0, not \(bound)" }
    }
    return nil
  }
}
