import TartineEngine

/// u where u > 0, else slope · u, with a slope of its own for each unit, which is learned; it is not penalized.
///
/// **Shapes**: any, kept; slope as a sample.
///
/// **Source**: He et al., *Delving deep into rectifiers*, 2015, eq. 1.
///
/// **Differs from**: PyTorch has one slope for all units unless asked for more; Keras starts them at 0.
public struct PReLU: CustomLayer {
  /// `"prelu"`.
  public static let kind = "prelu"
  /// The slopes' start.
  public let slope: Double

  /// - Parameter slope: the slopes' start.
  public init(slope: Double = 0.25) { self.slope = slope }
  private enum CodingKeys: String, CodingKey { case slope }
  /// Decodes; the start may be left out.
  public init(from decoder: any Decoder) throws {
    slope = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .slope) ?? 0.25
  }

  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape { input }
  /// One slope a unit.
  public func parameters(for input: Shape) -> [Parameter] {
    [Parameter("slope", shape: input, initializer: .constant(slope), isPenalized: false)]
  }
  /// The start must be a number.
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
        // Written so that what is no number passes through.
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
