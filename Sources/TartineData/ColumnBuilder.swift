import TartineFiles

/// A column being read.
struct ColumnBuilder {
  let name: String
  private let mustBeNumeric, isTarget, takesSlips: Bool
  /// The texts that the user named as missing values.
  private let markers: Set<String>
  /// Whether the column is used: a model does not use columns it does not know.
  private let isNeeded: Bool
  private(set) var isText: Bool
  private var numbers: [Double] = []
  private var missing = 0
  /// The number of fields that are present but not numbers.
  private var others = 0
  private var strays = StrayTexts()
  private var texts = LevelCoder()
  /// The first field that is not a number, and the first that does not fit a Float.
  private var firstText: (position: Int, text: String)?
  private var firstHuge: (position: Int, text: String)?
  /// The first whole number that a Double may not distinguish from its neighbours.
  private var firstLarge: (position: Int, text: String)?
  /// Numbers that are written with leading zeros, such as `01`.
  private var padded = PaddedNumbers()
  /// Whether the column holds codes of a fixed width.
  private var isCode = false
  /// The number of times that the header occurs among the rows; counted in the first column.
  var repeatedHeaders = 0
  /// The text of a missing value that is not an empty field.
  private var missingText: String?

  /// - Parameter schema: whether a model expects numbers, by column name.
  init(name: String, schema: [String: Bool]?, isTarget: Bool, takesSlips: Bool, markers: [String]) {
    self.name = name
    self.markers = Set(markers)
    self.isTarget = isTarget
    self.takesSlips = takesSlips
    mustBeNumeric = schema?[name] == true
    isNeeded = schema == nil || schema?[name] != nil
    isText = schema?[name] == false
  }

  /// Whether the written form of numbers matters: class names are returned as written.
  var takesTexts: Bool { isTarget }

