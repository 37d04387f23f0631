import TartineData
import TartineEngine
import TartineNetworks
import TartinePlatform

/// The contribution of each input column to a model's output for one row: its Shapley value.
///
/// The columns of a reference row are replaced by those of the explained row one after the other, in a random permutation, and each
/// is credited with the change of the output; the mean over permutations and reference rows is its contribution:
///
/// φ_c = E_{z, π}[ f(x_{before c in π}, x_c; z) − f(x_{before c in π}; z) ]
///
/// So the contributions add up to ``output`` − ``baseValue``. Each permutation is used forward and reversed (antithetic sampling), which
/// removes much of the variance. A column that the model does not use gets 0; correlated columns share what the model takes from
/// them. A contribution says what the model does, not what would happen if the column were changed in the world.
///
/// **Source**: Štrumbelj and Kononenko, *Explaining prediction models and individual predictions with feature contributions*, 2014, algorithm 1;
/// Mitchell et al., *Sampling permutations for Shapley value estimation*, 2022, §4.2, for the orders in pairs; Lundberg and Lee, *A unified
/// approach to interpreting model predictions*, 2017.
public struct Explanation: Hashable, Sendable {
  /// The contribution of a column.
  public struct Contribution: Hashable, Sendable, Codable {
    /// The column.
    public let column: String
    /// Its value in the row; nil where it is missing.
    public let value: String?
    /// φ, in the unit of the output.
    public let contribution: Double
    /// The standard error of the sampled contribution; 0 if it is exact.
    public let error: Double
  }

  /// The row's prediction.
  public let prediction: Prediction
  /// The output that is explained: the number, in the target's unit; for classes the log odds of the predicted class,
  /// log p / (1 − p).
  public let output: Double
  /// The mean output over the reference rows.
  public let baseValue: Double
  /// The columns, those with the largest contributions first.
  public let contributions: [Contribution]
}

extension Model {
  /// Explains the predictions of some rows, by their Shapley values.
  ///
  /// They are exact for a linear model of a number or two classes; else sampled, with the same permutations and reference rows for
  /// every row.
  ///
  /// - Parameters:
  ///   - dataset: The rows to explain; the target is ignored.
  ///   - reference: Rows to compare with, such as `split.dataset`.
  ///   - rows: The rows of `reference` that are used, such as `split.train`; nil: all.
  ///   - samples: The number of pairs of a permutation and its reverse, each with a reference row; the error falls with its square
  ///     root. Nil: 64, fewer for more than 255 columns.
  ///   - threads: The number of threads, by default that of the processors; the result does not depend on it.
  /// - Throws: `DataError` for images, several labels, no reference rows, or a column that is missing.
  public func explain(
    _ dataset: Dataset, against reference: Dataset, rows: [Int]? = nil, samples: Int? = nil, threads: Int? = nil
  ) throws -> [Explanation] {
    guard case .table(let columns) = dataset.inputs, case .table(let known) = reference.inputs else {
      throw Self.onlyTables(dataset.source)
    }
    return try explain(
      columns, of: dataset.source, against: known, of: reference.source, rows: rows, samples: samples, threads: threads)
  }

  /// Explains the predictions of rows of any `Encodable` type, by their Shapley values; see
  /// ``explain(_:against:rows:samples:threads:)``.
  public func explain(
    rows explained: [some Encodable], against reference: Dataset, rows: [Int]? = nil, samples: Int? = nil,
    threads: Int? = nil
  ) throws -> [Explanation] {
    guard !explained.isEmpty else { return [] }
    guard case .table(let known) = reference.inputs else { throw Self.onlyTables(reference.source) }
    return try explain(
      try RowEncoder.columns(of: explained), of: "memory", against: known, of: reference.source, rows: rows,
      samples: samples, threads: threads)
  }

  private static func onlyTables(_ source: String) -> DataError {
    DataError("only rows of a table can be explained, not images.", source: source)
  }

