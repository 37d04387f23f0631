/// A number in everyday notation: `3.679,62 €`, `$1,200`, `45 %`, `(12)`, `12.50-`, `1 000 000`, `1,23,456`, `2,5E+03`, `7.2 kg`,
/// `<0.5`, `80+`.
package struct WrittenNumber {
  /// The decimal mark of a file.
  package enum DecimalMark { case point, comma }

  /// Its unit: `%`, `$` …, or nothing.
  let unit: String
  /// Whether it is a bound of the value: `<0.5`, `80+`.
  let isBound: Bool
  /// Whether there is a comma in it.
  let hasComma: Bool
  /// Where its sign is, if it has one.
  let sign: Sign?
  /// The number of digits behind its last point or comma; nil without one.
  let decimals: Int?

  enum Sign { case front, back, brackets }

  /// Its value with either decimal mark; nil where it cannot be read that way.
  package let byPoint, byComma: Double?

  subscript(mark: DecimalMark) -> Double? { mark == .point ? byPoint : byComma }

  /// Returns nil for a text that is not a number.
  package init?(_ text: String) {
    let unspaced = text.filter { !Self.blanks.contains($0) }
    hasComma = text.contains(",")
    var kept = Substring(unspaced)
    let bounded = kept.drop { "<>≤≥=~".contains($0) }
    isBound = bounded.count < kept.count || kept.count > 1 && kept.last == "+"
    kept = bounded.last == "+" && bounded.count > 1 ? bounded.dropLast() : bounded
    let isBracketed = kept.count > 2 && kept.first == "(" && kept.last == ")"
    if isBracketed { kept = kept.dropFirst().dropLast() }
    var isNegative = isBracketed
    func dropSign() {
      if let sign = kept.first, sign == "-" || sign == "−" || sign == "+" {
        isNegative = isNegative != (sign != "+")
        kept = kept.dropFirst()
      }
    }
    let unsigned = kept
    dropSign()
    // Accounting programs write the sign behind an amount.
    let isBehind = !isBracketed && kept.count == unsigned.count && kept.count > 1 && kept.last == "-"
    if isBehind {
      isNegative = true
      kept = kept.dropLast()
    }
    sign = isBracketed ? .brackets : isBehind ? .back : kept.count < unsigned.count ? .front : nil
    decimals = kept.lastIndex { $0 == "." || $0 == "," }.map { mark in kept[mark...].count { $0.isNumber } }
    let front = kept.prefix { !$0.isNumber && $0 != "." && $0 != "," && $0 != "-" }
    kept = kept.dropFirst(front.count)
    // `$-5`.
    if !front.isEmpty, !isNegative { dropSign() }
    // `St.` and `kg.`.
    if kept.count > 1, kept.last == ".", kept.dropLast().last?.isLetter == true { kept = kept.dropLast() }
    let back = kept.reversed().prefix { !($0.isASCII && $0.isNumber) && $0 != "." && $0 != "," }
    kept = kept.dropLast(back.count)
    unit = String(front) + String(String(back.reversed()))
    guard Self.units.contains(unit.uppercased()) || front.isEmpty && Self.isMeasure(unit), front.isEmpty || back.isEmpty
    else { return nil }
    var power = 0
    if let mark = kept.firstIndex(where: { $0 == "e" || $0 == "E" }),
      let written = Int(kept[kept.index(after: mark)...]),
      written.magnitude <= 300
    {
      power = written
      kept = kept[..<mark]
    }
    guard let first = kept.first, let last = kept.last, last.isNumber, first.isNumber || first == "." || first == ",",
      kept.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." || $0 == "," || $0 == "'" || $0 == "’" })
    else { return nil }
    guard Self.hasBlanksBetweenGroups(text) else { return nil }
    let sign = isNegative ? -1.0 : 1
    byPoint = Self.value(kept, decimal: ".", power: power).map { $0 * sign }
    byComma = Self.value(kept, decimal: ",", power: power).map { $0 * sign }
    if byPoint == nil && byComma == nil { return nil }
  }

  /// Whether blanks separate groups of three digits, and occur nowhere else between them.
  private static func hasBlanksBetweenGroups(_ text: String) -> Bool {
    let digits =
      text.split { !($0.isASCII && $0.isNumber) && !blanks.contains($0) }.map(trimmed).max { $0.count < $1.count } ?? ""
    let grouped = digits.split { blanks.contains($0) }
    return grouped.dropFirst().allSatisfy { $0.count == 3 } && (grouped.first?.count ?? 0 <= 3 || grouped.count == 1)
  }

  private static let blanks: Set<Character> = [" ", "\u{A0}", "\u{202F}", "\u{2009}"]
  private static let units: Set<String> = [
    "", "%", "$", "€", "£", "¥", "₹", "US$", "USD", "EUR", "GBP", "CHF", "JPY", "FR.", "KR", "ZŁ", "R$",
  ]

  /// Whether a text behind a number is a unit, such as `kg` or `km/h`.
  private static func isMeasure(_ text: String) -> Bool {
    // `1e` is half a number.
    text.count <= 6 && text.lowercased() != "e" && text.contains { $0.isLetter || $0 == "°" }
      && text.allSatisfy { $0.isLetter || "°/²³·.".contains($0) }
  }

  /// The unit in lower case, without points, and of two spellings the same one.
  static func canonical(_ unit: String) -> String {
    let plain = unit.lowercased().filter { $0 != "." }
    return spellings[plain] ?? plain
  }

  private static let spellings = [
    "eur": "€", "usd": "$", "us$": "$", "gbp": "£", "jpy": "¥", "years": "year", "days": "day", "hours": "hour",
    "months": "month", "weeks": "week", "jahre": "jahr", "tage": "tag", "stunden": "stunde", "monate": "monat",
    "wochen": "woche", "ans": "an", "jours": "jour", "heures": "heure", "pcs": "pc", "miles": "mile", "meters": "meter",
    "minutes": "minute", "minuten": "minute", "kgs": "kg", "yrs": "yr", "hrs": "hr", "mins": "min",
  ]

  /// Whether it is the unit of an amount of money or a share.
  fileprivate static func isAmount(_ unit: String) -> Bool { units.contains(unit.uppercased()) }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, blanks.contains(first) { text = text.dropFirst() }
    while let last = text.last, blanks.contains(last) { text = text.dropLast() }
    return text
  }

  private static func value(_ text: Substring, decimal: Character, power: Int) -> Double? {
    let parts = text.split(separator: decimal, omittingEmptySubsequences: false)
    guard parts.count <= 2 else { return nil }
    let groups = parts[0].split(omittingEmptySubsequences: false) { !$0.isNumber }
    guard Set(parts[0].filter { !$0.isNumber }).count <= 1 else { return nil }
    if groups.count > 1 {
      // In India the groups above the thousands have two digits.
      let isIndian =
        decimal == "." && groups.count > 2 && groups.last?.count == 3
        && groups.dropFirst().dropLast().allSatisfy { $0.count == 2 }
      guard groups.dropFirst().allSatisfy({ $0.count == 3 }) || isIndian,
        (1...(isIndian ? 2 : 3)).contains(groups[0].count), groups[0].first != "0"
      else { return nil }
    }
    guard parts.count == 1 || parts[1].allSatisfy(\.isNumber) else { return nil }
    return Double("\(groups.joined().isEmpty ? "0" : groups.joined()).\(parts.count > 1 ? parts[1] : "0")e\(power)")
  }
}

