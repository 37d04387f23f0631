/// A layer that acts on each element alone, and keeps the shape.
package protocol ActivationLayer: FusedLayer {
  var activation: Activation { get }
}

extension ActivationLayer {
  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape { input }

  package var role: Role { .activation(activation) }
}

/// max(0, u); its derivative at 0 is taken as 0.
///
/// **Source**: Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines*, 2010.
public struct ReLU: ActivationLayer {
  /// `"relu"`.
  public static let kind = "relu"
  /// A rectifier.
  public init() {}
  package var activation: Activation { .relu }
}

/// u where u > 0, else slope · u.
///
/// **Source**: Maas, Hannun, Ng, *Rectifier nonlinearities improve neural network acoustic models*, 2013.
///
/// **Differs from**: Keras takes a slope of 0.3 (0.2 in its functional form); PyTorch 0.01, as here.
public struct LeakyReLU: ActivationLayer {
  /// `"leakyReLU"`.
  public static let kind = "leakyReLU"
  /// The slope below 0.
  public let slope: Double
  /// - Parameter slope: the slope below 0.
  public init(slope: Double = 0.01) { self.slope = slope }
  private enum CodingKeys: String, CodingKey { case slope }
  /// Decodes; the slope may be left out.
  public init(from decoder: any Decoder) throws {
    slope = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .slope) ?? 0.01
  }
  package var activation: Activation { .leakyReLU(slope: slope) }
}

/// tanh u.
public struct Tanh: ActivationLayer {
  /// `"tanh"`.
  public static let kind = "tanh"
  /// A hyperbolic tangent.
  public init() {}
  package var activation: Activation { .tanh }
}

/// The logistic function 1 / (1 + e⁻ᵘ).
public struct Sigmoid: ActivationLayer {
  /// `"sigmoid"`.
  public static let kind = "sigmoid"
  /// A logistic function.
  public init() {}
  package var activation: Activation { .sigmoid }
}

/// u Φ(u), with the normal distribution function Φ; the exact form, not the tanh approximation.
///
/// **Source**: Hendrycks and Gimpel, *Gaussian error linear units*, 2016.
public struct GELU: ActivationLayer {
  /// `"gelu"`.
  public static let kind = "gelu"
  /// A Gaussian error linear unit.
  public init() {}
  package var activation: Activation { .gelu }
}

/// u / (1 + e⁻ᵘ), also called swish.
///
/// **Source**: Elfwing, Uchibe, Doya, *Sigmoid-weighted linear units*, 2018.
public struct SiLU: ActivationLayer {
  /// `"silu"`.
  public static let kind = "silu"
  /// A sigmoid linear unit.
  public init() {}
  package var activation: Activation { .silu }
}

/// λu where u > 0, else λα(eᵘ − 1), with λ ≈ 1.0507 and α ≈ 1.6733, chosen so that mean 0 and variance 1 are
/// a fixed point of a deep stack.
///
/// **Source**: Klambauer et al., *Self-normalizing neural networks*, 2017, eq. 2.
public struct SELU: ActivationLayer {
  /// `"selu"`.
  public static let kind = "selu"
  /// A scaled exponential linear unit.
  public init() {}
  package var activation: Activation { .selu }
}

/// u where u > 0, else α(eᵘ − 1).
///
/// **Source**: Clevert, Unterthiner, Hochreiter, *Fast and accurate deep network learning by exponential linear units*,
/// 2016, eq. 14.
public struct ELU: ActivationLayer {
  /// `"elu"`.
  public static let kind = "elu"
  /// What it falls to: −α.
  public let alpha: Double
  /// - Parameter alpha: what it falls to is −α.
  public init(alpha: Double = 1) { self.alpha = alpha }
  private enum CodingKeys: String, CodingKey { case alpha }
  /// Decodes; α may be left out.
  public init(from decoder: any Decoder) throws {
    alpha = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .alpha) ?? 1
  }
  package var activation: Activation { .elu(alpha: alpha) }
}
