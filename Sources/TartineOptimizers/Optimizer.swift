import TartineEngine
import TartineNetworks

/// An optimizer: the description of the weight update.
///
/// With g the clipped gradient of the loss plus that of the penalties, t counted from 1, m ← β₁m + (1−β₁)g, s
/// ← β₂s + (1−β₂)g², m̂ = m/(1−β₁ᵗ) and ŝ = s/(1−β₂ᵗ):
///
/// | algorithm | update |
/// |---|---|
/// | gradient descent | w ← w − rate · g |
/// | momentum | w ← w − rate · m̂ |
/// | Nesterov | w ← w − rate · (β₁m + (1−β₁)g) |
/// | Adagrad | s ← s + g²; w ← w − rate · g / (√s + ε) |
/// | RMSProp | w ← w − rate · g / (√s + ε) |
/// | Adam | w ← w − rate · m̂ / (√ŝ + ε) |
/// | AdamW | Adam, with decoupled weight decay |
/// | AMSGrad | Adam, with the largest s so far in place of s |
/// | NAdam | Adam, with Nesterov momentum that rises: see ``nAdam(learningRate:beta1:beta2:epsilon:variant:)`` |
/// | RAdam | Adam, rectified: see ``rAdam(learningRate:beta1:beta2:epsilon:)`` |
/// | Lion | w ← w − rate · sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g |
/// | L-BFGS | w ← w − t · Hg, over all rows: see ``lbfgs(learningRate:variant:)`` |
///
/// Here rate is the learning rate. Weight decay adds w ← w − rate · decay · w to any of them, for weights
/// only. Batch, mini-batch and stochastic gradient descent are one algorithm with different batch sizes.
///
/// **Source**: Polyak 1964; Sutskever et al. 2013; Duchi et al. 2011, fig. 1; Tieleman and Hinton 2012, lecture 6.5;
/// Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2; Reddi et al. 2018, algorithm 2; Dozat 2016,
/// algorithm 8; Liu et al. 2020, algorithm 2; Chen et al. 2023, algorithm 2.
public struct Optimizer: Hashable, Sendable {
  /// The algorithm of an optimizer.
  public enum Algorithm: String, Codable, Hashable, Sendable, CaseIterable {
    /// ``Optimizer/gradientDescent(learningRate:)``.
    case gradientDescent = "sgd"
    /// ``Optimizer/momentum(learningRate:beta:variant:)``.
    case momentum
    /// ``Optimizer/nesterov(learningRate:beta:variant:)``.
    case nesterov
    /// ``Optimizer/adagrad(learningRate:epsilon:variant:)``.
    case adagrad
    /// ``Optimizer/rmsprop(learningRate:beta:epsilon:centered:momentum:variant:)``.
    case rmsprop
    /// ``Optimizer/adam(learningRate:beta1:beta2:epsilon:variant:)``.
    case adam
    /// ``Optimizer/adamW(learningRate:decay:beta1:beta2:epsilon:variant:)``.
    case adamW = "adamw"
    /// ``Optimizer/amsGrad(learningRate:beta1:beta2:epsilon:variant:)``.
    case amsGrad = "amsgrad"
    /// ``Optimizer/nAdam(learningRate:beta1:beta2:epsilon:variant:)``.
    case nAdam = "nadam"
    /// ``Optimizer/rAdam(learningRate:beta1:beta2:epsilon:)``.
    case rAdam = "radam"
    /// ``Optimizer/lion(learningRate:beta1:beta2:decay:)``.
    case lion
    /// ``Optimizer/lbfgs(learningRate:variant:)``.
    case lbfgs
    /// ``Optimizer/custom(_:learningRate:)``.
    case other

    /// The package's own algorithms.
    public static let allCases: [Algorithm] = [
      .gradientDescent, .momentum, .nesterov, .adagrad, .rmsprop, .adam, .adamW, .amsGrad, .nAdam, .rAdam, .lion,
      .lbfgs,
    ]
  }

  /// The library whose definition is used, where libraries differ.
  public enum Variant: String, Codable, Hashable, Sendable, CaseIterable {
    /// The definitions of the table above.
    case standard
    /// The lecture's definitions: momentum and Adam without bias correction; RMSProp with β₂ = 0.999, and its
    /// and Adam's ε = 10⁻⁵ inside the root. (Its printed Adam confuses β₁ and β₂; this follows its text.)
    case lecture
    /// PyTorch's: m ← β₁m + g, not corrected; Nesterov steps along g + β₁m; RMSProp with β₂ = 0.99.
    case torch
    /// Keras': m ← β₁m + rate · g and w ← w − m, Nesterov w − (β₁m + rate · g); ε = 10⁻⁷, inside the root in
    /// RMSProp and Adagrad, outside the root of the uncorrected s in Adam and AMSGrad; Adagrad's s is
    /// initialized with 0.1.
    case keras
    /// scikit-learn's: momentum and Nesterov as in Keras; Adam's ε = 10⁻⁸ outside the root of the uncorrected
    /// s.
    case sklearn
  }

