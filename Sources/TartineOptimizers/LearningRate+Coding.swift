/// The flat keys that recipes use beside the optimizer's: `learningRate`, `schedule`, `warmup`, and the
/// parameters of the shape.
extension LearningRate: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case learningRate, schedule, warmup
    case decay = "scheduleDecay"
    case factor = "scheduleFactor"
    case every = "scheduleEvery"
    case end = "scheduleEnd"
    case power = "schedulePower"
    case share = "scheduleShare"
    case patience = "schedulePatience"
    case startDivisor = "scheduleStartDivisor"
    case endDivisor = "scheduleEndDivisor"
    case lowBeta1 = "scheduleLowBeta1"
    case highBeta1 = "scheduleHighBeta1"
    case parts = "scheduleParts"
    case custom = "scheduleCustom"
  }

  /// The keys that apply to one schedule only.
  package static let scheduleKeys =
    [
      Key.warmup, .decay, .factor, .every, .end, .power, .share, .patience, .startDivisor, .endDivisor, .lowBeta1,
      .highBeta1, .parts, .custom,
    ].map(\.rawValue)

  /// The schedules' names in recipes and flags.
  public static let scheduleNames = [
    "constant", "inverse-time", "inverse-square-root", "exponential", "staircase", "polynomial", "cosine",
    "cosine-restarts", "log-cosine", "stable-decay", "one-cycle", "plateau", "joined",
  ]

  /// Decodes; omitted parameters of a shape take their defaults.
  public init(from decoder: any Decoder) throws {
    try self.init(from: decoder, fallback: nil)
  }

  /// - Parameter fallback: the default learning rate; nil: required.
  init(from decoder: any Decoder, fallback: Double?) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let shape = try Shape(from: decoder)
    self.init(
      try values.decodeIfPresent(Double.self, forKey: .learningRate) ?? fallback
        ?? values.decode(Double.self, forKey: .learningRate),
      shape: shape, warmup: try values.decodeIfPresent(Double.self, forKey: .warmup) ?? shape.defaultWarmup)
  }

  /// Encodes the keys of the shape.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(peak, forKey: .learningRate)
    try values.encode(warmup, forKey: .warmup)
    try shape.encode(to: encoder)
  }
}

extension LearningRate.Shape: Codable {
  private typealias Key = LearningRate.Key

  fileprivate var defaultWarmup: Double {
    switch self {
    case .cosine, .stableDecay: LearningRate.defaultWarmup
    default: 0
    }
  }

