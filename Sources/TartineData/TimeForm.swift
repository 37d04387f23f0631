/// A format of dates and times, and the time of each text in it.
///
/// | form | examples |
/// |---|---|
/// | year first | `2024-03-01`, `2023/1/6`, `20240301`, each optionally followed by `12:30`, `T12:30:00.5Z` or `+02:00` |
/// | day first, month first | `31.12.2021`, `12/31/21 9:05 AM` |
/// | month by name | `Jan 1 2000`, `1-Jan-23`, `Monday, 1 January 2023` |
/// | month, quarter, week of a year | `2023-03`, `Jan 2023`, `Q1 2023`, `2023-W05` |
/// | time of day | `9:00 AM`, `13:05:22` |
/// | count | `week 10`, `day 3`, `v1.2.10`: numbers in otherwise equal texts |
///
/// A column has one format: the one that reads all of its texts. Where no row distinguishes day and month,
/// both readings are reported and neither is used.
enum TimeForm: String, Codable, CaseIterable {
  case yearFirst, dayFirst, monthFirst, named, month, quarter, week, clock

  /// The time of each text; larger is later.
  ///
  /// - Throws: `Ambiguity` where two formats order the texts differently; `Unreadable` where none reads them.
  static func places(of texts: [String]) throws -> [Double] {
    if let reading = try reading(of: texts) { return reading.places }
    let tokens = texts.map(TimeText.init)
    if let places = counts(tokens) { return places }
    throw Unreadable(text: Self.stranger(among: texts, tokens))
  }

  /// The format that reads all texts, and each text's time; nil where none does.
  ///
  /// - Throws: `Ambiguity` where two formats order the texts differently.
  static func reading(of texts: [String]) throws -> (form: TimeForm, places: [Double])? {
    let tokens = texts.map(TimeText.init)
    var readings: [(form: TimeForm, places: [Double])] = []
    for form in allCases {
      if let places = form.read(tokens) { readings.append((form, places)) }
    }
    guard let first = readings.first else { return nil }
    for other in readings.dropFirst() where !isSameOrder(first.places, other.places) {
      throw Ambiguity(text: texts[0], first: first.form, second: other.form)
    }
    return first
  }

  /// Whether at least one text has a time format.
  static func canRead(_ text: String) -> Bool {
    let token = TimeText(text)
    return allCases.contains { $0.place(token) != nil }
  }

