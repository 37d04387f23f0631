import TartineData
import TartineEngine
import TartineFiles
import TartineNetworks

/// A model's prediction for one row.
public struct Prediction: Hashable, Sendable, CustomStringConvertible {
  /// The class, or the number as text; for several labels, the positive ones, separated by blanks.
  public let text: String
  /// The number, in the target's unit; nil for classes.
  public let number: Double?
  /// The probability of each class or label, in the model's order; empty for a regression.
  public let probabilities: [Double]
  /// The ways in which the row differs from the train set: unknown categories, missing values, numbers far
  /// outside.
  public internal(set) var warnings: [InputWarning] = []
  /// What its interval or set is made from.
  private let conformity: Conformity?

  /// The class names, and the −log p of each before calibration; empty for a number.
  struct Conformity: Hashable, Sendable {
    let scores: ConformalScores
    let classes: [String]
    let logLosses: [Double]
  }

  init(text: String, number: Double?, probabilities: [Double], conformity: Conformity?) {
    self.text = text
    self.number = number
    self.probabilities = probabilities
    self.conformity = conformity
  }

  /// The interval that holds the true number with this probability, over rows like those of dev; see ``ConformalScores``.
  ///
  /// - Returns: The interval, in the target's unit. Nil for classes, for a model file without scores, and if there were too few dev
  ///   rows: an interval of 0.9 needs 9, one of 0.95 needs 19.
  public func interval(_ coverage: Double) -> ClosedRange<Double>? {
    guard let number, let reach = conformity?.scores.reach(of: number, coverage: coverage) else { return nil }
    return number - reach...number + reach
  }

  /// The classes that together hold the true one with this probability, over rows like those of dev, the likeliest first; see
  /// ``ConformalScores``.
  ///
  /// - Returns: The classes, at least the predicted one. Nil for numbers and several labels, for a model file without scores, and
  ///   if there were too few dev rows.
  public func classes(_ coverage: Double) -> [String]? {
    guard number == nil, let conformity else { return nil }
    let (names, losses) = (conformity.classes, conformity.logLosses)
    return conformity.scores.classes(losses, predicted: names.firstIndex(of: text) ?? -1, coverage: coverage)?
      .sorted { losses[$0] < losses[$1] }.map { names[$0] }
  }

  /// The prediction, with the probability of the most likely class: `1 (96 %)`.
  public var description: String {
    guard number == nil, let likeliest = probabilities.max(), likeliest.isFinite else { return text }
    return "\(text) (\(Int((likeliest * 100).rounded())) %)"
  }
}

/// A value of a row in memory.
public enum RowValue: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  /// A number.
  case number(Double)
  /// A text.
  case text(String)
  /// A missing value.
  case missing

  /// A text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// A number.
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// The text `true` or `false`.
  public init(booleanLiteral value: Bool) { self = .text(value ? "true" : "false") }
  /// A missing value.
  public init(nilLiteral: ()) { self = .missing }
}

extension Model {
  /// Predicts one row.
  ///
  /// - Parameter row: the values by column name; a column that is not named is a missing value.
  /// - Throws: `DataError` for a name that the model does not know, or a text where it takes numbers.
  public func predict(_ row: [String: RowValue]) throws -> Prediction {
    guard case .table(let features) = preparation.inputs else {
      throw DataError("the model takes images; give it a data set of images.", source: "row")
    }
    let names = Set(features.map(\.name))
    if let unknown = row.keys.sorted().first(where: { !names.contains($0) }) {
      throw DataError(
        "the model knows no column '\(unknown)'; it knows \(Dataset.list(features.map(\.name)))."
          + Suggestion.text(for: unknown, among: features.map(\.name)),
        source: "row")
    }
    let columns = try features.filter { $0.width > 0 }.map { feature -> Column in
      try Self.column(feature, row[feature.name] ?? .missing)
    }
    return try predictions(for: columns, source: "row", workers: Workers(1))[0]
  }

