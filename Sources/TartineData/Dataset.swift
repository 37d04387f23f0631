import TartineEngine
import TartineFiles

/// Rows with their targets: a table, or images.
///
/// Nothing is fitted or scaled here; the preparation does that, on the train set alone.
public struct Dataset: Sendable {
  package enum Inputs: Sendable {
    case table([Column])
    case images(ImageBlock)
  }

  /// The file or folder, or another name of the source.
  public let source: String
  package private(set) var inputs: Inputs
  package private(set) var targets: [Column]
  /// The task, and why it was chosen.
  public let task: TaskChoice
  /// Notices about how the data were read.
  public package(set) var notices: [String]

  /// Texts that the user named as missing values, in addition to the default ones.
  package internal(set) var missingMarkers: [String] = []

  /// The CRC-32 of each file that the rows were read from, by path; of a CSV file, as it was in the first pass over it.
  package internal(set) var checksums: [String: String] = [:]

  /// The weight of each row in training; nil: all equal.
  public private(set) var weights: [Double]?

  /// The groups of rows that belong together, such as those of one patient; nil: rows are independent.
  package private(set) var groups: RowGroups?

  /// Each row's number before rows without a target were dropped; nil where none was.
  private var originalRows: [Int]?

  /// A row's number in the file, from 1.
  package func rowNumber(_ row: Int) -> Int { (originalRows?[row] ?? row) + 1 }

  /// The number of rows that have a target.
  public var rowCount: Int { targets.first?.count ?? 0 }

  /// Whether the file had decimal commas.
  package var notation: FileNotation {
    guard case .table(let columns) = inputs else { return FileNotation() }
    return FileNotation(of: columns + targets)
  }

  /// Names of the input columns; empty for images.
  public var columnNames: [String] {
    if case .table(let columns) = inputs { columns.map(\.name) } else { [] }
  }

  /// - Parameters:
  ///   - task: overrides the inferred task.
  ///   - reason: why it is overridden.
  /// - Throws: `DataError` where the data cannot be learned from.
  package init(
    source: String, inputs: Inputs, targets: [Column], task: LearningTask? = nil, because reason: String = "as asked"
  ) throws {
    self.source = source
    self.inputs = inputs
    self.targets = targets
    notices = []
    self.task = task.map { TaskChoice(task: $0, reason: reason) } ?? TaskChoice.infer(targets)
    if case .table(let columns) = inputs { notices += (columns + targets).compactMap(\.notice) }
    dropRowsWithoutTarget()
    if task == nil { try refuseUnreadNumbers() }
    try checkTask()
  }

  /// Refuses a target whose texts hardly repeat and look like numbers or dates.
  private func refuseUnreadNumbers() throws {
    guard targets.count == 1, case .texts(let codes, let levels) = targets[0].values,
      levels.count > TaskChoice.mostNumberClasses, levels.count * 3 > codes.count
    else { return }
    func isNumberLike(_ text: String) -> Bool {
      WrittenNumber(text) != nil || Double(text) != nil || TimeForm.canRead(text)
        || text.count(where: { $0.isNumber }) * 2 >= text.count && text.contains { !$0.isLetter && !$0.isNumber }
    }
    guard levels.count(where: isNumberLike) * 2 > levels.count else { return }
    let stranger = levels.first { Double($0) == nil } ?? levels[0]
    throw DataError(
      "its \(levels.count) different texts in \(codes.count) rows look like numbers or times and cannot be read as such, as "
        + "'\(stranger)'; write all of them as plain numbers, or use \(OptionName.task) multiclass if they are classes.",
      source: source,
      column: targets[0].name)
  }

  /// Creates a data set for evaluating a model: any number of rows, with any target values.
  ///
  /// - Parameter classes: the classes that the model knows, by target.
  package init(
    source: String, columns: [Column], targetNames: [String], measuredAs task: LearningTask,
    classes: [String: Set<String>] = [:]
  ) throws {
    self.source = source
    inputs = .table(columns.filter { !targetNames.contains($0.name) })
    targets = try targetNames.map { name in
      guard let column = columns.first(where: { $0.name == name })?.decidingMarkers(known: classes[name] ?? []) else {
        throw DataError(
          "the target column '\(name)' is missing; there are \(Self.list(columns.map(\.name))).",
          source: source)
      }
      return column
    }
    notices = []
    self.task = TaskChoice(task: task, reason: "as the model's")
    dropRowsWithoutTarget()
    guard rowCount > 0 else { throw DataError("no row has a target.", source: source) }
  }

  /// Creates a data set for evaluating a model: any number of images, with any labels.
  package init(measuring block: ImageBlock, target: Column, source: String, task: LearningTask) throws {
    self.source = source
    inputs = .images(block)
    targets = [target]
    notices = []
    self.task = TaskChoice(task: task, reason: "as the model's")
  }

