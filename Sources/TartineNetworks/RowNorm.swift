import TartineEngine

/// A normalization within each row, so that rows do not depend on each other and there is nothing to average: over groups of
/// neighbouring elements, with or without their mean.
package protocol RowNorm: CustomLayer {
  /// Groups that a row is divided into.
  var groupCount: Int { get }
  /// Whether the mean is taken off.
  var isCentered: Bool { get }
  /// Added to the variance, or mean square, under the root.
  var epsilon: Double { get }
}

extension RowNorm {
  /// The shape is kept.
  public func outputShape(for input: Shape) throws -> Shape {
    guard input.isVector else {
      throw ShapeError(got: input, expected: "n", advice: "put Flatten() before it.")
    }
    guard groupCount > 0, input.count % groupCount == 0 else {
      throw ShapeError(
        got: input, expected: "n, a multiple of \(groupCount)", advice: "take a number of groups that divides it.")
    }
    return input
  }

  /// γ, from 1, and β, from 0, where the mean is taken off.
  public func parameters(for input: Shape) -> [Parameter] {
    [Parameter("gamma", shape: input, initializer: .constant(1), isPenalized: false)]
      + (isCentered ? [Parameter("beta", shape: input, initializer: .constant(0), isPenalized: false)] : [])
  }

  /// ε must be above 0.
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

  /// The mean, 0 where it is not taken off, and 1 / √(mean square around it + ε).
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

/// Layer normalization: ẑ = (z − μ) / √(σ² + ε), u = γ ẑ + β, with each row's own mean and biased variance.
///
/// Alike in training and at prediction, for any batch; where batches are small it takes batch normalization's place.
///
/// **Shapes**: [rows, n] → [rows, n]; γ, β [n].
///
/// **Source**: Ba, Kiros, Hinton, *Layer normalization*, 2016, eq. 4.
///
/// **Differs from**: Keras takes ε = 10⁻³; PyTorch 10⁻⁵, as here.
public struct LayerNorm: RowNorm {
  /// `"layerNorm"`.
  public static let kind = "layerNorm"
  /// Added to the variance under the root.
  public let epsilon: Double
  package var groupCount: Int { 1 }
  package var isCentered: Bool { true }

  /// - Parameter epsilon: added to the variance under the root, above 0.
  public init(epsilon: Double = 1e-5) { self.epsilon = epsilon }
  private enum CodingKeys: String, CodingKey { case epsilon }
  /// Decodes; ε may be left out.
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
/// **Differs from**: PyTorch's default ε is its type's smallest step; here it is 10⁻⁵.
public struct RMSNorm: RowNorm {
  /// `"rmsNorm"`.
  public static let kind = "rmsNorm"
  /// Added to the mean square under the root.
  public let epsilon: Double
  package var groupCount: Int { 1 }
  package var isCentered: Bool { false }

  /// - Parameter epsilon: added to the mean square under the root, above 0.
  public init(epsilon: Double = 1e-5) { self.epsilon = epsilon }
  private enum CodingKeys: String, CodingKey { case epsilon }
  /// Decodes; ε may be left out.
  public init(from decoder: any Decoder) throws {
    epsilon = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5
  }
}

/// Group normalization: as ``LayerNorm``, over groups of neighbouring elements, each with its own mean and variance.
///
/// **Shapes**: [rows, n] → [rows, n], n a multiple of the groups; γ, β [n].
///
/// **Source**: Wu and He, *Group normalization*, 2018, eq. 7.
public struct GroupNorm: RowNorm {
  /// `"groupNorm"`.
  public static let kind = "groupNorm"
  /// Groups that a row is divided into.
  public let groups: Int
  /// Added to the variance under the root.
  public let epsilon: Double
  package var groupCount: Int { groups }
  package var isCentered: Bool { true }

  /// - Parameters:
  ///   - groups: how many; they divide the row evenly.
  ///   - epsilon: added to the variance under the root, above 0.
  public init(groups: Int, epsilon: Double = 1e-5) {
    self.groups = groups
    self.epsilon = epsilon
  }
  private enum CodingKeys: String, CodingKey { case groups, epsilon }
  /// Decodes; ε may be left out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    groups = try values.decode(Int.self, forKey: .groups)
    epsilon = try values.decodeIfPresent(Double.self, forKey: .epsilon) ?? 1e-5
  }
}
