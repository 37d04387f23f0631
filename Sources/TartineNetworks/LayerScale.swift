import TartineEngine

/// A learned scale of each column, y = γ x, small at first: at the end of a residual block it lets deep networks begin near the
/// identity.
///
/// ```swift
/// Residual { LayerNorm(); Dense(256); GELU(); Dense(128); LayerScale() }
/// ```
///
/// **Shapes**: [rows, n] → [rows, n]; γ [n].
///
/// **Source**: Touvron et al., *Going deeper with image transformers*, 2021, eq. 4; 0.1 is the initial scale of up to 18 blocks there.
public struct LayerScale: RowLayer {
  /// `"layerScale"`.
  public static let kind = "layerScale"
  /// The initial γ.
  public let scale: Double

  /// - Parameter scale: the initial γ.
  public init(scale: Double = 0.1) { self.scale = scale }
  private enum CodingKeys: String, CodingKey { case scale }
  /// Decodes; the initial γ is optional.
  public init(from decoder: any Decoder) throws {
    scale = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .scale) ?? 0.1
  }

  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape { input }
  /// The scale γ, which is not penalized.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("gamma", shape: input, initializer: .constant(scale), isPenalized: false)]
  }
  /// True.
  public var isLinear: Bool { true }
  /// Checks that the initial γ is finite.
  public var problem: String? { scale.isFinite ? nil : "scale must be a finite number, not \(scale)" }

  /// Computes `pass.output` from `pass.input`.
  public func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    let gamma = pass.parameter(0)
    for row in 0..<pass.input.count {
      let (x, y) = (pass.input[row], pass.output[row])
      for column in x.indices { y[column] = gamma[column] * x[column] }
    }
  }

  /// Computes the gradients.
  public func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    let (gamma, sum) = (pass.parameter(0), pass.parameterGradient(0))
    sum.update(repeating: 0)
    for row in 0..<pass.input.count {
      let (x, g, dx) = (pass.input[row], pass.outputGradient[row], pass.inputGradient?[row])
      for column in x.indices {
        sum[column] += g[column] * x[column]
        dx?[column] = gamma[column] * g[column]
      }
    }
  }
}
