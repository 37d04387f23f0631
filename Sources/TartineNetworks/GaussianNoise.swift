import TartineEngine

/// Adds normal noise in training; at prediction nothing happens. Put first, it is noise on the inputs.
///
/// **Shapes**: any, kept.
///
/// **Source**: Bishop, *Training with noise is equivalent to Tikhonov regularization*, 1995.
public struct GaussianNoise: CustomLayer {
  /// `"gaussianNoise"`.
  public static let kind = "gaussianNoise"
  /// Of the noise; inputs that were numbers have the deviation 1.
  public let deviation: Double

  /// - Parameter deviation: of the noise, at least 0.
  public init(deviation: Double) { self.deviation = deviation }

  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape { input }
  /// The deviation must be at least 0.
  public var problem: String? {
    deviation >= 0 && deviation.isFinite ? nil : "deviation must be at least 0, not \(deviation)"
  }

  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Float>) { run(pass) }
  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Double>) { run(pass) }
  /// Passes the gradient on.
  public func backward(_ pass: LayerPass<Float>) { pass.inputGradient?.copy(pass.outputGradient) }
  /// Passes the gradient on.
  public func backward(_ pass: LayerPass<Double>) { pass.inputGradient?.copy(pass.outputGradient) }

  private func run<Scalar>(_ pass: LayerPass<Scalar>) {
    guard pass.isTraining else { return pass.output.copy(pass.input) }
    pass.drawNormals(deviation: deviation, into: pass.output)
    pass.output.add(pass.input)
  }
}
