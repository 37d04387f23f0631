import ArgumentParser
import Tartine

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predicts each row: writes a CSV with the column 'prediction' and, for classes, their "
      + "probabilities.",
    discussion: """
        tartine predict runs/houses-1/model.safetensors new-houses.csv > predictions.csv

        tartine predict runs/houses-1 new-houses.csv --explain

        cat new.csv | tartine predict runs/houses-1/model.safetensors -

      The columns p:CLASS hold each class's probability. --interval 0.9 adds, for a number, the columns lower and upper, between \
      which the truth lies in 90 % of rows like those of dev; for classes the column set: the likeliest, separated by |, among \
      which the truth is in 90 %. Rows keep their order. Columns are matched by name: \
      their order does not matter, extra columns are ignored, a missing one is an error. - is standard \
      input.
      """)

  @Argument(help: ArgumentHelp("A model.safetensors, or a run's folder.", valueName: "model"))
  var model: String

  @Argument(
    help: ArgumentHelp(
      "A CSV or CSV.GZ file, - for standard input, a folder of IDX files, or 'digits'.", valueName: "data"))
  var data: String

  @Option(help: ArgumentHelp("The output file; - or by default standard output.", valueName: "file"))
  var out: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns of the data to copy before the predictions, separated by commas.", valueName: "columns")
  )
  var keep: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The share of rows whose truth an interval, or a set of classes, is to hold, such as 0.9.", valueName: "coverage")
  )
  var interval: Double?

  @Flag(
    help: ArgumentHelp(
      "Print the contribution of each column to each row's prediction, compared with the train rows: Shapley values. --out then "
        + "writes the predictions."))
  var explain = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The table of rows that --explain compares with; by default the train rows of the model's run.", valueName: "file"
    ))
  var against: String?

  @OptionGroup var layout: LayoutOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if against != nil, !explain {
      throw ValidationError("--against is for --explain, so add --explain or leave it out.")
    }
    if explain, !output.json, out == nil || out == "-", keep != nil || out != nil {
      throw ValidationError(
        "--explain prints explanations in place of the table of predictions, for which --keep and --out are; name a file with --out."
      )
    }
    if against == "-", data == "-" {
      throw ValidationError("--against and the data cannot both be standard input; name a file for one of them.")
    }
  }

  func run() throws {
    let out = out == "-" ? nil : out
    if let out {
      for (path, what) in [(model, "model"), (data, "data")] where Files.areSame(out, path) {
        throw FileError(
          .cannotCreate, out, "--out '\(out)' is the \(what) itself, which would be lost; name another file.")
      }
    }
    try ModelInput.checkOrder(model: self.model, data: data)
    let model = try Model(self.model)
    try checkInterval(model)
    let input = try ModelInput(data, model: model, format: layout.format)
    let explanations = explain ? try explanations(of: input, model) : nil
    let predictions = try input.predictions(threads: output.threads)
    let kept = try keep.map { try input.columns($0.split(separator: ",").map(String.init)) } ?? []
    for warning in InputWarning.sum(of: predictions.map(\.warnings)) { Files.warn(warning.description) }
    let csv = PredictionTable(model, predictions, kept: kept, coverage: interval).csv
    if let out { try Files.write(csv, to: out) }
    if output.json {
      struct Result: Encodable {
        let rows: Int
        let task: LearningTask
        let out: String?
        let classes: [String]?
        let predictions: [Answer]?
        let probabilities: [[Double]]?
        let coverage: Double?
        let intervals: [[Double]]?
        let sets: [[String]]?
        let explanations: [ExplanationInJSON]?
      }
      let isRegression = model.task == .regression
      let isWanted = out == nil
      try Files.print(
        try JSON.text(
          Result(
            rows: predictions.count, task: model.task, out: out,
            classes: isRegression ? nil : model.classes,
            predictions: isWanted ? predictions.map { Answer(prediction: $0) } : nil,
            probabilities: isWanted && !isRegression ? predictions.map(\.probabilities) : nil, coverage: interval,
            intervals: isWanted && isRegression ? intervals(predictions) : nil,
            sets: isWanted && !isRegression
              ? interval.map { share in predictions.map { $0.classes(share) ?? [] } } : nil,
            explanations: explanations?.map(ExplanationInJSON.init)))
          + "\n")
    } else if let explanations {
      try Files.print(
        ExplanationText(explanations, of: predictions.count, isNumber: model.task == .regression, interval: interval)
          .text)
    } else if out == nil {
      try Files.print(csv)
    }
  }
}

extension PredictCommand {
  /// Explains the rows, as text the first of them, compared with those of the model's run or of the named file.
  private func explanations(of input: ModelInput, _ model: Model) throws -> [Explanation] {
    var columns = try input.columns()
    let rows = columns.first?.count ?? 0
    if !output.json, rows > ExplanationText.mostRows {
      columns = columns.map { $0.rows(Array(0..<ExplanationText.mostRows)) }
    }
    if let against {
      let known = try model.columns(csv: against, format: layout.format)
      return try model.explain(columns, of: data, against: known, of: against, threads: output.threads)
    }
    guard let folder = try? RunFolder(opening: RunFolder.path(of: self.model)) else {
      throw UsageError(
        "--explain compares with the train rows, and '\(self.model)' is not in the folder of its run; name a table of such rows "
          + "with --against.")
    }
    var source = try folder.read().description.source
    let split = try source.load()
    guard case .table(let known) = split.dataset.inputs else { return [] }
    return try model.explain(
      columns, of: data, against: known, of: split.dataset.source, rows: split.train, threads: output.threads)
  }

