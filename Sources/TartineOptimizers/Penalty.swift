/// L1 and L2 regularization, added to the loss, and the max-norm constraint.
///
/// cost += c · Σ |w| (L1), + c/2 · Σ w² (L2), over the weights; biases, γ and β are excluded by default. c is
/// the lecture's λ/m with m the *train* rows, so that its strength does not change with the batch size.
///
/// If the norm of a unit's incoming weights, √Σ w², exceeds ``maxNorm``, they are scaled down to it after
/// each step.
///
/// **Source**: Srebro and Shraibman 2005, and Srivastava et al., *Dropout*, 2014, §5.1, for the max-norm
/// constraint.
///
/// **Differs from**: Keras' L2 has no ½ (``keras(l2:)``); scikit-learn divides its α by the batch
/// (``sklearn(alpha:batchSize:)``); PyTorch's `weight_decay` is this c, but on biases too (``torch(weightDecay:)``).
public struct Penalty: Hashable, Sendable {
  /// The coefficient c of the L1 penalty.
  public var l1: Double
  /// The coefficient c of the L2 penalty.
  public var l2: Double
  /// Whether biases, γ and β are penalized too, and decayed by the optimizer.
  public var biases: Bool
  /// The largest norm of a unit's incoming weights; nil: no bound.
  public var maxNorm: Double?

  /// Creates penalties.
  public init(l1: Double = 0, l2: Double = 0, biases: Bool = false, maxNorm: Double? = nil) {
    self.l1 = l1
    self.l2 = l2
    self.biases = biases
    self.maxNorm = maxNorm
  }

  /// No penalty.
  public static let none = Penalty()
  /// The L1 penalty c · Σ |w|.
  public static func l1(_ c: Double) -> Penalty { Penalty(l1: c) }
  /// The L2 penalty c/2 · Σ w².
  public static func l2(_ c: Double) -> Penalty { Penalty(l2: c) }
  /// A max-norm constraint on each unit's incoming weights.
  public static func maxNorm(_ bound: Double) -> Penalty { Penalty(maxNorm: bound) }
  /// Both L1 and L2 penalties.
  public static func l1L2(_ l1: Double, _ l2: Double) -> Penalty { Penalty(l1: l1, l2: l2) }

  /// The lecture's λ/(2m) · Σ w², with m the train rows.
  public static func lecture(lambda: Double, trainRows: Int) -> Penalty {
    Penalty(l2: lambda / Double(trainRows))
  }

  /// Keras' `L2(c)`: c · Σ w².
  public static func keras(l2 c: Double) -> Penalty { Penalty(l2: 2 * c) }
  /// PyTorch's `weight_decay` of an optimizer that adds it to the gradient: c · w, on biases too.
  public static func torch(weightDecay c: Double) -> Penalty { Penalty(l2: c, biases: true) }
  /// scikit-learn's `alpha`: α / (2 · batch) · Σ w².
  public static func sklearn(alpha: Double, batchSize: Int) -> Penalty { Penalty(l2: alpha / Double(batchSize)) }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if !(l1 >= 0 && l1.isFinite) { return "l1 must be at least 0, not \(l1)" }
    if !(l2 >= 0 && l2.isFinite) { return "l2 must be at least 0, not \(l2)" }
    if let maxNorm, !(maxNorm > 0) { return "maxNorm must be above 0, not \(maxNorm)" }
    return nil
  }
}

extension Penalty: Codable {
  private enum Key: String, CodingKey { case l1, l2, biases, maxNorm }

  /// Decodes; omitted values are 0.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(
      l1: try values.decodeIfPresent(Double.self, forKey: .l1) ?? 0,
      l2: try values.decodeIfPresent(Double.self, forKey: .l2) ?? 0,
      biases: try values.decodeIfPresent(Bool.self, forKey: .biases) ?? false,
      maxNorm: try values.decodeIfPresent(Double.self, forKey: .maxNorm))
  }

  /// Encodes every value, a missing bound as null.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(l1, forKey: .l1)
    try values.encode(l2, forKey: .l2)
    try values.encode(biases, forKey: .biases)
    try values.encode(maxNorm, forKey: .maxNorm)
  }
}