  /// Appends a number that fits a Float.
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
      if abs(number) >= Self.exact, firstLarge == nil, isWhole(field, scanner) {
        firstLarge = (scanner.offset + field.start, Self.shown(field, scanner))
      }
      if field.end - field.start > 1, scanner.bytes[field.start] == UInt8(ascii: "0"), isWhole(field, scanner) {
        padded.add(width: field.end - field.start) { Self.shown(field, scanner) }
      }
      numbers.append(number)
    } else if scanner.isMissing(field) || isMarker(field, scanner) {
      numbers.append(.nan)
      missing += 1
      if isTarget, missingText == nil, field.start < field.end { missingText = Self.shown(field, scanner) }
    } else {
      strays.add(scanner.bytes[field.start..<field.end]) { Self.shown(field, scanner) }
      if firstText == nil { firstText = (scanner.offset + field.start, Self.shown(field, scanner)) }
      others += 1
      numbers.append(.nan)
    }
  }

  /// 2⁵³: from here on different whole numbers may be the same Double.
  private static let exact = 9_007_199_254_740_992.0

  /// Whether a field consists of digits, with an optional sign.
  private func isWhole(_ field: CSVScanner.Field, _ scanner: CSVScanner) -> Bool {
    scanner.bytes[(field.start + 1)..<field.end].allSatisfy { $0 &- 48 < 10 }
  }

  private func isMarker(_ field: CSVScanner.Field, _ scanner: CSVScanner) -> Bool {
    !markers.isEmpty && markers.contains(scanner.text(field))
  }

  /// Whether a field of a text column is a missing value. In a target, markers that may be classes are
  /// resolved later.
  func isMissing(_ field: CSVScanner.Field, _ scanner: CSVScanner) -> Bool {
    if isMarker(field, scanner) { return true }
    guard scanner.isMissing(field) else { return false }
    return !isTarget || !Column.classMarkers.contains(scanner.text(field))
  }

  /// Whether a few texts among many numbers are errors rather than a category.
  private var isMostlyNumbers: Bool {
    let found = numbers.count - missing - others
    return found >= 20 && others * 20 <= found
  }

  /// Whether a few texts repeated among many numbers are missing values; `52+` or `<1` is a censored number.
  private var hasMissingMarker: Bool {
    guard let texts = strays.texts, !texts.isEmpty,
      !texts.contains(where: { $0.contains(where: \.isNumber) }) || hasKnownMarker,
      texts.count == 1 || !isTarget && texts.count(where: { !Self.isKnownMarker($0) }) < 2
    else { return false }
    let found = numbers.count - missing - others
    let values = Set(numbers.lazy.filter { !$0.isNaN }).count
    // Among the numbers of few classes a text is a class.
    return found >= 20 && (found >= others || hasKnownMarker)
      && values
        > (isTarget
          ? TaskChoice.mostNumberClasses : texts.count == 1 ? Self.fewestNumbers : Self.fewestNumbersOfSeveral)
  }

  /// With fewer distinct numbers a text may be another category, and several texts sooner.
  private static let (fewestNumbers, fewestNumbersOfSeveral) = (5, 20)

  /// Texts that are missing values wherever numbers are expected, in lower case.
  private static let knownMarkers: Set<String> = [
    "-", "--", "---", "–", "—", ".", "..", "...", "*", "n.a.", "n.a", "na", "n/a", "nan", "nil", "none", "null",
    "unknown",
    "missing", "not available", "not applicable", "unk", "n.d.", "n.d", "nd", "n/d", "s/d", "k.a.", "k. a.", "k.a",
    "keine angabe", "keine antwort", "weiß nicht", "weiss nicht", "refused", "no data", "no answer", "no response",
    "don't know",
    "dont know", "not stated", "not reported", "n.r.", "nr", "sin dato", "sin datos", "non disponible", "inconnu",
    "onbekend",
    "unbekannt", "desconocido", "?", "??", "tbd", "-1.#ind", "1.#ind", "-1.#qnan", "1.#qnan",
  ]

  static func isKnownMarker(_ text: String) -> Bool { knownMarkers.contains(text.lowercased()) }

  /// Whether the texts among the numbers are known markers, which training would have read as missing.
  private var hasKnownMarker: Bool {
    guard let texts = strays.texts, !texts.isEmpty else { return false }
    return texts.allSatisfy(Self.isKnownMarker)
  }

  /// Ends the first pass: numbers, numbers with errors, or text.
  mutating func decide() {
    let isLarge = firstLarge != nil && !mustBeNumeric
    // `01` is a class name that must be returned as written.
    let isWritten =
      isTarget && padded.count > 0 && !mustBeNumeric
      && Set(numbers.lazy.filter { !$0.isNaN }).count <= TaskChoice.mostNumberClasses
    isCode = !isTarget && !mustBeNumeric && others == 0 && padded.areCodes(numbers)
    if isLarge || isWritten || isCode {
      isText = true
      numbers = []
      return
    }
    guard others > 0 else { return }
    // Among numbers of few classes a text is another class.
    let areClasses =
      isTarget && !mustBeNumeric && Set(numbers.lazy.filter { !$0.isNaN }).count <= TaskChoice.mostNumberClasses
    // `1,234` or `<0.5` among plain numbers is one too.
    let isWrittenNumber = firstText.flatMap { WrittenNumber($0.text) } != nil
    guard areClasses || isWrittenNumber || !(isMostlyNumbers || hasMissingMarker || mustBeNumeric && hasKnownMarker)
    else { return }
    isText = true
    numbers = []
  }

  /// A field as shown in a message.
  private static func shown(_ field: CSVScanner.Field, _ scanner: CSVScanner) -> String {
    let text = scanner.text(field)
    return text.count > 40 ? text.prefix(40) + "…" : text
  }

  /// Appends the column's next chunks.
  ///
  /// - Parameter share: the fraction of the file that has been read with them.
  mutating func append(_ parts: [ColumnBuilder], share: Double) {
    if numbers.isEmpty, share < 1 {
      let count = parts.reduce(0) { $0 + $1.numbers.count }
      numbers.reserveCapacity(Int(1.02 * Double(count) / share))
    }
    for part in parts {
      if numbers.isEmpty, share == 1 { numbers = part.numbers } else { numbers += part.numbers }
      missing += part.missing
      others += part.others
      strays.add(part.strays)
      firstText = firstText ?? part.firstText
      firstHuge = firstHuge ?? part.firstHuge
      firstLarge = firstLarge ?? part.firstLarge
      padded.add(part.padded)
      missingText = missingText ?? part.missingText
      repeatedHeaders += part.repeatedHeaders
    }
  }

  /// Appends the texts of the column's next chunks.
  mutating func append(_ parts: [LevelCoder]) {
    for part in parts { texts.append(contentsOf: part) }
  }

  var count: Int { isText ? texts.codes.count : numbers.count }

  /// - Throws: `DataError` where a model expects numbers and a field is not a number in any notation.
  func check(_ column: Column, source: String, text: CSVText) throws {
    guard mustBeNumeric, let firstText, !column.isNumeric || !isText && !(takesSlips || hasKnownMarker) else { return }
    if let first = WrittenNumber(firstText.text), case .texts(let codes, let levels) = column.values,
      let stranger = levels.firstIndex(where: { level in
        guard Double(level) == nil else { return false }
        return WrittenNumber(level).map { WrittenNumber.canonical($0.unit) != WrittenNumber.canonical(first.unit) }
          ?? true
      }), let row = codes.firstIndex(of: Int32(stranger))
    {
      throw DataError(
        "'\(levels[stranger])' in row \(row + 1) is no number like '\(firstText.text)', and the model was trained on numbers here; "
          + "write all of them alike, or leave the field empty for a missing value.", source: source, column: name)
    }
    throw DataError(
      "'\(firstText.text)' is not a number, and the model was trained on numbers here; correct it, or leave the field empty for a "
        + "missing value.", source: source, line: try text.line(of: firstText.position), column: name)
  }

  func column(source: String, text: CSVText) throws -> Column {
    var column = try typed(source: source, text: text)
    column.missingText = missingText ?? column.missingText
    return column
  }

  private func typed(source: String, text: CSVText) throws -> Column {
    if isText {
      let reason: String?
      if let firstLarge {
        reason =
          "whole numbers above 2⁵³, such as '\(firstLarge.text)' in line \(try text.line(of: firstLarge.position)), are kept as "
          + "text, since some of them are equal as numbers"
      } else {
        reason = try firstText.map { "text: line \(try text.line(of: $0.position)) holds '\($0.text)'" }
      }
      return Column(
        name: name, values: .texts(codes: texts.codes, levels: texts.levels),
        reason: reason ?? (padded.count > 0 ? "numbers with leading zeros" : "text, as in the model"),
        notice: isCode
          ? "column '\(name)' holds codes with leading zeros, such as '\(padded.example)', and is read as text" : nil)
    }
    if let firstHuge, isNeeded {
      throw DataError(
        "'\(firstHuge.text)' is infinite or out of the range of a 32-bit float; correct it, or leave the field empty for a "
          + "missing value.", source: source, line: try text.line(of: firstHuge.position),
        column: name)
    }
    guard let firstText else {
      return Column(name: name, values: .numbers(numbers), reason: "every value is a number")
    }
    let line = try text.line(of: firstText.position)
    if isTarget, hasMissingMarker, others > 1 || hasKnownMarker {
      var column = Column(
        name: name, values: .numbers(numbers), reason: "every value is a number, but for '\(firstText.text)'")
      column.missingText = firstText.text
      return column
    }
    guard !isTarget else {
      throw DataError(
        "'\(firstText.text)' is not a number, and nearly all other values of the target are; correct it, or leave the "
          + "field empty to leave the row out, or name it with \(OptionName.missing).", source: source, line: line,
        column: name)
    }
    if others > 1, let texts = strays.texts, texts.count == 1 || !isMostlyNumbers {
      var column = Column(
        name: name, values: .numbers(numbers), reason: "every other value is a number",
        notice:
          "column '\(name)' holds numbers, and \(texts.map { "'\($0)'" }.joined(separator: ", ")) in \(others) of \(numbers.count) "
          + "rows; treated as missing")
      column.markers = texts
      return column
    }
    let what =
      others == 1
      ? "'\(firstText.text)' in line \(line) is" : "\(others) values, such as '\(firstText.text)' in line \(line), are"
    var column = Column(
      name: name, values: .numbers(numbers), reason: "nearly every value is a number",
      notice: "column '\(name)' holds numbers, but \(what) not; treated as missing")
    column.markers = strays.texts ?? []
    return column
  }
}

