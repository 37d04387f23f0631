/// Iterates over the fields of a CSV text.
///
/// Reads RFC 4180 and common variants: a byte-order mark, LF or CRLF or CR, line ends and doubled quotes
/// inside quotes, blanks around fields, `;`, tab, `|` or blanks as separators, empty lines, comments after
/// `#`.
struct CSVScanner {
  /// A field: its bytes without quotes and surrounding blanks.
  struct Field {
    let start, end: Int
    /// Whether it contains doubled quotes, which stand for single ones.
    let hasDoubledQuotes: Bool
  }

  enum End { case field, record, text }

  /// Which lines that begin with `#` are skipped.
  enum Comments {
    case none, all
    /// Those whose number of fields differs from the table's.
    case ofOtherWidth(Int)
  }

  /// A chunk of the text, and its offset; all other positions are relative to the chunk.
  let bytes: UnsafeBufferPointer<UInt8>
  let offset: Int
  private let separator: UInt8
  /// Whether runs of blanks and tabs separate fields.
  private let isBlankSeparated: Bool
  private let comments: Comments
  /// The header's line, which is skipped where it occurs again; empty: none.
  private let header: [UInt8]
  /// The number of times that it was.
  private(set) var repeatedHeaders = 0
  private(set) var position: Int
  /// The start of the current record.
  private(set) var recordStart: Int

  private let powers = NumberParser.powersOfTen

  private static let quote = UInt8(ascii: "\"")
  private static let newline = UInt8(ascii: "\n")
  private static let carriage = UInt8(ascii: "\r")

  /// In a table of one column an empty line is a missing value.
  private let skipsEmptyLines: Bool

  init(
    _ bytes: UnsafeBufferPointer<UInt8>, at offset: Int = 0, separator: UInt8, from position: Int = 0,
    skipsEmptyLines: Bool = true, comments: Comments = .none, header: [UInt8] = []
  ) {
    self.header = header
    self.comments = comments
    isBlankSeparated = separator == UInt8(ascii: " ")
    self.offset = offset
    self.skipsEmptyLines = skipsEmptyLines
    self.bytes = bytes
    self.separator = separator
    self.position = position
    recordStart = position
  }

  /// The separator, from the first line.
  static func separator(of bytes: UnsafeBufferPointer<UInt8>) -> UInt8 {
    let found = separators(in: bytes)
    return found.first { $0 == UInt8(ascii: ",") } ?? found.first { $0 != UInt8(ascii: "|") } ?? found.first
      ?? UInt8(ascii: ",")
  }

  /// The distinct separators in the first line, up to a comma.
  static func separators(in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var found: [UInt8] = []
    var isQuoted = false
    for byte in bytes {
      if byte == quote { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == newline || byte == carriage { break }
      if byte == UInt8(ascii: ",") { return found + [byte] }
      if byte == UInt8(ascii: ";") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "|"), !found.contains(byte) {
        found.append(byte)
      }
    }
    return found
  }

  /// The number of fields of the first record; 0 where it cannot be read.
  static func fieldCount(_ bytes: UnsafeBufferPointer<UInt8>, separator: UInt8) -> Int {
    var scanner = CSVScanner(bytes, separator: separator)
    return scanner.beginRecord() ? scanner.countFields() : 0
  }

  /// Whether a field of the first record is a number.
  static func hasNumber(_ bytes: UnsafeBufferPointer<UInt8>, separator: UInt8) -> Bool {
    var scanner = CSVScanner(bytes, separator: separator)
    guard scanner.beginRecord() else { return false }
    while let (field, end) = scanner.next() {
      if NumberParser.parse(bytes, field.start, field.end) != nil { return true }
      if end != .field { break }
    }
    return false
  }

  /// Skips the rest of this record and counts its fields; 0 where it cannot be read.
  private mutating func countFields() -> Int {
    var count = 0
    while let (_, end) = next() {
      count += 1
      if end != .field { return count }
    }
    return 0
  }

  var isAtEnd: Bool { position >= bytes.count }

  /// Skips empty lines and comments; false at the end of the text.
  mutating func beginRecord() -> Bool {
    while true {
      while skipsEmptyLines, position < bytes.count, bytes[position] == Self.newline || bytes[position] == Self.carriage
      {
        position += 1
      }
      recordStart = position
      guard position < bytes.count else { return false }
      if let first = header.first, bytes[position] == first, isHeader {
        position += header.count
        repeatedHeaders += 1
        continue
      }
      guard bytes[position] == UInt8(ascii: "#"), isComment else { return true }
      while position < bytes.count, bytes[position] != Self.newline, bytes[position] != Self.carriage { position += 1 }
    }
  }

  private var isHeader: Bool {
    let end = position + header.count
    guard end <= bytes.count, bytes[position..<end].elementsEqual(header) else { return false }
    return end == bytes.count || bytes[end] == Self.newline || bytes[end] == Self.carriage
  }

  private var isComment: Bool {
    switch comments {
    case .none: return false
    case .all: return true
    case .ofOtherWidth(let width):
      var copy = self
      return copy.countFields() != width
    }
  }

