/// Batch normalization of Z, per column: ẑ = (z − μ) / √(σ² + ε), u = γ ẑ + β.
///
/// In training μ and σ² are the batch's mean and *biased* variance. In prediction they are moving averages
/// over the batches, with ``momentum`` (the weight of the new batch, as in PyTorch) and bias
/// correction for their initialization at 0. The averaged variance is the unbiased one, n/(n − 1) times the
/// batch's.
///
/// **Shapes**: [rows, n] → [rows, n]; γ, β [n].
///
/// **Source**: Ioffe and Szegedy, *Batch normalization*, 2015, algorithms 1 and 2.
///
/// **Differs from**: the lecture does not correct its averages (`.lecture`); PyTorch initializes them with 0
/// and 1 and does not correct them (`.torch`); Keras too, with ε = 10⁻³, a momentum that is one minus this one (0.99 for
/// 0.01) and the biased variance (`.keras`).
public struct BatchNorm: EngineLayer, NormalizingLayer, StackLayer {
  /// The initialization and correction of the moving averages.
  public enum Averages: String, Codable, Hashable, Sendable, CaseIterable {
    /// From 0, with bias correction: divided by 1 − (1 − momentum)ᵗ.
    case corrected
    /// From 0, without correction: too small over the first 1 / momentum batches.
    case lecture
    /// From mean 0 and variance 1, without correction.
    case torch
    /// From mean 0 and variance 1, without correction, with the biased variance.
    case keras
  }

  /// `"batchNorm"`.
  public static let kind = "batchNorm"

  /// The ε added to the variance under the square root.
  public let epsilon: Double
  /// The weight of the new batch in the moving averages, in (0, 1].
  public let momentum: Double
  /// The initialization and correction of the moving averages.
  public let averages: Averages

  /// - Parameters:
  ///   - epsilon: added to the variance under the square root, above 0; nil: 10⁻⁵, for Keras 10⁻³.
  ///   - momentum: the weight of the new batch in the moving averages, in (0, 1]; nil: 0.1, for
  ///     Keras 0.01.
  ///   - averages: the initialization and correction of the moving averages.
  public init(epsilon: Double? = nil, momentum: Double? = nil, averages: Averages = .corrected) {
    self.epsilon = epsilon ?? (averages == .keras ? 1e-3 : 1e-5)
    self.momentum = momentum ?? (averages == .keras ? 0.01 : 0.1)
    self.averages = averages
  }

  private enum CodingKeys: String, CodingKey { case epsilon, momentum, averages }
  /// The name of `momentum` in older files.
  private enum OldKey: String, CodingKey { case fraction }

  /// Decodes; omitted values take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      epsilon: try values.decodeIfPresent(Double.self, forKey: .epsilon),
      momentum: try values.decodeIfPresent(Double.self, forKey: .momentum)
        ?? decoder.container(keyedBy: OldKey.self).decodeIfPresent(Double.self, forKey: .fraction),
      averages: try values.decodeName(Averages.self, forKey: .averages, default: .corrected))
  }

  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    return input
  }

  /// The scale γ, initially 1, and the shift β, initially 0.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [
      Parameter("gamma", shape: input, initializer: .constant(1), isPenalized: false),
      Parameter("beta", shape: input, initializer: .constant(0), isPenalized: false),
    ]
  }

  /// Checks that ε is above 0, and `momentum` in (0, 1].
  public var problem: String? {
    epsilon > 0 && momentum > 0 && momentum <= 1
      ? nil : "epsilon must be above 0 and momentum in (0, 1], not \(epsilon) and \(momentum)"
  }

  /// The moving mean and variance.
  public func state(for input: Shape) -> [StateTensor] {
    let start = averages == .torch || averages == .keras ? 1.0 : 0
    let correction = averages == .corrected ? momentum : nil
    return [
      StateTensor("movingMean", shape: input, correctedMomentum: correction),
      StateTensor("movingVariance", shape: input, initial: start, correctedMomentum: correction),
    ]
  }

  /// True, with the moving averages.
  public var isLinear: Bool { true }
  /// True.
  public var mixesRows: Bool { true }
  /// True: the mean is subtracted.
  public var cancelsBias: Bool { true }
  /// That of the next layer.
  public var precedingGain: Activation? { nil }

  package func describe(in stack: inout HiddenStack) { stack.batchNorm = true }

  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.fuse(place, .norm) {
      $0.norm = DenseOperation.Norm(
        layer: self, gamma: place.parameters[0].span, beta: place.parameters[1].span,
        movingMean: place.state[0].span, movingVariance: place.state[1].span)
    }
  }
}
