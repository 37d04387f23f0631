import TartineEngine

/// Parametric ReLU: u where u > 0, else slope · u, with a learned slope for each unit, which is not
/// penalized.
///
/// **Shapes**: any, unchanged; slope with the shape of a sample.
///
/// **Source**: He et al., *Delving deep into rectifiers*, 2015, eq. 1.
///
/// **Differs from**: PyTorch has one slope for all units by default; Keras initializes them with 0.
public struct PReLU: CustomLayer {
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
  public func parameters(for input: Shape) -> [Parameter] {
    [Parameter("slope", shape: input, initializer: .constant(slope), isPenalized: false)]
  }
  /// Checks that the initial slope is finite.
  public var problem: String? { slope.isFinite ? nil : "slope must be a finite number, not \(slope)" }

  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Float>) { run(pass) }
  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Double>) { run(pass) }
  /// Computes the gradients.
  public func backward(_ pass: LayerPass<Float>) { differentiate(pass) }
  /// Computes the gradients.
  public func backward(_ pass: LayerPass<Double>) { differentiate(pass) }

  private func run<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, y, slopes) = (pass.input, pass.output, pass.parameter(0))
    for row in 0..<x.count {
      for column in 0..<x.width {
        // Written so that NaN passes through.
        y[row, column] = x[row, column] > 0 ? x[row, column] : slopes[column] * x[row, column]
      }
    }
  }

  private func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, g, slopes) = (pass.input, pass.outputGradient, pass.parameter(0))
    let dSlopes = pass.parameterGradient(0)
    dSlopes.update(repeating: 0)
    for row in 0..<x.count {
      for column in 0..<x.width where !(x[row, column] > 0) { dSlopes[column] += g[row, column] * x[row, column] }
    }
    guard let dx = pass.inputGradient else { return }
    for row in 0..<x.count {
      for column in 0..<x.width {
        dx[row, column] = x[row, column] > 0 ? g[row, column] : slopes[column] * g[row, column]
      }
    }
  }
}