  /// The time of a text; nil where it has another format.
  func place(of text: String) -> Double? { place(TimeText(text)) }

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
      let isRead = tokens.map { form.place($0) != nil }
      if isRead.count(where: { $0 }) * 2 > texts.count, let place = isRead.firstIndex(of: false) { return texts[place] }
    }
    return texts.first ?? ""
  }

  private static func isSameOrder(_ a: [Double], _ b: [Double]) -> Bool {
    let order = a.indices.sorted { a[$0] < a[$1] }
    return zip(order, order.dropFirst()).allSatisfy { (a[$0] == a[$1]) == (b[$0] == b[$1]) && b[$0] <= b[$1] }
  }

  private func read(_ texts: [TimeText]) -> [Double]? {
    var places: [Double] = []
    for text in texts {
      guard let place = place(text) else { return nil }
      places.append(place)
    }
    return places
  }

  /// Seconds since 1970, or since midnight for a time of day; nil where the text has another format.
  private func place(_ text: TimeText) -> Double? {
    let date = text.date
    if self == .clock {
      guard date.isEmpty, let clock = text.clock, text.zone == 0 else { return nil }
      return clock
    }
    guard let day = day(date) else { return nil }
    return Double(day) * 86_400 + (text.clock ?? 0) - text.zone
  }

  /// The days since 1970.
  private func day(_ date: [TimeText.Part]) -> Int? {
    func days(_ year: (Int, Int), _ month: Int, _ day: Int) -> Int? {
      Calendar.days(year: Calendar.full(year), month: month, day: day)
    }
    switch (self, date.count) {
    case (.yearFirst, 1):
      guard case .number(let whole, 8) = date[0] else { return nil }
      return Calendar.days(year: whole / 10_000, month: whole / 100 % 100, day: whole % 100)
    case (.yearFirst, 3):
      guard case .number(let year, let digits) = date[0], case .number(let month, _) = date[1],
        case .number(let day, let last) = date[2], digits == 4 || digits == 2, last < 3
      else { return nil }
      return days((year, digits), month, day)
    case (.dayFirst, 3), (.monthFirst, 3):
      guard case .number(let first, let digits) = date[0], case .number(let second, _) = date[1],
        case .number(let year, let last) = date[2], digits < 3, last == 4 || last == 2
      else { return nil }
      return self == .dayFirst ? days((year, last), second, first) : days((year, last), first, second)
    case (.named, 3):
      switch (date[0], date[1], date[2]) {
      case (.month(let month), .number(let day, _), .number(let year, let digits)),
        (.number(let day, 1...2), .month(let month), .number(let year, let digits)):
        return digits == 4 || digits == 2 ? days((year, digits), month, day) : nil
      case (.number(let year, 4), .month(let month), .number(let day, _)): return days((year, 4), month, day)
      default: return nil
      }
    case (.month, 1):
      guard case .month(let month) = date[0] else { return nil }
      return days((1970, 4), month, 1)
    case (.month, 2):
      switch (date[0], date[1]) {
      case (.number(let year, 4), .number(let month, 1...2)), (.number(let month, 1...2), .number(let year, 4)),
        (.month(let month), .number(let year, 4)), (.number(let year, 4), .month(let month)):
        return days((year, 4), month, 1)
      case (.month(let month), .number(let year, 2)): return days((year, 2), month, 1)
      default: return nil
      }
    case (.quarter, 3), (.quarter, 2):
      return Self.part(of: date, named: ["q", "quarter", "qtr"], count: 4).flatMap {
        days(($0.year, 4), $0.number * 3 - 2, 1)
      }
    case (.week, 3), (.week, 2):
      // Weeks begin on Monday, and the first has the year's first Thursday (ISO 8601).
      return Self.part(of: date, named: ["w", "week", "wk"], count: 53).flatMap { part in
        days((part.year, 4), 1, 4).map { $0 - ($0 + 3) % 7 + 7 * (part.number - 1) }
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
    default: return nil
    }
    return (1...count).contains(found.1) ? found : nil
  }

  /// The order by the numbers in otherwise equal texts, the first number counting most.
  private static func counts(_ texts: [TimeText]) -> [Double]? {
    guard let first = texts.first, texts.allSatisfy({ $0.shape == first.shape }), !first.numbers.isEmpty else {
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
  }

  /// Numbers, months and other words, without weekdays, commas and separators.
  private(set) var date: [Part] = []
  /// The seconds since midnight.
  private(set) var clock: Double?
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
    // `59 1/2` and `420/7` are fractions.
    if !text.contains(where: { $0.isLetter || $0 == ":" }) {
      let gaps = Set(text.split(omittingEmptySubsequences: true) { $0.isASCII && $0.isNumber }.map(String.init))
      if gaps.isSuperset(of: [" ", "/"]) || rest.contains(where: { $0.count == 3 && Int($0) != nil }) {
        date.append(.word("?"))
      }
    }
    for piece in rest {
      if let number = Int(piece) {
        date.append(.number(number, piece.count))
      } else if let month = Self.months.firstIndex(where: { piece.count >= 3 && $0.hasPrefix(piece) })
        ?? (piece == "sept" ? 8 : nil)
      {
        date.append(.month(month + 1))
      } else if !Self.weekdays.contains(where: {
        piece.count >= 3 && $0.hasPrefix(piece) || piece == "thurs" || piece == "tues"
      }),
        !Self.separators.contains(piece), !Self.ordinals.contains(piece)
      {
        date.append(.word(piece))
      }
    }
  }

  private static let separators: Set<String> = ["-", "/", ".", ",", "of"]
  private static let ordinals: Set<String> = ["st", "nd", "rd", "th"]
  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
  ]
  private static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

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
    guard let colon = pieces.firstIndex(of: ":"), colon > 0, colon + 1 < pieces.count,
      let hour = Int(pieces[colon - 1]),
      let minute = Int(pieces[colon + 1]), pieces[colon + 1].count == 2, hour < 25, minute < 60
    else { return pieces }
    var seconds = Double(hour * 3600 + minute * 60)
    var end = colon + 2
    if end + 1 < pieces.count, pieces[end] == ":", let second = Int(pieces[end + 1]), second < 61 {
      seconds += Double(second)
      end += 2
      if end + 1 < pieces.count, pieces[end] == "." || pieces[end] == ",", let part = Double("0." + pieces[end + 1]) {
        seconds += part
        end += 2
      }
    }
    if end < pieces.count, pieces[end] == "am" || pieces[end] == "pm", (1...12).contains(hour) {
      seconds += Double(((pieces[end] == "pm" ? 12 : 0) - (hour == 12 ? 12 : 0)) * 3600)
      end += 1
    }
    if end < pieces.count, ["z", "utc", "gmt"].contains(pieces[end]) { end += 1 }
    if end + 1 < pieces.count, pieces[end] == "+" || pieces[end] == "-", let ahead = Int(pieces[end + 1]) {
      let sign = pieces[end] == "+" ? 1.0 : -1
      let hours = pieces[end + 1].count == 4 ? ahead / 100 : ahead
      var minutes = pieces[end + 1].count == 4 ? ahead % 100 : 0
      end += 2
      if end + 1 < pieces.count, pieces[end] == ":", let more = Int(pieces[end + 1]) {
        minutes = more
        end += 2
      }
      zone = sign * Double(hours * 3600 + minutes * 60)
    }
    clock = seconds
    var before = pieces[..<(colon - 1)]
    if before.last == "t" { before.removeLast() }
    return Array(before + pieces[end...])
  }
}

/// The Gregorian calendar.
private enum Calendar {
  /// Two-digit years as in POSIX: 69 to 99 are 1969 to 1999.
  static func full(_ year: (number: Int, digits: Int)) -> Int {
    year.digits > 2 ? year.number : year.number + (year.number < 69 ? 2000 : 1900)
  }

  /// The days from 1970-01-01; nil where there is no such date.
  ///
  /// **Source**: Hinnant, *chrono-compatible low-level date algorithms*, 2013, `days_from_civil`.
  static func days(year: Int, month: Int, day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (0...9999).contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day) else {
      return nil
    }
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let ofEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + dayOfYear - 719_468
  }
}