  /// The algorithm.
  public var algorithm: Algorithm
  /// The learning rate schedule.
  public var learningRate: LearningRate
  /// β₁, in [0, 1).
  public var beta1: Double
  /// β₂, in [0, 1).
  public var beta2: Double
  /// The ε that keeps the division finite.
  public var epsilon: Double
  /// The decoupled weight decay, at least 0; nil: a recipe chooses AdamW's by the number of train rows.
  public var decay: Double?
  /// The gradient clipping.
  public var clipping: GradientClipping
  /// The average of the weights that is used for prediction; nil: none.
  public var average: WeightAverage?
  /// Whether RMSProp is centered: the square of the gradient's mean is subtracted under the root, which
  /// leaves the variance.
  public var centered: Bool
  /// RMSProp's momentum μ, in [0, 1): v ← μv + step, and w ← w − rate · v.
  public var momentum: Double
  /// The library whose definition is used.
  public var variant: Variant
  /// The program's own update rule, if the algorithm is one.
  public internal(set) var custom: AnyExtension<any CustomUpdate>?

  /// The name in recipes: the algorithm's, or that of the program's own rule.
  public var name: String { custom?.name ?? algorithm.rawValue }

  /// - Parameters: omitted values take the defaults of the algorithm and variant.
  init(
    _ algorithm: Algorithm, variant: Variant = .standard, learningRate: LearningRate, beta1: Double? = nil,
    beta2: Double? = nil, epsilon: Double? = nil, decay: Double? = 0
  ) {
    let typical = Self.defaults(algorithm, variant)
    self.algorithm = algorithm
    self.variant = variant
    self.learningRate = learningRate
    self.beta1 = beta1 ?? typical.beta1
    self.beta2 = beta2 ?? typical.beta2
    self.epsilon = epsilon ?? typical.epsilon
    self.decay = decay
    clipping = .none
    average = nil
    centered = false
    momentum = 0
  }

  /// The default parameters of an algorithm.
  private static func defaults(_ algorithm: Algorithm, _ variant: Variant) -> (
    beta1: Double, beta2: Double, epsilon: Double
  ) {
    let epsilon = variant == .keras ? 1e-7 : 1e-8
    return switch (algorithm, variant) {
    case (.rmsprop, .lecture), (.adam, .lecture): (0.9, 0.999, 1e-5)
    case (.rmsprop, .torch): (0.9, 0.99, epsilon)
    case (.rmsprop, _): (0.9, 0.9, epsilon)
    case (.adagrad, .keras): (0.9, 0.999, epsilon)
    case (.adagrad, _): (0.9, 0.999, 1e-10)
    case (.lion, _): (0.9, 0.99, epsilon)
    default: (0.9, 0.999, epsilon)
    }
  }

  /// Returns the optimizer with gradient clipping.
  public func clipped(_ clipping: GradientClipping) -> Optimizer {
    var copy = self
    copy.clipping = clipping
    return copy
  }

  /// Returns the optimizer with weight averaging.
  public func averaged(_ average: WeightAverage) -> Optimizer {
    var copy = self
    copy.average = average
    return copy
  }

  /// Returns the optimizer with decoupled weight decay: w ← w − rate · decay · w, for weights only.
  public func decayed(_ decay: Double) -> Optimizer {
    var copy = self
    copy.decay = decay
    return copy
  }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if let problem = learningRate.problem { return problem }
    if !(beta1 >= 0 && beta1 < 1) { return "beta1 must be in [0, 1), not \(beta1)" }
    if !(beta2 >= 0 && beta2 < 1) { return "beta2 must be in [0, 1), not \(beta2)" }
    // A weight that has not received a gradient yet would be divided by 0.
    if hasSecondMoment, !(Float(epsilon) > 0 && Float(epsilon).isFinite) {
      return "epsilon must be above 0, and not so small that it is 0 as a Float; it is \(epsilon)"
    }
    if !(momentum >= 0 && momentum < 1) { return "momentum must be in [0, 1), not \(momentum)" }
    if (centered || momentum > 0) && algorithm != .rmsprop {
      return "centered and momentum belong to rmsprop, not to \(algorithm.rawValue)"
    }
    if let problem = custom?.problem(unlike: Algorithm.allCases.map(\.rawValue)) { return "the update rule \(problem)" }
    if let custom, !(0...3).contains(custom.value.momentCount) {
      return "the update rule '\(name)' must keep from 0 to 3 moments, not \(custom.value.momentCount)"
    }
    if algorithm == .lbfgs, clipping != .none || average != nil || (decay ?? 0) > 0 {
      return "lbfgs does not support clipping, average or decay; use l2 instead of decay"
    }
    if let decay, !(decay >= 0 && decay.isFinite) { return "decay must be at least 0, not \(decay)" }
    return clipping.problem ?? average?.problem
  }
}

