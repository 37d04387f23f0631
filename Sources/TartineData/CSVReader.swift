import TartineFiles

/// Reads a CSV text into typed columns.
///
/// The first pass reads every column as numbers; the second reads those as text that are none. Both go through chunks of
/// the text side by side, some at a time, so that little but the result is held, and of a file not even the text.
package struct CSVReader {
  private static let longestName = 1_000

  private let source: String
  private let text: CSVText
  /// The type each column must have, where the text is to fit a model; nil where it is inferred.
  private let schema: [String: Bool]?
  private let targets: Set<String>
  private let takesSlips: Bool

  /// - Parameters:
  ///   - isNumeric: by column name, what a model expects; columns not named there are inferred.
  ///   - targets: columns in which a text among numbers is a class or an error, and never a missing value.
  ///   - chunkSize: about how many bytes are read at once.
  ///   - takesSlips: whether a few texts in a column that a model expects numbers in are missing values, as they
  ///     were to the model; else they are an error.
  package init(
    _ bytes: [UInt8], source: String, isNumeric schema: [String: Bool]? = nil, targets: [String] = [],
    takesSlips: Bool = false, chunkSize: Int = CSVText.usualChunkSize
  ) {
    self.init(
      CSVText(bytes, chunkSize: chunkSize), source: source, isNumeric: schema, targets: targets, takesSlips: takesSlips)
  }

  init(
    _ text: CSVText, source: String, isNumeric schema: [String: Bool]?, targets: [String], takesSlips: Bool
  ) {
    self.text = text
    self.source = source
    self.schema = schema
    self.targets = Set(targets)
    self.takesSlips = takesSlips
  }

  package func read() throws -> [Column] {
    do {
      return try read(text, in: text.chunks())
    } catch is NeedsWhole {
      return try read(text.inMemory(), in: [0..<text.count])
    }
  }

  /// A line end inside quotes ends no record, and whether a place is inside quotes takes all quotes before it to know.
  private struct NeedsWhole: Error {}

  /// - Throws: `NeedsWhole` where there are several chunks and one of them cannot be read by itself.
  private func read(_ text: CSVText, in chunks: [Range<Int>]) throws -> [Column] {
    guard let first = chunks.first else { throw empty }
    let isWhole = chunks.count == 1
    let layout = try text.withBytes(first) { try readHeader($0, isWhole: isWhole) }
    let blank = layout.names.map {
      ColumnBuilder(name: $0, schema: schema, isTarget: targets.contains($0), takesSlips: takesSlips)
    }
    var builders = blank
    for round in Parallel.rounds(of: chunks.count) {
      let parts = try Parallel.map(count: round.count) { number in
        let chunk = chunks[round.lowerBound + number]
        return try text.withBytes(chunk) { bytes in
          if chunk.lowerBound > 0 { try check(bytes, at: chunk.lowerBound, isWhole: isWhole) }
          return try readNumbers(bytes, chunk, layout, startingFrom: blank)
        }
      }
      let share = Double(round.upperBound) / Double(chunks.count)
      builders.withUnsafeMutableBufferPointer { builders in
        _ = Parallel.map(count: builders.count) { column in
          builders[column].append(parts.map { $0[column] }, share: share)
        }
      }
    }
    for index in builders.indices { builders[index].decide() }
    if builders.contains(where: \.isText) {
      for round in Parallel.rounds(of: chunks.count) {
        let parts = try Parallel.map(count: round.count) { [builders] number in
          let chunk = chunks[round.lowerBound + number]
          return try text.withBytes(chunk) { readTexts($0, chunk, layout, of: builders) }
        }
        for index in builders.indices where builders[index].isText { builders[index].append(parts.map { $0[index] }) }
      }
    }
    guard let rows = builders.first?.count, rows > 0 else {
      throw DataError("it has a header and no rows.", source: source)
    }
    guard builders.allSatisfy({ $0.count == rows }) else {
      throw DataError("it changed while it was read; try again when nobody writes it.", source: source)
    }
    var columns = try builders.map { try $0.column(source: source, text: text) }
    if layout.hasTrailingSeparator {
      let notice = "every row ends with a separator that the header lacks; the empty last field is ignored"
      columns[0].notice = [notice, columns[0].notice].compactMap { $0 }.joined(separator: "; ")
    }
    return columns
  }

  private var empty: DataError { DataError("it is empty; a header line and rows are needed.", source: source) }

  /// What the header tells.
  private struct Layout {
    let names: [String]
    let separator: UInt8
    /// Where the rows begin.
    let start: Int
    /// Whether rows end with a separator, and the header does not.
    let hasTrailingSeparator: Bool

    /// - Parameter chunk: the place of these bytes in the text.
    func scanner(_ bytes: UnsafeBufferPointer<UInt8>, _ chunk: Range<Int>) -> CSVScanner {
      CSVScanner(
        bytes, at: chunk.lowerBound, separator: separator, from: max(0, start - chunk.lowerBound),
        skipsEmptyLines: names.count > 1)
    }
  }

  /// - Throws: `DataError` where it is no text; `NeedsWhole`.
  private func check(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int, isWhole: Bool) throws {
    let (nonText, hasQuotes) = CSVScanner.inspect(bytes)
    if let nonText {
      throw DataError(
        bytes[nonText] == 0
          ? "it holds a zero byte, so it is no text; check that this is the table."
          : "it holds a byte that is no UTF-8; save the file as UTF-8.", source: source,
        line: try text.line(of: offset + nonText))
    }
    if hasQuotes, !isWhole { throw NeedsWhole() }
  }

  /// Checks the first chunk, and reads its first line.
  private func readHeader(_ bytes: UnsafeBufferPointer<UInt8>, isWhole: Bool) throws -> Layout {
    let start = bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF ? 3 : 0
    if bytes.count >= 2, (bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF) {
      throw DataError("it is in UTF-16; save it as UTF-8.", source: source)
    }
    try check(bytes, at: 0, isWhole: isWhole)
    let separator = CSVScanner.separator(of: UnsafeBufferPointer(rebasing: bytes[start...]))
    var scanner = CSVScanner(bytes, separator: separator, from: start)
    // A chunk of empty lines says nothing of the next.
    guard scanner.beginRecord() else { throw isWhole ? empty : NeedsWhole() }
    var names: [String] = []
    var seen: Set<String> = []
    var areNumbers = true
    while true {
      guard let (field, end) = scanner.next() else { throw try quoteError(scanner) }
      let text = scanner.text(field)
      let name = text.isEmpty ? "column\(names.count + 1)" : text
      guard name.utf8.count <= Self.longestName else {
        throw DataError(
          "the name of column \(names.count + 1) has \(name.count) characters; check that the header's line ends, and "
            + "that this is the table.", source: source, line: 1)
      }
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
    let rowsStart = scanner.position
    let excess = Self.excessField(scanner, header: names.count)
    // R's `write.table` gives the row names no header.
    if excess == .rowName, !seen.contains(Column.rowNames) { names.insert(Column.rowNames, at: 0) }
    return Layout(
      names: names, separator: separator, start: rowsStart, hasTrailingSeparator: excess == .emptyLast)
  }

  private enum ExcessField { case none, emptyLast, rowName }

  /// What rows hold beyond the header's fields, where it is exactly one field in each of the first ones.
  private static func excessField(_ scanner: CSVScanner, header count: Int) -> ExcessField {
    var scanner = scanner
    var firsts: Set<String> = []
    var rows = 0
    var endsEmpty = true
    guard count > 1 else { return .none }
    while rows < 20, scanner.beginRecord() {
      var fields = 0
      while let (field, end) = scanner.next() {
        if fields == 0 { firsts.insert(scanner.text(field)) }
        fields += 1
        if end == .field { continue }
        endsEmpty = endsEmpty && field.start == field.end
        break
      }
      guard fields == count + 1 else { return .none }
      rows += 1
    }
    if rows > 0, endsEmpty { return .emptyLast }
    // One row alone may as well have a separator too many.
    return rows > 1 && firsts.count == rows ? .rowName : .none
  }

  /// One chunk's rows as numbers, where they are numbers.
  private func readNumbers(
    _ bytes: UnsafeBufferPointer<UInt8>, _ chunk: Range<Int>, _ layout: Layout, startingFrom builders: [ColumnBuilder]
  ) throws -> [ColumnBuilder] {
    var scanner = layout.scanner(bytes, chunk)
    var builders = builders
    let count = builders.count
    try builders.withUnsafeMutableBufferPointer { builders in
      while scanner.beginRecord() {
        var column = 0
        while true {
          let end: CSVScanner.End
          if column < count, let number = scanner.nextNumber() {
            builders[column].take(number.value)
            end = number.end
          } else {
            guard let (field, after) = scanner.next() else { throw try quoteError(scanner) }
            end = after
            if column < count {
              builders[column].takeNumber(field, scanner)
            } else if column == count, layout.hasTrailingSeparator, field.start == field.end, end != .field {
              break
            }
          }
          column += 1
          if end != .field { break }
        }
        if column != count {
          throw DataError(
            "it has \(column) fields, and the header has \(count); mend the line, or put quotes around a "
              + "text that holds the separator.", source: source,
            line: try text.line(of: scanner.offset + scanner.recordStart))
        }
      }
    }
    return builders
  }

  /// One chunk's rows of those columns that are text.
  private func readTexts(
    _ bytes: UnsafeBufferPointer<UInt8>, _ chunk: Range<Int>, _ layout: Layout, of builders: [ColumnBuilder]
  ) -> [LevelCoder] {
    var scanner = layout.scanner(bytes, chunk)
    var texts = builders.map { _ in LevelCoder() }
    let isText = builders.map { $0.isText }
    texts.withUnsafeMutableBufferPointer { texts in
      while scanner.beginRecord() {
        var column = 0
        while let (field, end) = scanner.next() {
          if column < isText.count, isText[column] {
            texts[column].append(scanner.isMissing(field) ? nil : scanner.text(field))
          }
          column += 1
          if end != .field { break }
        }
      }
    }
    return texts
  }

  private func quoteError(_ scanner: CSVScanner) throws -> DataError {
    DataError(
      scanner.isAtEnd
        ? "a quote is opened here and never closed." : "text follows a closing quote; double the quotes inside.",
      source: source, line: try text.line(of: scanner.offset + scanner.recordStart))
  }
}
