import TartineEngine

/// A learning rate schedule: a function of the step, so that no state has to be saved.
///
/// With r the `peak` learning rate, t the step counted from the end of the warm-up, T the steps after it
/// and e = t / (steps per epoch):
///
/// | shape | learning rate |
/// |---|---|
/// | ``Shape/constant`` | r |
/// | ``Shape/inverseTime(decay:)`` | r / (1 + decay · e) |
/// | ``Shape/inverseSquareRoot(decay:)`` | r / √(1 + decay · e) |
/// | ``Shape/exponential(factor:)`` | r · factorᵉ |
/// | ``Shape/staircase(factor:every:)`` | r · factor^⌊e / every⌋ |
/// | ``Shape/polynomial(power:to:)`` | to + (r − to)(1 − t/T)^power |
/// | ``Shape/cosine(to:)`` | to + (r − to)(1 + cos πt/T) / 2 |
/// | ``Shape/cosineRestarts(first:factor:to:)`` | the cosine over cycles of first, first · factor, … epochs |
/// | ``Shape/logCosine`` | r (1 − cos(2π log₂(1 + 15 t/T))) / 2: four cycles, each twice as long |
/// | ``Shape/stableDecay(share:to:)`` | r, then linear to `to` over the last share of T |
/// | ``Shape/oneCycle(_:)`` | see ``OneCycle`` |
/// | ``Shape/plateau(factor:patience:)`` | r · factorᵏ, k the number of times that the dev loss had not decreased for more than `patience` epochs |
/// | ``Shape/joined(_:)`` | one shape after the other, each over its share of T |
///
/// The warm-up is linear, r · (s + 1) / warmupSteps at step s.
///
/// The plateau schedule also depends on the dev losses so far, which a run's history and checkpoint contain.
///
/// **Source**: Loshchilov and Hutter, *SGDR*, 2017, eq. 5, for the cosines; Goyal et al., *Accurate, large
/// minibatch SGD*, 2017, §2.2, for the warm-up; Holzmüller et al., *Better by default*, 2024, §3, for the
/// cosine on a log scale; Hu et al., *MiniCPM*, 2024, §4, for stable and decay.
///
/// **Differs from**: PyTorch's plateau has factor 0.1 and patience 10, as here, and requires an improvement
/// by 10⁻⁴ of the best loss; Keras an absolute one by 10⁻⁴.
public struct LearningRate: Hashable, Sendable {
  /// The shape of the schedule after the warm-up.
  public enum Shape: Hashable, Sendable {
    /// A constant learning rate.
    case constant
    /// Decays as 1 / (1 + decay · epochs).
    case inverseTime(decay: Double)
    /// Decays as 1 / √(1 + decay · epochs); with a decay of 1 as 1 / √epoch, counted from 1.
    case inverseSquareRoot(decay: Double)
    /// Decays by a factor per epoch, continuously.
    case exponential(factor: Double)
    /// Decays by a factor every so many epochs.
    case staircase(factor: Double, every: Double)
    /// Decays as a power of the remaining fraction of the run; linear with power 1.
    case polynomial(power: Double, to: Double)
    /// Decays along half a cosine, which would reach its end one step after the last.
    case cosine(to: Double)
    /// Decays along half a cosine with restarts: over `first` epochs, then each time over `factor` as many.
    case cosineRestarts(first: Double, factor: Double, to: Double)
    /// Four cycles of a cosine, each over twice as many steps as the one before.
    case logCosine
    /// Constant, then linear decay over the last share of the run.
    case stableDecay(share: Double, to: Double)
    /// One rise and fall, while the momentum falls and rises.
    case oneCycle(OneCycle)
    /// Decays by a factor when the dev loss has not decreased for more than `patience` epochs.
    case plateau(factor: Double, patience: Int)
    /// One shape after the other.
    case joined([Part])
    /// A schedule of the program's own.
    case other(AnyExtension<any CustomSchedule>)

    /// A schedule of the program's own.
    public static func custom(_ schedule: some CustomSchedule) -> Shape {
      .other(AnyExtension(schedule, schedule))
    }
  }