extension WrittenNumber {
  /// Returns the columns of a file with such texts converted to numbers, all with one decimal mark.
  ///
  /// Where the texts are ambiguous (`1,234` alone), files with semicolons have decimal commas, and all others
  /// points.
  ///
  /// - Parameters:
  ///   - mustStay: columns that stay text in any case.
  ///   - mustBeNumbers: columns in which a model expects numbers.
  ///   - targets: columns in which every text must be a number, and few whole numbers are classes.
  ///   - prefersCommas: whether the file that a model was trained on had decimal commas.
  static func read(
    _ columns: [Column], separator: UInt8, mustStay: Set<String>, mustBeNumbers: Set<String> = [], targets: Set<String>,
    prefersCommas: Bool = false
  ) -> [Column] {
    var written = columns.map { column in
      mustStay.contains(column.name)
        ? nil
        : WrittenColumn(
          column, isTarget: targets.contains(column.name), mustBeNumbers: mustBeNumbers.contains(column.name))
    }
    // `59.42` in another column shows what the point is.
    let hasPoints = columns.contains(where: \.hasDecimalPoints)
    // Versions and addresses such as `192.168.100.101` have points alone, and say nothing about commas.
    if hasPoints { written = written.map { $0?.hasPointsAlone == true ? nil : $0 } }
    let found = written.compactMap { $0 }
    let semicolons = separator == UInt8(ascii: ";")
    // Between commas there are no decimal commas.
    let prefersCommas = prefersCommas && separator != UInt8(ascii: ",")
    guard !found.isEmpty else {
      if prefersCommas, !columns.contains(where: \.hasDecimalPoints) { return columns.map { $0.readByThousands ?? $0 } }
      return semicolons ? columns.map(\.tellingOfThousands) : columns
    }
    let canBePoint = found.allSatisfy { $0.canBe(.point) }
    let canBeComma = found.allSatisfy { $0.canBe(.comma) }
    let mark: DecimalMark? =
      canBePoint && canBeComma
      ? ((semicolons || prefersCommas) && !hasPoints ? .comma : .point)
      : canBePoint ? .point : canBeComma ? .comma : nil
    return zip(columns, written).map { column, written in
      if let written { return written.column(column, mark) }
      guard mark == .comma, case .numbers(let numbers) = column.values, found.contains(where: \.hasDecimals),
        numbers.contains(where: { $0 != $0.rounded() && !$0.isNaN })
      else { return column }
      // With decimal commas the points of `4.206` separate thousands.
      if !canBePoint, let grouped = column.readByThousands { return grouped }
      return column.adding(
        notice: "column '\(column.name)' has decimal points in a file with decimal commas; it is read with points")
    }
  }
}

