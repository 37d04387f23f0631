extension Optimizer {
  /// Plain gradient descent.
  public static func gradientDescent(learningRate: LearningRate = .cosine(from: 0.1)) -> Optimizer {
    Optimizer(.gradientDescent, learningRate: learningRate)
  }

  /// Gradient descent along a moving average of the gradient.
  ///
  /// **Differs from**: PyTorch does not multiply g by 1 − β, so its learning rate is effectively larger by
  /// 1/(1 − β) (`.torch`); neither do Keras and scikit-learn, which also include the learning rate in m, so
  /// that a change takes effect gradually (`.keras`, `.sklearn`); the lecture's has no bias correction
  /// (`.lecture`).
  public static func momentum(
    learningRate: LearningRate = .cosine(from: 0.1), beta: Double = 0.9, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.momentum, variant: variant, learningRate: learningRate, beta1: beta)
  }

  /// Nesterov momentum.
  ///
  /// **Differs from**: see ``momentum(learningRate:beta:variant:)``.
  public static func nesterov(
    learningRate: LearningRate = .cosine(from: 0.1), beta: Double = 0.9, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.nesterov, variant: variant, learningRate: learningRate, beta1: beta)
  }

  /// Adagrad, which divides steps by the root of the sum of all squared gradients so far: for sparse
  /// gradients.
  ///
  /// **Differs from**: Keras initializes the sum with 0.1 and adds its ε = 10⁻⁷ inside the root (`.keras`).
  public static func adagrad(
    learningRate: LearningRate = .constant(0.01), epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(.adagrad, variant: variant, learningRate: learningRate, epsilon: epsilon)
  }

  /// RMSProp, which divides steps by the root of a moving average of squared gradients.
  ///
  /// **Differs from**: PyTorch uses β = 0.99 (`.torch`); Keras adds ε inside the root (`.keras`); the lecture
  /// uses β = 0.999 and ε = 10⁻⁵ inside (`.lecture`): its first step is then 31.6 times the learning rate.
  public static func rmsprop(
    learningRate: LearningRate = .cosine(from: 1e-3), beta: Double? = nil, epsilon: Double? = nil,
    centered: Bool = false, momentum: Double = 0, variant: Variant = .standard
  ) -> Optimizer {
    var optimizer = Optimizer(.rmsprop, variant: variant, learningRate: learningRate, beta2: beta, epsilon: epsilon)
    optimizer.centered = centered
    optimizer.momentum = momentum
    return optimizer
  }

  /// L-BFGS: steps along −Hg, with H an estimate of the inverse Hessian from the last ten changes of weights
  /// and gradient, and a line search. For few rows and small networks: each step uses all rows, some of them
  /// several times. Training ends when the loss cannot be reduced further.
  ///
  /// The loss must be the same each time it is evaluated: no dropout, noise, batch norm, mixup or
  /// augmentation. The learning rate is the initial step length of the line search.
  ///
  /// **Source**: Liu and Nocedal, *On the limited memory BFGS method*, 1989; Nocedal and Wright, *Numerical optimization*, 2006,
  /// algorithms 3.5, 3.6 and 7.4.
  ///
  /// **Differs from**: PyTorch's uses the learning rate as the step length, without a line search (`.torch`),
  /// by default.
  public static func lbfgs(learningRate: LearningRate = .constant(1), variant: Variant = .standard) -> Optimizer {
    Optimizer(.lbfgs, variant: variant, learningRate: learningRate)
  }

  /// Adam.
  ///
  /// **Differs from**: Keras and scikit-learn add ε (10⁻⁷ and 10⁻⁸) to the root of the *uncorrected* second
  /// moment, where its effect is larger by 1/√(1 − β₂ᵗ): 31.6 times in the first step (`.keras`, `.sklearn`).
  /// The lecture corrects neither moment and has ε = 10⁻⁵ inside the root (`.lecture`): its first step is up
  /// to 3.2 times the learning rate.
  public static func adam(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .adam, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Adam with decoupled weight decay.
  public static func adamW(
    learningRate: LearningRate = .cosine(from: 1e-3), decay: Double? = 0.01, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .adamW, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      decay: decay)
  }

  /// Adam with the largest second moment so far, so that a step never grows because recent gradients were
  /// small.
  ///
  /// **Differs from**: the paper corrects neither moment; PyTorch, Keras and this implementation do, after
  /// taking the maximum.
  public static func amsGrad(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil, variant: Variant = .standard
  ) -> Optimizer {
    Optimizer(
      .amsGrad, variant: variant, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Adam with Nesterov momentum: with μₜ = β₁(1 − 0.96^(0.004 t)/2), Mₜ = μ₁⋯μₜ,
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

  /// Adam with a rectified learning rate while the second moment is based on few gradients: with ρ∞ =
  /// 2/(1−β₂) − 1, ρₜ = ρ∞ − 2tβ₂ᵗ/(1−β₂ᵗ), the step is rate · m̂ while ρₜ ≤ 5, and then
  /// rate · √((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ)) · m̂ · √(1−β₂ᵗ) / (√s + ε).
  ///
  /// **Differs from**: the paper rectifies for ρₜ > 4; PyTorch, Optax and this implementation for ρₜ > 5.
  public static func rAdam(
    learningRate: LearningRate = .cosine(from: 1e-3), beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double? = nil
  ) -> Optimizer {
    Optimizer(.rAdam, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
  }

  /// Lion: steps of constant size along signs. Use a learning rate three to ten times smaller than Adam's,
  /// and as much more weight decay.
  public static func lion(
    learningRate: LearningRate = .cosine(from: 3e-4), beta1: Double = 0.9, beta2: Double = 0.99, decay: Double = 0
  ) -> Optimizer {
    Optimizer(.lion, learningRate: learningRate, beta1: beta1, beta2: beta2, decay: decay)
  }
}
