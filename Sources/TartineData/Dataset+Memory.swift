extension Dataset {
  /// Creates a data set of numbers with a class for each row.
  ///
  /// - Parameters:
  ///   - features: rows of equal width; NaN is a missing value.
  ///   - labels: the class name of each row.
  ///   - columnNames: the names of the features; `x1`, `x2`, … by default.
  /// - Throws: `DataError` where the rows differ in width or hold an infinite value.
  public init(features: [[Float]], labels: [String], columnNames: [String]? = nil) throws {
    var coder = LevelCoder()
    for label in labels { coder.append(label) }
    let target = Column(
      name: "label", values: .texts(codes: coder.codes, levels: coder.levels), reason: "labels were given")
    try self.init(features: features, targets: [target], columnNames: columnNames, task: nil)
  }

  /// Creates a data set of numbers with a class number for each row.
  public init(features: [[Float]], labels: [Int], columnNames: [String]? = nil) throws {
    let target = Column(
      name: "label", values: .numbers(labels.map(Double.init)), reason: "labels were given")
    try self.init(
      features: features, targets: [target], columnNames: columnNames,
      task: Set(labels).count == 2 ? .binary : .multiclass)
  }

  /// Creates a data set of numbers with a target number for each row.
  public init(features: [[Float]], values: [Double], columnNames: [String]? = nil) throws {
    let target = Column(name: "value", values: .numbers(values), reason: "values were given")
    try self.init(features: features, targets: [target], columnNames: columnNames, task: .regression)
  }

  /// Creates a data set of numbers with several labels for each row.
  ///
  /// - Parameters:
  ///   - features: rows of equal width; NaN is a missing value.
  ///   - labels: for each row, one Boolean for each label.
  ///   - labelNames: the names of the labels; `label1`, `label2`, … by default.
  ///   - columnNames: the names of the features; `x1`, `x2`, … by default.
  /// - Throws: `DataError` where rows differ in width, or a label is the same in all rows.
  public init(
    features: [[Float]], labels: [[Bool]], labelNames: [String]? = nil, columnNames: [String]? = nil
  ) throws {
    let count = labels.first?.count ?? 0
    let names = labelNames ?? (0..<count).map { "label\($0 + 1)" }
    guard count > 1, names.count == count, Set(names).count == count, labels.allSatisfy({ $0.count == count }) else {
      throw DataError(
        "several labels need as many distinct names, and as many Booleans in each row; for one label give its classes.",
        source: "memory")
    }
    let targets = names.enumerated().map { place, name in
      Column(name: name, values: .numbers(labels.map { $0[place] ? 1 : 0 }), reason: "labels were given")
    }
    try self.init(features: features, targets: targets, columnNames: columnNames, task: .multilabel)
  }

  /// Creates a data set of images with a class for each.
  ///
  /// - Parameters:
  ///   - images: the pixels of each image, row by row, with the channels of a pixel together; 0 to 255.
  ///   - height: the height in pixels.
  ///   - width: the width in pixels.
  ///   - channels: 1 for gray, 3 for RGB.
  ///   - labels: the class name of each image.
  /// - Throws: `DataError` where an image has another number of pixels, or there are not as many labels as images.
  ///
  /// **Shapes**: each image has height · width · channels bytes.
  public init(images: [[UInt8]], height: Int, width: Int, channels: Int = 1, labels: [String]) throws {
    let size = height * width * channels
    guard height > 0, width > 0, channels > 0 else {
      throw DataError("images of \(height) × \(width) × \(channels) have no pixels.", source: "memory")
    }
    if let wrong = images.firstIndex(where: { $0.count != size }) {
      throw DataError(
        "image \(wrong) has \(images[wrong].count) bytes, and \(height) × \(width) × \(channels) are \(size).",
        source: "memory")
    }
    guard images.count == labels.count else {
      throw DataError("\(images.count) images need as many labels, but there are \(labels.count).", source: "memory")
    }
    var coder = LevelCoder()
    for label in labels { coder.append(label) }
    let pixels = images.flatMap { $0 }
    try self.init(
      source: "memory",
      inputs: .images(ImageBlock(shape: (height, width, channels), fullScale: 255, pixels: pixels[...])),
      targets: [
        Column(name: "label", values: .texts(codes: coder.codes, levels: coder.levels), reason: "labels were given")
      ], task: Set(labels).count == 2 ? .binary : .multiclass)
  }

  private init(features: [[Float]], targets: [Column], columnNames: [String]?, task: LearningTask?) throws {
    let width = features.first?.count ?? 0
    let names = columnNames ?? (0..<width).map { "x\($0 + 1)" }
    guard features.count == targets.first?.count, width > 0, names.count == width, Set(names).count == width else {
      throw DataError(
        "\(features.count) rows of \(width) features need as many targets and distinct column names, but there "
          + "are \(targets.first?.count ?? 0) and \(Set(names).count).", source: "memory")
    }
    var columns = names.map { _ in [Double](repeating: 0, count: features.count) }
    for (row, values) in features.enumerated() {
      guard values.count == width else {
        throw DataError("row \(row) has \(values.count) features, and row 0 has \(width).", source: "memory")
      }
      for (place, value) in values.enumerated() {
        guard !value.isInfinite else {
          throw DataError("row \(row) holds an infinite value.", source: "memory", column: names[place])
        }
        columns[place][row] = Double(value)
      }
    }
    try self.init(
      source: "memory",
      inputs: .table(
        zip(names, columns).map { Column(name: $0, values: .numbers($1), reason: "numbers were given") }),
      targets: targets, task: task)
  }

  /// Creates a data set from `Encodable` values whose fields are numbers, strings, Booleans, or optionals of
  /// these.
  ///
  /// - Parameters:
  ///   - rows: one value for each row.
  ///   - target: the name of the field to predict.
  ///   - task: overrides the inferred task.
  /// - Throws: `DataError` where a field is of another type.
  public init(rows: [some Encodable], target: String, task: LearningTask? = nil) throws {
    let columns = try RowEncoder.columns(of: rows)
    try self.init(source: "memory", columns: columns, target: target, task: task)
  }
}

