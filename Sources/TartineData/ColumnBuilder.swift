/// A column while it is being read.
struct ColumnBuilder {
  let name: String
  private let mustBeNumeric, isTarget, takesSlips: Bool
  /// Whether anybody asks for the column: a model does not for those it does not know.
  private let isNeeded: Bool
  private(set) var isText: Bool
  private var numbers: [Double] = []
  private var missing = 0
  /// Fields that are there and are no numbers.
  private var others = 0
  /// Whether two of them differ.
  private var othersDiffer = false
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

  /// A number that a Float holds.
  @inline(__always)
  mutating func take(_ number: Double) {
    if !isText { numbers.append(number) }
  }

  @inline(__always)
  mutating func takeNumber(_ field: CSVScanner.Field, _ scanner: CSVScanner) {
    if isText { return }
    if let number = NumberParser.parse(scanner.bytes, field.start, field.end) {
      if !(abs(number) <= Double(Float.greatestFiniteMagnitude)), firstHuge == nil {
        firstHuge = (scanner.offset + field.start, Self.shown(field, scanner))
      }
      numbers.append(number)
    } else if scanner.isMissing(field) {
      numbers.append(.nan)
      missing += 1
    } else {
      if let firstText {
        if !othersDiffer { othersDiffer = firstText.text != Self.shown(field, scanner) }
      } else {
        firstText = (scanner.offset + field.start, Self.shown(field, scanner))
      }
      others += 1
      numbers.append(.nan)
    }
  }

  /// A few texts among many numbers are slips, and not a category.
  private var isMostlyNumbers: Bool {
    let found = numbers.count - missing - others
    return found >= 20 && others * 20 <= found
  }

  /// One text again and again among many numbers stands for a missing value; `52+` or `<1` is a number that is cut off.
  private var hasMissingMarker: Bool {
    guard !isTarget, !othersDiffer, let text = firstText?.text, !text.contains(where: \.isNumber) else { return false }
    let found = numbers.count - missing - others
    return found >= 20 && found >= others && Set(numbers.lazy.filter { !$0.isNaN }).count > Self.fewestNumbers
  }

  /// Beside fewer different numbers a text may be one more category.
  private static let fewestNumbers = 5

  /// Texts that stand for a missing value wherever numbers are expected, in lower case.
  private static let knownMarkers: Set<String> = [
    "-", "--", "---", ".", "..", "...", "*", "n.a.", "n.a", "na", "n/a", "nan", "nil", "none", "null", "unknown",
    "missing",
    "not available", "not applicable", "unk",
  ]

  /// Whether the texts among the numbers are one known marker: what a model's training would have read as missing.
  private var hasKnownMarker: Bool {
    !othersDiffer && Self.knownMarkers.contains(firstText?.text.lowercased() ?? "")
  }

  /// Ends the first pass: numbers, numbers with slips, or text.
  mutating func decide() {
    guard others > 0 else { return }
    // Among the numbers of few classes a text is one more class.
    let areClasses = isTarget && Set(numbers.lazy.filter { !$0.isNaN }).count <= TaskChoice.mostNumberClasses
    guard areClasses || !(isMostlyNumbers || hasMissingMarker || mustBeNumeric && hasKnownMarker) else { return }
    isText = true
    numbers = []
  }

  /// How a number would be read that has a comma before its decimals, marks between its thousands or a currency: `3679.62` for
  /// `$3,679.62` and `3.679,62 €`. Nil for other texts.
  private static func plain(_ text: String) -> String? {
    let isNegative = text.first == "-"
    let kept = text.dropFirst(isNegative ? 1 : 0).filter { !"$€£¥% ’'\u{A0}".contains($0) }
    let marks = kept.filter { !($0.isASCII && $0.isNumber) }
    guard marks.allSatisfy({ $0 == "," || $0 == "." }), kept.count > marks.count else { return nil }
    // The last mark is before the decimals, unless there are several of them, or three digits behind a comma.
    let groups = kept.split(omittingEmptySubsequences: false) { $0 == "," || $0 == "." }
    guard groups.allSatisfy({ !$0.isEmpty }) else { return nil }
    // Between thousands there are three digits: a date's are no such groups.
    guard groups.dropFirst().dropLast().allSatisfy({ $0.count == 3 }) else { return nil }
    let isGrouped = groups[groups.count - 1].count == 3 && groups[0].count <= 3 && groups[0].first != "0"
    let isWhole = marks.isEmpty || Set(marks).count == 1 && isGrouped && (marks.count > 1 || marks == ",")
    guard isWhole || marks.dropLast().allSatisfy({ $0 != marks.last }) else { return nil }
    let whole = groups.joined()
    let sign = isNegative ? "-" : ""
    let decimals = "\(sign)\(groups.dropLast().joined()).\(groups[groups.count - 1])"
    // One comma before three digits may be either.
    return isWhole ? "\(sign)\(whole)\(marks == "," ? " or \(decimals)" : "")" : decimals
  }

