import TartineFiles

/// An error for a description of data that cannot hold, such as a target column of images.
public struct DataSourceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sentence that says what is wrong and what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// The source of the data: everything needed to read and split them in the same way again.
public struct DataSource: Hashable, Sendable, Codable {
  /// `digits`, a CSV or CSV.GZ file, or a folder of IDX files.
  public var data: String
  /// The column to predict; nil for images.
  public var target: String?
  /// The column of sample weights.
  public var weights: String?
  /// Columns that are not inputs; nil: none.
  public var leaveOut: [String]?
  /// A separate test set.
  public var test: String?
  /// Overrides the inferred task.
  public var task: LearningTask?
  /// The fractions of train, dev and, if there is one, test; nil: the automatic rule.
  public var split: [Double]?
  /// The split method, as `SplitMethod` writes it; nil: stratified.
  public var splitBy: String?
  /// The seed of the split.
  public var splitSeed: UInt64
  /// Options for reading the files; nil: inferred.
  public var format: CSVFormat?
  /// The CRC-32 of each file that was read, by path.
  public var checksums: [String: String] = [:]

  /// The name of the built-in digits.
  public static let digits = "digits"

  /// Creates a description of the source.
  public init(
    data: String, target: String? = nil, weights: String? = nil, leaveOut: [String]? = nil, test: String? = nil,
    task: LearningTask? = nil, split: [Double]? = nil, splitBy: SplitMethod? = nil, splitSeed: UInt64 = 0,
    format: CSVFormat? = nil
  ) {
    self.format = format
    self.data = data
    self.target = target
    self.weights = weights
    self.leaveOut = leaveOut
    self.test = test
    self.task = task
    self.split = split
    self.splitBy = splitBy?.description
    self.splitSeed = splitSeed
  }

  /// Returns the source without checksums, for files that may have changed.
  public var withoutChecksums: DataSource {
    var copy = self
    copy.checksums = [:]
    return copy
  }

  /// The file's name without folders and extensions, for naming a run.
  public var name: String {
    let last = data.split(separator: "/").last.map(String.init) ?? data
    return last.split(separator: ".").first.map(String.init) ?? last
  }

  /// Returns the source with absolute paths.
  public var absolute: DataSource {
    var copy = self
    func resolve(_ path: String) -> String { Files.exists(path) ? Files.absolute(path) : path }
    copy.data = resolve(data)
    copy.test = test.map(resolve)
    copy.checksums = Dictionary(
      checksums.map { (resolve($0), $1) }, uniquingKeysWith: { first, _ in first })
    return copy
  }

  /// Reads and splits the data.
  ///
  /// Files that do not match their checksums are an error; missing checksums are recorded.
  /// - Throws: `FileError`, `DataError`.
  public mutating func load() throws -> Split {
    let (train, test) = try read()
    try check(train.checksums.merging(test?.checksums ?? [:]) { $1 })
    if let split, !(2...3).contains(split.count) {
      throw DataError("a split has two or three shares, such as 0.6,0.2,0.2.", source: data)
    }
    let rule: SplitRule =
      split.map { .shares(train: $0[0], dev: $0[1], test: $0.count > 2 ? $0[2] : nil) } ?? .automatic
    var method = SplitMethod.stratified
    if let splitBy {
      guard let known = SplitMethod(splitBy) else { throw DataSourceError(Self.unknownMethod(splitBy)) }
      method = known
    }
    return try train.split(rule, by: method, seed: splitSeed, test: test)
  }

  /// The message for a text that is not a ``SplitMethod``.
  package static func unknownMethod(_ text: String) -> String {
    "rows cannot be split by '\(text)'; there are stratified, group:COLUMN, time:COLUMN, hash:COLUMN, fixed:COLUMN."
  }

