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

  /// - Parameter keep: the probability that a unit stays, in (0, 1].
  public init(keep: Double) {
    self.keep = keep
  }

  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape { input }

  /// The probability must be in (0, 1].
  public var problem: String? {
    keep > 0 && keep <= 1 ? nil : "keep must be above 0 and at most 1, not \(keep)"
  }

  package var role: Role { .dropout(keep: keep) }
}