  /// One cycle of the learning rate r, with the momentum in the opposite direction, each part along half a
  /// cosine: from r / `startDivisor` to r over the first `rise` of the steps, and from there to r /
  /// `startDivisor` / `endDivisor`.
  ///
  /// β₁ goes from `highBeta1` to `lowBeta1` and back. An optimizer without β₁ ignores it.
  ///
  /// **Source**: Smith and Topin, *Super-convergence*, 2019; the defaults are PyTorch's.
  public struct OneCycle: Hashable, Sendable {
    /// The fraction of the steps over which the learning rate rises.
    public var rise = 0.3
    /// The ratio of the highest to the first learning rate.
    public var startDivisor = 25.0
    /// The ratio of the first to the last learning rate.
    public var endDivisor = 1e4
    /// The β₁ at the highest learning rate.
    public var lowBeta1 = 0.85
    /// The β₁ at the lowest learning rate.
    public var highBeta1 = 0.95

    /// Creates the default cycle.
    public init() {}
  }

  /// A shape over a share of the run.
  public struct Part: Hashable, Sendable {
    /// The fraction of the steps, in (0, 1]; the fractions of all parts add up to 1.
    public var share: Double
    /// Its highest learning rate, as a multiple of the schedule's.
    public var scale: Double
    /// The shape of the part.
    public var shape: Shape
    /// The warm-up fraction of the part's steps.
    public var warmup: Double

    /// Creates a part.
    public init(_ share: Double, scale: Double = 1, _ shape: Shape, warmup: Double = 0) {
      self.share = share
      self.scale = scale
      self.shape = shape
      self.warmup = warmup
    }
  }

  /// The highest learning rate: after the warm-up.
  public var peak: Double
  /// The shape after the warm-up.
  public var shape: Shape
  /// The warm-up fraction of all steps, in [0, 1).
  public var warmup: Double

  /// Creates a schedule.
  public init(_ peak: Double, shape: Shape = .constant, warmup: Double = 0) {
    self.peak = peak
    self.shape = shape
    self.warmup = warmup
  }

  /// The default warm-up fraction.
  public static let defaultWarmup = 0.05

  /// A constant learning rate.
  public static func constant(_ rate: Double, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .constant, warmup: warmup)
  }

  /// Inverse time decay: rate / (1 + decay · epochs).
  public static func inverseTime(from rate: Double, decay: Double = 1, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .inverseTime(decay: decay), warmup: warmup)
  }

  /// Inverse square root decay: rate / √(1 + decay · epochs).
  public static func inverseSquareRoot(from rate: Double, decay: Double = 1, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .inverseSquareRoot(decay: decay), warmup: warmup)
  }

  /// Exponential decay: rate · factor^epochs.
  public static func exponential(from rate: Double, factor: Double, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .exponential(factor: factor), warmup: warmup)
  }

  /// Step decay: rate · factor^⌊epochs / every⌋.
  public static func staircase(
    from rate: Double, factor: Double, every epochs: Double, warmup: Double = 0
  ) -> LearningRate {
    LearningRate(rate, shape: .staircase(factor: factor, every: epochs), warmup: warmup)
  }

  /// Polynomial decay of the remaining fraction of the run; by default linear to 0.
  public static func polynomial(
    from rate: Double, power: Double = 1, to end: Double = 0, warmup: Double = 0
  ) -> LearningRate {
    LearningRate(rate, shape: .polynomial(power: power, to: end), warmup: warmup)
  }

  /// Half a cosine after a warm-up: the default.
  public static func cosine(
    from rate: Double, to end: Double = 0, warmup: Double = defaultWarmup
  ) -> LearningRate {
    LearningRate(rate, shape: .cosine(to: end), warmup: warmup)
  }

  /// A cosine with restarts: over `first` epochs, then each time over `factor` as many.
  public static func cosineRestarts(
    from rate: Double, first epochs: Double, factor: Double = 2, to end: Double = 0, warmup: Double = 0
  ) -> LearningRate {
    LearningRate(rate, shape: .cosineRestarts(first: epochs, factor: factor, to: end), warmup: warmup)
  }

  /// Four cosines, each twice as long as the one before.
  public static func logCosine(from rate: Double) -> LearningRate { LearningRate(rate, shape: .logCosine) }

  /// Warm-up, constant, then linear decay to the end.
  public static func stableDecay(
    from rate: Double, share: Double = 0.2, to end: Double = 0, warmup: Double = defaultWarmup
  ) -> LearningRate {
    LearningRate(rate, shape: .stableDecay(share: share, to: end), warmup: warmup)
  }

  /// A rise to `rate` and a fall, with the momentum in the opposite direction.
  public static func oneCycle(to rate: Double, _ cycle: OneCycle = OneCycle()) -> LearningRate {
    LearningRate(rate, shape: .oneCycle(cycle))
  }

  /// Decay when the dev loss stops decreasing.
  public static func plateau(
    from rate: Double, factor: Double = 0.1, patience: Int = 10, warmup: Double = 0
  ) -> LearningRate {
    LearningRate(rate, shape: .plateau(factor: factor, patience: patience), warmup: warmup)
  }

  /// One shape after the other.
  public static func joined(_ rate: Double, _ parts: [Part]) -> LearningRate {
    LearningRate(rate, shape: .joined(parts))
  }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if !(peak > 0 && peak.isFinite) { return "learningRate must be above 0, not \(peak)" }
    if !(warmup >= 0 && warmup < 1) { return "warmup must be a share of the steps in [0, 1), not \(warmup)" }
    return shape.problem(rate: peak)
  }
}