  /// Predicts one image.
  ///
  /// - Parameter pixels: height × width × channels bytes, as in the files that the model was trained on.
  /// - Throws: `DataError` where the model does not take images, or has images of another size.
  public func predict(pixels: [UInt8]) throws -> Prediction {
    guard case .images(let images) = preparation.inputs else {
      throw DataError("the model takes rows of a table; name their columns.", source: "image")
    }
    guard pixels.count == graph.input.count else {
      throw DataError(
        "\(pixels.count) bytes, but the model takes images of \(images.height) × \(images.width) × \(images.channels).",
        source: "image")
    }
    return predictions(for: Image(pixels: pixels, scale: 1 / Double(images.fullScale)), workers: Workers(1))[0]
  }

  /// Converts the pixels of one image to network inputs.
  private struct Image: RowSource {
    let pixels: [UInt8]
    let scale: Double

    var rowCount: Int { 1 }

    func write(
      _ rows: Range<Int>, to output: UnsafeMutableRawPointer, ones: UnsafeMutablePointer<Int32>?, precision: Precision
    ) {
      precision.kernels.pointee.gather_bytes(pixels, [0], 1, pixels.count, scale, output)
    }
  }

  private static func column(_ feature: Feature, _ value: RowValue) throws -> Column {
    let values: Column.Values
    switch (feature, value) {
    case (.number, .number(let number)):
      guard number.isFinite else {
        throw DataError("\(number) is not a finite number.", source: "row", column: feature.name)
      }
      values = .numbers([number])
    case (.number, .missing): values = .numbers([.nan])
    case (.number, .text(let text)):
      throw DataError(
        "'\(text)' is not a number, and the model was trained on numbers here.", source: "row",
        column: feature.name)
    case (_, .number(let number)): values = .texts(codes: [0], levels: [Column.text(of: number)])
    case (_, .text(let text)): values = .texts(codes: [0], levels: [text])
    case (_, .missing): values = .texts(codes: [-1], levels: [])
    }
    return Column(name: feature.name, values: values, reason: "")
  }

  /// Predicts every row of a data set; the target is ignored.
  public func predict(_ dataset: Dataset, threads: Int? = nil) throws -> [Prediction] {
    let workers = Workers(threads ?? Workers.processorCount)
    switch dataset.inputs {
    case .table(let columns):
      return try predictions(for: columns, source: dataset.source, workers: workers)
    case .images(let block):
      return predictions(for: try preparation.apply(to: block, source: dataset.source), workers: workers)
    }
  }