/// A column of texts that are numbers, apart from a few errors or one missing-value marker.
private struct WrittenColumn {
  private let numbers: [WrittenNumber?]
  private let slips: [Int]
  private let example: Int
  /// A number without the unit of the others, the first bound, such as `<0.5`, and the first number with its sign behind it.
  private let unitless, bound, signed: Int?

  /// With fewer distinct texts, `5 kg` may be a category.
  private static let fewestMeasures = 10

  init?(_ column: Column, isTarget: Bool, mustBeNumbers: Bool) {
    guard case .texts(let codes, let levels) = column.values else { return nil }
    let numbers = levels.map(WrittenNumber.init)
    guard let example = numbers.indices.first(where: { numbers[$0] != nil && Double(levels[$0]) == nil }) else {
      return nil
    }
    var counts = [Int](repeating: 0, count: levels.count)
    for code in codes where code >= 0 { counts[Int(code)] += 1 }
    let slips = levels.indices.filter { numbers[$0] == nil }
    let other = slips.reduce(0) { $0 + counts[$1] }
    let total = counts.reduce(0, +)
    if !slips.isEmpty {
      let isMarker = slips.count == 1 && !levels[slips[0]].contains(where: \.isNumber) && other * 2 <= total
      guard !isTarget, total - other >= 20, isMarker || other * 20 <= total - other else { return nil }
    }
    // Amounts in two currencies are not one quantity; some may lack the unit.
    let units = Set(numbers.compactMap { $0.map { WrittenNumber.canonical($0.unit) } }.filter { !$0.isEmpty })
    guard units.count <= 1 else { return nil }
    let isMeasure = units.first.map { !WrittenNumber.isAmount($0) } ?? false
    guard !isMeasure || mustBeNumbers || levels.count >= Self.fewestMeasures else { return nil }
    // `3.5k` beside `341`, or `24.70 CR` beside `33.32`: the unit may be a factor or a sign.
    guard !isMeasure || !numbers.contains(where: { $0?.unit.isEmpty == true }) else { return nil }
    // `5.10-` beside `5.10+` is a grade, and no amount with its sign behind it.
    let signs = Set(numbers.compactMap { $0?.sign })
    if signs.contains(.back) {
      let decimals = Set(numbers.compactMap { $0?.decimals })
      let areAlike = decimals.count == 1 && numbers.allSatisfy { $0 == nil || $0?.decimals != nil }
      // `18-` may be an age and more.
      let areWhole = decimals.isEmpty && levels.count > 40
      guard signs.count == 1, !numbers.contains(where: { $0?.isBound == true }), areAlike || areWhole else {
        return nil
      }
    }
    signed = numbers.indices.first { numbers[$0]?.sign == .back }
    let bounds = numbers.indices.filter { numbers[$0]?.isBound == true }
    // A bound is no truth to learn, and among bounds alone there is no number.
    guard bounds.isEmpty || !isTarget && bounds.reduce(0, { $0 + counts[$1] }) * 2 <= total else { return nil }
    bound = bounds.first
    unitless = units.isEmpty ? nil : numbers.indices.first { numbers[$0]?.unit.isEmpty == true }
    if isTarget, levels.count <= TaskChoice.mostNumberClasses,
      numbers.allSatisfy({ ($0?.byPoint ?? 0.5) == ($0?.byPoint ?? 0).rounded() })
    {
      return nil
    }
    self.numbers = numbers
    self.slips = slips
    self.example = example
  }

