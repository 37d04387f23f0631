/// A layer that acts elementwise and keeps the shape.
package protocol ActivationLayer: EngineLayer, StackLayer {
  var activation: Activation { get }
}

extension ActivationLayer {
  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape { input }

  /// Its own.
  public var precedingGain: Activation? { activation }

  package func describe(in stack: inout HiddenStack) { stack.activation = activation }

  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.fuse(place, .activation) { $0.activation = activation }
  }
}

/// The rectified linear unit max(0, u); its derivative at 0 is 0.
///
/// **Source**: Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines*, 2010.
public struct ReLU: ActivationLayer {
  /// `"relu"`.
  public static let kind = "relu"
  /// Creates a ReLU layer.
  public init() {}
  package var activation: Activation { .relu }
}

/// Leaky ReLU: u where u > 0, else slope · u.
///
/// **Source**: Maas, Hannun, Ng, *Rectifier nonlinearities improve neural network acoustic models*, 2013.
///
/// **Differs from**: Keras' default slope is 0.3 (0.2 in its functional form); PyTorch's is 0.01, as here.
public struct LeakyReLU: ActivationLayer {
  /// `"leakyReLU"`.
  public static let kind = "leakyReLU"
  /// The slope for u < 0.
  public let slope: Double
  /// - Parameter slope: the slope for u < 0.
  public init(slope: Double = 0.01) { self.slope = slope }
  private enum CodingKeys: String, CodingKey { case slope }
  /// Decodes; the slope is optional.
  public init(from decoder: any Decoder) throws {
    slope = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .slope) ?? 0.01
  }
  package var activation: Activation { .leakyReLU(slope: slope) }
}

/// The hyperbolic tangent, tanh u.
public struct Tanh: ActivationLayer {
  /// `"tanh"`.
  public static let kind = "tanh"
  /// Creates a tanh layer.
  public init() {}
  package var activation: Activation { .tanh }
}

/// The logistic function 1 / (1 + e⁻ᵘ).
public struct Sigmoid: ActivationLayer {
  /// `"sigmoid"`.
  public static let kind = "sigmoid"
  /// Creates a sigmoid layer.
  public init() {}
  package var activation: Activation { .sigmoid }
}

/// The Gaussian error linear unit u Φ(u), with the normal distribution function Φ; the exact form, not the
/// tanh approximation.
///
/// **Source**: Hendrycks and Gimpel, *Gaussian error linear units*, 2016.
public struct GELU: ActivationLayer {
  /// `"gelu"`.
  public static let kind = "gelu"
  /// Creates a GELU layer.
  public init() {}
  package var activation: Activation { .gelu }
}

/// The sigmoid linear unit u / (1 + e⁻ᵘ), also called swish.
///
/// **Source**: Elfwing, Uchibe, Doya, *Sigmoid-weighted linear units*, 2018.
public struct SiLU: ActivationLayer {
  /// `"silu"`.
  public static let kind = "silu"
  /// Creates a SiLU layer.
  public init() {}
  package var activation: Activation { .silu }
}

/// The scaled exponential linear unit: λu where u > 0, else λα(eᵘ − 1), with λ ≈ 1.0507 and α ≈ 1.6733, which
/// make mean 0 and variance 1 a fixed point of a deep stack.
///
/// **Source**: Klambauer et al., *Self-normalizing neural networks*, 2017, eq. 2.
public struct SELU: ActivationLayer {
  /// `"selu"`.
  public static let kind = "selu"
  /// Creates a SELU layer.
  public init() {}
  package var activation: Activation { .selu }
}

/// The exponential linear unit: u where u > 0, else α(eᵘ − 1).
///
/// **Source**: Clevert, Unterthiner, Hochreiter, *Fast and accurate deep network learning by exponential linear units*,
/// 2016, eq. 14.
public struct ELU: ActivationLayer {
  /// `"elu"`.
  public static let kind = "elu"
  /// The negative of the limit for u → −∞.
  public let alpha: Double
  /// - Parameter alpha: the negative of the limit for u → −∞.
  public init(alpha: Double = 1) { self.alpha = alpha }
  private enum CodingKeys: String, CodingKey { case alpha }
  /// Decodes; α is optional.
  public init(from decoder: any Decoder) throws {
    alpha = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .alpha) ?? 1
  }
  package var activation: Activation { .elu(alpha: alpha) }
}
