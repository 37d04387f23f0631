import TartinePlatform

/// Inverted dropout: in training each unit is kept with probability `keep` and scaled by 1/keep, or set to 0;
/// prediction is not affected. The mask is drawn anew in every step, for every row.
///
/// **Shapes**: any, unchanged.
///
/// **Source**: Srivastava et al., *Dropout*, 2014, §10.
///
/// **Differs from**: PyTorch and Keras take the probability to *drop*. The probability has 16 bits: `keep` is
/// rounded to a multiple of 2⁻¹⁶, and the scale is its inverse.
public struct Dropout: EngineLayer, DroppingLayer, StackLayer {
  /// `"dropout"`.
  public static let kind = "dropout"

  /// The keep probability of a unit.
  public let keep: Double
  /// The schedule of the dropout strength over the run.
  public let schedule: DropoutSchedule

  /// - Parameters:
  ///   - keep: the keep probability of a unit, in (0, 1].
  ///   - schedule: the schedule of the dropout strength over the run.
  public init(keep: Double, schedule: DropoutSchedule = .constant) {
    self.keep = keep
    self.schedule = schedule
  }

  private enum CodingKeys: String, CodingKey { case keep, schedule }
  /// What other libraries call the probability to drop a unit.
  private enum OtherKeys: String, CodingKey { case rate, p, drop }

  /// Decodes; the schedule is optional.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    if !values.contains(.keep) {
      let others = try decoder.container(keyedBy: OtherKeys.self)
      if let key = others.allKeys.first {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: others,
          debugDescription: "a dropout layer has 'keep', the probability to keep a unit: 1 − \(key.rawValue)")
      }
    }
    keep = try values.decode(Double.self, forKey: .keep)
    schedule = try values.decodeName(DropoutSchedule.self, forKey: .schedule, default: .constant)
  }

  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape { input }

  /// Checks that the probability is in (0, 1].
  public var problem: String? {
    keep > 0 && keep <= 1 ? nil : "keep must be above 0 and at most 1, not \(keep)"
  }

  /// True: it does nothing in prediction.
  public var isLinear: Bool { true }
  /// Whether units are dropped.
  public var isRandom: Bool { keep < 1 }

  package func with(keep: Double) -> any Layer { Dropout(keep: keep, schedule: schedule) }

  package func describe(in stack: inout HiddenStack) {
    stack.dropoutSchedule = schedule
    if stack.hidden.isEmpty { stack.keepInput = keep } else { stack.setKeep(keep) }
  }

  package var isIdentity: Bool { keep == 1 }

  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.fuse(place, .dropout) {
      $0.keep = keep
      $0.keepSchedule = schedule
    }
  }
}

/// The schedule of the dropout strength: with t from 0 to 1 over the run, units are dropped with probability
/// (1 − keep) · f(t).
///
/// **Source**: Rennie, Goel, Thomas, *Annealed dropout training of deep networks*, 2014; Morerio et al., *Curriculum
/// dropout*, 2017, eq. 1; Holzmüller et al., *Better by default* (RealMLP), 2024, for the flat cosine.
public enum DropoutSchedule: String, Codable, Hashable, Sendable, CaseIterable {
  /// A constant strength, f = 1.
  case constant
  /// A linear decrease, f = 1 − t: the last epochs train without dropout, as in prediction.
  case annealed
  /// An increase, f = 1 − e^(−10 t): the first steps train without dropout.
  case curriculum
  /// A flat cosine: f = 1 in the first half, then (1 + cos π(2t − 1)) / 2.
  case flatCosine = "flat-cosine"

  package func share(at progress: Double) -> Double {
    switch self {
    case .constant: 1
    case .annealed: 1 - progress
    case .curriculum: 1 - exp(-10 * progress)
    case .flatCosine: progress < 0.5 ? 1 : (1 + cos(.pi * (2 * progress - 1))) / 2
    }
  }
}
