import TartineFiles

/// Options for reading a CSV file that cannot be inferred from its text.
public struct CSVFormat: Hashable, Sendable, Codable {
  /// The number of lines above the header; nil: detected automatically.
  public var skipLines: Int?
  /// Texts that mark a missing value in every column, in addition to the default ones.
  ///
  /// In the target an empty field is missing; if this list is not empty, otherwise only its texts are.
  public var missing: [String]
  /// Whether the first line holds the columns' names; nil: it does. Without a header the columns are `column1`, `column2`, ….
  public var hasHeader: Bool?

  /// Creates reading options.
  public init(skipLines: Int? = nil, missing: [String] = [], hasHeader: Bool? = nil) {
    self.skipLines = skipLines
    self.missing = missing
    self.hasHeader = hasHeader
  }

  /// Returns the options with more markers of missing values.
  package func adding(_ markers: [String]) -> CSVFormat {
    var copy = self
    copy.missing += markers.filter { !missing.contains($0) }
    return copy
  }
}

/// Where the rows of a table begin, and their format, inferred from the first lines.
struct CSVLayout {
  let names: [String]
  let separator: UInt8
  /// Where the rows begin.
  let start: Int
  /// Whether rows, but not the header, end with a separator.
  let hasTrailingSeparator: Bool
  /// Whether lines that begin with `#` are comments, whatever they contain.
  let hasComments: Bool
  /// The header's line, which files that were joined repeat; empty: none, or a single column.
  private let header: [UInt8]
  /// Notices for the user.
  let notices: [String]

  private static let separators: [UInt8] = [",", ";", "\t", "|", " "].map { (text: Unicode.Scalar) in UInt8(ascii: text)
  }
  private static let hash = UInt8(ascii: "#")
  /// The number of records examined.
  private static let mostRecords = 30
  private static let longestName = 1_000

  /// A problem in the first lines, with its position.
  struct Problem: Error {
    let message: String
    let position: Int
  }

  /// - Parameter chunk: the position of these bytes in the text.
  func scanner(_ bytes: UnsafeBufferPointer<UInt8>, _ chunk: Range<Int>) -> CSVScanner {
    CSVScanner(
      bytes, at: chunk.lowerBound, separator: separator, from: max(0, start - chunk.lowerBound),
      skipsEmptyLines: names.count > 1, comments: hasComments ? .all : .ofOtherWidth(names.count),
      header: header)
  }

  /// Reads the first lines.
  ///
  /// - Parameters:
  ///   - targets: Names that the header must hold: lines above it are skipped.
  ///   - isTraining: Whether a line of units below the header is left out: rows to predict all count.
  /// - Returns: nil where there are none.
  /// - Throws: `Problem`.
  init?(
    _ bytes: UnsafeBufferPointer<UInt8>, format: CSVFormat, targets: Set<String>, isTraining: Bool = true
  ) throws {
    var notices: [String] = []
    let found = Self.begin(of: bytes, format, targets, &notices)
    let (separator, comment) = (found.separator, found.comment)
    hasComments = comment != nil
    var header = found.header
    var scanner = CSVScanner(bytes, separator: separator, from: header)
    guard scanner.beginRecord() else { return nil }
    header = scanner.recordStart
    var fields = try Self.fields(&scanner)
    // `# a b c` above rows holds the columns' names.
    if let comment, fields.contains(where: \.isNumber),
      let named = Self.names(inComment: comment, separator), named.count == fields.count
    {
      fields = named
      scanner = CSVScanner(bytes, separator: separator, from: header)
    }
    if format.hasHeader == false {
      self.names = fields.indices.map { "column\($0 + 1)" }
      self.start = header
      self.separator = separator
      self.notices = notices
      self.header = []
      hasTrailingSeparator = false
      return
    }
    try Self.refuseQuotes(fields, isQuoted: bytes[header] == UInt8(ascii: "\""), at: header)
    var names = try Self.names(of: fields, at: header)
    if fields.count > 2, fields.count(where: \.isNumber) * 2 > fields.count {
      notices.append(
        "most names in the first line are numbers ('\(fields.first(where: \.isNumber)?.text ?? "")'); if it is a row and not a "
          + "header, use \(OptionName.noHeader)")
    }
    let units = isTraining ? Self.unitsRecord(scanner) : nil
    if let units { notices.append("the line below the header holds units or types ('\(units.text)'), and is left out") }
    self.start = units?.end ?? scanner.position
    let line = Array(Self.line(bytes, from: header).bytes)
    // A quoted name may hold a line end.
    self.header = fields.count > 1 && header + line.count + 2 >= scanner.position ? line : []
    self.separator = separator
    let excess = Self.excessField(scanner, header: names.count)
    // R's `write.table` gives the row names no header.
    if excess == .rowName, !names.contains(Column.rowNames) { names.insert(Column.rowNames, at: 0) }
    hasTrailingSeparator = excess == .emptyLast
    if hasTrailingSeparator {
      notices.append("every row ends with a separator that the header lacks; the empty last field is ignored")
    }
    if excess == .none, let problem = Self.titleProblem(bytes, from: header, separator, columns: names.count) {
      throw problem
    }
    self.names = names
    self.notices = notices
  }

