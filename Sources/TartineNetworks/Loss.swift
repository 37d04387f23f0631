import TartineEngine
import TartineKernels

/// A loss function: a mean over rows of a sum over outputs.
///
/// With a the prediction, y the target, d = a − y, and p the predicted probability of the true class or
/// label:
///
/// | loss | per row | for |
/// |---|---|---|
/// | ``Kind/crossEntropy`` | −log p, from logits | classes and labels: the default |
/// | ``Kind/focal(gamma:)`` | −(1 − p)^γ log p | imbalanced classes, or labels that are mostly negative |
/// | ``Kind/squared`` | d²/2 | numbers: the default; predicts the mean |
/// | ``Kind/absolute`` | \|d\| | numbers with outliers; predicts the median |
/// | ``Kind/huber(delta:)`` | d²/2 where \|d\| ≤ δ, else δ(\|d\| − δ/2) | between the two |
/// | ``Kind/quantile(_:)`` | (1 − τ) d where d > 0, else −τ d | predicts the τ-quantile |
/// | ``Kind/poisson`` | a − y log a, with a = eᶻ | counts and rates, at least 0 |
///
/// Numbers, and with them δ, are in units of the target's standard deviation in training; for Poisson, of its
/// mean.
///
/// Label smoothing replaces the target of C classes by (1 − s) · target + s/C, that of a label by (1 − s) ·
/// target + s/2. It applies in training only, never when an error is measured.
///
/// **Source**: Lin et al., *Focal loss*, 2017, eq. 4; Huber, *Robust estimation of a location parameter*, 1964; Koenker and
/// Bassett, *Regression quantiles*, 1978; Szegedy et al., *Rethinking the Inception architecture*, 2016, §7.
///
/// **Differs from**: PyTorch and Keras have d² without the factor ½; their Huber loss agrees. Keras'
/// categorical focal loss has an additional factor of 0.25.
public struct Loss: Hashable, Sendable {
  /// The function.
  public enum Kind: Hashable, Sendable {
    /// Cross-entropy for classes and labels, squared error for numbers.
    case automatic
    /// −log p.
    case crossEntropy
    /// −(1 − p)^γ log p.
    case focal(gamma: Double)
    /// d²/2.
    case squared
    /// |d|.
    case absolute
    /// d²/2 up to δ, and linear beyond.
    case huber(delta: Double)
    /// (1 − τ) d above the target, −τ d below it.
    case quantile(Double)
    /// a − y log a.
    case poisson
    /// A loss of the program's own.
    case other(AnyExtension<any CustomLoss>)

    /// A loss of the program's own.
    public static func custom(_ loss: some CustomLoss) -> Kind { .other(AnyExtension(loss, loss)) }
  }

  /// The function.
  public var kind: Kind
  /// The label smoothing, in [0, 1).
  public var smoothing: Double
  /// The class weights; nil: all equal.
  public var classWeights: ClassWeights?

  /// Creates a loss.
  public init(_ kind: Kind = .automatic, smoothing: Double = 0) {
    self.kind = kind
    self.smoothing = smoothing
    classWeights = nil
  }

  /// The default loss of the task.
  public static let automatic = Loss()
  /// Cross-entropy, with label smoothing.
  public static func crossEntropy(smoothing: Double = 0) -> Loss { Loss(.crossEntropy, smoothing: smoothing) }
  /// Focal loss, which gives less weight to well-classified rows.
  public static func focal(gamma: Double = 2) -> Loss { Loss(.focal(gamma: gamma)) }
  /// Half the squared error.
  public static let squared = Loss(.squared)
  /// The absolute error.
  public static let absolute = Loss(.absolute)
  /// Squared near the target, absolute far from it.
  public static func huber(delta: Double = 1) -> Loss { Loss(.huber(delta: delta)) }
  /// The pinball loss, minimized by a quantile.
  public static func quantile(_ share: Double) -> Loss { Loss(.quantile(share)) }
  /// The Poisson loss, for counts.
  public static let poisson = Loss(.poisson)

  /// Returns the loss with class weights.
  public func weighted(_ classWeights: ClassWeights) -> Loss {
    var copy = self
    copy.classWeights = classWeights
    return copy
  }

  /// Whether it requires a numeric target, so that whole numbers are not classes.
  package var isForNumbers: Bool {
    switch kind {
    case .squared, .absolute, .huber, .quantile, .poisson: true
    case .automatic, .crossEntropy, .focal: false
    case .other(let own): type(of: own.value).isForNumbers
    }
  }

  /// The program's own loss, if it is one.
  package var custom: (any CustomLoss)? { if case .other(let own) = kind { own.value } else { nil } }

  /// The quantile that it predicts; nil: none.
  package var share: Double? { if case .quantile(let share) = kind { share } else { nil } }