  /// Whether a text has one separator of this kind, which may separate decimals or thousands.
  private func isAmbiguous(_ levels: [String], _ place: Int, mark: Character) -> Bool {
    guard let number = numbers[place], let byPoint = number.byPoint, let byComma = number.byComma else { return false }
    return byPoint != byComma && levels[place].contains(mark)
  }

  /// Whether it can only be read with decimal commas, and has none.
  var hasPointsAlone: Bool {
    !canBe(.point) && canBe(.comma) && numbers.allSatisfy { $0.map { !$0.hasComma && $0.unit.isEmpty } ?? true }
  }

  func canBe(_ mark: WrittenNumber.DecimalMark) -> Bool { numbers.allSatisfy { $0 == nil || $0?[mark] != nil } }

  var hasDecimals: Bool { numbers.contains { $0.map { $0.byPoint != $0.byComma } ?? false } }

  func column(_ column: Column, _ mark: WrittenNumber.DecimalMark?) -> Column {
    guard case .texts(let codes, let levels) = column.values else { return column }
    // `83.481` and `18,209`: one of them is 1 000 times another thing, and nothing shows which.
    let isMixed =
      levels.indices.contains { isAmbiguous(levels, $0, mark: ".") }
      && levels.indices.contains { isAmbiguous(levels, $0, mark: ",") }
      && !levels.contains { $0.contains(".") && $0.contains(",") }
    let own: WrittenNumber.DecimalMark? = isMixed ? nil : mark ?? (hasDecimals ? nil : .point)
    guard let own, canBe(own) else {
      return column.adding(
        notice:
          "column '\(column.name)' holds numbers such as '\(levels[example])', and the file has decimal points and decimal "
          + "commas, so they are read as text; write all of them alike")
    }
    let values = numbers.map { $0?[own] ?? .nan }
    var copy = column
    copy.values = .numbers(codes.map { $0 < 0 ? .nan : values[Int($0)] })
    copy.reason = "every value is written as a number"
    copy.markers = slips.map { levels[$0] }
    copy.unit = numbers.lazy.compactMap { $0?.unit }.first { !$0.isEmpty } ?? ""
    copy.hasDecimalCommas = own == .comma && hasDecimals
    func reading(_ place: Int) -> String { "'\(levels[place])' is read as \(Column.text(of: values[place]))" }
    // Of decimal commas, a number whose points separate thousands is told as well.
    let grouped =
      own == .comma
      ? numbers.indices.first { numbers[$0]?.byComma != nil && levels[$0].contains(".") && !levels[$0].contains(",") }
      : nil
    var places: [Int] = []
    for place in [example, grouped, bound, signed].compactMap({ $0 }) where !places.contains(place) {
      places.append(place)
    }
    var told = places.map(reading)
    if let unitless { told.append("\(reading(unitless)), with the unit of the others") }
    if let slip = slips.first { told.append("'\(levels[slip])' is missing") }
    return copy.adding(notice: "column '\(column.name)': \(told.joined(separator: ", and "))")
  }
}

