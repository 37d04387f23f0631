/// A format of dates and times, and the time of each text in it.
///
/// | form | examples |
/// |---|---|
/// | year first | `2024-03-01`, `2023/1/6`, `20240301`, each optionally followed by `12:30`, `T12:30:00.5Z`, `T123000Z` or `+02:00` |
/// | day first, month first | `31.12.2021`, `12/31/21 9:05 AM` |
/// | month by name | `Jan 1 2000`, `1-Jan-23`, `Monday, 1 January 2023`, `1. März 2023`, `10/Oct/2000:13:55:36 -0700` |
/// | month, quarter, week of a year | `2023-03`, `Jan 2023`, `Q1 2023`, `2023-W05` |
/// | time of day | `9:00 AM`, `13:05:22` |
/// | count | `week 10`, `day 3`, `v1.2.10`: numbers in otherwise equal texts |
///
/// A column has one format: the one that reads all of its texts. Where no row distinguishes day and month,
/// both readings are reported and neither is used.
enum TimeForm: String, Codable, CaseIterable {
  case yearFirst, dayFirst, monthFirst, named, month, quarter, week, clock

  /// The time of each text; larger is later, and NaN stands for none, as for `9999-12-31`.
  ///
  /// - Parameter counts: The number of rows of each text.
  /// - Throws: `Ambiguity` where two formats order the texts differently; `Unreadable` where none reads them.
  static func places(of texts: [String], counts: [Int]) throws -> [Double] {
    if let reading = try reading(of: texts) { return reading.places }
    if let reading = try reading(of: texts, counts: counts),
      reading.places.indices.allSatisfy({ place in
        !reading.places[place].isNaN || reading.form.fields(TimeText(texts[place]).date) != nil
      })
    {
      return reading.places
    }
    let tokens = texts.map(TimeText.init)
    if let places = ranks(tokens) { return places }
    throw Unreadable(text: Self.stranger(among: texts, tokens))
  }

  /// The texts of a column in one format.
  struct Reading {
    let form: TimeForm
    /// The first of the 100 years in which two-digit years lie; nil where none has two digits.
    let firstYear: Int?
    /// The time of each text; NaN where it is not in the format.
    let places: [Double]
  }

  /// The format that reads all texts, and each text's time; nil where none does.
  ///
  /// - Parameter counts: The number of rows of each text. If given, a few unreadable rows, or one repeated unreadable text, are
  ///   taken as missing.
  /// - Throws: `Ambiguity` where two formats order the texts differently.
  static func reading(of texts: [String], counts: [Int]? = nil) throws -> Reading? {
    let tokens = texts.map(TimeText.init)
    let all = allCases.compactMap { $0.read(tokens) }
    var readings = all.filter { !$0.places.contains(where: \.isNaN) }
    if readings.isEmpty, let counts {
      let few = all.filter { reading in
        let unread = reading.places.indices.filter { reading.places[$0].isNaN }
        // `0000-00-00` and `9999-12-31` have the format of a date and stand for none.
        let placeholders = unread.filter { reading.form.fields(tokens[$0].date) != nil }
        let rows = placeholders.reduce(0) { $0 + counts[$1] }
        return areFew(unread, counts)
          || placeholders.count <= mostPlaceholders && rows * 2 <= counts.reduce(0, +)
            && areFew(unread.filter { !placeholders.contains($0) }, counts)
      }
      let fewest = few.map { $0.places.count(where: \.isNaN) }.min()
      readings = few.filter { $0.places.count(where: \.isNaN) == fewest }
    }
    guard let first = readings.first else { return nil }
    for other in readings.dropFirst() where !isSameOrder(first.places, other.places) {
      throw Ambiguity(text: texts[0], first: first.form, second: other.form)
    }
    return first
  }

  private static let mostPlaceholders = 3
  private static let fewestMonths = 4

  /// Whether these texts are errors among many dates, or one marker of a missing value.
  private static func areFew(_ unread: [Int], _ counts: [Int]) -> Bool {
    guard counts.count - unread.count >= 20 else { return false }
    let (rows, all) = (unread.reduce(0) { $0 + counts[$1] }, counts.reduce(0, +))
    return rows * 20 <= all || unread.count == 1 && rows * 2 <= all
  }

  /// Whether at least one text has a time format.
  static func canRead(_ text: String) -> Bool {
    let token = TimeText(text)
    return allCases.contains { $0.place(token, Calendar.firstYear) != nil }
  }