extension LearningRate: ExpressibleByFloatLiteral {
  /// A constant learning rate.
  public init(floatLiteral value: Double) { self.init(value) }
}

extension LearningRate.Shape {
  fileprivate func problem(rate: Double) -> String? {
    func check(_ isGood: Bool, _ what: String, _ value: Double, _ rule: String) -> String? {
      isGood ? nil : "the schedule's \(what) must be \(rule), not \(value)"
    }
    func factor(_ factor: Double) -> String? { check(factor > 0 && factor <= 1, "factor", factor, "in (0, 1]") }
    func end(_ end: Double) -> String? { check(end >= 0 && end <= rate, "end", end, "from 0 to the learning rate") }
    func share(_ share: Double) -> String? { check(share > 0 && share <= 1, "share", share, "in (0, 1]") }
    switch self {
    case .constant, .logCosine: return nil
    case .other(let own): return own.problem(unlike: LearningRate.scheduleNames).map { "the schedule \($0)" }
    case .inverseTime(let decay), .inverseSquareRoot(let decay):
      return check(decay >= 0 && decay.isFinite, "decay", decay, "at least 0")
    case .exponential(let value): return factor(value)
    case .staircase(let value, let every):
      return factor(value) ?? check(every > 0, "every", every, "above 0 epochs")
    case .polynomial(let power, let last):
      return check(power > 0 && power.isFinite, "power", power, "above 0") ?? end(last)
    case .cosine(let last): return end(last)
    case .cosineRestarts(let first, let value, let last):
      return check(first > 0 && first.isFinite, "every", first, "above 0 epochs")
        ?? check(value >= 1 && value.isFinite, "factor", value, "at least 1") ?? end(last)
    case .stableDecay(let value, let last): return share(value) ?? end(last)
    case .oneCycle(let cycle):
      for beta in [cycle.lowBeta1, cycle.highBeta1] where !(beta >= 0 && beta < 1) {
        return "the schedule's beta1 must be in [0, 1), not \(beta)"
      }
      return check(cycle.rise > 0 && cycle.rise < 1, "share", cycle.rise, "in (0, 1)")
        ?? check(cycle.startDivisor >= 1, "start divisor", cycle.startDivisor, "at least 1")
        ?? check(cycle.endDivisor >= 1, "end divisor", cycle.endDivisor, "at least 1")
    case .plateau(let value, let patience):
      return factor(value) ?? check(patience >= 0, "patience", Double(patience), "at least 0 epochs")
    case .joined(let parts): return problem(of: parts, rate: rate)
    }
  }

  private func problem(of parts: [LearningRate.Part], rate: Double) -> String? {
    let total = parts.reduce(0) { $0 + $1.share }
    if !(abs(total - 1) < 1e-6) { return "the shares of a joined schedule's parts must add up to 1, not \(total)" }
    for part in parts {
      if !(part.share > 0) { return "the share of a schedule's part must be above 0, not \(part.share)" }
      if let problem = LearningRate(rate * part.scale, shape: part.shape, warmup: part.warmup).problem {
        return problem
      }
    }
    return nil
  }
}