  /// The next field, if it is a plain number that fits a Float, and what follows it; otherwise nil, without
  /// advancing.
  @inline(__always)
  mutating func nextNumber() -> (value: Double, end: End)? {
    guard let (number, end) = NumberParser.parsePlain(bytes, position, powers: powers) else { return nil }
    if end < bytes.count {
      let byte = bytes[end]
      guard byte == separator || byte == Self.newline || byte == Self.carriage else { return nil }
    }
    position = end
    return (number, finishField())
  }

  /// The next field of this record, and what follows it. Nil where a quote is never closed, or text follows a
  /// closing quote.
  @inline(__always)
  mutating func next() -> (Field, End)? {
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    if position < bytes.count, bytes[position] == Self.quote { return nextQuoted() }
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == separator || byte == Self.newline || byte == Self.carriage || isBlankSeparated && isBlank(byte) {
        break
      }
      position += 1
    }
    var end = position
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return (Field(start: start, end: end, hasDoubledQuotes: false), finishField())
  }

  private mutating func nextQuoted() -> (Field, End)? {
    let start = position + 1
    var hasDoubled = false
    position = start
    while true {
      guard position < bytes.count else { return nil }
      if bytes[position] == Self.quote {
        if position + 1 < bytes.count, bytes[position + 1] == Self.quote {
          hasDoubled = true
          position += 1
        } else {
          break
        }
      }
      position += 1
    }
    let end = position
    position += 1
    while !isBlankSeparated, position < bytes.count, isBlank(bytes[position]) { position += 1 }
    if position < bytes.count {
      let byte = bytes[position]
      guard byte == separator || byte == Self.newline || byte == Self.carriage || isBlankSeparated && isBlank(byte)
      else {
        return nil
      }
    }
    return (Field(start: start, end: end, hasDoubledQuotes: hasDoubled), finishField())
  }

  @inline(__always)
  private func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (byte == UInt8(ascii: "\t") && byte != separator)
  }

  @inline(__always)
  private mutating func finishField() -> End {
    guard position < bytes.count else { return .text }
    if isBlankSeparated {
      while position < bytes.count, isBlank(bytes[position]) { position += 1 }
      guard position < bytes.count else { return .text }
      guard bytes[position] == Self.newline || bytes[position] == Self.carriage else { return .field }
    }
    let byte = bytes[position]
    position += 1
    if byte == separator { return .field }
    if byte == Self.carriage, position < bytes.count, bytes[position] == Self.newline { position += 1 }
    return .record
  }

  /// The field's text.
  func text(_ field: Field) -> String {
    let raw = String(decoding: bytes[field.start..<field.end], as: UTF8.self)
    return field.hasDoubledQuotes
      ? raw.split(separator: "\"\"", omittingEmptySubsequences: false).joined(separator: "\"") : raw
  }

  /// Whether the field is a missing value.
  @inline(__always)
  func isMissing(_ field: Field) -> Bool {
    let count = field.end - field.start
    if count == 0 { return true }
    let first = bytes[field.start]
    if count > 4 { return first == UInt8(ascii: "#") && Self.spreadsheetErrors.contains(text(field)) }
    if count == 1 { return first == UInt8(ascii: "?") }
    guard Self.missingStarts.contains(first) else { return false }
    return Self.missingMarkers.contains(text(field))
  }

  private static let missingMarkers: Set<String> = [
    "NA", "NaN", "nan", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None", "NaT", "\\N",
  ]
  private static let missingStarts = Set("Nn#<\\".utf8)
  private static let spreadsheetErrors: Set<String> = ["#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"]

  /// The first byte that is zero or not valid UTF-8, or nil, and whether there are quotes. Checks eight ASCII
  /// bytes at once.
  static func inspect(_ bytes: UnsafeBufferPointer<UInt8>) -> (nonText: Int?, hasQuotes: Bool) {
    var hasQuotes = false
    var index = 0
    let high: UInt64 = 0x8080_8080_8080_8080
    let ones: UInt64 = 0x0101_0101_0101_0101
    func hasZero(_ word: UInt64) -> Bool { (word &- ones) & ~word & high != 0 }
    let raw = UnsafeRawBufferPointer(bytes)
    while index < bytes.count {
      if index + 8 <= bytes.count {
        let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        if word & high == 0, !hasZero(word) {
          hasQuotes = hasQuotes || hasZero(word ^ (ones &* UInt64(quote)))
          index += 8
          continue
        }
      }
      let byte = bytes[index]
      if byte < 0x80 {
        if byte == 0 { return (index, hasQuotes) }
        hasQuotes = hasQuotes || byte == quote
        index += 1
        continue
      }
      let length = byte >= 0xC2 && byte < 0xE0 ? 2 : byte & 0xF0 == 0xE0 ? 3 : byte >= 0xF0 && byte < 0xF5 ? 4 : 0
      guard length > 0, index + length <= bytes.count,
        (1..<length).allSatisfy({ bytes[index + $0] & 0xC0 == 0x80 })
      else { return (index, hasQuotes) }
      index += length
    }
    return (nil, hasQuotes)
  }

  /// The number of lines that end within the first `count` bytes; the next byte tells whether a CR is half of
  /// a CRLF.
  static func lineEnds(inFirst count: Int, of bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var ends = 0
    for index in 0..<min(count, bytes.count) {
      if bytes[index] == newline {
        ends += 1
      } else if bytes[index] == carriage, !(index + 1 < bytes.count && bytes[index + 1] == newline) {
        ends += 1
      }
    }
    return ends
  }
}
