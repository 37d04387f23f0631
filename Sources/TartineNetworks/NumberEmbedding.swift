import TartineEngine

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
public struct NumberEmbedding: ColumnLayer, StackLayer {
  /// `"numberEmbedding"`.
  public static let kind = "numberEmbedding"
  /// The number of frequencies of each number.
  public let frequencies: Int
  /// The dimension of the embedding.
  public let dimension: Int
  /// The standard deviation of the initial frequencies, in waves per standard deviation of the number: high
  /// frequencies fit sharper turns, and overfit sooner.
  public let standardDeviation: Double
  /// The elements of the numbers.
  private var numbers: [Int] = []

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
    copy.numbers = layout.numbers
    return copy
  }

  package func describe(in stack: inout HiddenStack) { stack.embedNumbers = dimension }

  /// All elements keep their positions.
  package func outputLayout(for layout: InputLayout) -> InputLayout { layout }

  /// The input, followed by the embeddings.
  public func outputShape(for input: Shape) throws -> Shape { [input.count + dimension * numbers.count] }
  /// The parameters w, b, W and c.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
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

  /// The cosines and sines of each wave.
  public func scratchWidth(for input: Shape) -> Int { 2 * numbers.count * frequencies }

  /// Computes `pass.output` from `pass.input`.
  public func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    guard !numbers.isEmpty else { return pass.output.copy(pass.input) }
    let (frequency, phase) = (pass.parameter(0), pass.parameter(1))
    let (weight, bias) = (pass.parameter(2), pass.parameter(3))
    let kernels = Scalar.precision.kernels
    for row in 0..<pass.input.count {
      let (x, y, waves) = (pass.input[row], pass.output[row], pass.scratch[row].baseAddress!)
      y.baseAddress!.update(from: x.baseAddress!, count: x.count)
      for place in 0..<numbers.count {
        let (first, start) = (place * frequencies, x.count + place * dimension)
        kernels.pointee.waves(
          frequency.baseAddress! + first, phase.baseAddress! + first, frequencies, Double(x[numbers[place]]),
          waves + 2 * first, waves + 2 * first + frequencies)
        for column in 0..<dimension { y[start + column] = bias[place * dimension + column] }
        for wave in 0..<frequencies {
          let value = waves[2 * first + wave]
          for column in 0..<dimension { y[start + column] += value * weight[(first + wave) * dimension + column] }
        }
      }
    }
  }

  /// Computes the gradients.
  public func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    if let dx = pass.inputGradient {
      for row in 0..<dx.count {
        dx[row].baseAddress!.update(from: pass.outputGradient[row].baseAddress!, count: dx.width)
      }
    }
    guard !numbers.isEmpty else { return }
    let (frequency, weight) = (pass.parameter(0), pass.parameter(2))
    let (dFrequency, dPhase) = (pass.parameterGradient(0), pass.parameterGradient(1))
    let (dWeight, dBias) = (pass.parameterGradient(2), pass.parameterGradient(3))
    for index in 0..<4 { pass.parameterGradient(index).update(repeating: 0) }
    for row in 0..<pass.input.count {
      let (x, g, waves) = (pass.input[row], pass.outputGradient[row], pass.scratch[row])
      for place in 0..<numbers.count {
        let (first, start) = (place * frequencies, x.count + place * dimension)
        let number = x[numbers[place]]
        for column in 0..<dimension { dBias[place * dimension + column] += g[start + column] }
        for wave in 0..<frequencies {
          let (cosine, sine) = (waves[2 * first + wave], waves[2 * first + frequencies + wave])
          var sum: Scalar = 0
          for column in 0..<dimension {
            dWeight[(first + wave) * dimension + column] += cosine * g[start + column]
            sum += weight[(first + wave) * dimension + column] * g[start + column]
          }
          let turn = -sine * sum
          dPhase[first + wave] += turn
          dFrequency[first + wave] += 2 * .pi * number * turn
          pass.inputGradient?[row, numbers[place]] += 2 * .pi * frequency[first + wave] * turn
        }
      }
    }
  }
}