  /// The separator, where the header begins, and the last comment above it.
  private static func begin(
    of bytes: UnsafeBufferPointer<UInt8>, _ format: CSVFormat, _ targets: Set<String>, _ notices: inout [String]
  ) -> (separator: UInt8, header: Int, comment: UnsafeBufferPointer<UInt8>?) {
    var start = bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF ? 3 : 0
    for _ in 0..<(format.skipLines ?? 0) { start = line(bytes, from: start).next }
    let named = namedSeparator(bytes, from: start)
    if let named { start = named.next }
    let (firstRecord, comment) = skippingComments(bytes, from: start)
    var header = firstRecord
    var separator = named?.separator ?? CSVScanner.separator(of: UnsafeBufferPointer(rebasing: bytes[firstRecord...]))
    if named == nil, format.skipLines == nil, format.hasHeader != false,
      let found = Self.header(holding: targets, bytes, from: header, separator)
    {
      (separator, header) = (found.separator, found.start)
      notices.append(skipped(found.skipped))
    } else if named == nil, !isTable(records(bytes, from: header, separator)) {
      if let found = table(bytes, from: header, isNamed: comment != nil) {
        (separator, header) = (found.separator, found.start)
        if found.skipped > 0 { notices.append(skipped(found.skipped)) }
      }
    }
    return (separator, header, comment)
  }

  /// - Throws: `Problem` where quotes hide the names.
  private static func refuseQuotes(_ fields: [Field], isQuoted: Bool, at header: Int) throws {
    if fields.count == 1, isQuoted, fields[0].text.utf8.contains(where: { ",;\t".utf8.contains($0) }) {
      throw Problem(
        message: "each line is in quotes as a whole, as \"\(fields[0].text.prefix(40))\"; remove these quotes.",
        position: header)
    }
    if fields.count > 1, fields.allSatisfy({ $0.text.count > 1 && $0.text.hasPrefix("'") && $0.text.hasSuffix("'") }) {
      throw Problem(
        message:
          "the names are in single quotes (\(fields[0].text)), and CSV has double quotes; replace the single ones.",
        position: header)
    }
  }

