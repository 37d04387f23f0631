/// Batch normalization, on Z: ẑ = (z − μ) / √(σ² + ε), u = γ ẑ + β, per column.
///
/// In training μ and σ² are the batch's mean and *biased* variance; at prediction they are moving averages
/// over the batches seen, which take in a `fraction` of each new batch and are corrected for their start at
/// 0. The averaged variance is the unbiased one, n/(n − 1) times the batch's.
///
/// **Shapes**: [rows, n] → [rows, n]; γ, β [n].
///
/// **Source**: Ioffe and Szegedy, *Batch normalization*, 2015, algorithms 1 and 2.
///
/// **Differs from**: the lecture does not correct its averages (`.lecture`); PyTorch starts them at 0 and 1 and does not
/// correct them (`.torch`); Keras too, takes ε = 10⁻³ and a fraction of 0.01, and averages the biased variance (`.keras`).
public struct BatchNorm: FusedLayer {
  /// How the moving averages begin.
  public enum Averages: String, Codable, Hashable, Sendable, CaseIterable {
    /// From 0, divided by 1 − (1 − fraction)ᵗ.
    case corrected
    /// From 0, not corrected: too small over the first 1 / fraction batches.
    case lecture
    /// From mean 0 and variance 1, not corrected.
    case torch
    /// From mean 0 and variance 1, not corrected, of the biased variance.
    case keras
  }

  /// `"batchNorm"`.
  public static let kind = "batchNorm"

  /// Added to the variance under the root.
  public let epsilon: Double
  /// The share of the new batch in the moving averages, in (0, 1].
  public let fraction: Double
  /// How the moving averages begin.
  public let averages: Averages

  /// - Parameters:
  ///   - epsilon: added to the variance under the root, above 0; nil: 10⁻⁵, Keras' 10⁻³.
  ///   - fraction: the share of the new batch in the moving averages, in (0, 1]; nil: 0.1, Keras' 0.01.
  ///   - averages: how the moving averages begin.
  public init(epsilon: Double? = nil, fraction: Double? = nil, averages: Averages = .corrected) {
    self.epsilon = epsilon ?? (averages == .keras ? 1e-3 : 1e-5)
    self.fraction = fraction ?? (averages == .keras ? 0.01 : 0.1)
    self.averages = averages
  }

  private enum CodingKeys: String, CodingKey { case epsilon, fraction, averages }

  /// Decodes; what is left out takes its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      epsilon: try values.decodeIfPresent(Double.self, forKey: .epsilon),
      fraction: try values.decodeIfPresent(Double.self, forKey: .fraction),
      averages: try values.decodeName(Averages.self, forKey: .averages, default: .corrected))
  }

  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape {
    guard input.isVector else {
      throw ShapeError(got: input, expected: "n", advice: "put Flatten() before it.")
    }
    return input
  }

  /// γ, from 1, and β, from 0.
  public func parameters(for input: Shape) -> [Parameter] {
    [
      Parameter("gamma", shape: input, initializer: .constant(1), isPenalized: false),
      Parameter("beta", shape: input, initializer: .constant(0), isPenalized: false),
    ]
  }

  /// ε must be above 0, the fraction in (0, 1].
  public var problem: String? {
    epsilon > 0 && fraction > 0 && fraction <= 1
      ? nil : "epsilon must be above 0 and fraction in (0, 1], not \(epsilon) and \(fraction)"
  }

  package var role: Role { .norm(self) }
}