  /// A field as a message shows it.
  private static func shown(_ field: CSVScanner.Field, _ scanner: CSVScanner) -> String {
    let text = scanner.text(field)
    return text.count > 40 ? text.prefix(40) + "…" : text
  }

  /// Takes in the column's next chunks.
  ///
  /// - Parameter share: how much of the file there is with them.
  mutating func append(_ parts: [ColumnBuilder], share: Double) {
    if numbers.isEmpty, share < 1 {
      let count = parts.reduce(0) { $0 + $1.numbers.count }
      numbers.reserveCapacity(Int(1.02 * Double(count) / share))
    }
    for part in parts {
      if numbers.isEmpty, share == 1 { numbers = part.numbers } else { numbers += part.numbers }
      missing += part.missing
      others += part.others
      if let firstText, let other = part.firstText?.text, firstText.text != other { othersDiffer = true }
      othersDiffer = othersDiffer || part.othersDiffer
      firstText = firstText ?? part.firstText
      firstHuge = firstHuge ?? part.firstHuge
    }
  }

  /// Takes in the texts of the column's next chunks.
  mutating func append(_ parts: [LevelCoder]) {
    for part in parts { texts.append(contentsOf: part) }
  }

  var count: Int { isText ? texts.codes.count : numbers.count }

  func column(source: String, text: CSVText) throws -> Column {
    if mustBeNumeric, let firstText, isText || !(takesSlips || hasKnownMarker) {
      throw DataError(
        "'\(firstText.text)' is no number, and the model was trained on numbers here; correct it, or leave "
          + "the field empty for a missing value.", source: source,
        line: try text.line(of: firstText.position), column: name)
    }
    if isText {
      let reason = try firstText.map {
        "text: line \(try text.line(of: $0.position)) holds '\($0.text)'"
          + (Self.plain($0.text).map { ", which is no number; \($0) would be" } ?? "")
      }
      return Column(
        name: name, values: .texts(codes: texts.codes, levels: texts.levels),
        reason: reason ?? "text, as in the model")
    }
    if let firstHuge, isNeeded {
      throw DataError(
        "'\(firstHuge.text)' is infinite, or more than a 32-bit number holds; correct it, or leave the field empty for a "
          + "missing value.", source: source, line: try text.line(of: firstHuge.position),
        column: name)
    }
    guard let firstText else {
      return Column(name: name, values: .numbers(numbers), reason: "every value is a number")
    }
    let line = try text.line(of: firstText.position)
    guard !isTarget else {
      throw DataError(
        "'\(firstText.text)' is no number, and nearly all other values of the target are; correct it, or leave the "
          + "field empty to leave the row out.", source: source, line: line, column: name)
    }
    if others > 1, !othersDiffer {
      return Column(
        name: name, values: .numbers(numbers), reason: "every other value is a number",
        notice:
          "column '\(name)' holds numbers, and '\(firstText.text)' in \(others) of \(numbers.count) rows; taken as missing"
      )
    }
    let what =
      others == 1
      ? "'\(firstText.text)' in line \(line) is" : "\(others) values, such as '\(firstText.text)' in line \(line), are"
    return Column(
      name: name, values: .numbers(numbers), reason: "nearly every value is a number",
      notice: "column '\(name)' holds numbers, but \(what) none; taken as missing")
  }
}
