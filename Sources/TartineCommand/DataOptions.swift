import ArgumentParser
import Tartine

/// The flags for the data and the split.
struct DataOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A CSV or CSV.GZ file, a folder of IDX files named like MNIST's, or 'digits', a built-in data set.",
      valueName: "data"))
  var data: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The column to predict; several, separated by commas, are the labels of a multi-label task.", valueName: "column")
  )
  var target: String?

  @Option(
    name: [.customLong("sample-weights"), .customLong("weights")],
    parsing: .unconditional,
    help: ArgumentHelp("The column of sample weights, used in training.", valueName: "column"))
  var weights: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns to leave out of the network's inputs, separated by commas.", valueName: "columns"))
  var leaveOut: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A separate test set; then the data are split into train and dev alone.", valueName: "file"))
  var test: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The shares of train, dev and test, as in 0.6,0.2,0.2, or of train and dev. auto: 20 % of the rows "
        + "each for dev and test, at most 10 000.", valueName: "shares"))
  var split: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How rows are split: stratified, group:COLUMN (keeps groups together), time:COLUMN (the latest rows "
        + "are test), "
        + "hash:COLUMN (stable when rows are added), fixed:COLUMN (its values are train, dev and test).",
      valueName: "method"))
  var splitBy: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The seed of the split; by default the run's seed.", valueName: "n")
  )
  var splitSeed: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Markers of missing values besides empty fields, NA and the like, as in -999,unknown. With this "
        + "flag, NA, None and null in a target are classes.", valueName: "texts"))
  var missing: String?

  @OptionGroup var layout: LayoutOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The task: auto, binary, multiclass, multilabel, regression.", valueName: "name"))
  var task: String?

  /// Returns the source that the flags describe.
  /// - Parameter loss: The loss function. A regression loss makes the task a regression, even if the target
  ///   holds counts, which would otherwise be taken for classes.
  func source(seed: UInt64, loss: Loss? = nil) throws -> DataSource {
    var source = DataSource(
      data: data ?? DataSource.digits, target: target, weights: weights, leaveOut: leftOut, test: test,
      task: try parsedTask(), split: try parsedShares(), splitBy: try parsedMethod(), splitSeed: splitSeed ?? seed,
      format: try parsedFormat())
    if loss?.isForNumbers == true, source.task == nil, target?.contains(",") != true { source.task = .regression }
    return source
  }

  /// Returns an earlier source with the flags applied. A test file belongs to its own data: new data drop it.
  func source(following earlier: DataSource) throws -> DataSource {
    let own = try source(seed: earlier.splitSeed)
    var source = earlier
    if data != nil { (source.data, source.test) = (own.data, nil) }
    if test != nil { source.test = own.test }
    if target != nil { source.target = own.target }
    if weights != nil { source.weights = own.weights }
    if leaveOut != nil { source.leaveOut = own.leaveOut }
    if task != nil { source.task = own.task }
    if let format = own.format {
      source.format = CSVFormat(
        skipLines: format.skipLines ?? earlier.format?.skipLines,
        missing: missing == nil ? earlier.format?.missing ?? [] : format.missing,
        hasHeader: format.hasHeader ?? earlier.format?.hasHeader)
    }
    if split != nil { source.split = own.split }
    if splitBy != nil { source.splitBy = own.splitBy }
    source.splitSeed = own.splitSeed
    return source
  }

  private var leftOut: [String]? {
    leaveOut.map { $0.split(separator: ",").map { String($0.drop { $0 == " " }) } }
  }

  private func parsedFormat() throws -> CSVFormat? {
    guard missing != nil || layout.isGiven else { return nil }
    var format = layout.format
    format.missing = missing.map { $0.split(separator: ",").map { String($0.drop { $0 == " " }) } } ?? []
    return format
  }

  private func parsedTask() throws -> LearningTask? {
    guard let task, task != "auto" else { return nil }
    guard let parsed = LearningTask(rawValue: task) else {
      throw UsageError(
        "there is no task '\(task)'; there are auto, \(LearningTask.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return parsed
  }

  private func parsedMethod() throws -> SplitMethod? {
    guard let splitBy else { return nil }
    guard let method = SplitMethod(splitBy) else { throw UsageError(DataSource.unknownMethod(splitBy)) }
    return method == .stratified ? nil : method
  }

  private func parsedShares() throws -> [Double]? {
    guard let split, split != "auto" else { return nil }
    let shares = try RecipeOptions.numbers(split, flag: "--split")
    guard (2...3).contains(shares.count) else {
      throw UsageError("--split takes two or three shares that add up to 1, as in 0.6,0.2,0.2.")
    }
    guard shares.allSatisfy({ $0 > 0 && $0 < 1 }), abs(shares.reduce(0, +) - 1) < 1e-6 else {
      throw UsageError("--split takes shares above 0 that add up to 1, as in 0.6,0.2,0.2, not \(split).")
    }
    return shares
  }

  /// Returns the first flag that contradicts a run's own source, or nil if none does.
  func disagreement(with source: DataSource) throws -> String? {
    if let data, data != source.data, Files.absolute(data) != source.data { return "DATA" }
    if let target, target != source.target { return "--target" }
    if let weights, weights != source.weights { return "--sample-weights" }
    if let test, test != source.test, Files.absolute(test) != source.test { return "--test" }
    if let leftOut, leftOut != source.leaveOut { return "--leave-out" }
    if missing != nil, try parsedFormat()?.missing != source.format?.missing { return "--missing" }
    if let skipLines = layout.skipLines, skipLines != source.format?.skipLines { return "--skip-lines" }
    if layout.noHeader, source.format?.hasHeader != false { return "--no-header" }
    if task != nil, try parsedTask() != source.task { return "--task" }
    if split != nil, try parsedShares() != source.split { return "--split" }
    if splitBy != nil, try parsedMethod()?.description != source.splitBy { return "--split-by" }
    if let splitSeed, splitSeed != source.splitSeed { return "--split-seed" }
    return nil
  }
}

/// The flags for the layout of a CSV file that cannot be inferred.
struct LayoutOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of lines to skip above the header; by default title lines are detected.", valueName: "n"))
  var skipLines: Int?

  @Flag(help: "The first line is a row; the columns are named column1, column2, ….")
  var noHeader = false

  var isGiven: Bool { skipLines != nil || noHeader }

  var format: CSVFormat { CSVFormat(skipLines: skipLines, hasHeader: noHeader ? false : nil) }

  func validate() throws {
    if let skipLines, !(0...1_000_000).contains(skipLines) {
      throw ValidationError("--skip-lines must be at least 0, not \(skipLines).")
    }
  }
}
