import ArgumentParser
import Tartine

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluates a model on data with the target, with 95 % confidence intervals.",
    discussion: """
        tartine evaluate runs/houses-1/model.safetensors new-houses.csv

      Columns are matched by name: their order does not matter, extra columns are ignored, a missing one is \
      an error.
      """)

  @Argument(help: ArgumentHelp("A model.safetensors, or a run's folder.", valueName: "model"))
  var model: String

  @Argument(help: ArgumentHelp("A CSV or CSV.GZ file, a folder of IDX files, or 'digits'.", valueName: "data"))
  var data: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The column by which rows belong together, such as a patient's: intervals then count groups. By default the "
        + "one that the model was trained with.", valueName: "column"))
  var group: String?

  @OptionGroup var layout: LayoutOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try ModelInput.checkOrder(model: self.model, data: data)
    let model = try Model(self.model)
    if let notice = try Self.noticeOfTrainingData(model: self.model, data: data) { Files.warn(notice) }
    let dataset = try ModelInput(data, model: model, format: layout.format).dataset(group: group)
    var warnings: [String] = []
    let evaluation = try model.evaluate(dataset, warnings: &warnings, threads: output.threads)
    for warning in dataset.notices + warnings { Files.warn(warning) }
    let result = EvaluationSummary(evaluation)
    try Files.print(output.json ? try JSON.text(result) + "\n" : result.text)
  }
}

extension EvaluateCommand {
  /// A notice if the data are those that the model's run was trained on.
  private static func noticeOfTrainingData(model: String, data: String) throws -> String? {
    let folder = RunFolder.path(of: model)
    guard let run = try? RunFolder(opening: folder).read().description else { return nil }
    let isSame = data == run.source.data || Files.exists(data) && Files.absolute(data) == run.source.data
    guard isSame, let rows = run.results?.samples else { return nil }
    let all = rows.train + rows.dev + (run.source.test == nil ? rows.test : 0)
    let share = Text.fixed(Double(rows.train + rows.dev) / Double(max(1, all)) * 100, decimals: 0)
    return
      "the model was trained on these data: \(share) % of the rows are its train and dev rows, so the figures are too good; the "
      + "run's report has those of its test set"
  }
}

/// The flags for threads and the output format.
struct OutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The number of threads; by default one per processor.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }
}

/// The figures that `evaluate` prints.
struct EvaluationSummary: Encodable {
  struct Figure: Encodable {
    let value: Double
    /// The interval's ends; nil if there are too few rows for an interval, null in JSON.
    let low, high: Double?

    init(_ estimate: Estimate) {
      value = estimate.value
      low = estimate.low.isFinite ? estimate.low : nil
      high = estimate.high.isFinite ? estimate.high : nil
    }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(value, forKey: .value)
      try values.encode(low, forKey: .low)
      try values.encode(high, forKey: .high)
    }

    private enum Key: String, CodingKey { case value, low, high }
  }

  struct ClassFigure: Encodable {
    let name: String
    let rows: Int
    let precision, recall, f1: Double
  }

  let task: LearningTask
  let rows: Int
  let loss: Double
  var error: Figure?
  var rmse: Figure?
  var mae: Double?
  var r2: Double?
  /// The metrics by name.
  let metrics: [String: Figure]
  let classes: [ClassFigure]
  /// The confusion matrix: a row for each actual class, a column for each predicted class.
  let confusion: [[Int]]
  private let list: [Metric]
  private let warning: String?
  /// The number of groups that the intervals count; nil: they count rows.
  private let groups: Int?

  private enum CodingKeys: String, CodingKey {
    case task, rows, loss, error, rmse, mae, r2, metrics, classes, confusion
  }

  init(_ evaluation: Evaluation) {
    task = evaluation.task
    warning = evaluation.tailWarning
    groups = evaluation.cases.map { Set($0).count }
    rows = evaluation.rowCount
    loss = evaluation.loss
    let figure = Figure(evaluation.estimate)
    if evaluation.task == .regression { rmse = figure } else { error = figure }
    mae = evaluation.mae
    r2 = evaluation.r2
    let metrics = Metrics(evaluation)
    let defined = metrics.values.filter { $0.estimate.value.isFinite }
    self.metrics = Dictionary(uniqueKeysWithValues: defined.map { ($0.name, Figure($0.estimate)) })
    list = defined
    confusion = metrics.confusion
    classes = zip(evaluation.outputNames, metrics.byClass).map { name, figures in
      ClassFigure(
        name: name, rows: Int(figures.support), precision: figures.precision, recall: figures.recall, f1: figures.f1)
    }
  }

  var text: String {
    let positive = task == .binary ? classes.last.map { "; positive class '\($0.name)'" } ?? "" : ""
    let cases = groups.map { " in \($0) groups" } ?? ""
    var lines = ["\(rows) \(rows == 1 ? "row" : "rows")\(cases), task \(task.rawValue)\(positive); 95 % intervals", ""]
    let widest = max(8, list.map(\.name.count).max() ?? 0)
    if let error {
      let metric = Metric(
        custom: "error", Estimate(error.value, low: error.low ?? -.infinity, high: error.high ?? .infinity),
        isShare: true)
      lines.append("error".padded(to: widest) + "  \(metric.valueText)  (\(metric.rangeText))")
    }
    lines += list.map { $0.name.padded(to: widest) + "  \($0.valueText)  (\($0.rangeText))" }
    lines.append("loss".padded(to: widest) + "  " + Text.significant(loss, digits: 4))
    if let warning { lines += ["", warning] }
    if !classes.isEmpty { lines += [""] + classTable }
    if classes.count > 1, classes.count == confusion.count, classes.count <= Self.mostClasses {
      lines += ["", "confusion matrix (rows: actual, columns: predicted):"] + confusionTable
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The largest number of classes for which a table is printed.
  private static let mostClasses = 20
  private var classTable: [String] {
    let shown = classes.prefix(Self.mostClasses)
    let widest = max(5, shown.map(\.name.count).max() ?? 0)
    func percent(_ value: Double) -> String { (Text.fixed(value * 100, decimals: 1) + " %").padded(to: 9, atEnd: true) }
    let head = (confusion.isEmpty ? "label" : "class").padded(to: widest) + "      rows precision    recall        F1"
    return [head]
      + shown.map {
        $0.name.padded(to: widest) + String($0.rows).padded(to: 10, atEnd: true) + " " + percent($0.precision) + " "
          + percent($0.recall) + " " + percent($0.f1)
      } + (classes.count > shown.count ? ["… and \(classes.count - shown.count) more"] : [])
  }

  private var confusionTable: [String] {
    let names = classes.map { String($0.name.prefix(12)) }
    let width = max(names.map(\.count).max() ?? 0, confusion.joined().map { String($0).count }.max() ?? 0) + 1
    func row(_ name: String, _ cells: [String]) -> String {
      name.padded(to: width) + cells.map { $0.padded(to: width, atEnd: true) }.joined()
    }
    return [row("", names)] + zip(names, confusion).map { row($0, $1.map(String.init)) }
  }
}
