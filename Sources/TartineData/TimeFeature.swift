import TartinePlatform

/// A column of dates or times: a number, and cyclic features of the year, the week and the day, where the
/// train rows span enough of them.
///
/// **Shapes**: 1, and 1 more where values are missing; 2 for the year and 2 for the day, sine and cosine of
/// the elapsed fraction; 7 for the week, one-hot.
package struct TimeFeature: Hashable, Sendable, Codable {
  /// A period.
  package enum Cycle: String, Hashable, Sendable, Codable {
    case year, week, day

    var width: Int { self == .week ? 7 : 2 }
    /// The length in days; a year is the mean of the Gregorian calendar.
    fileprivate var days: Double { self == .year ? 365.2425 : self == .week ? 7 : 1 }
  }

  /// The time in seconds since 1970, or since midnight.
  package let number: NumberFeature
  /// The format of its texts.
  let form: TimeForm
  package let cycles: [Cycle]

  package var name: String { number.name }
  /// The first of the 100 years in which two-digit years lie; nil where train rows have none.
  let firstYear: Int?
  /// The times from the first to the last train row's.
  let first, last: Double?
  /// What train rows hold in place of a time.
  let unread: Unread?
  /// What separates day, month and year in the train rows' dates; nil in old models, and for other formats.
  let marks: [String]?

  /// Texts of train rows that are not times, or stand for none, and are treated as missing.
  package struct Unread: Hashable, Sendable, Codable {
    let example: String
    let rows: Int
    /// Texts that have the format of a date and stand for a missing one.
    let placeholders: [String]
  }

  /// A notice for the user.
  var notice: String? {
    var parts: [String] = []
    if form == .week || form == .quarter {
      parts.append("column '\(name)' is read as \(form == .week ? "weeks" : "quarters")")
    }
    if form == .dayFirst || form == .monthFirst { parts.append("the dates of column '\(name)' are read with \(form)") }
    if let firstYear, let first, let last {
      parts.append(
        "the two-digit years of column '\(name)' are read as years from \(firstYear) to \(firstYear + 99): its dates are from "
          + "\(form.text(of: first)) to \(form.text(of: last))")
    }
    if let unread {
      parts.append(
        "column '\(name)' holds times, and in \(unread.rows == 1 ? "1 row a text that is none" : "\(unread.rows) rows texts that are none"), "
          + "such as '\(unread.example)'; treated as missing")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  package var width: Int { Feature.number(number).width + cycles.reduce(0) { $0 + $1.width } }
  /// The indices of the weekdays among its elements.
  package var week: Range<Int>? {
    var start = Feature.number(number).width
    for cycle in cycles {
      if cycle == .week { return start..<start + cycle.width }
      start += cycle.width
    }
    return nil
  }

  /// The result for a column; nil where its texts are not times, or are few months, quarters or times of day,
  /// which are better treated as categories.
  static func fit(_ column: Column, texts: [String], codes: [Int32], rows: [Int]) -> Feature? {
    guard texts.count > 2, texts.prefix(5).contains(where: TimeForm.canRead) else { return nil }
    guard case .texts(_, let levels) = column.values else { return nil }
    var rowsOfCode = [Int](repeating: 0, count: levels.count)
    for row in rows where codes[row] >= 0 { rowsOfCode[Int(codes[row])] += 1 }
    let codeOfText = Dictionary(uniqueKeysWithValues: levels.enumerated().map { ($1, $0) })
    let counts = texts.map { codeOfText[$0].map { rowsOfCode[$0] } ?? 0 }
    let found: TimeForm.Reading?
    do {
      found = try TimeForm.reading(of: texts, counts: counts)
    } catch let ambiguity as TimeForm.Ambiguity {
      return .leftOut(
        name: column.name,
        reason:
          "'\(ambiguity.text)' may be written with \(ambiguity.first) or with \(ambiguity.second), and no train row shows "
          + "which; write dates as 2024-03-01")
    } catch { return nil }
    guard let found else { return nil }
    let form = found.form
    guard form.isDay || texts.count > fewestOfOthers else { return nil }
    // `W1` to `W24` are wards or wells as well as weeks.
    if form == .week, texts.allSatisfy({ $0.count < 5 && $0.lowercased().hasPrefix("w") }) { return nil }
    var places = found.places
    let placeholders = form == .clock ? [] : placeholders(places, counts)
    for place in placeholders { places[place] = .nan }
    let strangers = places.indices.filter { places[$0].isNaN }
    let placeOfText = Dictionary(uniqueKeysWithValues: zip(texts, places))
    let placeOfCode = levels.map { placeOfText[$0] ?? .nan }
    let times = codes.map { $0 < 0 ? .nan : placeOfCode[Int($0)] }
    guard case (.number(let number), _) = Feature.fitNumbers(column.name, times, rows) else { return nil }
    let credible = places.filter { place in
      !place.isNaN && number.bounds.map { $0.credible.contains(place) } ?? true
    }
    guard let first = credible.min(), let last = credible.max() else { return nil }
    let days = (last - first) / 86_400
    var cycles: [Cycle] = []
    if form != .clock, days >= 365 { cycles.append(.year) }
    if form.isDay, days >= 28, Set(credible.map { weekday($0) }).count > 1 { cycles.append(.week) }
    if Set(credible.map { $0 - ($0 / 86_400).rounded(.down) * 86_400 }).count > 2 { cycles.append(.day) }
    return .time(
      TimeFeature(
        number: number, form: form, cycles: cycles, firstYear: found.firstYear, first: first, last: last,
        unread: strangers.first.map { stranger in
          Unread(
            example: texts[stranger], rows: strangers.reduce(0) { $0 + counts[$1] },
            placeholders: placeholders.map { texts[$0] })
        }, marks: [.dayFirst, .monthFirst].contains(form) ? Set(texts.compactMap(mark(of:))).sorted() : nil))
  }

  /// The first character between the digits of a date.
  private static func mark(of text: String) -> String? { text.first { !$0.isNumber }.map(String.init) }

  /// The earliest or latest time, if several rows have it and it is farther from all others than these are from each other, such
  /// as 1900-01-01 among dates of this century.
  private static func placeholders(_ places: [Double], _ counts: [Int]) -> [Int] {
    let order = places.indices.filter { !places[$0].isNaN }.sorted { places[$0] < places[$1] }
    guard order.count > 10 else { return [] }
    let (first, second) = (order[0], order[1])
    let (last, next) = (order[order.count - 1], order[order.count - 2])
    return [(first, places[second] - places[first], last, second), (last, places[last] - places[next], next, first)]
      .filter { place, gap, end, start in counts[place] >= 3 && gap > abs(places[end] - places[start]) }.map(\.0)
  }

  /// The fewest months, quarters or times of day that are not a category.
  private static let fewestOfOthers = 20

  /// The time of each row in seconds; NaN where there is none, or it has another format.
  package func times(of column: Column) -> [Double] {
    switch column.values {
    case .texts(let codes, let levels):
      let places = levels.map { place(of: $0) ?? .nan }
      return codes.map { $0 < 0 ? .nan : places[Int($0)] }
    case .numbers(let numbers):
      return numbers.map { $0.isNaN ? .nan : place(of: Column.text(of: $0)) ?? .nan }
    }
  }

  /// Whether train rows hold this text in place of a time.
  func isKnownUnread(_ text: String?) -> Bool {
    guard let unread, let text else { return false }
    return text == unread.example || unread.placeholders.contains(text)
  }

  /// Reads a text in the format of the train rows, or in an unambiguous one.
  private func place(of text: String) -> Double? {
    if unread?.placeholders.contains(text) == true { return nil }
    return form.place(of: text, firstYear: firstYear)
      ?? (form.isDay ? TimeForm.yearFirst.place(of: text) ?? TimeForm.named.place(of: text) : nil)
  }

  /// A sentence if some rows have the day and the month in the other order than the train set: more of the dates can be read in
  /// the other order alone than in this one alone. Also if all can be read in both, and are written otherwise, as `03/12/2022` is
  /// beside `31.12.2021`.
  func conflict(in column: Column, rows: [Int]) -> String? {
    guard form == .dayFirst || form == .monthFirst, case .texts(let codes, let levels) = column.values else {
      return nil
    }
    let other: TimeForm = form == .dayFirst ? .monthFirst : .dayFirst
    var own = 0
    var others: [Int32] = []
    for code in Set(rows.map { codes[$0] }) where code >= 0 {
      let text = levels[Int(code)]
      let isOwn = form.place(of: text, firstYear: firstYear) != nil
      let isOther = other.place(of: text, firstYear: firstYear) != nil
      if isOwn, !isOther { own += 1 }
      if isOther, !isOwn { others.append(code) }
    }
    if others.count > own, let first = others.min() {
      return
        "'\(levels[Int(first)])' has day and month in another order than the dates of the train set, which have \(form); write dates as "
        + "2024-03-01."
    }
    let written = Set(rows.map { codes[$0] }).filter { $0 >= 0 }.sorted().map { levels[Int($0)] }
    guard let marks, own == 0, others.isEmpty,
      let stranger = written.first(where: { form.place(of: $0, firstYear: firstYear) != nil }),
      let mark = Self.mark(of: stranger), !marks.contains(mark)
    else { return nil }
    return
      "'\(stranger)' may have the day or the month first, and the dates of the train set have \(form) and another mark, '\(marks.first ?? "")'; "
      + "write dates as 2024-03-01."
  }

  func fill(_ column: Column, _ rows: [Int], _ output: UnsafeMutablePointer<Float>, stride: Int) {
    let times = times(of: column)
    let start = Feature.number(number).width
    for (index, row) in rows.enumerated() {
      let isMissing = times[row].isNaN
      let time = isMissing ? number.median : times[row]
      let output = output + index * stride
      output[0] = Float(number.standardize(time))
      if number.hasMissing { output[1] = isMissing ? 1 : 0 }
      guard !isMissing else { continue }
      var place = start
      for cycle in cycles {
        if cycle == .week {
          output[place + Self.weekday(time)] = 1
        } else {
          let angle = 2 * Double.pi * (time / 86_400 / cycle.days)
          (output[place], output[place + 1]) = (Float(sin(angle)), Float(cos(angle)))
        }
        place += cycle.width
      }
    }
  }

  /// The weekday from 0, a Monday; 1970 began on a Thursday.
  private static func weekday(_ time: Double) -> Int {
    let day = Int((time / 86_400).rounded(.down)) + 3
    return ((day % 7) + 7) % 7
  }
}
