import TartineEngine
import TartinePlatform

/// A periodic embedding of each number, appended to the input: with learned frequencies w and phases b, e =
/// Wᵀ cos(2π w x + b) + c. It lets a shallow network fit a curve with many turns.
///
/// It must be the first layer of a network for a table. Bins serve the same purpose, so disable them
/// (`preparation.bins` = 0).
///
/// **Shapes**: [rows, elements] → [rows, elements + dimension · numbers]; w, b [numbers, frequencies], W [numbers, frequencies,
/// dimension], c [numbers, dimension].
///
/// **Source**: Gorishniy et al., *On embeddings for numerical features*, 2022, eq. 4; as one linear layer with a bias and the
/// number itself beside it, Holzmüller et al., *Better by default* (RealMLP's PBLD), 2024.
public struct NumberEmbedding: ColumnLayer {
  /// `"numberEmbedding"`.
  public static let kind = "numberEmbedding"
  /// The number of frequencies of each number.
  public let frequencies: Int
  /// The dimension of the embedding.
  public let dimension: Int
  /// The standard deviation of the initial frequencies, in waves per standard deviation of the number: high
  /// frequencies fit sharper turns, and overfit sooner.
  public let standardDeviation: Double
  private var layout: InputLayout?

  /// - Parameters:
  ///   - frequencies: the number of frequencies of each number.
  ///   - dimension: the dimension of the embedding.
  ///   - standardDeviation: the standard deviation of the initial frequencies.
  public init(frequencies: Int = 16, dimension: Int = 3, standardDeviation: Double = 0.1) {
    self.frequencies = frequencies
    self.dimension = dimension
    self.standardDeviation = standardDeviation
  }

  private enum CodingKeys: String, CodingKey { case frequencies, dimension, standardDeviation }
  private enum OldKey: String, CodingKey { case deviation }

  /// Decodes; omitted values take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    frequencies = try values.decodeIfPresent(Int.self, forKey: .frequencies) ?? 16
    dimension = try values.decodeIfPresent(Int.self, forKey: .dimension) ?? 3
    standardDeviation =
      try values.decodeIfPresent(Double.self, forKey: .standardDeviation)
      ?? decoder.container(keyedBy: OldKey.self).decodeIfPresent(Double.self, forKey: .deviation) ?? 0.1
  }

  package func bound(to layout: InputLayout) -> NumberEmbedding {
    var copy = self
    copy.layout = layout
    return copy
  }

  /// All elements keep their positions.
  package func outputLayout(for layout: InputLayout) -> InputLayout { layout }

  private var numbers: [Int] { layout?.numbers ?? [] }

  /// The input, followed by the embeddings.
  public func outputShape(for input: Shape) throws -> Shape { [input.count + dimension * numbers.count] }
  /// The parameters w, b, W and c.
  public func parameters(for input: Shape) -> [Parameter] {
    let count = numbers.count
    guard count > 0 else { return [] }
    return [
      Parameter(
        "frequency", shape: [count, frequencies], initializer: .normal(standardDeviation: standardDeviation),
        isPenalized: false),
      // The phase is uniform.
      Parameter(
        "phase", shape: [count, frequencies], initializer: .uniform(standardDeviation: .pi / 3.0.squareRoot()),
        isPenalized: false),
      Parameter(
        "weight", shape: [count, frequencies, dimension], initializer: .leCun(fanIn: frequencies), isPenalized: true),
      Parameter("bias", shape: [count, dimension], initializer: .constant(0), isPenalized: false),
    ]
  }
  /// Checks the number of frequencies and the dimension.
  public var problem: String? {
    guard (1...4_096).contains(frequencies), (1...4_096).contains(dimension) else {
      return "frequencies and dimension must be from 1 to 4096"
    }
    return standardDeviation > 0 && standardDeviation.isFinite
      ? nil : "standardDeviation must be above 0, not \(standardDeviation)"
  }

  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Float>) { run(pass) }
  /// Computes `pass.output` from `pass.input`.
  public func forward(_ pass: LayerPass<Double>) { run(pass) }
  /// Computes the gradients.
  public func backward(_ pass: LayerPass<Float>) { differentiate(pass) }
  /// Computes the gradients.
  public func backward(_ pass: LayerPass<Double>) { differentiate(pass) }

  private func run<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, y, numbers) = (pass.input, pass.output, numbers)
    for row in 0..<x.count {
      for column in 0..<x.width { y[row, column] = x[row, column] }
    }
    guard !numbers.isEmpty else { return }
    let (frequency, phase) = (pass.parameter(0), pass.parameter(1))
    let (weight, bias) = (pass.parameter(2), pass.parameter(3))
    for (place, element) in numbers.enumerated() {
      let start = x.width + place * dimension
      for row in 0..<x.count {
        for column in 0..<dimension { y[row, start + column] = bias[place * dimension + column] }
        for wave in place * frequencies..<(place + 1) * frequencies {
          let value = Scalar(cos(2 * .pi * Double(frequency[wave] * x[row, element]) + Double(phase[wave])))
          for column in 0..<dimension { y[row, start + column] += value * weight[wave * dimension + column] }
        }
      }
    }
  }

  private func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, g, dx, numbers) = (pass.input, pass.outputGradient, pass.inputGradient, numbers)
    if let dx {
      for row in 0..<x.count {
        for column in 0..<x.width { dx[row, column] = g[row, column] }
      }
    }
    guard !numbers.isEmpty else { return }
    let (frequency, phase, weight) = (pass.parameter(0), pass.parameter(1), pass.parameter(2))
    let (dFrequency, dPhase) = (pass.parameterGradient(0), pass.parameterGradient(1))
    let (dWeight, dBias) = (pass.parameterGradient(2), pass.parameterGradient(3))
    for gradient in [dFrequency, dPhase, dWeight, dBias] { gradient.update(repeating: 0) }
    for (place, element) in numbers.enumerated() {
      let start = x.width + place * dimension
      for row in 0..<x.count {
        for column in 0..<dimension { dBias[place * dimension + column] += g[row, start + column] }
        for wave in place * frequencies..<(place + 1) * frequencies {
          let angle = 2 * .pi * Double(frequency[wave] * x[row, element]) + Double(phase[wave])
          let value = Scalar(cos(angle))
          var sum: Scalar = 0
          for column in 0..<dimension {
            dWeight[wave * dimension + column] += value * g[row, start + column]
            sum += weight[wave * dimension + column] * g[row, start + column]
          }
          let turn = Scalar(-sin(angle)) * sum
          dPhase[wave] += turn
          dFrequency[wave] += 2 * .pi * x[row, element] * turn
          if let dx { dx[row, element] += 2 * .pi * frequency[wave] * turn }
        }
      }
    }
  }
}
