import TartineEngine
import TartineKernels

/// A normalization within each row, which is independent of the batch and needs no moving averages: over
/// groups of neighbouring elements, with or without centering.
package protocol RowNorm: RowLayer, NormalizingLayer {
  /// The number of groups of a row.
  var groupCount: Int { get }
  /// Whether the mean is subtracted.
  var isCentered: Bool { get }
  /// The ε added to the variance, or mean square, under the square root.
  var epsilon: Double { get }
}

extension RowNorm {
  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    guard groupCount > 0, input.count % groupCount == 0 else {
      throw ShapeError(
        got: input, expected: "n, a multiple of \(groupCount)", advice: "use a number of groups that divides it.")
    }
    return input
  }

  /// The scale γ, initially 1, and the shift β, initially 0, if the mean is subtracted.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("gamma", shape: input, initializer: .constant(1), isPenalized: false)]
      + (isCentered ? [Parameter("beta", shape: input, initializer: .constant(0), isPenalized: false)] : [])
  }

  /// That of the next layer.
  public var precedingGain: Activation? { nil }

  /// Checks ε and the number of groups.
  public var problem: String? {
    if groupCount < 1 { return "groups must be at least 1, not \(groupCount)" }
    return epsilon > 0 ? nil : "epsilon must be above 0, not \(epsilon)"
  }

  /// The mean and the inverse standard deviation of each group.
  public func scratchWidth(for input: Shape) -> Int { 2 * groupCount }

  /// Computes `pass.output` from `pass.input`.
  public func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    var norm = lowered(pass)
    norm.y = UnsafeMutableRawPointer(pass.output.base)
    Scalar.precision.kernels.pointee.row_norm(&norm)
  }

  /// Computes the gradients.
  public func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    var norm = lowered(pass)
    norm.y_gradient = UnsafeRawPointer(pass.outputGradient.base)
    norm.x_gradient = pass.inputGradient.map { UnsafeMutableRawPointer($0.base) }
    let gamma = pass.parameterGradient(0)
    gamma.update(repeating: 0)
    norm.gamma_gradient = UnsafeMutableRawPointer(gamma.baseAddress)
    if isCentered {
      let beta = pass.parameterGradient(1)
      beta.update(repeating: 0)
      norm.beta_gradient = UnsafeMutableRawPointer(beta.baseAddress)
    }
    Scalar.precision.kernels.pointee.row_norm_backward(&norm)
  }

  private func lowered<Scalar>(_ pass: LayerPass<Scalar>) -> tartine_row_norm {
    var norm = tartine_row_norm()
    norm.rows = pass.input.count
    norm.columns = pass.input.width
    norm.groups = groupCount
    norm.epsilon = epsilon
    norm.x = UnsafeRawPointer(pass.input.base)
    norm.gamma = UnsafeRawPointer(pass.parameter(0).baseAddress)
    if isCentered { norm.beta = UnsafeRawPointer(pass.parameter(1).baseAddress) }
    norm.statistics = UnsafeMutableRawPointer(pass.scratch.base)
    return norm
  }
}

/// Layer normalization: ẑ = (z − μ) / √(σ² + ε), u = γ ẑ + β, with the mean and biased variance of each row.
///
/// It is the same in training and prediction, for any batch size; for small batches it replaces batch
/// normalization.
///
/// **Shapes**: [rows, n] → [rows, n]; γ, β [n].
///
/// **Source**: Ba, Kiros, Hinton, *Layer normalization*, 2016, eq. 4.
///
/// **Differs from**: Keras' default ε is 10⁻³; PyTorch's is 10⁻⁵, as here.
public struct LayerNorm: RowNorm {
  /// `"layerNorm"`.
  public static let kind = "layerNorm"
  /// The ε added to the variance under the square root.
  public let epsilon: Double
  package var groupCount: Int { 1 }
  package var isCentered: Bool { true }

  /// - Parameter epsilon: the ε added to the variance under the square root, above 0.
  public init(epsilon: Double = 1e-5) { self.epsilon = epsilon }
  private enum CodingKeys: String, CodingKey { case epsilon }
  /// Decodes; ε is optional.
  public init(from decoder: any Decoder) throws {
    epsilon = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5
  }
}

/// RMS normalization: u = γ z / √(mean of z² + ε) within each row; no mean, no β.
///
/// **Shapes**: [rows, n] → [rows, n]; γ [n].
///
/// **Source**: Zhang and Sennrich, *Root mean square layer normalization*, 2019, eq. 4.
///
/// **Differs from**: PyTorch's default ε is the machine epsilon of its type; here it is 10⁻⁵.
public struct RMSNorm: RowNorm {
  /// `"rmsNorm"`.
  public static let kind = "rmsNorm"
  /// The ε added to the mean square under the square root.
  public let epsilon: Double
  package var groupCount: Int { 1 }
  package var isCentered: Bool { false }

  /// - Parameter epsilon: the ε added to the mean square under the square root, above 0.
  public init(epsilon: Double = 1e-5) { self.epsilon = epsilon }
  private enum CodingKeys: String, CodingKey { case epsilon }
  /// Decodes; ε is optional.
  public init(from decoder: any Decoder) throws {
    epsilon = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5
  }
}

/// Group normalization: layer normalization over groups of neighbouring elements, each with its own mean and
/// variance.
///
/// **Shapes**: [rows, n] → [rows, n], n a multiple of the groups; γ, β [n].
///
/// **Source**: Wu and He, *Group normalization*, 2018, eq. 7.
public struct GroupNorm: RowNorm {
  /// `"groupNorm"`.
  public static let kind = "groupNorm"
  /// The number of groups of a row.
  public let groups: Int
  /// The ε added to the variance under the square root.
  public let epsilon: Double
  package var groupCount: Int { groups }
  package var isCentered: Bool { true }

  /// - Parameters:
  ///   - groups: the number of groups, which must divide the row evenly.
  ///   - epsilon: the ε added to the variance under the square root, above 0.
  public init(groups: Int, epsilon: Double = 1e-5) {
    self.groups = groups
    self.epsilon = epsilon
  }
  private enum CodingKeys: String, CodingKey { case groups, epsilon }
  /// Decodes; ε is optional.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    groups = try values.decode(Int.self, forKey: .groups)
    epsilon = try values.decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5
  }
}
