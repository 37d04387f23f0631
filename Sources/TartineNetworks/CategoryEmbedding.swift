import TartineEngine

/// A learned embedding vector for each level of a category, in place of one-hot encoding. Other elements pass
/// through and come first.
///
/// It must be the first layer of a network for a table. Categories of few levels stay one-hot: there an
/// embedding adds nothing to the weights of the next layer.
///
/// **Shapes**: [rows, elements] → [rows, elements − those of the embedded categories + dimension · embedded categories].
///
/// **Source**: Guo and Berkhahn, *Entity embeddings of categorical variables*, 2016; the sizes are RealMLP's (Holzmüller et
/// al., *Better by default*, 2024).
///
/// **Differs from**: PyTorch initializes from normal(0, 1), Keras from uniform(±0.05); here from normal(0,
/// 1/√dimension), so that a vector has about the length of the one-hot vector that it replaces.
public struct CategoryEmbedding: ColumnLayer {
  /// `"categoryEmbedding"`.
  public static let kind = "categoryEmbedding"
  /// The dimension of the embedding.
  public let dimension: Int
  /// Categories of more elements than this are embedded.
  public let moreThan: Int
  private var layout: InputLayout?

  /// - Parameters:
  ///   - dimension: the dimension of the embedding.
  ///   - moreThan: categories of more elements than this are embedded.
  public init(dimension: Int = 8, moreThan: Int = 9) {
    self.dimension = dimension
    self.moreThan = moreThan
  }

  private enum CodingKeys: String, CodingKey { case dimension, moreThan }
  /// Decodes; omitted values take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    dimension = try values.decodeIfPresent(Int.self, forKey: .dimension) ?? 8
    moreThan = try values.decodeIfPresent(Int.self, forKey: .moreThan) ?? 9
  }

  package func bound(to layout: InputLayout) -> CategoryEmbedding {
    var copy = self
    copy.layout = layout
    return copy
  }

  /// The remaining elements move up.
  package func outputLayout(for layout: InputLayout) -> InputLayout {
    let gone = layout.categories.filter { $0.count > moreThan }
    func place(_ element: Int) -> Int { element - gone.filter { $0.upperBound <= element }.reduce(0) { $0 + $1.count } }
    return InputLayout(
      numbers: layout.numbers.map(place),
      categories: layout.categories.filter { $0.count <= moreThan }.map { elements in
        let start = place(elements.lowerBound)
        return start..<start + elements.count
      })
  }

  private var embedded: [Range<Int>] { (layout?.categories ?? []).filter { $0.count > moreThan } }

  /// The remaining elements, and the embeddings.
  public func outputShape(for input: Shape) throws -> Shape {
    [input.count + embedded.reduce(0) { $0 + dimension - $1.count }]
  }
  /// One matrix for each embedded category: [levels, dimension].
  public func parameters(for input: Shape) -> [Parameter] {
    embedded.enumerated().map { place, elements in
      Parameter(
        "weight\(place + 1)", shape: [elements.count, dimension],
        initializer: .normal(standardDeviation: 1 / Double(dimension).squareRoot()), isPenalized: true)
    }
  }
  /// Checks the dimension.
  public var problem: String? {
    dimension >= 1 && dimension <= 1 << 12 && moreThan >= 0
      ? nil : "dimension must be from 1 to 4096, and moreThan at least 0"
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
    let (x, y, embedded) = (pass.input, pass.output, embedded)
    eachKept(x.width, embedded) { from, to in
      for row in 0..<x.count { y[row, to] = x[row, from] }
    }
    var start = y.width - dimension * embedded.count
    for (place, elements) in embedded.enumerated() {
      let weight = pass.parameter(place)
      for row in 0..<x.count {
        for column in 0..<dimension { y[row, start + column] = 0 }
        for (level, element) in elements.enumerated() where x[row, element] != 0 {
          for column in 0..<dimension {
            y[row, start + column] += x[row, element] * weight[level * dimension + column]
          }
        }
      }
      start += dimension
    }
  }

  private func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, g, embedded) = (pass.input, pass.outputGradient, embedded)
    var start = g.width - dimension * embedded.count
    for (place, elements) in embedded.enumerated() {
      let (weight, dWeight) = (pass.parameter(place), pass.parameterGradient(place))
      dWeight.update(repeating: 0)
      for row in 0..<x.count {
        for (level, element) in elements.enumerated() where x[row, element] != 0 {
          for column in 0..<dimension {
            dWeight[level * dimension + column] += x[row, element] * g[row, start + column]
          }
        }
      }
      if let dx = pass.inputGradient {
        for row in 0..<x.count {
          for (level, element) in elements.enumerated() {
            dx[row, element] = (0..<dimension).reduce(0) { $0 + weight[level * dimension + $1] * g[row, start + $1] }
          }
        }
      }
      start += dimension
    }
    guard let dx = pass.inputGradient else { return }
    eachKept(x.width, embedded) { from, to in
      for row in 0..<x.count { dx[row, from] = g[row, to] }
    }
  }

  /// The positions of each element that is not embedded, in the input and in the output.
  private func eachKept(_ width: Int, _ embedded: [Range<Int>], _ body: (_ from: Int, _ to: Int) -> Void) {
    var to = 0
    for from in 0..<width where !embedded.contains(where: { $0.contains(from) }) {
      body(from, to)
      to += 1
    }
  }
}
