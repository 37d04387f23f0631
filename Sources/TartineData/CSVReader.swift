import TartineFiles

/// Reads a CSV text into typed columns.
///
/// The first pass reads every column as numbers until a field is none; the second reads those columns as
/// text. So nothing but the text and the result is held.
package struct CSVReader {
  private let source: String
  private let bytes: [UInt8]
  /// The type each column must have, where the text is to fit a model; nil where it is inferred.
  private let schema: [String: Bool]?
  private let targets: Set<String>
  private let takesSlips: Bool

  /// - Parameters:
  ///   - isNumeric: by column name, what a model expects; columns not named there are inferred.
  ///   - targets: columns in which a text among numbers is a class or an error, and never a missing value.
  ///   - takesSlips: whether a few texts in a column that a model expects numbers in are missing values, as they
  ///     were to the model; else they are an error.
  package init(
    _ bytes: [UInt8], source: String, isNumeric schema: [String: Bool]? = nil, targets: [String] = [],
    takesSlips: Bool = false
  ) {
    self.bytes = bytes
    self.source = source
    self.schema = schema
    self.targets = Set(targets)
    self.takesSlips = takesSlips
  }

  package func read() throws -> [Column] {
    try bytes.withUnsafeBufferPointer { try read($0) }
  }

  private func read(_ bytes: UnsafeBufferPointer<UInt8>) throws -> [Column] {
    let start = bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF ? 3 : 0
    if bytes.count >= 2, (bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF) {
      throw DataError("it is in UTF-16; save it as UTF-8.", source: source)
    }
    if let place = CSVScanner.firstNonText(bytes) {
      let line = CSVScanner.line(of: place, in: bytes)
      throw DataError(
        bytes[place] == 0
          ? "it holds a zero byte, so it is no text; check that this is the table."
          : "it holds a byte that is no UTF-8; save the file as UTF-8.", source: source, line: line)
    }
    let separator = CSVScanner.separator(of: UnsafeBufferPointer(rebasing: bytes[start...]))
    var scanner = CSVScanner(bytes, separator: separator, from: start)
    guard scanner.beginRecord() else {
      throw DataError("it is empty; a header line and rows are needed.", source: source)
    }
    let names = try readHeader(&scanner, bytes)
    let body = (start: scanner.position, separator: separator, skipsEmptyLines: names.count > 1)
    var builders = names.map {
      ColumnBuilder(name: $0, schema: schema, isTarget: targets.contains($0), takesSlips: takesSlips)
    }
    try readNumbers(into: &builders, bytes, body)
    for index in builders.indices { builders[index].decide() }
    if builders.contains(where: \.isText) { try readTexts(into: &builders, bytes, body) }
    let columns = try builders.map { try $0.column(source: source, bytes: bytes) }
    guard let rows = columns.first?.count, rows > 0 else {
      throw DataError("it has a header and no rows.", source: source)
    }
    return columns
  }

  /// Where the rows begin, and how they are written.
  private typealias Body = (start: Int, separator: UInt8, skipsEmptyLines: Bool)

  private func readHeader(_ scanner: inout CSVScanner, _ bytes: UnsafeBufferPointer<UInt8>) throws -> [String] {
    var names: [String] = []
    var seen: Set<String> = []
    var areNumbers = true
    while true {
      guard let (field, end) = scanner.next() else { throw quoteError(scanner, bytes) }
      let text = scanner.text(field)
      let name = text.isEmpty ? "column\(names.count + 1)" : text
      guard seen.insert(name).inserted else {
        throw DataError("two columns have the name '\(name)'; rename one.", source: source, line: 1)
      }
      areNumbers = areNumbers && NumberParser.parse(bytes, field.start, field.end) != nil
      names.append(name)
      if end != .field { break }
    }
    if areNumbers {
      throw DataError(
        "the first line holds numbers; a header line with the columns' names is needed.", source: source,
        line: 1)
    }
    return names
  }

  private func readNumbers(
    into builders: inout [ColumnBuilder], _ bytes: UnsafeBufferPointer<UInt8>, _ body: Body
  ) throws {
    var scanner = CSVScanner(
      bytes, separator: body.separator, from: body.start, skipsEmptyLines: body.skipsEmptyLines)
    let count = builders.count
    try builders.withUnsafeMutableBufferPointer { builders in
      while scanner.beginRecord() {
        var column = 0
        while true {
          guard let (field, end) = scanner.next() else { throw quoteError(scanner, bytes) }
          if column < count { builders[column].takeNumber(field, scanner, bytes) }
          column += 1
          if end != .field { break }
        }
        if column != count {
          throw DataError(
            "it has \(column) fields, and the header has \(count); mend the line, or put quotes around a "
              + "text that holds the separator.", source: source,
            line: CSVScanner.line(of: scanner.recordStart, in: bytes))
        }
      }
    }
  }

  private func readTexts(
    into builders: inout [ColumnBuilder], _ bytes: UnsafeBufferPointer<UInt8>, _ body: Body
  ) throws {
    var scanner = CSVScanner(
      bytes, separator: body.separator, from: body.start, skipsEmptyLines: body.skipsEmptyLines)
    builders.withUnsafeMutableBufferPointer { builders in
      while scanner.beginRecord() {
        var column = 0
        while let (field, end) = scanner.next() {
          if builders[column].isText { builders[column].takeText(field, scanner) }
          column += 1
          if end != .field { break }
        }
      }
    }
  }

  private func quoteError(_ scanner: CSVScanner, _ bytes: UnsafeBufferPointer<UInt8>) -> DataError {
    DataError(
      scanner.position >= bytes.count
        ? "a quote is opened here and never closed." : "text follows a closing quote; double the quotes inside.",
      source: source, line: CSVScanner.line(of: scanner.recordStart, in: bytes))
  }
}

