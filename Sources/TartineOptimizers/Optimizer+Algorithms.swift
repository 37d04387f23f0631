extension Optimizer {
  /// Plain gradient descent.
  public static func gradientDescent(learningRate: LearningRate = .cosine(from: 0.1)) -> Optimizer {
    Optimizer(.gradientDescent, learningRate: learningRate)
  }

  /// Gradient descent along a moving average of the gradient.
  ///
  /// **Differs from**: PyTorch does not weigh g by 1 − β, so that its rate means 1/(1 − β) as much
  /// (`.torch`); Keras and scikit-learn do neither, and take the rate into m, so that a change of it comes to act by and
  /// by (`.keras`, `.sklearn`); the lecture's is not corrected (`.lecture`).
  public static func momentum(
    learningRate: LearningRate = .cosine(from: 0.1), beta: Double = 0.9, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.momentum, variant: variant, learningRate: learningRate, beta1: beta)
  }

  /// Momentum that looks ahead.
  ///
  /// **Differs from**: as ``momentum(learningRate:beta:variant:)``.
  public static func nesterov(
    learningRate: LearningRate = .cosine(from: 0.1), beta: Double = 0.9, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.nesterov, variant: variant, learningRate: learningRate, beta1: beta)
  }

  /// Steps divided by the root of the sum of all squared gradients so far: for parameters that are seldom touched.
  ///
  /// **Differs from**: Keras starts the sum at 0.1 and puts its ε = 10⁻⁷ inside the root (`.keras`).
  public static func adagrad(
    learningRate: LearningRate = .constant(0.01), epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.adagrad, variant: variant, learningRate: learningRate, epsilon: epsilon)
  }

  /// Steps divided by the root of a moving average of squared gradients.
  ///
  /// **Differs from**: PyTorch takes β = 0.99 (`.torch`); Keras puts ε inside the root (`.keras`); the lecture takes
  /// β = 0.999 and ε = 10⁻⁵ inside (`.lecture`): its first step is then 31.6 times the rate.
  public static func rmsprop(
    learningRate: LearningRate = .cosine(from: 1e-3), beta: Double? = nil, epsilon: Double? = nil,
    centered: Bool = false, momentum: Double = 0, variant: Variant = .standard
  ) -> Optimizer {
    var optimizer = Optimizer(.rmsprop, variant: variant, learningRate: learningRate, beta2: beta, epsilon: epsilon)
    optimizer.centered = centered
    optimizer.momentum = momentum
    return optimizer
  }

  /// L-BFGS: steps along −Hg, with H an estimate of the inverse curvature made of the last ten changes of weights and
  /// gradient, as far as a line search finds them good. For few rows and small networks: each step takes all rows, and some
  /// of them several times; it ends by itself where the loss can be brought no lower.
  ///
  /// The loss must be the same each time it is asked for: no dropout, noise, batch norm, mixup or augmentation. The rate is
  /// where the search along a direction begins.
  ///
  /// **Source**: Liu and Nocedal, *On the limited memory BFGS method*, 1989; Nocedal and Wright, *Numerical optimization*, 2006,
  /// algorithms 3.5, 3.6 and 7.4.
  ///
  /// **Differs from**: PyTorch's takes the rate for the step, without a search (`.torch`), or searches where asked to.
  public static func lbfgs(learningRate: LearningRate = .constant(1), variant: Variant = .standard) -> Optimizer {
    Optimizer(.lbfgs, variant: variant, learningRate: learningRate)
  }

  /// Adam.
  ///
  /// **Differs from**: Keras and scikit-learn add ε (10⁻⁷ and 10⁻⁸) to the root of the *uncorrected* second moment, where
  /// it weighs 1/√(1 − β₂ᵗ) as much: 31.6 times in the first step (`.keras`, `.sklearn`). The lecture corrects neither moment
  /// and has ε = 10⁻⁵ inside the root (`.lecture`): its first step is up to 3.2 times the rate.
  public static func adam(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .adam, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Adam with decay apart from the gradient.
  public static func adamW(
    learningRate: LearningRate = .cosine(from: 1e-3), decay: Double? = 0.01, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .adamW, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      decay: decay)
  }

  /// Adam divided by the largest second moment so far, so that a step never grows because gradients were small of late.
  ///
  /// **Differs from**: the paper corrects neither moment; PyTorch and Keras do, after the largest is taken, and so does this.
  public static func amsGrad(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .amsGrad, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Adam that looks ahead: with μₜ = β₁(1 − 0.96^(0.004 t)/2), Mₜ = μ₁⋯μₜ,
  /// w ← w − rate · (μₜ₊₁ m/(1−Mₜ₊₁) + (1−μₜ) g/(1−Mₜ)) / (√ŝ + ε).
  ///
  /// **Differs from**: Keras has μₜ = β₁(1 − 0.96ᵗ/2), which rises 250 times as fast (`.keras`).
  public static func nAdam(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .nAdam, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Adam whose rate is held back while the second moment knows few gradients: with ρ∞ = 2/(1−β₂) − 1,
  /// ρₜ = ρ∞ − 2tβ₂ᵗ/(1−β₂ᵗ), the step is rate · m̂ while ρₜ ≤ 5, and then
  /// rate · √((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ)) · m̂ · √(1−β₂ᵗ) / (√s + ε).
  ///
  /// **Differs from**: the paper rectifies from ρₜ > 4 on; PyTorch, Optax and this from 5.
  public static func rAdam(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil
  ) -> Optimizer {
    Optimizer(.rAdam, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Steps of one size along signs. Takes a rate three to ten times smaller than Adam's, and as much more decay.
  public static func lion(
    learningRate: LearningRate = .cosine(from: 3e-4), beta1: Double = 0.9, beta2: Double = 0.99, decay: Double = 0
  ) -> Optimizer {
    Optimizer(.lion, learningRate: learningRate, beta1: beta1, beta2: beta2, decay: decay)
  }
}