  /// Returns the data set with sample weights from a column, which is then not an input.
  ///
  /// - Throws: `DataError` where there is no such column of non-negative numbers.
  public func weighted(by name: String) throws -> Dataset {
    var copy = self
    let column = try copy.takeOut(name, to: "weight rows by")
    guard case .numbers(let numbers) = column.values else {
      throw DataError(
        "sample weights must be numbers, and this is text (\(column.reason)).", source: source, column: name)
    }
    if let row = numbers.indices.first(where: { !(numbers[$0] >= 0 && numbers[$0].isFinite) }) {
      let value = numbers[row].isNaN ? "no value" : "\(numbers[row])"
      throw DataError(
        "a weight must be at least 0, and row \(rowNumber(row)) has \(value).", source: source, column: name)
    }
    copy.weights = numbers
    return copy
  }

  /// Returns the data set with the rows of each value of a column as one group; the column is not an input then.
  ///
  /// Intervals count groups, not rows, since the rows of a group tell less than as many independent ones.
  ///
  /// - Throws: `DataError` where there is no such column, or no other.
  public func grouped(by name: String) throws -> Dataset {
    var copy = self
    let column = try copy.takeOut(name, to: "group rows by")
    return copy.grouped(by: column)
  }

  /// Returns the data set with groups; unchanged where each row has a value of its own.
  func grouped(by column: Column) -> Dataset {
    let groups = column.groups
    guard groups.contains(where: { $0.count > 1 }) else { return self }
    var byRow = [Int](repeating: 0, count: rowCount)
    for (place, rows) in groups.enumerated() { for row in rows { byRow[row] = place } }
    var copy = self
    copy.groups = RowGroups(values: column, byRow: byRow)
    return copy
  }

  /// Returns the data set with the rows of each value of a column as one group, for evaluating a model: the column stays among
  /// the inputs.
  /// - Throws: `DataError` where there is no such column.
  package func evaluated(byGroupsOf name: String) throws -> Dataset {
    guard case .table(let columns) = inputs, let column = columns.first(where: { $0.name == name }) else {
      throw DataError(
        "there is no column '\(name)' to group rows by; there are \(Self.list(columnNames))."
          + Suggestion.text(for: name, among: columnNames), source: source)
    }
    return grouped(by: column)
  }

  /// Removes a column from the inputs, to use it otherwise.
  /// - Throws: `DataError` where there is no such column, or it is the only one.
  mutating func takeOut(_ name: String, to use: String) throws -> Column {
    guard case .table(let columns) = inputs else {
      throw DataError("images have no columns, so there is none to \(use).", source: source)
    }
    guard let column = columns.first(where: { $0.name == name }) else {
      let isTarget = targets.contains { $0.name == name }
      var error = DataError(
        isTarget
          ? "'\(name)' is the target, and cannot \(use)."
          : "there is no column '\(name)' to \(use); there are \(Self.list(columnNames))."
            + Suggestion.text(for: name, among: columnNames), source: source)
      error.missingColumn = isTarget ? nil : name
      throw error
    }
    guard columns.count > 1 else {
      throw DataError("there is no column apart from the target and '\(name)' to predict it from.", source: source)
    }
    inputs = .table(columns.filter { $0.name != name })
    return column
  }

  /// Returns the data set without an input column.
  /// - Throws: `DataError` where there is no such column, or it is the only one.
  public func leavingOut(_ name: String) throws -> Dataset {
    var copy = self
    _ = try copy.takeOut(name, to: "leave out")
    return copy
  }

  /// Returns the data set with more input columns; images have none.
  package func adding(_ more: [Column]) -> Dataset {
    var copy = self
    if case .table(let columns) = inputs { copy.inputs = .table(columns + more) }
    return copy
  }

  /// Returns the data set with one input column permuted over some rows, which removes the information in it.
  package func shuffling(_ name: String, over rows: [Int], by stream: inout RandomStream) -> Dataset {
    guard case .table(var columns) = inputs, let place = columns.firstIndex(where: { $0.name == name }) else {
      return self
    }
    var others = rows
    stream.shuffle(&others)
    switch columns[place].values {
    case .numbers(var numbers):
      let old = numbers
      for (row, other) in zip(rows, others) { numbers[row] = old[other] }
      columns[place].values = .numbers(numbers)
    case .texts(var codes, let levels):
      let old = codes
      for (row, other) in zip(rows, others) { codes[row] = old[other] }
      columns[place].values = .texts(codes: codes, levels: levels)
    }
    var copy = self
    copy.inputs = .table(columns)
    return copy
  }