extension Optimizer: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case algorithm, beta1, beta2, epsilon, decay, clip, clipNorm, clipValue, centered, momentum, variant, custom
  }

  /// All keys of any optimizer in a recipe.
  package static var keys: [String] {
    Key.allCases.map(\.rawValue) + LearningRate.Key.allCases.map(\.rawValue)
      + WeightAverage.Key.allCases.map(\.rawValue)
  }

  /// Decodes; omitted values take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let own = try (try? values.decode(String.self, forKey: .algorithm)).flatMap {
      try Self.registry.decode($0, from: values, forKey: .custom, of: decoder)
    }
    let algorithm =
      own == nil
      ? try values.decodeName(
        Algorithm.self, forKey: .algorithm, default: .adamW,
        hint: "an update rule of the program's own must be registered first (Optimizer.register)") : .other
    func number(_ key: Key) throws -> Double? { try values.decodeIfPresent(Double.self, forKey: key) }
    self.init(
      algorithm, variant: try values.decodeName(Variant.self, forKey: .variant, default: .standard),
      learningRate: try LearningRate(from: decoder, fallback: Self.defaultRate(of: algorithm)),
      beta1: try number(.beta1), beta2: try number(.beta2), epsilon: try number(.epsilon),
      // Omitted, it takes its default; null means automatic.
      decay: values.contains(.decay) ? try number(.decay) : algorithm == .adamW ? 0.01 : 0)
    clipping = GradientClipping(
      globalNorm: try number(.clip), norm: try number(.clipNorm), value: try number(.clipValue))
    average = try WeightAverage.decode(from: decoder)
    centered = try values.decodeIfPresent(Bool.self, forKey: .centered) ?? false
    momentum = try number(.momentum) ?? 0
    custom = own
  }

  /// Encodes the parameters of the algorithm, and the keys of the learning rate.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(name, forKey: .algorithm)
    try custom?.encode(into: &values, forKey: .custom)
    try learningRate.encode(to: encoder)
    if hasFirstMoment, algorithm != .rmsprop, custom == nil { try values.encode(beta1, forKey: .beta1) }
    if algorithm == .lion || hasSecondMoment && algorithm != .adagrad && custom == nil {
      try values.encode(beta2, forKey: .beta2)
    }
    if hasSecondMoment, custom == nil { try values.encode(epsilon, forKey: .epsilon) }
    if algorithm == .rmsprop {
      try values.encode(centered, forKey: .centered)
      try values.encode(momentum, forKey: .momentum)
    }
    try values.encode(decay, forKey: .decay)
    try values.encode(clipping.globalNorm, forKey: .clip)
    try values.encodeIfPresent(clipping.norm, forKey: .clipNorm)
    try values.encodeIfPresent(clipping.value, forKey: .clipValue)
    try WeightAverage.encode(average, to: encoder)
    try values.encode(variant, forKey: .variant)
  }

  /// Returns the optimizer with the default β₁, β₂ and ε of its algorithm.
  package var withDefaultNumbers: Optimizer {
    var copy = self
    (copy.beta1, copy.beta2, copy.epsilon) = Self.defaults(algorithm, variant)
    return copy
  }

  /// The default learning rate of an algorithm.
  package static func defaultRate(of algorithm: Algorithm) -> Double {
    switch algorithm {
    case .gradientDescent, .momentum, .nesterov: 0.1
    case .adagrad: 0.01
    case .rmsprop, .adam, .adamW, .amsGrad, .nAdam, .rAdam, .other: 1e-3
    case .lion: 3e-4
    case .lbfgs: 1
    }
  }

  /// The largest number of copies of the weights that it stores.
  package var arenas: Int {
    if algorithm == .lbfgs { return 2 * LBFGS.memory + 3 }
    return (hasFirstMoment ? 1 : 0) + (hasSecondMoment ? 1 : 0) + (hasThirdMoment ? 1 : 0)
      + (average == nil ? 0 : 1)
  }

  package var hasFirstMoment: Bool {
    switch algorithm {
    case .gradientDescent, .adagrad, .lbfgs: false
    case .other: moments > 0
    case .rmsprop: centered
    case .momentum, .nesterov, .adam, .adamW, .amsGrad, .nAdam, .rAdam, .lion: true
    }
  }

  package var hasSecondMoment: Bool {
    switch algorithm {
    case .gradientDescent, .momentum, .nesterov, .lion, .lbfgs: false
    case .other: moments > 1
    case .adagrad, .rmsprop, .adam, .adamW, .amsGrad, .nAdam, .rAdam: true
    }
  }

  package var hasThirdMoment: Bool { algorithm == .amsGrad || momentum > 0 || moments > 2 }

  private var moments: Int { custom?.value.momentCount ?? 0 }
}
