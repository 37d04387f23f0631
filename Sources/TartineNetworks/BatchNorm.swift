/// Batch normalization, on Z: ẑ = (z − μ) / √(σ² + ε), u = γ ẑ + β, per column.
///
/// In training μ and σ² are the batch's mean and *biased* variance; at prediction they are moving averages
/// over the batches seen, which take in a `fraction` of each new batch and are corrected for their start at
/// 0. The averaged variance is the unbiased one.
///
/// **Shapes**: [rows, n] → [rows, n]; γ, β [n].
///
/// **Source**: Ioffe and Szegedy, *Batch normalization*, 2015, algorithms 1 and 2.
///
/// **Differs from**: PyTorch starts its averages at 0 and 1 and does not correct them (`.torch`); Keras takes
/// ε = 10⁻³ and a fraction of 0.01, and averages the biased variance.
public struct BatchNorm: FusedLayer {
  /// How the moving averages begin.
  public enum Averages: String, Codable, Hashable, Sendable, CaseIterable {
    /// From 0, divided by 1 − (1 − fraction)ᵗ.
    case corrected
    /// From mean 0 and variance 1, not corrected.
    case torch
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
  ///   - epsilon: added to the variance under the root, above 0.
  ///   - fraction: the share of the new batch in the moving averages, in (0, 1].
  ///   - averages: how the moving averages begin.
  public init(epsilon: Double = 1e-5, fraction: Double = 0.1, averages: Averages = .corrected) {
    self.epsilon = epsilon
    self.fraction = fraction
    self.averages = averages
  }

  private enum CodingKeys: String, CodingKey { case epsilon, fraction, averages }

  /// Decodes; what is left out takes its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    epsilon = try values.decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5
    fraction = try values.decodeIfPresent(Double.self, forKey: .fraction) ?? 0.1
    averages = try values.decodeName(Averages.self, forKey: .averages, default: .corrected)
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
