#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Inverted dropout: in training each unit stays with probability `keep` and is scaled by 1/keep, else it is
/// 0; at prediction nothing happens. The mask is fresh in every step, for every row.
///
/// **Shapes**: any, kept.
///
/// **Source**: Srivastava et al., *Dropout*, 2014, §10.
///
/// **Differs from**: PyTorch and Keras take the probability to *drop*. The probability is held to 16 bits:
/// `keep` is rounded to a multiple of 2⁻¹⁶, and the scale is the inverse of that.
public struct Dropout: FusedLayer {
  /// `"dropout"`.
  public static let kind = "dropout"

  /// The probability that a unit stays.
  public let keep: Double
  /// How much of it acts over the run.
  public let schedule: DropoutSchedule

  /// - Parameters:
  ///   - keep: the probability that a unit stays, in (0, 1].
  ///   - schedule: how much of it acts over the run.
  public init(keep: Double, schedule: DropoutSchedule = .constant) {
    self.keep = keep
    self.schedule = schedule
  }

  private enum CodingKeys: String, CodingKey { case keep, schedule }

  /// Decodes; the schedule may be left out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    keep = try values.decode(Double.self, forKey: .keep)
    schedule = try values.decodeName(DropoutSchedule.self, forKey: .schedule, default: .constant)
  }

  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape { input }

  /// The probability must be in (0, 1].
  public var problem: String? {
    keep > 0 && keep <= 1 ? nil : "keep must be above 0 and at most 1, not \(keep)"
  }

  package var role: Role { .dropout(self) }
}

/// How much of a dropout acts over a run: with t from 0 to 1, units are dropped with probability (1 − keep) · f(t).
///
/// **Source**: Rennie, Goel, Thomas, *Annealed dropout training of deep networks*, 2014; Morerio et al., *Curriculum
/// dropout*, 2017, eq. 1; Holzmüller et al., *Better by default* (RealMLP), 2024, for the flat cosine.
public enum DropoutSchedule: String, Codable, Hashable, Sendable, CaseIterable {
  /// f = 1.
  case constant
  /// f = 1 − t: the last epochs see whole networks, as predictions do.
  case annealed
  /// f = 1 − e^(−10 t): the first steps see whole networks.
  case curriculum
  /// f = 1 in the first half, and then (1 + cos π(2t − 1)) / 2.
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
