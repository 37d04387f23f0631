import TartineEngine

/// Additive Gaussian noise in training; prediction is not affected. As the first layer it is input noise.
///
/// **Shapes**: any, unchanged.
///
/// **Source**: Bishop, *Training with noise is equivalent to Tikhonov regularization*, 1995.
public struct GaussianNoise: CustomLayer {
  /// `"gaussianNoise"`.
  public static let kind = "gaussianNoise"
  /// The standard deviation of the noise; number inputs have standard deviation 1.
  public let standardDeviation: Double

  /// - Parameter standardDeviation: the standard deviation of the noise, at least 0.
  public init(standardDeviation: Double) { self.standardDeviation = standardDeviation }

  private enum OldKey: String, CodingKey { case deviation }

  /// Decodes what `encode` wrote.
  public init(from decoder: any Decoder) throws {
    let old = try decoder.container(keyedBy: OldKey.self).decodeIfPresent(Double.self, forKey: .deviation)
    standardDeviation =
      try old ?? decoder.container(keyedBy: CodingKeys.self).decode(Double.self, forKey: .standardDeviation)
  }

  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape { input }
  /// Checks that the standard deviation is at least 0.
  public var problem: String? {
    standardDeviation >= 0 && standardDeviation.isFinite
      ? nil : "standardDeviation must be at least 0, not \(standardDeviation)"
  }

  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Float>) { run(pass) }
  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Double>) { run(pass) }
  /// Passes the gradient through.
  public func backward(_ pass: LayerPass<Float>) { pass.inputGradient?.copy(pass.outputGradient) }
  /// Passes the gradient through.
  public func backward(_ pass: LayerPass<Double>) { pass.inputGradient?.copy(pass.outputGradient) }

  private func run<Scalar>(_ pass: LayerPass<Scalar>) {
    guard pass.isTraining else { return pass.output.copy(pass.input) }
    pass.drawNormals(standardDeviation: standardDeviation, into: pass.output)
    pass.output.add(pass.input)
  }
}