  package func explain(
    _ columns: [Column], of source: String, against known: [Column], of reference: String, rows: [Int]? = nil,
    samples: Int? = nil, threads: Int? = nil
  ) throws -> [Explanation] {
    guard case .table(let features) = preparation.inputs else { throw Self.onlyTables(source) }
    if task == .multilabel {
      throw DataError("the model predicts several labels, whose answers cannot be explained.", source: source)
    }
    let rows = rows ?? Array(0..<(known.first?.count ?? 0))
    guard !rows.isEmpty else { throw DataError("there are no rows to compare with.", source: reference) }
    let workers = Workers(threads ?? Workers.processorCount)
    let isExact = isLinearInLogits
    var stream = RandomStream(seed: 0, purpose: .explanation)
    let pairs = max(2, samples ?? min(64, Self.mostPredictions / (2 * features.count)))
    let compared = try isExact ? rows : references(pairs, among: rows, of: known, reference, &stream, workers)
    let prepared = try preparation.apply(to: columns, source: source)
    let walks = Walks(
      prepared, against: try preparation.apply(to: known.map { $0.rows(compared) }, source: reference),
      features: features, isExact: isExact)
    let predictions = try predict(columns, of: source, threads: threads)
    let used = features.filter { $0.width > 0 }
    let texts = Dictionary(columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return walks.contributions(of: self, predictions: predictions, workers: workers).enumerated().map { row, found in
      let list = zip(used, found.values).map { feature, value in
        Explanation.Contribution(
          column: feature.name, value: texts[feature.name]?.text(row), contribution: value.mean, error: value.error)
      }
      return Explanation(
        prediction: predictions[row], output: found.answer, baseValue: found.base,
        contributions: list.sorted { abs($0.contribution) > abs($1.contribution) })
    }
  }

  /// The most predictions for a row, with the usual number of samples.
  private static let mostPredictions = 1 << 15
  /// The most rows from which the reference rows are chosen.
  private static let mostCandidates = 8_192

  /// Some rows, one from each of as many equal parts of the rows in the order of their predictions (stratified sampling), so that their mean
  /// output is near that of all.
  private func references(
    _ count: Int, among rows: [Int], of known: [Column], _ source: String, _ stream: inout RandomStream,
    _ workers: Workers
  ) throws -> [Int] {
    var candidates = rows
    stream.shuffle(&candidates)
    candidates = Array(candidates.prefix(Self.mostCandidates))
    let values = predictions(
      for: try preparation.apply(to: known.map { $0.rows(candidates) }, source: source), workers: workers
    ).map { $0.number ?? $0.probabilities.first ?? 0 }
    let order = candidates.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    return (0..<count).map { part in
      let low = part * order.count / count
      let high = max(low + 1, (part + 1) * order.count / count)
      return candidates[order[min(order.count - 1, low + stream.integer(below: high - low))]]
    }
  }

  /// Whether the explained answer is linear in the prepared inputs.
  private var isLinearInLogits: Bool {
    guard recipe.network.isLinear else { return false }
    switch output {
    case .identity: return true
    case .sigmoid(let labels): return labels == 1 && networks.count * graph.members == 1
    case .softmax, .rate: return false
    }
  }

  /// The answer that is explained, from a row's logits.
  fileprivate func explainedAnswer(_ logits: UnsafePointer<Float>, of prediction: Prediction) -> Double {
    switch preparation.target {
    case .number(_, let mean, let deviation):
      let z = Double(logits[0])
      if case .rate = output { return exp(z) * deviation + mean }
      return z * deviation + mean
    case .classes(_, let names) where names.count == 2:
      let z = Double(logits[0]) / decision.temperature
      return prediction.text == names[1] ? z : -z
    case .classes(_, let names):
      let chosen = names.firstIndex(of: prediction.text) ?? 0
      let z = names.indices.map { Double(logits[$0]) / decision.temperature }
      let others = z.indices.filter { $0 != chosen }
      let largest = others.map { z[$0] }.max() ?? 0
      return z[chosen] - largest - log(others.reduce(0) { $0 + exp(z[$1] - largest) })
    case .labels: return .nan
    }
  }
}

/// The rows between reference rows and explained rows, as inputs of a network.
private struct Walks: RowSource {
  /// [rows][width].
  private let explained: [Float]
  /// [walks][width].
  private let references: [Float]
  private let width: Int
  /// The elements of each column.
  private let groups: [[Range<Int>]]
  /// Of each walk the place of each column in the order.
  private let places: [[Int]]
  private let explainedRows: Int
  /// The explained rows of this run.
  private var current = 0..<0
  private let isExact: Bool

  /// The most rows of one run.
  private static let mostRows = 1 << 17