  /// The bounds of each row.
  private func intervals(_ predictions: [Prediction]) -> [[Double]]? {
    interval.map { share in
      predictions.map { $0.interval(share).map { [$0.lowerBound, $0.upperBound] } ?? [] }
    }
  }

  /// Throws if the model has no intervals of the coverage.
  private func checkInterval(_ model: Model) throws {
    guard let interval else { return }
    if model.task == .multilabel {
      throw UsageError("--interval is for a number or for classes, and the model predicts several labels.")
    }
    guard let conformal = model.conformal else {
      throw UsageError(
        "the model in '\(self.model)' has no scores to make intervals from, since an earlier version trained it; train it again."
      )
    }
    if let problem = conformal.problem(coverage: interval) { throw UsageError("--interval: \(problem).") }
  }
}

/// One prediction in JSON: a number, or a class as text.
private struct Answer: Encodable {
  let prediction: Prediction

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    if let number = prediction.number { try value.encode(number) } else { try value.encode(prediction.text) }
  }
}

/// Predictions as CSV.
struct PredictionTable {
  private let model: Model
  private let predictions: [Prediction]
  private let kept: [Column]
  private let coverage: Double?

  init(_ model: Model, _ predictions: [Prediction], kept: [Column] = [], coverage: Double? = nil) {
    self.kept = kept
    self.coverage = coverage
    self.model = model
    self.predictions = predictions
  }

  var csv: String {
    let bounds = coverage == nil ? [] : model.task == .regression ? ["lower", "upper"] : ["set"]
    var text =
      (kept.map(\.name) + ["prediction"] + bounds + model.classes.map { "p:\($0)" }).map(Self.quoted).joined(
        separator: ",")
      + "\n"
    for (row, prediction) in predictions.enumerated() {
      for column in kept { text += Self.quoted(column.text(row) ?? "") + "," }
      text += Self.quoted(prediction.text)
      if let coverage {
        if let interval = prediction.interval(coverage) {
          text += ",\(Column.text(of: interval.lowerBound)),\(Column.text(of: interval.upperBound))"
        } else if let set = prediction.classes(coverage) {
          text += "," + Self.quoted(set.joined(separator: "|"))
        }
      }
      for probability in prediction.probabilities { text += ",\(Float(probability))" }
      text += "\n"
    }
    return text
  }

  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) || text.first == " " || text.last == " " else {
      return text
    }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// The data that a model predicts or is evaluated on.
struct ModelInput {
  private let path: String
  private let model: Model
  private let format: CSVFormat

  /// Throws if the arguments of a model and of data are swapped.
  static func checkOrder(model: String, data: String) throws {
    guard model.hasSuffix(".csv") || model.hasSuffix(".csv.gz"), data.hasSuffix(".safetensors") || Files.isFolder(data)
    else { return }
    throw UsageError("the model comes first, and then the data: \(Shell.quoted(data)) \(Shell.quoted(model)).")
  }

  init(_ path: String, model: Model, format: CSVFormat) throws {
    self.path = path
    self.model = model
    self.format = format
    guard isDigits || path == "-" || Files.exists(path) else {
      throw FileError(.missing, path, "there is no file or folder '\(path)': check the name.")
    }
  }

  private var isDigits: Bool { path == DataSource.digits && !Files.exists(path) }

  /// Returns the rows with their target.
  ///
  /// - Parameter group: The column by which rows belong together; nil: the model's.
  func dataset(group: String?) throws -> Dataset {
    if let group, isDigits || Files.isFolder(path) {
      throw UsageError("images have no columns, so --group \(group) must be left out.")
    }
    if isDigits { return try Dataset.digits() }
    if Files.isFolder(path) { return try ImageFolder.measured(path, task: model.task) }
    if case .images = model.preparation.inputs {
      throw DataError("the model takes images; name a folder of IDX files.", source: path)
    }
    return try Dataset(csv: path, for: model, format: format, group: group)
  }

  /// Returns columns with their text as in the file.
  func columns(_ names: [String]) throws -> [Column] {
    guard case .table = model.preparation.inputs else {
      throw UsageError("--keep copies columns of a CSV file, and '\(path)' is not one.")
    }
    func read(asText names: [String]) throws -> [Column] {
      try Dataset.readTable(
        path, isNumeric: Dictionary(names.map { ($0, false) }, uniquingKeysWith: { first, _ in first }), format: format
      ).columns
    }
    var columns = try read(asText: names)
    let whole = Dataset.names(in: names, among: columns.map(\.name))
    if whole != names { columns = try read(asText: whole) }
    return try whole.map { name in
      guard let column = columns.first(where: { $0.name == name }) else {
        throw DataError(
          "there is no column '\(name)' to keep; there are \(Dataset.list(columns.map(\.name)))."
            + Suggestion.text(for: name, among: columns.map(\.name)), source: path)
      }
      return column
    }
  }

  /// The columns that the model takes.
  func columns() throws -> [Column] {
    guard case .table = model.preparation.inputs, !isDigits, !Files.isFolder(path) else {
      throw UsageError("--explain is for the rows of a table, not for images.")
    }
    return try model.columns(csv: path, format: format)
  }

  /// Returns the predictions; the data need no target.
  func predictions(threads: Int?) throws -> [Prediction] {
    if isDigits { return try model.predict(try Dataset.digits(), threads: threads) }
    if Files.isFolder(path) { return try model.predict(images: path, threads: threads) }
    let columns = try model.columns(csv: path, format: format)
    let used = model.preparation.isNumeric
    // The first column's notices tell how the whole file was read.
    for (place, column) in columns.enumerated() where place == 0 || used[column.name] != nil {
      if let notice = column.notice { Files.warn(notice) }
    }
    return try model.predict(columns, of: path, threads: threads)
  }
}