  /// The columns' names.
  /// - Throws: `Problem` where they are no names, or not distinct.
  private static func names(of fields: [Field], at header: Int) throws -> [String] {
    var names: [String] = []
    for field in fields {
      let text = trimmed(field.text)
      let name = text.isEmpty ? "column\(names.count + 1)" : text
      guard name.utf8.count <= longestName else {
        throw Problem(
          message:
            "the name of column \(names.count + 1) has \(name.count) characters; check that the header's line ends, "
            + "and that this is the table.", position: header)
      }
      names.append(name)
    }
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw Problem(
        message: fields.contains(where: \.isNumber)
          ? missingHeader(fields) : "two columns have the name '\(name)'; rename one.", position: header)
    }
    if fields.allSatisfy(\.isNumber) { throw Problem(message: missingHeader(fields), position: header) }
    return names
  }

  /// The record below the header, if it is no row: text where at least two columns hold numbers, as in `cm,EUR,`, and in no column
  /// a number.
  private static func unitsRecord(_ scanner: CSVScanner) -> (text: String, end: Int)? {
    var scanner = scanner
    guard scanner.beginRecord(), let first = try? fields(&scanner), !first.contains(where: \.isNumber) else {
      return nil
    }
    let end = scanner.position
    var rows: [[Field]] = []
    while rows.count < mostRecords, scanner.beginRecord(), let row = try? fields(&scanner), row.count == first.count {
      rows.append(row)
    }
    guard rows.count > 4 else { return nil }
    let strange = first.indices.filter { column in
      let text = first[column].text
      return text.contains { $0.isLetter || "%€$£°[".contains($0) } && !ColumnBuilder.isKnownMarker(text)
        && !first[column].isMissing && !rows.contains { $0[column].text == text }
        && rows.count(where: { $0[column].isNumber }) * 10 >= rows.count * 9
    }
    return strange.count > 1 ? (strange.map { first[$0].text }.joined(separator: "', '"), end) : nil
  }

  /// A name without blanks around it, including those that are not seen.
  private static func trimmed(_ name: String) -> String {
    let blanks: Set<Character> = [" ", "\u{A0}", "\u{200B}", "\u{FEFF}", "\u{202F}"]
    return String(name.drop(while: blanks.contains).reversed().drop(while: blanks.contains).reversed())
  }

  private static func skipped(_ lines: Int) -> String {
    lines == 1
      ? "the line above the header is not part of the table and is skipped"
      : "\(lines) lines above the header are not part of the table and are skipped"
  }

  private static func missingHeader(_ fields: [Field]) -> String {
    "the first line holds values ('\(fields.first(where: \.isNumber)?.text ?? "")'), not the columns' names; is the header missing? "
      + "Add a line with the names, or use \(OptionName.noHeader), which names the columns column1 to column\(fields.count)."
  }

  // MARK: Lines and records

  /// A line without its end, and where the next one begins.
  private static func line(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (bytes: UnsafeBufferPointer<UInt8>, next: Int) {
    var end = start
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n"), bytes[end] != UInt8(ascii: "\r") { end += 1 }
    var next = min(end + 1, bytes.count)
    if end < bytes.count, bytes[end] == UInt8(ascii: "\r"), next < bytes.count, bytes[next] == UInt8(ascii: "\n") {
      next += 1
    }
    return (UnsafeBufferPointer(rebasing: bytes[start..<end]), next)
  }

  /// The separator that a first line such as `sep=;` names, as spreadsheets write it, and where the next line begins.
  private static func namedSeparator(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (separator: UInt8, next: Int)? {
    let (line, next) = line(bytes, from: start)
    guard line.count == 5, String(decoding: line.prefix(4), as: UTF8.self).lowercased() == "sep=" else { return nil }
    return separators.contains(line[4]) ? (line[4], next) : nil
  }

  /// The first of the lines below the first that holds a target's name, if the first does not.
  private static func header(
    holding targets: Set<String>, _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ separator: UInt8
  ) -> (separator: UInt8, start: Int, skipped: Int)? {
    guard !targets.isEmpty else { return nil }
    var first = CSVScanner(bytes, separator: separator, from: start)
    // A misspelled name is no reason to look further.
    let wanted = Set(targets.map { $0.lowercased() })
    if first.beginRecord(), let names = try? fields(&first),
      names.contains(where: { wanted.contains($0.text.lowercased()) })
    {
      return nil
    }
    for separator in [separator] + separators {
      var scanner = CSVScanner(bytes, separator: separator, from: start)
      for place in 0..<mostRecords {
        guard scanner.beginRecord(), let fields = try? fields(&scanner) else { break }
        guard fields.contains(where: { targets.contains($0.text) }) else { continue }
        // A value of a row may be called like the target.
        guard place > 0 else { return nil }
        let start = scanner.recordStart
        let rows = records(bytes, from: start, separator)
        guard fields.count > 1, rows.count > 2, rows[0].isHeader, isTable(rows),
          rows.dropFirst().contains(where: { !$0.isHeader })
        else { break }
        return (separator, start, place)
      }
    }
    return nil
  }

  /// The position after leading lines that are empty or begin with `#`, and the last of the latter.
  private static func skippingComments(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (start: Int, comment: UnsafeBufferPointer<UInt8>?) {
    var position = start
    var comment: UnsafeBufferPointer<UInt8>?
    var first = start
    while position < bytes.count {
      let (line, next) = Self.line(bytes, from: position)
      guard line.isEmpty || line[0] == hash else { break }
      if !line.isEmpty { comment = line }
      position = next
      if comment != nil { first = position }
    }
    // A header may begin with its own mark: `#,name`, or `#id,name` above rows that are not all numbers.
    guard let comment, position < bytes.count else { return (start, nil) }
    let separator = CSVScanner.separator(of: comment)
    let own = CSVScanner.fieldCount(comment, separator: separator)
    let next = Self.line(bytes, from: position).bytes
    if own > 1, own == CSVScanner.fieldCount(next, separator: separator),
      CSVScanner.separator(of: next) == separator, comment.count > 1, comment[1] != UInt8(ascii: " "),
      CSVScanner.hasNumber(next, separator: separator)
    {
      return (UnsafeRawPointer(comment.baseAddress!) - UnsafeRawPointer(bytes.baseAddress!), nil)
    }
    return (first, comment)
  }

  private struct Field {
    let text: String
    let isNumber, isMissing: Bool
  }

  private static func fields(_ scanner: inout CSVScanner) throws -> [Field] {
    var fields: [Field] = []
    while true {
      guard let (field, end) = scanner.next() else {
        throw Problem(message: CSVReader.quoteProblem(scanner), position: scanner.recordStart)
      }
      fields.append(
        Field(
          text: scanner.text(field), isNumber: NumberParser.parse(scanner.bytes, field.start, field.end) != nil,
          isMissing: scanner.isMissing(field)))
      if end != .field { return fields }
    }
  }

  private static func names(inComment comment: UnsafeBufferPointer<UInt8>, _ separator: UInt8) -> [Field]? {
    let names = UnsafeBufferPointer(rebasing: comment.drop { $0 == hash || $0 == UInt8(ascii: " ") })
    guard !names.isEmpty else { return nil }
    var scanner = CSVScanner(names, separator: separator)
    guard scanner.beginRecord(), let fields = try? fields(&scanner) else { return nil }
    return fields.allSatisfy { !$0.isNumber && !$0.text.isEmpty } ? fields : nil
  }

  /// A record's position, its fields, and how many of them are not empty.
  private struct Record {
    let start, fields, filled: Int
    let isHeader: Bool
  }

  private static func records(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ separator: UInt8
  ) -> [Record] {
    var scanner = CSVScanner(bytes, separator: separator, from: start)
    var records: [Record] = []
    while records.count < mostRecords, scanner.beginRecord() {
      guard let fields = try? fields(&scanner) else { break }
      let texts = fields.map(\.text)
      records.append(
        Record(
          start: scanner.recordStart, fields: fields.count, filled: texts.count { !$0.isEmpty },
          isHeader: !fields.contains(where: \.isNumber) && Set(texts).count == texts.count))
    }
    return records
  }

  /// Whether the first record is the header of those below it: all have the same number of fields, or one
  /// more.
  private static func isTable(_ records: [Record]) -> Bool {
    guard let header = records.first, header.fields > 1, !isTitle(records) else { return false }
    let excess = (records.dropFirst().first?.fields ?? header.fields) - header.fields
    return (0...1).contains(excess) && records.dropFirst().allSatisfy { $0.fields == header.fields + excess }
  }

  /// `Report,,,` above the header.
  private static func isTitle(_ records: [Record]) -> Bool {
    guard records.count > 3, records[0].fields > 2, records[0].filled < 2 else { return false }
    return records[1].isHeader && records[1].filled == records[1].fields
  }

  /// Finds a header with rows below it in the first lines, for any separator.
  ///
  /// - Parameter isNamed: whether a comment above may be the header.
  private static func table(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, isNamed: Bool
  ) -> (separator: UInt8, start: Int, skipped: Int)? {
    for separator in separators {
      let records = records(bytes, from: start, separator)
      for first in records.indices.dropLast(2) {
        let rest = Array(records[first...])
        guard isTable(rest), rest[0].isHeader || isNamed && first == 0 else { continue }
        // Lines above a table have fewer fields than a row.
        guard records[..<first].allSatisfy({ $0.filled < rest[0].fields }) else { break }
        return (separator, rest[0].start, first)
      }
    }
    return nil
  }

  /// Lines above the header that cannot be told from it.
  private static func titleProblem(
    _ bytes: UnsafeBufferPointer<UInt8>, from header: Int, _ separator: UInt8, columns: Int
  ) -> Problem? {
    let records = records(bytes, from: header, separator)
    guard columns == 1, records.count > 3 else { return nil }
    for separator in separators.dropLast() {
      let others = Self.records(bytes, from: header, separator)
      guard let last = others.last, last.fields > 1 else { continue }
      let first = others.firstIndex { $0.fields == last.fields } ?? 0
      guard first > 0, others[first...].allSatisfy({ $0.fields == last.fields }) else { continue }
      return Problem(
        message: "the first line has one field and those from here on have \(last.fields); leave the lines above the "
          + "header out with \(OptionName.skipLines), and see that there is a header.", position: others[first].start)
    }
    return nil
  }

  private enum ExcessField { case none, emptyLast, rowName }

  /// The extra field that each of the first rows has beyond the header, if it is exactly one.
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
    // A single row may just have an extra separator.
    return rows > 1 && firsts.count == rows ? .rowName : .none
  }
}
