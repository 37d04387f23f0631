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

/// A text split into the parts of a date and of a time of day.
struct TimeText {
  enum Part: Hashable {
    /// The number of digits it is written with.
    case number(Int, Int)
    case month(Int)
    case word(String)

    var isFullYear: Bool { if case .number(_, 4) = self { true } else { false } }
  }

  /// Numbers, months and other words, without weekdays, commas and separators.
  private(set) var date: [Part] = []
  /// The seconds since midnight.
  private(set) var clock: Double?
  /// Whether it has points between numbers of one or two digits each, or before a year, as in `31.12.21`.
  private(set) var isDottedShort = false
  /// Whether it is a day and a month without a year, `31.12.`.
  private(set) var isDayMonth = false
  /// Whether a month's name is not English.
  private(set) var hasForeignMonth = false
  /// The offset from UTC in seconds.
  private(set) var zone = 0.0
  /// The text except its numbers, in order, and the numbers.
  private(set) var shape: [String] = []
  private(set) var numbers: [Int] = []

  init(_ text: String) {
    let pieces = Self.pieces(text)
    for piece in pieces {
      if let number = Int(piece) { numbers.append(number) }
      shape.append(Int(piece) == nil ? piece : "#")
    }
    let rest = readClock(pieces)
    isDottedShort = rest.count >= 5 && rest[1] == "." && rest[3] == "." && rest[0].count <= 2 && Int(rest[0]) != nil
    isDayMonth = rest.count == 4 && rest[1] == "." && rest[3] == "." && Int(rest[0]) != nil && Int(rest[2]) != nil
    // `59 1/2` and `420/7` are fractions.
    if !text.contains(where: { $0.isLetter || $0 == ":" }) {
      let gaps = Set(text.split(omittingEmptySubsequences: true) { $0.isASCII && $0.isNumber }.map(String.init))
      if gaps.isSuperset(of: [" ", "/"]) || rest.contains(where: { $0.count == 3 && Int($0) != nil }) {
        date.append(.word("?"))
      }
    }
    var first: (place: Int, piece: String)?
    for (place, piece) in rest.enumerated() {
      if let number = Int(piece) {
        date.append(.number(number, piece.count))
      } else if let month = Self.months[piece] {
        // `mar. 2 janv.`: with another month, what may be a weekday is one.
        if let other = first, Self.weekdays[other.piece] != nil { date.remove(at: other.place) }
        first = (date.count, piece)
        hasForeignMonth = Self.englishMonths[piece] == nil
        date.append(.month(month))
      } else if Self.weekdays[piece] == nil, !(place == 0 && Self.shortWeekdays.contains(piece)),
        !Self.separators.contains(piece), !Self.ordinals.contains(piece),
        !(clock != nil && Self.brackets.contains(piece))
      {
        date.append(.word(piece))
      }
    }
  }

  private static let separators: Set<String> = ["-", "/", ".", ",", "of", "de", "del"]
  /// Around the times of access logs.
  private static let brackets: Set<String> = ["[", "]"]
  private static let ordinals: Set<String> = ["st", "nd", "rd", "th", "er", "º", "ª"]
  private static let englishMonths = abbreviations([
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
  ])
  /// The number of a month by its name and each prefix of three or more letters, in English, German, French, Spanish, Italian,
  /// Portuguese and Dutch. Prefixes shared by two months, such as `jui`, are omitted.
  private static let months = abbreviations([
    "january januar jänner janvier enero gennaio janeiro januari",
    "february februar février fevrier febrero febbraio fevereiro februari",
    "march märz maerz mrz mars marzo março marco maart mrt", "april avril abril aprile", "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho", "july juli juillet julio luglio julho",
    "august août aout agosto augustus", "september septembre septiembre setiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro", "november novembre noviembre novembro",
    "december dezember décembre diciembre dicembre dezembro",
  ])
  private static let weekdays = abbreviations([
    "monday montag lundi lunes lunedì maandag", "tuesday dienstag mardi martes martedì dinsdag",
    "wednesday mittwoch mercredi miércoles miercoles mercoledì woensdag",
    "thursday donnerstag jeudi jueves giovedì donderdag", "friday freitag vendredi viernes venerdì vrijdag",
    "saturday samstag sonnabend samedi sábado sabado sabato zaterdag",
    "sunday sonntag dimanche domingo domenica zondag",
  ])
  /// German, before a date alone.
  private static let shortWeekdays: Set<String> = ["mo", "di", "mi", "do", "fr", "sa", "so"]

  private static func abbreviations(_ names: [String]) -> [String: Int] {
    var found: [String: Int] = [:]
    var shared: Set<String> = []
    for (place, names) in names.enumerated() {
      for name in names.split(separator: " ") {
        for length in 3...name.count {
          let short = String(name.prefix(length))
          if found.updateValue(place + 1, forKey: short) ?? (place + 1) != place + 1 { shared.insert(short) }
        }
      }
    }
    return found.filter { !shared.contains($0.key) }
  }

  /// The offsets of zones that have a name, in hours from UTC.
  private static let zones: [String: Double] = [
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 1, "cet": 1, "west": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3,
    "jst": 9, "aest": 10, "aedt": 11, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7,
  ]

  /// Runs of digits, runs of lower-cased letters, and single characters, without blanks.
  private static func pieces(_ text: String) -> [String] {
    var pieces: [String] = []
    var kind = 0
    for character in text.lowercased() {
      let next = character.isASCII && character.isNumber ? 1 : character.isLetter ? 2 : character == " " ? 0 : 3
      if next == kind, next == 1 || next == 2 {
        pieces[pieces.count - 1].append(character)
      } else if next != 0 {
        pieces.append(String(character))
      }
      kind = next
    }
    return pieces
  }

