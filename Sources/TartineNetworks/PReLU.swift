import TartineEngine

/// Parametric ReLU: u where u > 0, else slope · u, with a learned slope for each unit, which is not
/// penalized.
///
/// **Shapes**: any, unchanged; slope with the shape of a sample.
///
/// **Source**: He et al., *Delving deep into rectifiers*, 2015, eq. 1.
///
/// **Differs from**: PyTorch has one slope for all units by default; Keras initializes them with 0.
public struct PReLU: RowLayer {
  /// `"prelu"`.
  public static let kind = "prelu"
  /// The initial slope.
  public let slope: Double

  /// - Parameter slope: the initial slope.
  public init(slope: Double = 0.25) { self.slope = slope }
  private enum CodingKeys: String, CodingKey { case slope }
  /// Decodes; the initial slope is optional.
  public init(from decoder: any Decoder) throws {
    slope = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .slope) ?? 0.25
  }

  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape { input }
  /// One slope for each unit.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("slope", shape: input, initializer: .constant(slope), isPenalized: false)]
  }
  /// A ReLU's.
  public var precedingGain: Activation? { .relu }
  /// Checks that the initial slope is finite.
  public var problem: String? { slope.isFinite ? nil : "slope must be a finite number, not \(slope)" }

  /// Computes `pass.output` from `pass.input`.
  public func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    let x = pass.input
    Scalar.precision.kernels.pointee.prelu(x.base, pass.parameter(0).baseAddress, x.count, x.width, pass.output.base)
  }

  /// Computes the gradients.
  public func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, sum) = (pass.input, pass.parameterGradient(0))
    sum.update(repeating: 0)
    Scalar.precision.kernels.pointee.prelu_backward(
      x.base, pass.outputGradient.base, pass.parameter(0).baseAddress, x.count, x.width, pass.inputGradient?.base,
      sum.baseAddress)
  }
}