  /// Returns the data set without some input columns.
  func without(_ names: Set<String>) -> Dataset {
    var copy = self
    if case .table(let columns) = inputs { copy.inputs = .table(columns.filter { !names.contains($0.name) }) }
    return copy
  }

  private mutating func dropRowsWithoutTarget() {
    guard targets.contains(where: \.hasMissing) else { return }
    let kept = (0..<rowCount).filter { row in !targets.contains { $0.isMissing(row) } }
    let count = rowCount - kept.count
    let written = targets.compactMap(\.missingText).map { "'\($0)'" }.joined(separator: ", ")
    let what = written.isEmpty ? "no target" : "no target (\(written))"
    notices.append(count == 1 ? "1 row has \(what) and is left out" : "\(count) rows have \(what) and are left out")
    originalRows = kept
    targets = targets.map { $0.rows(kept) }
    switch inputs {
    case .table(let columns): inputs = .table(columns.map { $0.rows(kept) })
    case .images(let block): inputs = .images(block.rows(kept))
    }
  }

  private func checkTask() throws {
    for target in targets {
      let mostClasses = max(1000, rowCount / 10)
      let count = target.valueCount(upTo: task.task == .multiclass ? mostClasses : 2)
      guard count > 1 else {
        let first = (0..<target.count).lazy.compactMap { target.text($0) }.first
        let value = first.map { "has the one value '\($0)' in all \(rowCount) rows" } ?? "holds no value"
        throw DataError(
          "the target \(value), so there is nothing to learn; "
            + (originalRows != nil && !target.isNumeric
              ? "if its empty fields mean another class, write it in them, as in 'no'; or choose another column."
              : "choose another column."),
          source: source, column: target.name)
      }
      switch task.task {
      case .regression:
        guard target.isNumeric else {
          throw DataError(
            "a regression needs numbers, and this target is text (\(target.reason)).", source: source,
            column: target.name)
        }
      case .binary, .multilabel:
        guard count == 2 else {
          throw DataError(
            "the task '\(task.task.rawValue)' needs a target of two values, and this one has more.",
            source: source, column: target.name)
        }
      case .multiclass:
        guard count <= mostClasses else {
          throw DataError(
            "the target has \(target.valueCount(upTo: .max)) classes in \(rowCount) rows (\(target.reason)); that is an identifier, "
              + "or a number for \(OptionName.task) regression.", source: source, column: target.name)
        }
      }
    }
    guard targets.count == 1 || task.task == .multilabel else {
      throw DataError(
        "several target columns make a multilabel task; the task '\(task.task.rawValue)' takes one.", source: source)
    }
    guard rowCount >= Self.fewestRows else {
      throw DataError(
        "it has \(rowCount) rows with a target; at least \(Self.fewestRows) are needed for train, dev "
          + "and test sets.", source: source)
    }
  }

  /// The fewest rows that can be split into meaningful train, dev and test sets.
  static let fewestRows = 10

  /// The shape of the images; nil for a table.
  package var imageShape: (height: Int, width: Int, channels: Int)? {
    if case .images(let block) = inputs { block.shape } else { nil }
  }
}

/// Images as bytes, height × width × channels each, one after the other.
package final class ImageBlock: Sendable {
  package let shape: (height: Int, width: Int, channels: Int)
  /// The byte of full intensity: one scale for all pixels.
  package let fullScale: Int
  package let count: Int
  package let bytes: Arena

  package init(shape: (Int, Int, Int), fullScale: Int, pixels: ArraySlice<UInt8>) {
    self.shape = shape
    self.fullScale = fullScale
    let size = shape.0 * shape.1 * shape.2
    count = size == 0 ? 0 : pixels.count / size
    bytes = Arena(byteCount: pixels.count)
    pixels.withUnsafeBytes { bytes.base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
  }

  package init(shape: (Int, Int, Int), fullScale: Int, bytes: Arena) {
    self.shape = shape
    self.fullScale = fullScale
    self.bytes = bytes
    count = bytes.byteCount / max(1, shape.0 * shape.1 * shape.2)
  }

  package var pixelCount: Int { shape.height * shape.width * shape.channels }

  package func pixels(_ row: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(
      start: bytes[row * pixelCount].assumingMemoryBound(to: UInt8.self), count: pixelCount)
  }

  func rows(_ rows: [Int]) -> ImageBlock {
    var pixels: [UInt8] = []
    for row in rows { pixels += self.pixels(row) }
    return ImageBlock(shape: shape, fullScale: fullScale, pixels: pixels[...])
  }
}

/// Rows that belong together.
package struct RowGroups: Sendable {
  /// The column whose values are the groups; it is not an input.
  let values: Column
  /// The group of each row, from 0.
  package let byRow: [Int]

  /// The name of the column.
  package var column: String { values.name }
}
