#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The learning rate over a run: a pure function of the step, so that nothing of it has to be saved.
///
/// With r the `initial` rate, t the step counted from the warm-up's end, T the steps after it and
/// e = t / (steps an epoch):
///
/// | shape | rate |
/// |---|---|
/// | ``Shape/constant`` | r |
/// | ``Shape/inverseTime(decay:)`` | r / (1 + decay · e) |
/// | ``Shape/exponential(factor:)`` | r · factorᵉ |
/// | ``Shape/staircase(factor:every:)`` | r · factor^⌊e / every⌋ |
/// | ``Shape/cosine(to:)`` | to + (r − to)(1 + cos πt/T) / 2 |
///
/// A warm-up rises in a straight line, r · (s + 1) / warmupSteps at step s.
///
/// **Source**: Loshchilov and Hutter, *SGDR*, 2017, eq. 5, for the cosine; Goyal et al., *Accurate, large
/// minibatch SGD*, 2017, §2.2, for the warm-up.
public struct LearningRate: Hashable, Sendable {
  /// How the rate goes on after the warm-up.
  public enum Shape: Hashable, Sendable {
    /// Stays.
    case constant
    /// Falls as 1 / (1 + decay · epochs).
    case inverseTime(decay: Double)
    /// Falls by a factor each epoch, smoothly.
    case exponential(factor: Double)
    /// Falls by a factor all at once, every so many epochs.
    case staircase(factor: Double, every: Double)
    /// Falls along half a cosine, which would reach its end one step after the last.
    case cosine(to: Double)
  }

  /// The rate at its highest: after the warm-up.
  public var initial: Double
  /// How it goes on from there.
  public var shape: Shape
  /// The share of all steps that the warm-up takes, in [0, 1).
  public var warmup: Double

  /// Describes a rate.
  public init(_ initial: Double, shape: Shape = .constant, warmup: Double = 0) {
    self.initial = initial
    self.shape = shape
    self.warmup = warmup
  }

  /// The share of all steps that a warm-up takes when nobody says otherwise.
  public static let defaultWarmup = 0.05

  /// Always `rate`.
  public static func constant(_ rate: Double, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .constant, warmup: warmup)
  }

  /// rate / (1 + decay · epochs).
  public static func inverseTime(from rate: Double, decay: Double, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .inverseTime(decay: decay), warmup: warmup)
  }

  /// rate · factor^epochs.
  public static func exponential(from rate: Double, factor: Double, warmup: Double = 0) -> LearningRate {
    LearningRate(rate, shape: .exponential(factor: factor), warmup: warmup)
  }

  /// rate · factor^⌊epochs / every⌋.
  public static func staircase(
    from rate: Double, factor: Double, every epochs: Double, warmup: Double = 0
  ) -> LearningRate {
    LearningRate(rate, shape: .staircase(factor: factor, every: epochs), warmup: warmup)
  }

  /// Half a cosine after a warm-up: the default.
  public static func cosine(
    from rate: Double, to end: Double = 0, warmup: Double = defaultWarmup
  ) -> LearningRate {
    LearningRate(rate, shape: .cosine(to: end), warmup: warmup)
  }

  /// The rate of a step.
  ///
  /// - Parameters:
  ///   - step: from 0.
  ///   - total: steps of the whole run.
  ///   - epochSteps: steps of an epoch.
  public func rate(at step: Int, of total: Int, epochSteps: Int) -> Double {
    let warmupSteps = Int((warmup * Double(total)).rounded())
    if step < warmupSteps { return initial * Double(step + 1) / Double(warmupSteps) }
    let t = Double(step - warmupSteps)
    let epochs = t / Double(max(1, epochSteps))
    switch shape {
    case .constant: return initial
    case .inverseTime(let decay): return initial / (1 + decay * epochs)
    case .exponential(let factor): return initial * pow(factor, epochs)
    case .staircase(let factor, let every): return initial * pow(factor, (epochs / every).rounded(.down))
    case .cosine(let end):
      let progress = min(1, t / Double(max(1, total - warmupSteps)))
      return end + (initial - end) * (1 + cos(Double.pi * progress)) / 2
    }
  }

  /// What is wrong with the values, in a sentence; nil if nothing is.
  public var problem: String? {
    func bad(_ what: String, _ value: Double, _ rule: String) -> String? { "\(what) must be \(rule), not \(value)" }
    if !(initial > 0 && initial.isFinite) {
      return bad("learningRate", initial, "above 0")
    }
    if !(warmup >= 0 && warmup < 1) { return bad("warmup", warmup, "a share of the steps in [0, 1)") }
    switch shape {
    case .constant: return nil
    case .inverseTime(let decay): return decay >= 0 ? nil : bad("the schedule's decay", decay, "at least 0")
    case .exponential(let factor):
      return factor > 0 && factor <= 1 ? nil : bad("the schedule's factor", factor, "in (0, 1]")
    case .staircase(let factor, let every):
      if !(factor > 0 && factor <= 1) { return bad("the schedule's factor", factor, "in (0, 1]") }
      return every > 0 ? nil : bad("the schedule's every", every, "above 0 epochs")
    case .cosine(let end):
      return end >= 0 && end <= initial ? nil : bad("the schedule's end", end, "from 0 to the learning rate")
    }
  }
}