  /// Extracts the time of day, with its suffixes.
  private mutating func readClock(_ pieces: [String]) -> [String] {
    let begin: Int
    var end: Int
    var seconds: Double
    let hour: Int
    var hasSeconds = true
    // In access logs a colon is before the hour as well, after the year.
    if let colon = pieces.indices.first(where: { pieces[$0] == ":" && $0 > 0 && pieces[$0 - 1].count <= 2 }),
      colon + 1 < pieces.count, let first = Int(pieces[colon - 1]), let minute = Int(pieces[colon + 1]),
      pieces[colon + 1].count == 2, first < 25, minute < 60
    {
      (begin, end, hour) = (colon - 1, colon + 2, first)
      seconds = Double(hour * 3600 + minute * 60)
      if end + 1 < pieces.count, pieces[end] == ":", let second = Int(pieces[end + 1]), second < 61 {
        seconds += Double(second)
        end += 2
      } else {
        hasSeconds = false
      }
    } else if pieces.count > 2, pieces[0].count == 8, pieces[1] == "t", [4, 6].contains(pieces[2].count),
      Int(pieces[0]) != nil, let digits = Int(pieces[2])
    {
      // `20240301T123000`.
      let whole = pieces[2].count == 4 ? digits * 100 : digits
      (begin, end, hour) = (2, 3, whole / 10_000)
      guard hour < 25, whole / 100 % 100 < 60, whole % 100 < 61 else { return pieces }
      seconds = Double(hour * 3600 + whole / 100 % 100 * 60 + whole % 100)
    } else {
      return pieces
    }
    if hasSeconds, end + 1 < pieces.count, pieces[end] == "." || pieces[end] == ",",
      let part = Double("0." + pieces[end + 1])
    {
      seconds += part
      end += 2
    }
    if end < pieces.count, pieces[end] == "am" || pieces[end] == "pm", (1...12).contains(hour) {
      seconds += Double(((pieces[end] == "pm" ? 12 : 0) - (hour == 12 ? 12 : 0)) * 3600)
      end += 1
    }
    if end < pieces.count, let hours = Self.zones[pieces[end]] {
      zone = hours * 3600
      end += 1
    }
    if end + 1 < pieces.count, pieces[end] == "+" || pieces[end] == "-", let ahead = Int(pieces[end + 1]) {
      let sign = pieces[end] == "+" ? 1.0 : -1
      let hours = pieces[end + 1].count == 4 ? ahead / 100 : ahead
      var minutes = pieces[end + 1].count == 4 ? ahead % 100 : 0
      end += 2
      if end + 1 < pieces.count, pieces[end] == ":", let more = Int(pieces[end + 1]) {
        minutes = more
        end += 2
      }
      if hours <= 14, minutes < 60 { zone = sign * Double(hours * 3600 + minutes * 60) }
    }
    clock = seconds
    var before = pieces[..<begin]
    if before.last == "t" || before.last == ":" { before.removeLast() }
    return Array(before + pieces[end...])
  }
}

/// The Gregorian calendar.
private enum Calendar {
  /// The fields of a date as written.
  struct Fields {
    let year: (number: Int, digits: Int)
    let month, day, week: Int

    init(_ year: (Int, Int), _ month: Int, _ day: Int, week: Int = 1) {
      self.year = year
      self.month = month
      self.day = day
      self.week = week
    }
  }

  /// The first year of two-digit years in POSIX: 69 to 99 are 1969 to 1999.
  static let firstYear = 1969
  /// The earliest century break of two-digit years: 29 is 2029, and 30 is 1930, as in spreadsheets.
  private static let earliestShort = 30
  /// Years outside are placeholders, such as 9999-12-31 and 0001-01-01.
  private static let years = 1000...2999

  /// The first of the 100 years in which a column's two-digit years lie: the one after the longest run of years that do not
  /// occur, so that 45 to 99 are of one century, and 95 to 23 of two. Nil where there are none.
  static func firstYear(ofTwoDigits years: [Int]) -> Int? {
    let found = Set(years).sorted()
    guard let last = found.last else { return nil }
    var (start, longest) = (found[0], 0)
    var before = last - 100
    for year in found {
      if year - before > longest { (start, longest) = (year, year - before) }
      before = year
    }
    // Years that fill the century show no break.
    if longest < 5 { start = earliestShort }
    // Dates of this century end before its break, so that 28 to 99 are 1928 to 1999.
    let end = start + 99 - longest + 1
    return start + (start < earliestShort && end < earliestShort ? 2000 : 1900)
  }

  /// The days from 1970-01-01; nil where there is no such date.
  static func day(_ fields: Fields, _ firstYear: Int) -> Int? {
    var year = fields.year.number
    if fields.year.digits <= 2 { year = firstYear + ((year - firstYear) % 100 + 100) % 100 }
    return days(year: year, month: fields.month, day: fields.day)
  }

  /// **Source**: Hinnant, *chrono-compatible low-level date algorithms*, 2013, `days_from_civil`.
  private static func days(year: Int, month: Int, day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard years.contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day) else {
      return nil
    }
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let ofEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + dayOfYear - 719_468
  }

  /// The date of a number of days from 1970-01-01, as `2024-03-01`.
  ///
  /// **Source**: Hinnant, 2013, `civil_from_days`.
  static func text(ofDay day: Int) -> String {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let ofEra = shifted - era * 146_097
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let place = (5 * dayOfYear + 2) / 153
    let month = place < 10 ? place + 3 : place - 9
    return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * place + 2) / 5 + 1]
      .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "-")
  }
}