extension Column {
  /// How the decimals of a column are written, as far as its numbers show it.
  private enum Decimals {
    case none, points
    /// Groups of three digits, such as `4.206`.
    case groups(example: Double)
  }

  private var decimals: Decimals {
    guard case .numbers(let numbers) = values else { return .none }
    let parts = numbers.filter { !$0.isNaN && $0 != $0.rounded() }
    guard let first = parts.first else { return .none }
    func isWhole(_ number: Double) -> Bool { abs(number - number.rounded()) < 1e-6 }
    let areGroups = parts.allSatisfy { abs($0) >= 1 && abs($0) < 1_000 && isWhole($0 * 1_000) }
    // One group in ten ends with a zero.
    let shorter = parts.count { isWhole($0 * 100) }
    return areGroups && shorter * 2 <= parts.count ? .groups(example: first) : .points
  }

  /// Whether a number has decimals that are no group of three digits.
  fileprivate var hasDecimalPoints: Bool { if case .points = decimals { true } else { false } }

  /// An example of a number with three decimals, if all that are not whole have three; nil otherwise.
  private var threeDecimals: Double? { if case .groups(let example) = decimals { example } else { nil } }

  /// Returns the column with the points of its numbers read as separators of thousands; nil if they cannot be.
  fileprivate var readByThousands: Column? {
    guard case .numbers(let numbers) = values, let example = threeDecimals else { return nil }
    var copy = self
    copy.values = .numbers(numbers.map { $0 == $0.rounded() || $0.isNaN ? $0 : ($0 * 1_000).rounded() })
    return copy.adding(
      notice: "column '\(name)': in a file with decimal commas '\(Column.text(of: example))' is read as "
        + Column.text(of: (example * 1_000).rounded()))
  }

  /// Returns the column with a notice if `1.234` stands beside `946`: the point may separate thousands.
  var tellingOfMixedThousands: Column {
    guard case .numbers(let numbers) = values, let example = threeDecimals else { return self }
    let whole = numbers.filter { $0 == $0.rounded() }
    guard whole.count * 20 >= numbers.count, whole.allSatisfy({ abs($0) < 1_000 }),
      whole.count(where: { abs($0) >= 100 }) * 2 > whole.count
    else { return self }
    return adding(
      notice:
        "column '\(name)': '\(Column.text(of: example))' beside '\(Column.text(of: whole.max() ?? 0))' is read as a number with "
        + "decimals; if the point separates thousands, write the numbers without it")
  }

  /// Returns the column with a notice if its decimals may be thousands: all of them are three.
  fileprivate var tellingOfThousands: Column {
    guard case .numbers(let numbers) = values, let example = threeDecimals,
      numbers.allSatisfy({ $0.isNaN || abs($0) < 1_000 })
    else { return self }
    return adding(
      notice:
        "column '\(name)': '\(Column.text(of: example))' is read as a number with three decimals; if the point separates "
        + "thousands, write the numbers without it")
  }
}