  /// Predicts every row of a CSV or CSV.GZ file. Columns are matched by name; extra ones are ignored.
  /// - Throws: `DataError` for a column that is missing, or a text where the model takes numbers.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - format: options that cannot be inferred from the text; the model's markers of missing values are added.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  public func predict(csv path: String, format: CSVFormat = CSVFormat(), threads: Int? = nil) throws -> [Prediction] {
    try predict(try columns(csv: path, format: format), of: path, threads: threads)
  }

  /// The columns of a CSV file, read as in the train set.
  package func columns(csv path: String, format: CSVFormat) throws -> [Column] {
    try Dataset.readTable(
      path, isNumeric: preparation.isNumeric, format: format.adding(preparation.missingMarkers),
      notation: preparation.notation
    ).columns
  }

  /// Predicts every row of some columns.
  package func predict(_ columns: [Column], of path: String, threads: Int?) throws -> [Prediction] {
    try predictions(for: columns, source: path, workers: Workers(threads ?? Workers.processorCount))
  }

  /// Predicts rows of a table, with warnings for each.
  private func predictions(for columns: [Column], source: String, workers: Workers) throws -> [Prediction] {
    var predictions = predictions(for: try preparation.apply(to: columns, source: source), workers: workers)
    for warning in preparation.warnings(for: columns) {
      for (row, value) in zip(warning.rows, warning.values) {
        predictions[row].warnings.append(warning.ofRow(holding: value))
      }
    }
    return predictions
  }

  /// Predicts every image of a folder of IDX files: the test images, if present. Labels are optional.
  public func predict(images folder: String, threads: Int? = nil) throws -> [Prediction] {
    predictions(
      for: try preparation.apply(to: try ImageFolder.images(folder), source: folder),
      workers: Workers(threads ?? Workers.processorCount))
  }

  /// Predicts the rows of any `Encodable` type.
  public func predict(rows: [some Encodable]) throws -> [Prediction] {
    guard !rows.isEmpty else { return [] }
    let columns = try RowEncoder.columns(of: rows)
    return try predictions(for: columns, source: "memory", workers: Workers(Workers.processorCount))
  }

  /// Predicts one value as a row: its properties are the columns.
  /// - Throws: `DataError` for a column that is missing, or a text where the model takes numbers.
  public func predict(row: some Encodable) throws -> Prediction { try predict(rows: [row])[0] }

  /// Evaluates the model on rows with targets.
  ///
  /// - Parameters:
  ///   - dataset: the rows, all of which are used.
  ///   - warnings: receives notices about adaptations, such as labels' full stops, and unusual inputs.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  public func evaluate(
    _ dataset: Dataset, warnings: inout [String], threads: Int? = nil
  ) throws -> Evaluation {
    let rows = Array(0..<dataset.rowCount)
    warnings += preparation.warnings(for: dataset, rows: rows).map(\.description)
    return try evaluate(
      dataset, rows: rows, warnings: &warnings, workers: Workers(threads ?? Workers.processorCount))
  }

  /// Evaluates the model on rows with targets.
  public func evaluate(_ dataset: Dataset, threads: Int? = nil) throws -> Evaluation {
    var warnings: [String] = []
    return try evaluate(dataset, warnings: &warnings, threads: threads)
  }

  package func evaluate(
    _ dataset: Dataset, rows: [Int], warnings: inout [String], workers: Workers
  ) throws -> Evaluation {
    let prepared = try preparation.apply(to: dataset, rows: rows, warnings: &warnings)
    let evaluator = Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss, networks: networks, workers: workers,
      decision: decision, conformal: conformal)
    return evaluator.evaluate(prepared)
  }

  package func predictions(for rows: some RowSource, workers: Workers) -> [Prediction] {
    let output = output
    let width = output.width
    let kernels = Precision.float32.kernels
    var values = [Float](repeating: 0, count: rows.rowCount * width)
    withPredictor(workers: workers, rows: rows.rowCount) { predictor in
      values.withUnsafeMutableBufferPointer { values in
        nonisolated(unsafe) let values = values
        predictor.run(rows) { _, range, logits in
          output.activate(
            logits, rows: range.count, temperature: self.decision.temperature, kernels: kernels)
          let from = logits.assumingMemoryBound(to: Float.self)
          for index in 0..<range.count * width { values[range.lowerBound * width + index] = from[index] }
        }
      }
    }
    return (0..<rows.rowCount).map { prediction(values[($0 * width)..<(($0 + 1) * width)]) }
  }

  private func prediction(_ outputs: ArraySlice<Float>) -> Prediction {
    let values = outputs.map(Double.init)
    switch preparation.target {
    case .classes(_, let names) where names.count == 2:
      let probabilities = [1 - values[0], values[0]]
      return Prediction(
        text: values[0] > decision.threshold ? names[1] : names[0], number: nil, probabilities: probabilities,
        conformity: conformity(names, probabilities))
    case .classes(_, let names):
      var best = 0
      for place in names.indices where values[place] > values[best] { best = place }
      return Prediction(
        text: names[best], number: nil, probabilities: values, conformity: conformity(names, values))
    case .labels(let labels):
      let yes = zip(labels, values).filter { $1 > 0.5 }.map(\.0.column)
      return Prediction(text: yes.joined(separator: " "), number: nil, probabilities: values, conformity: nil)
    case .number(_, let mean, let deviation):
      let number = values[0] * deviation + mean
      return Prediction(
        text: Column.text(of: number), number: number, probabilities: [], conformity: conformity([], []))
    }
  }

  private func conformity(_ names: [String], _ probabilities: [Double]) -> Prediction.Conformity? {
    conformal.map {
      Prediction.Conformity(
        scores: $0, classes: names,
        logLosses: ConformalScores.logLosses(probabilities, temperature: decision.temperature))
    }
  }
}