extension LearningRate: ExpressibleByFloatLiteral {
  /// A constant rate.
  public init(floatLiteral value: Double) { self.init(value) }
}

/// The flat keys that recipes use beside the optimizer's own: `learningRate`, `schedule`, `warmup`, and what
/// the shape needs.
extension LearningRate: Codable {
  enum Key: String, CodingKey {
    case learningRate, schedule, warmup
    case decay = "scheduleDecay"
    case factor = "scheduleFactor"
    case every = "scheduleEvery"
    case end = "scheduleEnd"
  }

  /// The schedules' names in recipes and flags.
  public static let scheduleNames = ["constant", "inverse-time", "exponential", "staircase", "cosine"]

  /// Decodes; a shape's own numbers take their defaults where they are left out.
  public init(from decoder: any Decoder) throws {
    try self.init(from: decoder, usual: nil)
  }

  /// - Parameter usual: the rate where none is named; nil: one must be.
  init(from decoder: any Decoder, usual: Double?) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let name = try values.decodeIfPresent(String.self, forKey: .schedule) ?? "cosine"
    func number(_ key: Key, or other: Double) throws -> Double {
      try values.decodeIfPresent(Double.self, forKey: key) ?? other
    }
    let shape: Shape
    switch name {
    case "constant": shape = .constant
    case "inverse-time": shape = .inverseTime(decay: try number(.decay, or: 1))
    case "exponential": shape = .exponential(factor: try number(.factor, or: 0.95))
    case "staircase":
      shape = .staircase(factor: try number(.factor, or: 0.5), every: try number(.every, or: 10))
    case "cosine": shape = .cosine(to: try number(.end, or: 0))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .schedule, in: values,
        debugDescription:
          "there is no schedule '\(name)'; there are \(Self.scheduleNames.joined(separator: ", "))")
    }
    self.init(
      try usual.map { try number(.learningRate, or: $0) } ?? values.decode(Double.self, forKey: .learningRate),
      shape: shape,
      warmup: try number(.warmup, or: name == "cosine" ? Self.defaultWarmup : 0))
  }

  /// Encodes the keys that the shape has.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(initial, forKey: .learningRate)
    try values.encode(warmup, forKey: .warmup)
    switch shape {
    case .constant: try values.encode("constant", forKey: .schedule)
    case .inverseTime(let decay):
      try values.encode("inverse-time", forKey: .schedule)
      try values.encode(decay, forKey: .decay)
    case .exponential(let factor):
      try values.encode("exponential", forKey: .schedule)
      try values.encode(factor, forKey: .factor)
    case .staircase(let factor, let every):
      try values.encode("staircase", forKey: .schedule)
      try values.encode(factor, forKey: .factor)
      try values.encode(every, forKey: .every)
    case .cosine(let end):
      try values.encode("cosine", forKey: .schedule)
      try values.encode(end, forKey: .end)
    }
  }
}
