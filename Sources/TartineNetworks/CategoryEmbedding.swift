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
public struct CategoryEmbedding: ColumnLayer, StackLayer {
  /// `"categoryEmbedding"`.
  public static let kind = "categoryEmbedding"
  /// The dimension of the embedding.
  public let dimension: Int
  /// Categories of more elements than this are embedded.
  public let moreThan: Int
  /// The elements of each embedded category, first to last.
  private var embedded: [Range<Int>] = []

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
    copy.embedded = layout.categories.filter { $0.count > moreThan }.sorted { $0.lowerBound < $1.lowerBound }
    return copy
  }

  package func describe(in stack: inout HiddenStack) { stack.embedCategories = dimension }

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

  /// The remaining elements, and the embeddings.
  public func outputShape(for input: Shape) throws -> Shape {
    [input.count + embedded.reduce(0) { $0 + dimension - $1.count }]
  }
  /// One matrix for each embedded category: [levels, dimension].
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
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
  public func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    for row in 0..<pass.input.count {
      let (x, y) = (pass.input[row], pass.output[row])
      eachRun(x.count) { from, to, count in
        for place in 0..<count { y[to + place] = x[from + place] }
      }
      var start = y.count - dimension * embedded.count
      for place in embedded.indices {
        let weight = pass.parameter(place)
        for column in 0..<dimension { y[start + column] = 0 }
        let first = embedded[place].lowerBound
        for element in embedded[place] where x[element] != 0 {
          let vector = (element - first) * dimension
          for column in 0..<dimension { y[start + column] += x[element] * weight[vector + column] }
        }
        start += dimension
      }
    }
  }

  /// Computes the gradients.
  public func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    for place in embedded.indices { pass.parameterGradient(place).update(repeating: 0) }
    for row in 0..<pass.input.count {
      let (x, g, dx) = (pass.input[row], pass.outputGradient[row], pass.inputGradient?[row])
      var start = g.count - dimension * embedded.count
      for place in embedded.indices {
        let (weight, dWeight) = (pass.parameter(place), pass.parameterGradient(place))
        let first = embedded[place].lowerBound
        for element in embedded[place] {
          let vector = (element - first) * dimension
          if x[element] != 0 {
            for column in 0..<dimension { dWeight[vector + column] += x[element] * g[start + column] }
          }
          guard let dx else { continue }
          dx[element] = 0
          for column in 0..<dimension { dx[element] += weight[vector + column] * g[start + column] }
        }
        start += dimension
      }
      guard let dx else { continue }
      eachRun(x.count) { from, to, count in
        for place in 0..<count { dx[from + place] = g[to + place] }
      }
    }
  }

  /// The runs of elements that are not embedded, in the input and in the output.
  private func eachRun(_ width: Int, _ body: (_ from: Int, _ to: Int, _ count: Int) -> Void) {
    var (from, to) = (0, 0)
    for elements in embedded {
      body(from, to, elements.lowerBound - from)
      to += elements.lowerBound - from
      from = elements.upperBound
    }
    body(from, to, width - from)
  }
}
