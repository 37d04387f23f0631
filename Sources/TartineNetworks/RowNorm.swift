import TartineEngine

/// A normalization within each row, which is independent of the batch and needs no moving averages: over
/// groups of neighbouring elements, with or without centering.
package protocol RowNorm: CustomLayer {
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
    guard input.isVector else {
      throw ShapeError(got: input, expected: "n", advice: "insert Flatten() before it.")
    }
    guard groupCount > 0, input.count % groupCount == 0 else {
      throw ShapeError(
        got: input, expected: "n, a multiple of \(groupCount)", advice: "use a number of groups that divides it.")
    }
    return input
  }

  /// The scale γ, initially 1, and the shift β, initially 0, if the mean is subtracted.
  public func parameters(for input: Shape) -> [Parameter] {
    [Parameter("gamma", shape: input, initializer: .constant(1), isPenalized: false)]
      + (isCentered ? [Parameter("beta", shape: input, initializer: .constant(0), isPenalized: false)] : [])
  }

  /// Checks ε and the number of groups.
  public var problem: String? {
    if groupCount < 1 { return "groups must be at least 1, not \(groupCount)" }
    return epsilon > 0 ? nil : "epsilon must be above 0, not \(epsilon)"
  }

  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Float>) { normalize(pass) }
  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Double>) { normalize(pass) }
  /// Computes the gradients.
  public func backward(_ pass: LayerPass<Float>) { differentiate(pass) }
  /// Computes the gradients.
  public func backward(_ pass: LayerPass<Double>) { differentiate(pass) }

  private func normalize<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, y, gamma) = (pass.input, pass.output, pass.parameter(0))
    let beta = isCentered ? pass.parameter(1) : nil
    let size = x.width / groupCount
    for row in 0..<x.count {
      for start in stride(from: 0, to: x.width, by: size) {
        let (mean, inverse) = statistics(x, row, start..<start + size)
        for column in start..<start + size {
          y[row, column] = (x[row, column] - mean) * inverse * gamma[column] + (beta?[column] ?? 0)
        }
      }
    }
  }

  private func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, g, gamma) = (pass.input, pass.outputGradient, pass.parameter(0))
    let dGamma = pass.parameterGradient(0)
    let dBeta = isCentered ? pass.parameterGradient(1) : nil
    dGamma.update(repeating: 0)
    dBeta?.update(repeating: 0)
    let size = x.width / groupCount
    for row in 0..<x.count {
      for start in stride(from: 0, to: x.width, by: size) {
        let group = start..<start + size
        let (mean, inverse) = statistics(x, row, group)
        var (sum, products) = (0.0, 0.0)
        for column in group {
          let normalized = (x[row, column] - mean) * inverse
          let own = g[row, column]
          dGamma[column] += own * normalized
          dBeta?[column] += own
          sum += Double(own * gamma[column])
          products += Double(own * gamma[column] * normalized)
        }
        guard let dx = pass.inputGradient else { continue }
        let center = isCentered ? Scalar(sum / Double(size)) : 0
        let share = Scalar(products / Double(size))
        for column in group {
          let normalized = (x[row, column] - mean) * inverse
          dx[row, column] = inverse * (g[row, column] * gamma[column] - center - normalized * share)
        }
      }
    }
  }

  /// The mean, 0 where it is not subtracted, and 1 / √(mean square around it + ε).
  private func statistics<Scalar>(_ x: Rows<Scalar>, _ row: Int, _ group: Range<Int>) -> (Scalar, Scalar) {
    var mean = 0.0
    if isCentered {
      for column in group { mean += Double(x[row, column]) }
      mean /= Double(group.count)
    }
    var squares = 0.0
    for column in group { squares += (Double(x[row, column]) - mean) * (Double(x[row, column]) - mean) }
    return (Scalar(mean), Scalar(1 / (squares / Double(group.count) + epsilon).squareRoot()))
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