  /// The time of a text; nil where it has another format.
  ///
  /// - Parameter firstYear: The first of the 100 years in which two-digit years lie.
  func place(of text: String, firstYear: Int? = nil) -> Double? {
    place(TimeText(text), firstYear ?? Calendar.firstYear)
  }

  /// A time as a date, or as a time of day.
  func text(of time: Double) -> String {
    guard self == .clock else { return Calendar.text(ofDay: Int((time / 86_400).rounded(.down))) }
    let minutes = Int(time) / 60
    return "\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
  }

  /// Whether it contains days.
  var isDay: Bool { [.yearFirst, .dayFirst, .monthFirst, .named].contains(self) }

  struct Ambiguity: Error {
    let text: String
    let first, second: TimeForm
  }

  struct Unreadable: Error { let text: String }

  /// A text that the format of the others does not read.
  private static func stranger(among texts: [String], _ tokens: [TimeText]) -> String {
    for form in allCases {
      let isRead = tokens.map { form.place($0, Calendar.firstYear) != nil }
      if isRead.count(where: { $0 }) * 2 > texts.count, let place = isRead.firstIndex(of: false) { return texts[place] }
    }
    return texts.first ?? ""
  }

  private static func isSameOrder(_ a: [Double], _ b: [Double]) -> Bool {
    let order = a.indices.filter { !a[$0].isNaN && !b[$0].isNaN }.sorted { a[$0] < a[$1] }
    return zip(order, order.dropFirst()).allSatisfy { (a[$0] == a[$1]) == (b[$0] == b[$1]) && b[$0] <= b[$1] }
  }

  /// Nil where most of the first texts have another format.
  private func read(_ texts: [TimeText]) -> Reading? {
    let sample = texts.prefix(20)
    guard sample.count(where: { place($0, Calendar.firstYear) != nil }) * 2 > sample.count else { return nil }
    // `Set 01` to `Set 24` are no months of September.
    if self == .month, texts.contains(where: { $0.hasForeignMonth && !$0.date.contains(where: \.isFullYear) }) {
      let months = Set(texts.flatMap { text in text.date.filter { if case .month = $0 { true } else { false } } })
      guard months.count >= Self.fewestMonths else { return nil }
    }
    let short = texts.compactMap { text in
      fields(text.date).flatMap {
        $0.year.digits == 2 && Calendar.day($0, Calendar.firstYear) != nil ? $0.year.number : nil
      }
    }
    let firstYear = Calendar.firstYear(ofTwoDigits: short)
    return Reading(
      form: self, firstYear: firstYear, places: texts.map { place($0, firstYear ?? Calendar.firstYear) ?? .nan })
  }

  /// Seconds since 1970, or since midnight for a time of day; nil where the text has another format.
  private func place(_ text: TimeText, _ firstYear: Int) -> Double? {
    let date = text.date
    // `31.12.` is a day of any year, of which the one before 1973 has all.
    if text.isDayMonth, self == .dayFirst, case .number(let day, _) = date[0], case .number(let month, _) = date[1] {
      return Calendar.day(Calendar.Fields((1972, 4), month, day), firstYear).map { Double($0) * 86_400 }
    }
    // With points the day comes first.
    if self == .monthFirst || self == .yearFirst, text.isDottedShort { return nil }
    if self == .clock {
      guard date.isEmpty, let clock = text.clock, text.zone == 0 else { return nil }
      return clock
    }
    guard let fields = fields(date), var day = Calendar.day(fields, firstYear) else { return nil }
    // Weeks begin on Monday, and the first has the year's first Thursday (ISO 8601).
    if self == .week { day += 7 * (fields.week - 1) - (day + 3) % 7 }
    return Double(day) * 86_400 + (text.clock ?? 0) - text.zone
  }

