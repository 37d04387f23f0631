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