/// Numbers that are written with leading zeros.
private struct PaddedNumbers {
  private(set) var count = 0
  private(set) var example = ""
  /// The width of all of them; 0: they differ.
  private var width: Int?

  mutating func add(width: Int, example: () -> String) {
    if count == 0 { self.example = example() }
    self.width = self.width == nil || self.width == width ? width : 0
    count += 1
  }

  mutating func add(_ other: PaddedNumbers) {
    guard let more = other.width else { return }
    if count == 0 { example = other.example }
    width = width == nil || width == more ? more : 0
    count += other.count
  }

  /// Whether all numbers of a column are whole and have one width of at least three digits, such as zip codes, and are not times
  /// of day, such as `0930`.
  func areCodes(_ numbers: [Double]) -> Bool {
    guard let width, (3...15).contains(width) else { return false }
    let smallest = (1..<width).reduce(1.0) { power, _ in power * 10 }
    var short = 0
    var isClock = width == 4
    var distinct: Set<Double> = []
    for number in numbers where !number.isNaN {
      guard number == number.rounded(), number >= 0, number < smallest * 10 else { return false }
      if number < smallest { short += 1 }
      if distinct.count <= 24 { distinct.insert(number) }
      isClock = isClock && number < 2400 && number.truncatingRemainder(dividingBy: 100) < 60
    }
    // Values that hardly repeat are measurements of a fixed width, or identifiers.
    let present = numbers.count(where: { !$0.isNaN })
    return short == count && !(isClock && distinct.count > 24)
      && Set(numbers.lazy.filter { !$0.isNaN }).count * 2 <= present
  }
}

/// The different texts among a column's numbers, if they are few.
private struct StrayTexts {
  private var found: [(hash: UInt64, text: String)] = []
  private var areMany = false
  private static let most = 6

  /// The texts; nil if they are many.
  var texts: [String]? { areMany ? nil : found.map(\.text) }

  @inline(__always)
  mutating func add(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, text: () -> String) {
    guard !areMany else { return }
    // FNV-1a, so that a text that is there already costs no string.
    let hash = bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    if !found.contains(where: { $0.hash == hash }) { add(hash, text()) }
  }

  private mutating func add(_ hash: UInt64, _ text: String) {
    areMany = found.count == Self.most
    if !areMany { found.append((hash, text)) }
  }

  mutating func add(_ other: StrayTexts) {
    areMany = areMany || other.areMany
    for (hash, text) in other.found where !areMany && !found.contains(where: { $0.hash == hash }) { add(hash, text) }
  }
}