/// A column while it is being read.
private struct ColumnBuilder {
  let name: String
  private let mustBeNumeric, isTarget, takesSlips: Bool
  /// Whether anybody asks for the column: a model does not for those it does not know.
  private let isNeeded: Bool
  private(set) var isText: Bool
  private var numbers: [Double] = []
  private var missing = 0
  /// Fields that are there and are no numbers.
  private var others = 0
  private var texts = LevelCoder()
  /// The first field that is no number, and the first that no Float can hold.
  private var firstText: (position: Int, text: String)?
  private var firstHuge: (position: Int, text: String)?

  /// - Parameter schema: by column name, whether a model expects numbers.
  init(name: String, schema: [String: Bool]?, isTarget: Bool, takesSlips: Bool) {
    self.name = name
    self.isTarget = isTarget
    self.takesSlips = takesSlips
    mustBeNumeric = schema?[name] == true
    isNeeded = schema == nil || schema?[name] != nil
    isText = schema?[name] == false
  }

  @inline(__always)
  mutating func takeNumber(
    _ field: CSVScanner.Field, _ scanner: CSVScanner, _ bytes: UnsafeBufferPointer<UInt8>
  ) {
    if isText { return }
    if let number = NumberParser.parse(bytes, field.start, field.end) {
      if !(abs(number) <= Double(Float.greatestFiniteMagnitude)), firstHuge == nil {
        firstHuge = (field.start, Self.shown(field, scanner))
      }
      numbers.append(number)
    } else if scanner.isMissing(field) {
      numbers.append(.nan)
      missing += 1
    } else {
      if firstText == nil { firstText = (field.start, Self.shown(field, scanner)) }
      others += 1
      numbers.append(.nan)
    }
  }

  /// A few texts among many numbers are slips, and not a category.
  private var isMostlyNumbers: Bool {
    let found = numbers.count - missing - others
    return found >= 20 && others * 20 <= found
  }

  /// Ends the first pass: numbers, numbers with slips, or text.
  mutating func decide() {
    guard others > 0 else { return }
    // Among the numbers of few classes a text is one more class.
    let areClasses = isTarget && Set(numbers.lazy.filter { !$0.isNaN }).count <= TaskChoice.mostNumberClasses
    guard areClasses || !isMostlyNumbers else { return }
    isText = true
    numbers = []
  }

  /// A field as a message shows it.
  private static func shown(_ field: CSVScanner.Field, _ scanner: CSVScanner) -> String {
    let text = scanner.text(field)
    return text.count > 40 ? text.prefix(40) + "…" : text
  }

  mutating func takeText(_ field: CSVScanner.Field, _ scanner: CSVScanner) {
    texts.append(scanner.isMissing(field) ? nil : scanner.text(field))
  }

  func column(source: String, bytes: UnsafeBufferPointer<UInt8>) throws -> Column {
    if mustBeNumeric, let firstText, isText || !takesSlips {
      throw DataError(
        "'\(firstText.text)' is no number, and the model was trained on numbers here; correct it, or leave "
          + "the field empty for a missing value.", source: source,
        line: CSVScanner.line(of: firstText.position, in: bytes), column: name)
    }
    if isText {
      let reason = firstText.map {
        "text: line \(CSVScanner.line(of: $0.position, in: bytes)) holds '\($0.text)'"
      }
      return Column(
        name: name, values: .texts(codes: texts.codes, levels: texts.levels),
        reason: reason ?? "text, as in the model")
    }
    if let firstHuge, isNeeded {
      throw DataError(
        "'\(firstHuge.text)' is infinite, or more than a 32-bit number holds; correct it, or leave the field empty for a "
          + "missing value.", source: source, line: CSVScanner.line(of: firstHuge.position, in: bytes),
        column: name)
    }
    guard let firstText else {
      return Column(name: name, values: .numbers(numbers), reason: "every value is a number")
    }
    let line = CSVScanner.line(of: firstText.position, in: bytes)
    guard !isTarget else {
      throw DataError(
        "'\(firstText.text)' is no number, and nearly all other values of the target are; correct it, or leave the "
          + "field empty to leave the row out.", source: source, line: line, column: name)
    }
    let what =
      others == 1
      ? "'\(firstText.text)' in line \(line) is" : "\(others) values, such as '\(firstText.text)' in line \(line), are"
    return Column(
      name: name, values: .numbers(numbers), reason: "nearly every value is a number",
      notice: "column '\(name)' holds numbers, but \(what) none; taken as missing")
  }
}
