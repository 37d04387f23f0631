import TartineEngine
import TartineKernels
import TartinePlatform

/// The coefficients of one update sweep for an optimizer: a function of the step alone.
struct UpdateRule {
  private let optimizer: Optimizer
  /// The product μ₁⋯μₜ of NAdam after a number of steps.
  private var product = (steps: 0, value: 1.0)

  init(_ optimizer: Optimizer) { self.optimizer = optimizer }

  /// The initial second moment.
  var initialSecondMoment: Double { optimizer.algorithm == .adagrad && optimizer.variant == .keras ? 0.1 : 0 }

  func sweep(in kernels: tartine_kernels) -> @convention(c) (UnsafePointer<tartine_update>?) -> Void {
    switch optimizer.algorithm {
    case .gradientDescent, .momentum, .nesterov, .lbfgs, .other: kernels.descend
    case .rmsprop where optimizer.centered || optimizer.momentum > 0: kernels.rmsprop
    case .adagrad, .rmsprop, .adam, .adamW, .amsGrad, .nAdam, .rAdam: kernels.adapt
    case .lion: kernels.lion
    }
  }

  /// - Parameters:
  ///   - t: the number of the step, from 1.
  ///   - rate: the learning rate of the step.
  ///   - beta1: replaces the optimizer's β₁, except for NAdam, which has its own schedule.
  mutating func coefficients(step t: Int, rate: Double, beta1: Double?) -> tartine_update {
    let (beta1, beta2) = (beta1 ?? optimizer.beta1, optimizer.beta2)
    var update = tartine_update()
    update.rate = rate
    (update.keep1, update.gain1) = (beta1, 1 - beta1)
    (update.keep2, update.gain2, update.correct2) = (beta2, 1 - beta2, 1)
    update.epsilon = optimizer.epsilon
    switch optimizer.algorithm {
    case .gradientDescent, .lbfgs, .other: update.use_gradient = 1
    case .momentum: followMomentum(&update, beta: beta1, looksAhead: false, step: t)
    case .nesterov: followMomentum(&update, beta: beta1, looksAhead: true, step: t)
    case .adagrad:
      update.use_gradient = 1
      (update.keep2, update.gain2) = (1, 1)
      if optimizer.variant == .keras { putEpsilonInside(&update) }
    case .rmsprop:
      update.use_gradient = 1
      if optimizer.variant == .keras || optimizer.variant == .lecture { putEpsilonInside(&update) }
      guard optimizer.centered || optimizer.momentum > 0 else { break }
      (update.keep1, update.gain1) = (beta2, 1 - beta2)
      (update.keep3, update.gain3) = (optimizer.momentum, 1)
      if optimizer.variant == .keras {
        // The same definition as for its momentum.
        (update.gain3, update.rate) = (rate, 1)
      }
    case .adam where optimizer.variant == .lecture:
      update.use_first = 1
      putEpsilonInside(&update)
    case .adam, .adamW, .amsGrad:
      update.use_first = 1 / MovingAverage.weight(beta: beta1, after: t)
      correctSecondMoment(&update, step: t)
    case .nAdam:
      (update.keep1, update.gain1) = (optimizer.beta1, 1 - optimizer.beta1)
      let momentum = momentum(step: t)
      let next = self.momentum(step: t + 1)
      let product = productOfMomentums(upTo: t)
      update.use_first = next / (1 - product * next)
      update.use_gradient = (1 - momentum) / (1 - product)
      update.correct2 = 1 / MovingAverage.weight(beta: beta2, after: t)
    case .rAdam: rectify(&update, beta: beta1, step: t)
    case .lion:
      (update.use_first, update.use_gradient) = (beta1, 1 - beta1)
      (update.keep1, update.gain1) = (beta2, 1 - beta2)
    }
    return update
  }

  private func followMomentum(_ update: inout tartine_update, beta: Double, looksAhead: Bool, step t: Int) {
    switch optimizer.variant {
    case .standard, .lecture: break
    case .torch: update.gain1 = 1
    case .keras, .sklearn:
      // The moment includes the learning rate, and is subtracted from the weights unscaled.
      update.gain1 = update.rate
      update.rate = 1
    }
    if looksAhead {
      (update.use_first, update.use_gradient) = (beta, update.gain1)
    } else {
      update.use_first = optimizer.variant == .standard ? 1 / MovingAverage.weight(beta: beta, after: t) : 1
    }
  }

  private func putEpsilonInside(_ update: inout tartine_update) {
    (update.epsilon_inside, update.epsilon) = (update.epsilon, 0)
  }

  /// Divides by √ŝ + ε, or, with a preceding factor, by √s + ε.
  private func correctSecondMoment(_ update: inout tartine_update, step t: Int) {
    let weight = MovingAverage.weight(beta: optimizer.beta2, after: t)
    switch optimizer.variant {
    case .keras, .sklearn:
      update.use_first *= weight.squareRoot()
    case .standard, .lecture, .torch: update.correct2 = 1 / weight
    }
  }

  /// NAdam's μₜ.
  private func momentum(step t: Int) -> Double {
    optimizer.beta1 * (1 - 0.5 * pow(0.96, Double(t) * (optimizer.variant == .keras ? 1 : 0.004)))
  }

  private mutating func productOfMomentums(upTo t: Int) -> Double {
    if t < product.steps { product = (0, 1) }
    while product.steps < t { product = (product.steps + 1, product.value * momentum(step: product.steps + 1)) }
    return product.value
  }

  private func rectify(_ update: inout tartine_update, beta: Double, step t: Int) {
    let last = 2 / (1 - optimizer.beta2) - 1
    let weight = MovingAverage.weight(beta: optimizer.beta2, after: t)
    let length = last - 2 * Double(t) * (1 - weight) / weight
    update.use_first = 1 / MovingAverage.weight(beta: beta, after: t)
    if length > 5 {
      let rectified = (length - 4) * (length - 2) * last / ((last - 4) * (last - 2) * length)
      update.use_first *= (rectified * weight).squareRoot()
    } else {
      // √(0 s + 1) + 0: no division.
      (update.correct2, update.epsilon_inside, update.epsilon) = (0, 1, 0)
    }
  }
}
