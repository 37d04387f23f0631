/// Finds where a text stops being JSON: the decoder does not tell.
///
/// **Source**: RFC 8259.
struct JSONSyntax {
  private let bytes: [UInt8]
  private var place = 0
  private var depth = 0
  /// What is expected where the text is wrong.
  private var expected = "a value"

  private static let mostDepth = 500

  private init(_ text: String) { bytes = Array(text.utf8) }

  /// Returns the first error as `line 3, column 7: a value is expected, not '}'`; nil if the text is valid JSON.
  static func firstError(in text: String) -> String? {
    var syntax = JSONSyntax(text)
    guard !syntax.isValid() else { return nil }
    let before = syntax.bytes[..<min(syntax.place, syntax.bytes.count)]
    let line = 1 + before.count { $0 == UInt8(ascii: "\n") }
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    // Characters, not bytes.
    let column = 1 + String(decoding: before[start...], as: UTF8.self).count
    let found =
      syntax.place >= syntax.bytes.count
      ? "the end of the text"
      : syntax.bytes[syntax.place] < 0x20
        ? "the end of the line"
        : "'\(String(decoding: syntax.bytes[syntax.place...].prefix(8), as: UTF8.self).first ?? " ")'"
    return "line \(line), column \(column): \(syntax.expected) is expected, not \(found)"
  }

  private mutating func isValid() -> Bool {
    guard takeValue() else { return false }
    skipBlanks()
    expected = "the end of the text"
    return place == bytes.count
  }

  private mutating func skipBlanks() {
    while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private mutating func takeValue() -> Bool {
    skipBlanks()
    expected = "a value"
    guard place < bytes.count else { return false }
    switch bytes[place] {
    case UInt8(ascii: "{"): return takeList(closedBy: "}", hasNames: true)
    case UInt8(ascii: "["): return takeList(closedBy: "]", hasNames: false)
    case UInt8(ascii: "\""): return takeString()
    default: return takeWord()
    }
  }

  private mutating func takeList(closedBy end: Unicode.Scalar, hasNames: Bool) -> Bool {
    place += 1
    depth += 1
    defer { depth -= 1 }
    guard depth < Self.mostDepth else { return false }
    skipBlanks()
    if take(end) { return true }
    while true {
      if hasNames {
        skipBlanks()
        expected = "a name in double quotes"
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\""), takeString() else { return false }
        skipBlanks()
        expected = "':'"
        guard take(":") else { return false }
      }
      guard takeValue() else { return false }
      skipBlanks()
      expected = "',' or '\(end)'"
      if take(end) { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func takeString() -> Bool {
    let start = place
    place += 1
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      guard bytes[place] >= 0x20 else {
        expected = "a closing quote on the same line"
        return false
      }
      place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard place < bytes.count else {
      (place, expected) = (start, "a text with a closing quote")
      return false
    }
    place += 1
    return true
  }

  /// A number, `true`, `false` or `null`.
  private mutating func takeWord() -> Bool {
    let start = place
    while place < bytes.count, bytes[place] > 0x20, !"{}[]:,\"".utf8.contains(bytes[place]) { place += 1 }
    let word = String(decoding: bytes[start..<place], as: UTF8.self)
    let digits = word.drop { $0 == "-" }
    let isNumber =
      word.count - digits.count < 2 && digits.first.map { $0.isASCII && $0.isNumber } == true && word.last != "."
      && Double(word) != nil && !word.contains(where: { "xX".contains($0) })
      && (!digits.hasPrefix("0") || digits.dropFirst().first.map { ".eE".contains($0) } ?? true)
    guard isNumber || ["true", "false", "null"].contains(word) else {
      place = start
      return false
    }
    return true
  }
}