  private func read() throws -> (train: Dataset, test: Dataset?) {
    if data == Self.digits, !Files.exists(data) {
      guard test == nil else {
        throw DataError("the digits have no separate test set; leave \(OptionName.test) out.", source: data)
      }
      try refuseTarget()
      return (try Dataset.digits(), nil)
    }
    if Files.isFolder(data) {
      let folder = try ImageFolder(idx: data, task: task)
      try refuseTarget()
      guard let test else { return (folder.train, split?.count == 3 ? nil : folder.test) }
      let other = try ImageFolder(idx: test, task: task)
      return (folder.train, other.test ?? other.train)
    }
    guard Files.exists(data) else {
      throw FileError(
        .missing, data,
        data == "-"
          ? "standard input cannot be read here, since a run must be able to read its data again; write it to a file first."
          : "there is no file or folder '\(data)': check the name.")
    }
    guard let target else {
      throw DataSourceError(
        "which column of \(data) is the target? Name it with \(OptionName.target); there are "
          + "\(Dataset.list(try Dataset.readTable(data, format: format ?? CSVFormat()).columns.map(\.name))).")
    }
    var train = try Dataset(csv: data, target: target, task: task, format: format ?? CSVFormat())
    if let weights { train = try train.weighted(by: weights) }
    // The column that rows are split by is no input anyway.
    let other = splitBy.flatMap { SplitMethod($0)?.column }
    for name in Dataset.names(in: leaveOut ?? [], among: train.columnNames) where name != other {
      train = try train.leavingOut(name)
    }
    return (train, try test.map { try Dataset(csv: $0, like: train, format: format ?? CSVFormat()) })
  }

  private func refuseTarget() throws {
    if let weights {
      throw DataSourceError("images have no columns, so \(OptionName.sampleWeights) \(weights) must be left out.")
    }
    if let name = leaveOut?.first {
      throw DataSourceError("images have no columns, so \(OptionName.leaveOut) \(name) must be left out.")
    }
    guard let target else { return }
    throw DataSourceError(
      "the images of '\(data)' come with their classes, so \(OptionName.target) \(target) must be left out.")
  }

  /// Compares the files that were read with those of before.
  private mutating func check(_ sums: [String: String]) throws {
    for (path, sum) in sums {
      if let known = checksums[path], known != sum {
        throw DataError(
          "it has changed since the run began (checksum \(sum), was \(known)); restore the old file, or start a new run; a search on "
            + "changed data is started with \(OptionName.again).", source: path)
      }
      checksums[path] = sum
    }
  }
}

extension Dataset {
  /// Reads a table with the columns of another, for comparison with it.
  package init(csv path: String, like other: Dataset, format: CSVFormat = CSVFormat()) throws {
    var schema: [String: Bool] = [:]
    if case .table(let columns) = other.inputs {
      for column in columns { schema[column.name] = column.isNumeric }
    }
    // Labels that are text stay text, even if this file's look like numbers.
    for target in other.targets where !target.isNumeric { schema[target.name] = false }
    var classes: [String: Set<String>] = [:]
    for target in other.targets {
      if case .texts(_, let levels) = target.values { classes[target.name] = Set(levels) }
    }
    try self.init(
      measuring: path, isNumeric: schema, targets: other.targets.map(\.name), task: other.task.task, classes: classes,
      format: format.adding(other.missingMarkers), notation: other.notation)
  }

  /// Reads a table to measure something on, with the columns of what it is measured for.
  ///
  /// - Parameters:
  ///   - isNumeric: the type of each input and label.
  ///   - targets, task, classes: what is predicted; classes by target.
  package init(
    measuring path: String, isNumeric: [String: Bool], targets: [String], task: LearningTask,
    classes: [String: Set<String>], format: CSVFormat, notation: FileNotation
  ) throws {
    let schema = task == .regression ? isNumeric.merging(targets.map { ($0, true) }) { $1 } : isNumeric
    let (columns, checksum) = try Self.readTable(
      path, isNumeric: schema, targets: targets, takesSlips: true, format: format,
      notation: notation, takesChecksum: true)
    try self.init(source: path, columns: columns, targetNames: targets, measuredAs: task, classes: classes)
    checksums = checksum
    // The first column's notices tell how the whole file was read.
    let told = columns.enumerated().filter { $0 == 0 || schema[$1.name] != nil || targets.contains($1.name) }
    notices = told.compactMap { $1.notice } + notices
  }
}
