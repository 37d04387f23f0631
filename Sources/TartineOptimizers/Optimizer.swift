import TartineNetworks

/// How weights follow their gradients: a description, lowered to one sweep over the parameters.
///
/// With g the gradient of the loss, clipped, and of the penalties, and t counted from 1:
///
/// | algorithm | update |
/// |---|---|
/// | gradient descent | w ← w − rate · g |
/// | momentum | v ← βv + (1−β)g; w ← w − rate · v / (1−βᵗ) |
/// | Nesterov | v ← βv + (1−β)g; w ← w − rate · (βv + (1−β)g) |
/// | RMSProp | s ← βs + (1−β)g²; w ← w − rate · g / (√s + ε) |
/// | Adam | m, s as above with β₁, β₂; w ← w − rate · m̂ / (√ŝ + ε), m̂ = m/(1−β₁ᵗ), ŝ = s/(1−β₂ᵗ) |
/// | AdamW | Adam, and w ← w − rate · decay · w, on weights only |
///
/// Batch, mini-batch and one sample at a time are one algorithm with another batch size.
///
/// **Source**: Polyak 1964; Sutskever et al. 2013; Tieleman and Hinton 2012, lecture 6.5; Kingma and Ba 2015,
/// algorithm 1; Loshchilov and Hutter 2019, algorithm 2.
public struct Optimizer: Hashable, Sendable {
  /// The family of the update.
  public enum Algorithm: String, Codable, Hashable, Sendable, CaseIterable {
    case gradientDescent = "sgd"
    case momentum, nesterov, rmsprop, adam
    case adamW = "adamw"
  }

  /// Where libraries differ, whose definition holds.
  public enum Variant: String, Codable, Hashable, Sendable, CaseIterable {
    /// As in the table above.
    case standard
    /// As the lecture prints it: momentum not corrected; RMSProp with ε inside the root.
    case lecture
    /// As PyTorch: v ← βv + g, not corrected; Nesterov steps along g + βv.
    case torch
    /// As Keras: RMSProp with ε inside the root.
    case keras
  }

  /// The family of the update.
  public var algorithm: Algorithm
  /// The rate over the run.
  public var learningRate: LearningRate
  /// β of momentum and Nesterov, β₁ of Adam, in [0, 1).
  public var beta1: Double
  /// β of RMSProp, β₂ of Adam, in [0, 1).
  public var beta2: Double
  /// Keeps the division finite.
  public var epsilon: Double
  /// Decoupled decay of AdamW, at least 0; nil: a recipe fills it in by the number of train rows.
  public var decay: Double?
  /// The largest global norm of the gradient, before it is scaled down to it; nil: not clipped.
  public var clip: Double?
  /// Whose definition holds.
  public var variant: Variant

  init(
    _ algorithm: Algorithm, learningRate: LearningRate, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, decay: Double? = 0, clip: Double? = nil, variant: Variant = .standard
  ) {
    self.algorithm = algorithm
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
    self.clip = clip
    self.variant = variant
  }

  /// Plain gradient descent.
  public static func gradientDescent(learningRate: LearningRate = .cosine(from: 0.1)) -> Optimizer {
    Optimizer(.gradientDescent, learningRate: learningRate)
  }

