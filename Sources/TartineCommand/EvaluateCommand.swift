import ArgumentParser
import Tartine

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on data that have the target, with 95 % intervals.",
    discussion: """
        tartine evaluate runs/houses-1/model.safetensors new-houses.csv

      Columns are found by name: other order and extra columns are fine, a missing one is an error.
      """)

  @Argument(help: ArgumentHelp("A model.safetensors.", valueName: "model"))
  var model: String

  @Argument(help: ArgumentHelp("A CSV or CSV.GZ file, a folder of IDX files, or 'digits'.", valueName: "data"))
  var data: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let model = try Model(self.model)
    let dataset = try ModelInput(data, model: model).dataset()
    var warnings: [String] = []
    let evaluation = try model.evaluate(dataset, warnings: &warnings, threads: output.threads)
    for warning in dataset.notices + warnings { Files.warn(warning) }
    let result = EvaluationSummary(evaluation)
    try Files.print(output.json ? try JSON.text(result) + "\n" : result.text)
  }
}

/// Threads and the form of the answer.
struct OutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads; by default one a processor.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }
}

/// What `evaluate` prints.
struct EvaluationSummary: Encodable {
  struct Figure: Encodable {
    let value, low: Double
    /// Nil where so few rows say nothing.
    let high: Double?

    init(_ estimate: Estimate) {
      (value, low) = (estimate.value, estimate.low)
      high = estimate.high.isFinite ? estimate.high : nil
    }
  }

  let task: LearningTask
  let rows: Int
  let loss: Double
  var error: Figure?
  var rmse: Figure?
  var mae: Double?
  var r2: Double?

  init(_ evaluation: Evaluation) {
    task = evaluation.task
    rows = evaluation.rowCount
    loss = evaluation.loss
    let figure = Figure(evaluation.estimate)
    if evaluation.task == .regression { rmse = figure } else { error = figure }
    mae = evaluation.mae
    r2 = evaluation.r2
  }

  var text: String {
    func number(_ value: Double) -> String { Text.significant(value, digits: 4) }
    func number(_ value: Double?) -> String { value.map { number($0) } ?? "∞" }
    func percent(_ value: Double?) -> String { value.map { percent($0) } ?? "∞" }
    func percent(_ value: Double) -> String { Text.fixed(value * 100, decimals: 2) }
    var lines = ["\(rows) rows, task \(task.rawValue)"]
    if let error {
      lines.append("error  \(percent(error.value)) %  (95 %: \(percent(error.low)) to \(percent(error.high)) %)")
    }
    if let rmse {
      lines.append("RMSE   \(number(rmse.value))  (95 %: \(number(rmse.low)) to \(number(rmse.high)))")
    }
    if let mae { lines.append("MAE    \(number(mae))") }
    if let r2 { lines.append("R²     \(Text.fixed(r2, decimals: 4))") }
    lines.append("loss   \(number(loss))")
    return lines.joined(separator: "\n") + "\n"
  }
}
