import TartineFiles

/// Reads a CSV text into typed columns.
///
/// The first pass reads every column as numbers; the second reads the other columns as text. Both process
/// chunks in parallel, a few at a time, so that little more than the result is in memory, and never all of a
/// file's text.
package struct CSVReader {
  private let source: String
  private let text: CSVText
  /// The type that a model expects of each column; nil: inferred.
  private let schema: [String: Bool]?
  private let targets: Set<String>
  private let takesSlips: Bool
  private let format: CSVFormat
  private let notation: FileNotation

  /// - Parameters:
  ///   - isNumeric: what a model expects, by column name; other columns are inferred.
  ///   - targets: columns in which text among numbers is a class or an error, never a missing value.
  ///   - chunkSize: the approximate number of bytes read at once.
  ///   - takesSlips: whether a few texts in a column of numbers are missing values when a model expects
  ///     numbers, as they were in training; otherwise they are an error.
  ///   - format: options that the user gave.
  ///   - notation: how the file that a model was trained on was written.
  package init(
    _ bytes: [UInt8], source: String, isNumeric schema: [String: Bool]? = nil, targets: [String] = [],
    takesSlips: Bool = false, format: CSVFormat = CSVFormat(), notation: FileNotation = FileNotation(),
    chunkSize: Int = CSVText.defaultChunkSize
  ) {
    self.init(
      CSVText(bytes, chunkSize: chunkSize), source: source, isNumeric: schema, targets: targets, takesSlips: takesSlips,
      format: format, notation: notation)
  }

  init(
    _ text: CSVText, source: String, isNumeric schema: [String: Bool]?, targets: [String], takesSlips: Bool,
    format: CSVFormat, notation: FileNotation
  ) {
    self.notation = notation
    self.text = text
    self.source = source
    self.schema = schema
    self.targets = Set(targets)
    self.takesSlips = takesSlips
    self.format = format
  }

  package func read() throws -> [Column] { try readWithChecksum().columns }

  /// Reads the columns, and the checksum of the bytes that they were read from.
  func readWithChecksum() throws -> (columns: [Column], checksum: Checksum) {
    do {
      return try read(text, in: text.chunks())
    } catch is NeedsWhole {
      return try read(text.inMemory(), in: [0..<text.count])
    }
  }

  /// A line end inside quotes does not end a record, and only all quotes before a position tell whether it is
  /// inside quotes.
  private struct NeedsWhole: Error {}

  /// - Throws: `NeedsWhole` where there are several chunks and one of them cannot be read on its own.
  private func read(_ text: CSVText, in chunks: [Range<Int>]) throws -> ([Column], Checksum) {
    guard let first = chunks.first else { throw empty }
    let isWhole = chunks.count == 1
    let layout = try text.withBytes(first) { try readLayout($0, isWhole: isWhole) }
    let footer = try footer(of: text, layout)
    let chunks = chunks.map { $0.clamped(to: 0..<footer.start) }.filter { !$0.isEmpty }
    let (builders, sums) = try builders(of: text, in: chunks, layout, isWhole: isWhole)
    guard let rows = builders.first?.count, rows > 0 else {
      throw DataError("it has a header and no rows.", source: source)
    }
    guard builders.allSatisfy({ $0.count == rows }) else {
      throw DataError("it changed while it was read; try again later.", source: source)
    }
    var columns = try builders.map { try $0.column(source: source, text: text) }
    if schema == nil, let first = chunks.first { columns = try toldOfSpellings(columns, text, first, layout) }
    columns = interpreted(columns, separator: layout.separator)
    for (builder, column) in zip(builders, columns) { try builder.check(column, source: source, text: text) }
    columns = told(columns, separator: layout.separator)
    let repeated = builders[0].repeatedHeaders
    let notices =
      layout.notices
      + (repeated > 0
        ? ["the header is repeated \(repeated == 1 ? "once" : "\(repeated) times") below; these lines are left out"]
        : [])
      + footer.notices
    for notice in notices.reversed() { columns[0] = columns[0].adding(notice: notice, first: true) }
    return (columns, try text.checksum(of: sums))
  }

  /// Both passes over the chunks: numbers, then the texts of the columns that are no numbers. The first pass takes each chunk's
  /// checksum.
  private func builders(
    of text: CSVText, in chunks: [Range<Int>], _ layout: CSVLayout, isWhole: Bool
  ) throws -> ([ColumnBuilder], [Checksum]) {
    let blank = layout.names.map {
      ColumnBuilder(
        name: $0, schema: schema, isTarget: targets.contains($0), takesSlips: takesSlips,
        markers: format.missing + (notation.markers[$0] ?? []))
    }
    var builders = blank
    var sums: [Checksum] = []
    for round in Parallel.rounds(of: chunks.count) {
      let parts = try Parallel.map(count: round.count) { number in
        let chunk = chunks[round.lowerBound + number]
        return try text.withBytes(chunk) { bytes in
          if chunk.lowerBound > 0 { try check(bytes, at: chunk.lowerBound, isWhole: isWhole) }
          var sum = Checksum()
          sum.add(UnsafeRawBufferPointer(bytes))
          return (sum, try readNumbers(bytes, chunk, layout, startingFrom: blank))
        }
      }
      sums += parts.map(\.0)
      let share = Double(round.upperBound) / Double(chunks.count)
      builders.withUnsafeMutableBufferPointer { builders in
        _ = Parallel.map(count: builders.count) { column in
          builders[column].append(parts.map { $0.1[column] }, share: share)
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
    return (builders, sums)
  }

  /// The columns with numbers in everyday notation read as numbers.
  private func interpreted(_ columns: [Column], separator: UInt8) -> [Column] {
    WrittenNumber.read(
      columns, separator: separator, mustStay: Set(schema?.filter { !$0.value }.keys.map { $0 } ?? []),
      mustBeNumbers: Set(schema?.filter(\.value).keys.map { $0 } ?? []),
      targets: targets, prefersCommas: notation.hasDecimalCommas)
  }

  /// The columns without the markers that the user named, and with notices of what may be meant otherwise.
  private func told(_ columns: [Column], separator: UInt8) -> [Column] {
    var columns = columns.map { column in format.missing.reduce(column) { $0.taking($1) } }
    if schema == nil {
      columns = columns.map { targets.contains($0.name) ? $0 : $0.tellingOfDates }
      columns = columns.map { $0.notice == nil ? $0.tellingOfMixedThousands : $0 }
    }
    columns = columns.enumerated().map { place, column in
      column.tellingOfSwallowedRows(separator: separator, place: place, fields: columns.count)
    }
    if let total = columns.totalRow {
      columns[0] = columns[0].adding(
        notice: "the last row holds '\(total)'; if it is a total and not a case, remove it")
    }
    return columns
  }

  /// The columns with notices of numbers that are spelled in two ways, as the first chunk shows.
  private func toldOfSpellings(
    _ columns: [Column], _ text: CSVText, _ chunk: Range<Int>, _ layout: CSVLayout
  ) throws -> [Column] {
    let isAsked = columns.map { column in
      guard case .numbers(let numbers) = column.values else { return false }
      return numbers.contains { $0 != $0.rounded() && !$0.isNaN }
        && column.valueCount(upTo: Column.mostSpelledNumbers) <= Column.mostSpelledNumbers
    }
    var spellings = columns.map { column -> Set<String> in
      guard case .texts(_, let levels) = column.values, levels.count <= Column.mostSpelledNumbers else { return [] }
      return Set(levels)
    }
    if isAsked.contains(true) {
      try text.withBytes(chunk) { bytes in
        var scanner = layout.scanner(bytes, chunk)
        while scanner.beginRecord() {
          var column = 0
          while let (field, end) = scanner.next() {
            if column < isAsked.count, isAsked[column] { spellings[column].insert(scanner.text(field)) }
            column += 1
            if end != .field { break }
          }
        }
      }
    }
    return zip(columns, spellings).map { $0.tellingOfTwoSpellings($1) }
  }

  /// Lines at the end that are no rows, such as `Source: …`: a single field of some words in a table of several columns.
  private func footer(of text: CSVText, _ layout: CSVLayout) throws -> (start: Int, notices: [String]) {
    guard layout.names.count > 1 else { return (text.count, []) }
    let first = max(layout.start, text.count - Self.longestFooter)
    guard first < text.count else { return (text.count, []) }
    return try text.withBytes(first..<text.count) { bytes in
      var (end, lines) = (bytes.count, [String]())
      while lines.count < Self.mostFooterLines {
        let filled = bytes[..<end].lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let filled, let before = bytes[...filled].lastIndex(of: UInt8(ascii: "\n")) else { break }
        let line = bytes[(before + 1)...filled]
        let shown = String(decoding: line, as: UTF8.self)
        guard !line.contains(layout.separator), !line.contains(UInt8(ascii: "\"")), shown.contains(where: \.isLetter),
          shown.contains(where: { $0 == " " || $0 == ":" }), layout.separator != UInt8(ascii: " ")
        else { break }
        lines.append(shown.count > 40 ? shown.prefix(40) + "…" : shown)
        end = before + 1
      }
      guard let last = lines.last else { return (text.count, []) }
      let what = lines.count == 1 ? "the last line is" : "the last \(lines.count) lines are"
      return (first + end, ["\(what) not part of the table, and left out: '\(last)'"])
    }
  }

  private static let (longestFooter, mostFooterLines) = (4096, 10)

  private var empty: DataError { DataError("it is empty; a header line and rows are needed.", source: source) }

  /// - Throws: `DataError` if the bytes are not text; `NeedsWhole`.
  private func check(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int, isWhole: Bool) throws {
    let (nonText, hasQuotes) = CSVScanner.inspect(bytes)
    if let nonText {
      throw DataError(
        bytes[nonText] == 0
          ? "it contains a zero byte, so it is not text; check that this is the table."
          : "it contains a byte that is not UTF-8; save the file as UTF-8.", source: source,
        line: try text.line(of: offset + nonText))
    }
    if hasQuotes, !isWhole { throw NeedsWhole() }
  }

  /// Checks the first chunk and reads its first lines.
  private func readLayout(_ bytes: UnsafeBufferPointer<UInt8>, isWhole: Bool) throws -> CSVLayout {
    if bytes.count >= 2, (bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF) {
      throw DataError("it is in UTF-16; save it as UTF-8.", source: source)
    }
    if let other = OtherFormat.description(of: bytes) { throw DataError("\(other).", source: source) }
    try check(bytes, at: 0, isWhole: isWhole)
    do {
      // A chunk of empty lines says nothing about the next.
      guard
        let layout = try CSVLayout(
          bytes, format: format, targets: schema == nil ? targets : [], isTraining: schema == nil)
      else {
        throw isWhole ? empty : NeedsWhole()
      }
      return layout
    } catch let problem as CSVLayout.Problem {
      throw DataError(problem.message, source: source, line: try text.line(of: problem.position))
    }
  }

  /// Reads one chunk's rows as numbers, where they are numbers.
  private func readNumbers(
    _ bytes: UnsafeBufferPointer<UInt8>, _ chunk: Range<Int>, _ layout: CSVLayout,
    startingFrom builders: [ColumnBuilder]
  ) throws -> [ColumnBuilder] {
    var scanner = layout.scanner(bytes, chunk)
    var builders = builders
    let count = builders.count
    try builders.withUnsafeMutableBufferPointer { builders in
      while scanner.beginRecord() {
        var column = 0
        var isQuotedLine = false
        while true {
          let end: CSVScanner.End
          if column < count, !builders[column].takesTexts, let number = scanner.nextNumber() {
            builders[column].take(number.value)
            end = number.end
          } else {
            guard let (field, after) = scanner.next() else { throw try quoteError(scanner) }
            end = after
            isQuotedLine =
              column == 0 && field.start > 0 && bytes[field.start - 1] == UInt8(ascii: "\"")
              && bytes[field.start..<field.end].count { $0 == layout.separator } == count - 1
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
            column == 1 && isQuotedLine && count > 1
              ? "the line is in quotes as a whole; remove these quotes."
              : "it has \(column) fields, and the header has \(count); correct the line, or put quotes around a "
                + "text that holds the separator.", source: source,
            line: try text.line(of: scanner.offset + scanner.recordStart))
        }
      }
    }
    builders[0].repeatedHeaders += scanner.repeatedHeaders
    return builders
  }

  /// Reads one chunk's rows of the text columns.
  private func readTexts(
    _ bytes: UnsafeBufferPointer<UInt8>, _ chunk: Range<Int>, _ layout: CSVLayout, of builders: [ColumnBuilder]
  ) -> [LevelCoder] {
    var scanner = layout.scanner(bytes, chunk)
    var texts = builders.map { _ in LevelCoder() }
    let isText = builders.map { $0.isText }
    texts.withUnsafeMutableBufferPointer { texts in
      while scanner.beginRecord() {
        var column = 0
        while let (field, end) = scanner.next() {
          if column < isText.count, isText[column] {
            texts[column].append(builders[column].isMissing(field, scanner) ? nil : scanner.text(field))
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
      Self.quoteProblem(scanner), source: source, line: try text.line(of: scanner.offset + scanner.recordStart))
  }

  static func quoteProblem(_ scanner: CSVScanner) -> String {
    scanner.isAtEnd
      ? "a quote is opened here and never closed." : "text follows a closing quote; double the quotes inside."
  }
}