  /// Gradient descent along a moving average of the gradient.
  ///
  /// **Differs from**: PyTorch does not weigh g by 1 − β, so that its rate means 1/(1 − β) as much
  /// (`.torch`); Keras multiplies the rate into v.
  public static func momentum(
    learningRate: LearningRate = .cosine(from: 0.1), beta: Double = 0.9, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.momentum, learningRate: learningRate, beta1: beta, variant: variant)
  }

  /// Momentum that looks ahead.
  public static func nesterov(
    learningRate: LearningRate = .cosine(from: 0.1), beta: Double = 0.9, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.nesterov, learningRate: learningRate, beta1: beta, variant: variant)
  }

  /// Steps divided by the root of a moving average of squared gradients.
  ///
  /// **Differs from**: PyTorch takes β = 0.99; Keras puts ε inside the root (`.keras`); the lecture takes
  /// β = 0.999 and ε = 10⁻⁵ inside (`.lecture`): its first step is then 31.6 times the rate.
  public static func rmsprop(
    learningRate: LearningRate = .cosine(from: 1e-3), beta: Double? = nil, epsilon: Double? = nil,
    variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .rmsprop, learningRate: learningRate, beta2: beta ?? (variant == .lecture ? 0.999 : 0.9),
      epsilon: epsilon ?? (variant == .lecture ? 1e-5 : 1e-8), variant: variant)
  }

  /// Adam.
  ///
  /// **Differs from**: Keras adds its ε = 10⁻⁷ to the root of the *uncorrected* second moment.
  public static func adam(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8
  ) -> Optimizer {
    Optimizer(.adam, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Adam with decay apart from the gradient.
  public static func adamW(
    learningRate: LearningRate = .cosine(from: 1e-3), decay: Double? = 0.01, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double = 1e-8
  ) -> Optimizer {
    Optimizer(
      .adamW, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay)
  }

  /// The same, with gradients scaled down to this global norm where theirs is larger.
  ///
  /// The norm is that of the loss's gradient alone; penalties are added after.
  ///
  /// **Source**: Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013, algorithm 1.
  public func clipped(toNorm norm: Double) -> Optimizer {
    var copy = self
    copy.clip = norm
    return copy
  }

  /// What is wrong with the values, in a sentence; nil if nothing is.
  public var problem: String? {
    if let problem = learningRate.problem { return problem }
    if !(beta1 >= 0 && beta1 < 1) { return "beta1 must be in [0, 1), not \(beta1)" }
    if !(beta2 >= 0 && beta2 < 1) { return "beta2 must be in [0, 1), not \(beta2)" }
    if !(epsilon >= 0 && epsilon.isFinite) { return "epsilon must be at least 0, not \(epsilon)" }
    if let decay, !(decay >= 0 && decay.isFinite) { return "decay must be at least 0, not \(decay)" }
    if let clip, !(clip > 0) { return "clip must be above 0, not \(clip)" }
    return nil
  }
}

extension Optimizer: Codable {
  private enum Key: String, CodingKey {
    case algorithm, beta1, beta2, epsilon, decay, clip, variant
  }

  /// Decodes; what is left out takes its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let algorithm = try values.decodeName(Algorithm.self, forKey: .algorithm, default: .adamW)
    let variant = try values.decodeName(Variant.self, forKey: .variant, default: .standard)
    let usual = algorithm == .rmsprop ? Optimizer.rmsprop(variant: variant) : .adam()
    // Left out it takes its default; null leaves it to the rules.
    let decay: Double? =
      values.contains(.decay)
      ? try values.decodeIfPresent(Double.self, forKey: .decay) : algorithm == .adamW ? 0.01 : 0
    self.init(
      algorithm, learningRate: try LearningRate(from: decoder, usual: Self.usualRate(of: algorithm)),
      beta1: try values.decodeIfPresent(Double.self, forKey: .beta1) ?? usual.beta1,
      beta2: try values.decodeIfPresent(Double.self, forKey: .beta2) ?? usual.beta2,
      epsilon: try values.decodeIfPresent(Double.self, forKey: .epsilon) ?? usual.epsilon,
      decay: decay,
      clip: try values.decodeIfPresent(Double.self, forKey: .clip), variant: variant)
  }

  /// Encodes every value that the algorithm has, and the rate's beside them.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(algorithm, forKey: .algorithm)
    try learningRate.encode(to: encoder)
    if hasFirstMoment { try values.encode(beta1, forKey: .beta1) }
    if hasSecondMoment {
      try values.encode(beta2, forKey: .beta2)
      try values.encode(epsilon, forKey: .epsilon)
    }
    try values.encode(decay, forKey: .decay)
    try values.encode(clip, forKey: .clip)
    try values.encode(variant, forKey: .variant)
  }

  /// The learning rate that an algorithm takes when nobody says otherwise.
  package static func usualRate(of algorithm: Algorithm) -> Double {
    switch algorithm {
    case .gradientDescent, .momentum, .nesterov: 0.1
    case .rmsprop, .adam, .adamW: 1e-3
    }
  }

  package var hasFirstMoment: Bool { algorithm != .gradientDescent && algorithm != .rmsprop }
  package var hasSecondMoment: Bool { algorithm == .rmsprop || algorithm == .adam || algorithm == .adamW }
}