  init(_ explained: PreparedRows, against reference: PreparedRows, features: [Feature], isExact: Bool) {
    self.isExact = isExact
    width = explained.width
    explainedRows = explained.rowCount
    self.explained = Self.elements(of: explained)
    var references = Self.elements(of: reference)
    let width = width
    if isExact {
      let count = reference.rowCount
      references = (0..<width).map { place in
        Float((0..<count).reduce(0.0) { $0 + Double(references[$1 * width + place]) } / Double(count))
      }
    }
    self.references = references
    let used = features.filter { $0.width > 0 }
    var (start, bin) = (0, used.reduce(0) { $0 + $1.width })
    groups = used.map { feature in
      defer { (start, bin) = (start + feature.width, bin + feature.binCount) }
      return [start..<start + feature.width, bin..<bin + feature.binCount]
    }
    let columns = groups.count
    places = (0..<references.count / max(1, width)).map { walk in
      var order = Array(0..<columns)
      var stream = RandomStream(seed: 0, purpose: .explanation, step: walk + 1)
      stream.shuffle(&order)
      var places = order
      for (place, column) in order.enumerated() { places[column] = place }
      return places
    }
  }

  private static func elements(of rows: PreparedRows) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows.rowCount * rows.width) { buffer, count in
      if let base = buffer.baseAddress {
        rows.write(0..<rows.rowCount, to: UnsafeMutableRawPointer(base), ones: nil, precision: .float32)
      }
      count = rows.rowCount * rows.width
    }
  }

  /// The rows of a walk: the reference row, and one after each column.
  private var steps: Int { groups.count + 1 }
  /// The walks of an explained row: each order forward and, unless it does not matter, backward.
  private var walksOfRow: Int { places.count * (isExact ? 1 : 2) }

  var rowCount: Int { current.count * walksOfRow * steps }

  func write(
    _ rows: Range<Int>, to output: UnsafeMutableRawPointer, ones: UnsafeMutablePointer<Int32>?, precision: Precision
  ) {
    let output = output.assumingMemoryBound(to: Float.self)
    for (index, row) in rows.enumerated() {
      let (walk, step) = (row / steps % walksOfRow, row % steps)
      let order = walk % places.count
      let x = (current.lowerBound + row / steps / walksOfRow) * width
      let to = output + index * width
      for place in 0..<width { to[place] = references[order * width + place] }
      for (column, group) in groups.enumerated() where place(of: column, walk) < step {
        for elements in group { for place in elements { to[place] = explained[x + place] } }
      }
    }
  }

  private func place(of column: Int, _ walk: Int) -> Int {
    let place = places[walk % places.count][column]
    return walk < places.count ? place : groups.count - 1 - place
  }

  /// The answer, the mean answer of the reference rows, and each column's contribution with its standard error, of each row.
  func contributions(
    of model: Model, predictions: [Prediction], workers: Workers
  ) -> [(answer: Double, base: Double, values: [(mean: Double, error: Double)])] {
    let each = walksOfRow * steps
    let rows = max(1, Self.mostRows / max(1, each))
    var found: [(answer: Double, base: Double, values: [(mean: Double, error: Double)])] = []
    for start in stride(from: 0, to: explainedRows, by: rows) {
      var part = self
      part.current = start..<min(start + rows, explainedRows)
      var answers = [Double](repeating: 0, count: part.rowCount)
      let outputs = model.output.width
      model.withPredictor(workers: workers, rows: max(2, part.rowCount)) { predictor in
        answers.withUnsafeMutableBufferPointer { answers in
          // Each chunk writes to its own rows.
          nonisolated(unsafe) let answers = answers
          predictor.run(part) { _, range, logits in
            let logits = logits.assumingMemoryBound(to: Float.self)
            for (index, row) in range.enumerated() {
              answers[row] = model.explainedAnswer(logits + index * outputs, of: predictions[start + row / each])
            }
          }
        }
      }
      found += part.current.indices.map { summary(answers[($0 - start) * each..<($0 - start + 1) * each]) }
    }
    return found
  }

  private func summary(
    _ answers: ArraySlice<Double>
  ) -> (answer: Double, base: Double, values: [(mean: Double, error: Double)]) {
    let (first, count) = (answers.startIndex, Double(places.count))
    let base = places.indices.reduce(0.0) { $0 + answers[first + $1 * steps] } / count
    let values = groups.indices.map { column in
      var (sum, squares) = (0.0, 0.0)
      for order in places.indices {
        let both = stride(from: order, to: walksOfRow, by: places.count).map { walk in
          let at = first + walk * steps + place(of: column, walk)
          return answers[at + 1] - answers[at]
        }
        let mean = both.reduce(0, +) / Double(both.count)
        sum += mean
        squares += mean * mean
      }
      let mean = sum / count
      let variance = count > 1 ? max(0, squares - count * mean * mean) / (count - 1) : 0
      return (mean: mean, error: (variance / count).squareRoot())
    }
    return (answers[answers.endIndex - 1], base, values)
  }
}