  /// The fields of a date; of a week, those of January 4.
  private func fields(_ date: [TimeText.Part]) -> Calendar.Fields? {
    switch (self, date.count) {
    case (.yearFirst, 1):
      guard case .number(let whole, 8) = date[0] else { return nil }
      return Calendar.Fields((whole / 10_000, 4), whole / 100 % 100, whole % 100)
    case (.yearFirst, 3):
      guard case .number(let year, let digits) = date[0], case .number(let month, _) = date[1],
        case .number(let day, let last) = date[2], digits == 4 || digits == 2, last < 3
      else { return nil }
      return Calendar.Fields((year, digits), month, day)
    case (.dayFirst, 3), (.monthFirst, 3):
      guard case .number(let first, let digits) = date[0], case .number(let second, _) = date[1],
        case .number(let year, let last) = date[2], digits < 3, last == 4 || last == 2
      else { return nil }
      return self == .dayFirst
        ? Calendar.Fields((year, last), second, first) : Calendar.Fields((year, last), first, second)
    case (.named, 3):
      switch (date[0], date[1], date[2]) {
      case (.month(let month), .number(let day, _), .number(let year, let digits)),
        (.number(let day, 1...2), .month(let month), .number(let year, let digits)):
        return digits == 4 || digits == 2 ? Calendar.Fields((year, digits), month, day) : nil
      case (.number(let year, 4), .month(let month), .number(let day, _)):
        return Calendar.Fields((year, 4), month, day)
      default: return nil
      }
    case (.month, 1):
      guard case .month(let month) = date[0] else { return nil }
      return Calendar.Fields((1970, 4), month, 1)
    case (.month, 2):
      switch (date[0], date[1]) {
      case (.number(let year, 4), .number(let month, 1...2)), (.number(let month, 1...2), .number(let year, 4)),
        (.month(let month), .number(let year, 4)), (.number(let year, 4), .month(let month)):
        return Calendar.Fields((year, 4), month, 1)
      case (.month(let month), .number(let year, 2)): return Calendar.Fields((year, 2), month, 1)
      default: return nil
      }
    case (.quarter, 3), (.quarter, 2):
      return Self.part(of: date, named: ["q", "quarter", "qtr"], count: 4).map {
        Calendar.Fields(($0.year, 4), $0.number * 3 - 2, 1)
      }
    case (.week, 3), (.week, 2):
      return Self.part(of: date, named: ["w", "week", "wk", "kw", "woche", "semaine", "semana", "sem"], count: 53).map {
        Calendar.Fields(($0.year, 4), 1, 4, week: $0.number)
      }
    default: return nil
    }
  }

  /// A numbered part of a year, before or after it; without a year, a fixed one is assumed.
  private static func part(
    of date: [TimeText.Part], named names: Set<String>, count: Int
  ) -> (year: Int, number: Int)? {
    let found: (Int, Int)
    switch (date.first, date.dropFirst().first, date.dropFirst(2).first) {
    case (.number(let year, 4), .word(let word), .number(let number, 1...2)) where names.contains(word):
      found = (year, number)
    case (.word(let word), .number(let number, 1...2), .number(let year, 4)) where names.contains(word):
      found = (year, number)
    case (.word(let word), .number(let number, 1...2), nil) where names.contains(word): found = (1970, number)
    // `19/2021`, which a month cannot be.
    case (.number(let number, 1...2), .number(let year, 4), nil) where names.contains("week"): found = (year, number)
    default: return nil
    }
    return (1...count).contains(found.1) ? found : nil
  }

  /// The order by the numbers in otherwise equal texts, the first number counting most.
  private static func ranks(_ texts: [TimeText]) -> [Double]? {
    guard let first = texts.first, texts.allSatisfy({ $0.shape == first.shape }), !first.numbers.isEmpty else {
      return nil
    }
    // A year at the end would count least.
    guard first.numbers.count == 1 || !texts.allSatisfy({ (1900...2100).contains($0.numbers.last ?? 0) }) else {
      return nil
    }
    let order = texts.indices.sorted { texts[$0].numbers.lexicographicallyPrecedes(texts[$1].numbers) }
    var places = [Double](repeating: 0, count: texts.count)
    for (rank, pair) in zip(order, order.dropFirst()).enumerated() {
      let isSame = texts[pair.0].numbers == texts[pair.1].numbers
      places[pair.1] = isSame ? places[pair.0] : Double(rank + 1)
    }
    return places
  }
}

extension TimeForm: CustomStringConvertible {
  /// The format in words, such as `the day first`.
  var description: String {
    switch self {
    case .yearFirst: "the year first"
    case .dayFirst: "the day first"
    case .monthFirst: "the month first"
    case .named: "a month's name"
    case .month: "a month"
    case .quarter: "a quarter"
    case .week: "a week"
    case .clock: "a time of day"
    }
  }
}