/// An encoder that reads the fields of an `Encodable` row.
package enum RowEncoder {
  /// One field of one row.
  enum Cell {
    case missing
    case number(Double)
    case text(String)
  }

  package static func columns(of rows: [some Encodable]) throws -> [Column] {
    var order: [String] = []
    var cells: [String: [Int: Cell]] = [:]
    for (number, row) in rows.enumerated() {
      let sink = FieldSink()
      do {
        try row.encode(to: FieldEncoder(sink: sink))
      } catch let problem as UnsupportedField {
        throw DataError(
          "row \(number): \(problem.what) is not a number, text or Boolean.", source: "memory",
          column: problem.name)
      }
      for (name, cell) in sink.fields {
        if cells[name] == nil { order.append(name) }
        cells[name, default: [:]][number] = cell
      }
    }
    // A dictionary's order differs between processes.
    if rows.contains(where: { Mirror(reflecting: $0).displayStyle == .dictionary }) { order.sort() }
    return order.map { name in
      column(name, (0..<rows.count).map { cells[name]?[$0] ?? .missing })
    }
  }

  private static func column(_ name: String, _ cells: [Cell]) -> Column {
    let isText = cells.contains { if case .text = $0 { true } else { false } }
    guard isText else {
      let numbers = cells.map { cell -> Double in if case .number(let number) = cell { number } else { .nan } }
      return Column(name: name, values: .numbers(numbers), reason: "every value is a number")
    }
    var coder = LevelCoder()
    for cell in cells {
      switch cell {
      case .missing: coder.append(nil)
      case .number(let number): coder.append(Column.text(of: number))
      case .text(let text): coder.append(text)
      }
    }
    return Column(
      name: name, values: .texts(codes: coder.codes, levels: coder.levels), reason: "a field of text")
  }
}

private struct UnsupportedField: Error {
  let name: String?
  let what: String
}

private final class FieldSink {
  var fields: [(String, RowEncoder.Cell)] = []
}

private struct FieldEncoder: Encoder {
  let sink: FieldSink
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(FieldContainer<Key>(sink: sink))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer { NoContainer() }
  func singleValueContainer() -> any SingleValueEncodingContainer { NoContainer() }
}

private struct FieldContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let sink: FieldSink
  var codingPath: [any CodingKey] { [] }

  private func put(_ cell: RowEncoder.Cell, _ key: Key) { sink.fields.append((key.stringValue, cell)) }

  func encodeNil(forKey key: Key) { put(.missing, key) }
  func encode(_ value: Bool, forKey key: Key) { put(.text(value ? "true" : "false"), key) }
  func encode(_ value: String, forKey key: Key) { put(.text(value), key) }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    switch value {
    case let value as any BinaryInteger: put(.number(Double(value)), key)
    case let value as any BinaryFloatingPoint:
      let number = Double(value)
      guard !number.isInfinite else { throw UnsupportedField(name: key.stringValue, what: "infinity") }
      put(.number(number), key)
    case let value as any RawRepresentable:
      if let text = value.rawValue as? String {
        put(.text(text), key)
      } else if let number = value.rawValue as? any BinaryInteger {
        put(.number(Double(number)), key)
      } else {
        throw UnsupportedField(name: key.stringValue, what: "\(T.self)")
      }
    default: throw UnsupportedField(name: key.stringValue, what: "\(T.self)")
    }
  }

  // Synthesized code skips optional fields that are nil, unless they are recorded here.
  func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }
  func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }
  func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }
  func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }
  func encodeIfPresent(_ value: String?, forKey key: Key) throws {
    if let value { encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }
  func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
    if let value { encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { KeyedEncodingContainer(FieldContainer<Nested>(sink: sink)) }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { NoContainer() }
  func superEncoder() -> any Encoder { FieldEncoder(sink: sink) }
  func superEncoder(forKey key: Key) -> any Encoder { FieldEncoder(sink: sink) }
}

/// Rejects rows that are arrays or single values.
private struct NoContainer: UnkeyedEncodingContainer, SingleValueEncodingContainer {
  var codingPath: [any CodingKey] { [] }
  var count: Int { 0 }
  func encodeNil() throws { throw UnsupportedField(name: nil, what: "a row without named fields") }
  func encode<T: Encodable>(_ value: T) throws {
    throw UnsupportedField(name: nil, what: "a row without named fields")
  }
  func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
    KeyedEncodingContainer(FieldContainer<Nested>(sink: FieldSink()))
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { NoContainer() }
  func superEncoder() -> any Encoder { FieldEncoder(sink: FieldSink()) }
}