  /// Returns the loss without label smoothing and class weights, as errors are measured.
  package var unsmoothed: Loss { Loss(kind) }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if !(smoothing >= 0 && smoothing < 1) { return "loss.smoothing must be in [0, 1), not \(smoothing)" }
    if let problem = classWeights?.problem { return problem }
    switch kind {
    case .automatic, .crossEntropy: return nil
    case .focal(let gamma) where !(gamma >= 0 && gamma.isFinite): return "loss.gamma must be at least 0, not \(gamma)"
    case .huber(let delta) where !(delta > 0 && delta.isFinite): return "loss.delta must be above 0, not \(delta)"
    case .quantile(let share) where !(share > 0 && share < 1): return "loss.quantile must be in (0, 1), not \(share)"
    case .other(let own) where own.problem(unlike: Self.names) != nil:
      return own.problem(unlike: Self.names).map { "the loss \($0)" }
    default: return smoothing > 0 ? "loss.smoothing is for cross-entropy, not for '\(name)'" : nil
    }
  }

  /// A sentence that says why this loss does not fit an output, or nil.
  package func problem(for output: Output) -> String? {
    switch (kind, output) {
    case (.automatic, _), (.crossEntropy, .softmax), (.crossEntropy, .sigmoid), (.focal, .softmax), (.focal, .sigmoid),
      (.squared, .identity), (.absolute, .identity), (.huber, .identity), (.quantile, .identity), (.poisson, .rate):
      return smoothing > 0 && !output.isProbability ? "loss.smoothing is for classes, and the target is a number" : nil
    case (.other(let own), _) where type(of: own.value).isForNumbers != output.isProbability: return nil
    default:
      return output.isProbability
        ? "the loss '\(name)' is for numbers, and the target is classes; use cross-entropy or focal"
        : "the loss '\(name)' is for classes, and the target is a number; use squared, absolute, huber, quantile or poisson"
    }
  }

  package var lowered: LoweredLoss {
    func make(_ kind: tartine_loss_kind, _ parameter: Double = 0) -> LoweredLoss {
      LoweredLoss(
        kernel: tartine_loss(kind: Int32(kind.rawValue), smoothing: smoothing, parameter: parameter, mix: 1),
        custom: custom)
    }
    return switch kind {
    case .automatic, .crossEntropy, .squared: make(TARTINE_DEFAULT_LOSS)
    case .focal(let gamma): make(TARTINE_FOCAL, gamma)
    case .absolute: make(TARTINE_ABSOLUTE)
    case .huber(let delta): make(TARTINE_HUBER, delta)
    case .quantile(let share): make(TARTINE_QUANTILE, share)
    case .poisson: make(TARTINE_POISSON)
    case .other: make(TARTINE_DEFAULT_LOSS)
    }
  }
}

/// A loss as the engine computes it.
package struct LoweredLoss {
  package var kernel: tartine_loss
  /// A loss of the program's own, in place of the kernels'.
  let custom: (any CustomLoss)?
}

extension Loss: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case kind, smoothing, gamma, delta, quantile, custom, classWeights
  }

  /// The names in recipes and flags.
  public static let names = [
    "automatic", "cross-entropy", "focal", "squared", "absolute", "huber", "quantile", "poisson",
  ]

  /// All keys of any loss in a recipe.
  package static var keys: [String] { Key.allCases.map(\.rawValue) }

  /// The keys that apply to one loss only.
  package static let ownKeys = [Key.smoothing, .gamma, .delta, .quantile, .custom].map(\.rawValue)

  package var name: String {
    switch kind {
    case .automatic: "automatic"
    case .crossEntropy: "cross-entropy"
    case .focal: "focal"
    case .squared: "squared"
    case .absolute: "absolute"
    case .huber: "huber"
    case .quantile: "quantile"
    case .poisson: "poisson"
    case .other(let own): own.name
    }
  }

  /// Decodes; omitted values take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func number(_ key: Key, or other: Double) throws -> Double {
      try values.decodeIfPresent(Double.self, forKey: key) ?? other
    }
    let name = try values.decodeIfPresent(String.self, forKey: .kind) ?? "automatic"
    let kind: Kind
    let own = try Self.registry.decode(name, from: values, forKey: .custom, of: decoder)
    switch own == nil ? KnownName.of(name, among: Self.names) : nil {
    case "automatic": kind = .automatic
    case "cross-entropy": kind = .crossEntropy
    case "focal": kind = .focal(gamma: try number(.gamma, or: 2))
    case "squared": kind = .squared
    case "absolute": kind = .absolute
    case "huber": kind = .huber(delta: try number(.delta, or: 1))
    case "quantile": kind = .quantile(try number(.quantile, or: 0.5))
    case "poisson": kind = .poisson
    default:
      guard let own else {
        let names = Self.names + Self.registry.names
        throw DecodingError.dataCorruptedError(
          forKey: .kind, in: values,
          debugDescription:
            "there is no loss '\(name)'; there are \(names.joined(separator: ", ")). A loss of the program's own must be "
            + "registered first (Loss.register)")
      }
      kind = .other(own)
    }
    self.init(kind, smoothing: try number(.smoothing, or: 0))
    classWeights = try values.decodeIfPresent(ClassWeights.self, forKey: .classWeights)
  }

  /// Encodes the keys of this loss.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(name, forKey: .kind)
    try values.encode(smoothing, forKey: .smoothing)
    try values.encode(classWeights, forKey: .classWeights)
    switch kind {
    case .focal(let gamma): try values.encode(gamma, forKey: .gamma)
    case .huber(let delta): try values.encode(delta, forKey: .delta)
    case .quantile(let share): try values.encode(share, forKey: .quantile)
    case .other(let own): try own.encode(into: &values, forKey: .custom)
    default: break
    }
  }
}