  /// Decodes the flat keys of a learning rate.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func number(_ key: Key, or other: Double) throws -> Double {
      try values.decodeIfPresent(Double.self, forKey: key) ?? other
    }
    let name = try values.decodeIfPresent(String.self, forKey: .schedule) ?? "cosine"
    switch name {
    case "constant": self = .constant
    case "inverse-time": self = .inverseTime(decay: try number(.decay, or: 1))
    case "inverse-square-root": self = .inverseSquareRoot(decay: try number(.decay, or: 1))
    case "exponential": self = .exponential(factor: try number(.factor, or: 0.95))
    case "staircase": self = .staircase(factor: try number(.factor, or: 0.5), every: try number(.every, or: 10))
    case "polynomial": self = .polynomial(power: try number(.power, or: 1), to: try number(.end, or: 0))
    case "cosine": self = .cosine(to: try number(.end, or: 0))
    case "cosine-restarts":
      self = .cosineRestarts(
        first: try number(.every, or: 10), factor: try number(.factor, or: 2), to: try number(.end, or: 0))
    case "log-cosine": self = .logCosine
    case "stable-decay": self = .stableDecay(share: try number(.share, or: 0.2), to: try number(.end, or: 0))
    case "one-cycle":
      var cycle = LearningRate.OneCycle()
      cycle.rise = try number(.share, or: cycle.rise)
      cycle.startDivisor = try number(.startDivisor, or: cycle.startDivisor)
      cycle.endDivisor = try number(.endDivisor, or: cycle.endDivisor)
      cycle.lowBeta1 = try number(.lowBeta1, or: cycle.lowBeta1)
      cycle.highBeta1 = try number(.highBeta1, or: cycle.highBeta1)
      self = .oneCycle(cycle)
    case "plateau":
      self = .plateau(
        factor: try number(.factor, or: 0.1), patience: try values.decodeIfPresent(Int.self, forKey: .patience) ?? 10)
    case "joined":
      guard let parts = try values.decodeIfPresent([LearningRate.Part].self, forKey: .parts) else {
        throw DecodingError.dataCorruptedError(
          forKey: .parts, in: values,
          debugDescription: "a joined schedule needs its parts, such as "
            + #"[{"share": 0.2, "schedule": "constant"}, {"share": 0.8, "schedule": "cosine"}]"#)
      }
      self = .joined(parts)
    default:
      guard let own = try LearningRate.registry.decode(name, from: values, forKey: .custom, of: decoder) else {
        let names = LearningRate.scheduleNames + LearningRate.registry.names
        throw DecodingError.dataCorruptedError(
          forKey: .schedule, in: values,
          debugDescription:
            "there is no schedule '\(name)'; there are \(names.joined(separator: ", ")). A schedule of the program's own "
            + "must be registered first (LearningRate.register)")
      }
      self = .other(own)
    }
  }

  /// Encodes the flat keys of a learning rate.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    func put(_ name: String, _ numbers: [(Key, Double)] = []) throws {
      try values.encode(name, forKey: .schedule)
      for (key, number) in numbers { try values.encode(number, forKey: key) }
    }
    switch self {
    case .constant: try put("constant")
    case .inverseTime(let decay): try put("inverse-time", [(.decay, decay)])
    case .inverseSquareRoot(let decay): try put("inverse-square-root", [(.decay, decay)])
    case .exponential(let factor): try put("exponential", [(.factor, factor)])
    case .staircase(let factor, let every): try put("staircase", [(.factor, factor), (.every, every)])
    case .polynomial(let power, let end): try put("polynomial", [(.power, power), (.end, end)])
    case .cosine(let end): try put("cosine", [(.end, end)])
    case .cosineRestarts(let first, let factor, let end):
      try put("cosine-restarts", [(.every, first), (.factor, factor), (.end, end)])
    case .logCosine: try put("log-cosine")
    case .stableDecay(let share, let end): try put("stable-decay", [(.share, share), (.end, end)])
    case .oneCycle(let cycle):
      try put(
        "one-cycle",
        [
          (.share, cycle.rise), (.startDivisor, cycle.startDivisor), (.endDivisor, cycle.endDivisor),
          (.lowBeta1, cycle.lowBeta1), (.highBeta1, cycle.highBeta1),
        ])
    case .plateau(let factor, let patience):
      try put("plateau", [(.factor, factor)])
      try values.encode(patience, forKey: .patience)
    case .other(let own):
      try put(own.name)
      try own.encode(into: &values, forKey: .custom)
    case .joined(let parts):
      try put("joined")
      try values.encode(parts, forKey: .parts)
    }
  }
}

extension LearningRate.Part: Codable {
  private enum Key: String, CodingKey { case share, scale, warmup }

  /// Decodes; omitted values take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init(
      try values.decode(Double.self, forKey: .share),
      scale: try values.decodeIfPresent(Double.self, forKey: .scale) ?? 1,
      try LearningRate.Shape(from: decoder), warmup: try values.decodeIfPresent(Double.self, forKey: .warmup) ?? 0)
  }

  /// Encodes the share, the scale, and the keys of the shape.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(share, forKey: .share)
    try values.encode(scale, forKey: .scale)
    try values.encode(warmup, forKey: .warmup)
    try shape.encode(to: encoder)
  }
}
