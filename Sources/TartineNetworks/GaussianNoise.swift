import TartineEngine

/// Additive Gaussian noise in training; prediction is not affected. As the first layer it is input noise.
///
/// **Shapes**: any, unchanged.
///
/// **Source**: Bishop, *Training with noise is equivalent to Tikhonov regularization*, 1995.
public struct GaussianNoise: RowLayer, NoiseLayer, StackLayer {
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
  /// True: it does nothing in prediction.
  public var isLinear: Bool { true }
  /// True.
  public var isRandom: Bool { true }
  /// Checks that the standard deviation is at least 0.
  public var problem: String? {
    standardDeviation >= 0 && standardDeviation.isFinite
      ? nil : "standardDeviation must be at least 0, not \(standardDeviation)"
  }

  package func describe(in stack: inout HiddenStack) { stack.inputNoise = standardDeviation }

  /// Passes the gradient through.
  public func backward<Scalar>(_ pass: LayerPass<Scalar>) { pass.inputGradient?.copy(pass.outputGradient) }

  /// Computes `pass.output` from `pass.input`.
  public func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    guard pass.isTraining else { return pass.output.copy(pass.input) }
    pass.drawNormals(standardDeviation: standardDeviation, into: pass.output)
    pass.output.add(pass.input)
  }
}
