// Notices about values that were read as written, and may be meant otherwise.

extension [Column] {
  /// Words that begin a row of totals, in lower case.
  private static let totals: Set<String> = [
    "total", "totals", "grand total", "subtotal", "sum", "sums", "mean", "average", "avg", "summe", "gesamt", "somme",
    "suma", "totale", "std", "stdev", "sd", "min", "max", "count", "median", "mittelwert", "moyenne", "n",
  ]

  /// The text by which the last row is a total: a word for it that no other row has, but for such words in the rows above it.
  var totalRow: String? {
    for column in self {
      guard case .texts(let codes, let levels) = column.values, codes.count > 10 else { continue }
      let totals = codes.reversed().prefix {
        $0 >= 0 && Self.totals.contains(levels[Int($0)].lowercased().trimmingSuffix(":"))
      }
      let rest = codes.dropLast(totals.count)
      // One letter may be a category.
      guard let last = totals.first, totals.count <= 5, Set(totals).count == totals.count,
        !totals.contains(where: rest.contains), totals.contains(where: { levels[Int($0)].count > 1 })
      else { continue }
      return levels[Int(last)]
    }
    return nil
  }
}

extension Column {
  /// With more distinct numbers they are measurements, of which trailing zeros say nothing.
  static let mostSpelledNumbers = 200

  /// Returns the column with a notice if some numbers are spelled twice, `5.1` and `5.10`: two versions or grades that
  /// become one number.
  ///
  /// - Parameter spellings: the numbers as they were written.
  func tellingOfTwoSpellings(_ spellings: some Sequence<String>) -> Column {
    var first: [String: String] = [:]
    for spelling in spellings.sorted() {
      guard let mark = spelling.lastIndex(where: { $0 == "." || $0 == "," }) else { continue }
      let decimals = spelling[mark...].dropFirst()
      // `5` and `5.0` are one number in every table, and `5.10 kg` has a unit.
      guard !decimals.isEmpty, decimals.allSatisfy(\.isNumber) else { continue }
      let digits = decimals.prefix(through: decimals.lastIndex { $0 != "0" } ?? decimals.startIndex)
      let number = spelling[...mark] + digits
      if let other = first[String(number)] {
        return adding(
          notice:
            "column '\(name)' holds '\(other)' and '\(spelling)', which are one number; if they are versions or grades, write "
            + "them as text, such as 'v\(spelling)'")
      }
      first[String(number)] = spelling
    }
    return self
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}

extension Column {
  /// Returns the column with a notice if a text spans lines, and each line has the separators of a row: a stray quote.
  ///
  /// - Parameters:
  ///   - place: the column's place in the file.
  ///   - fields: the number of fields of a row.
  func tellingOfSwallowedRows(separator: UInt8, place: Int, fields: Int) -> Column {
    guard case .texts(_, let levels) = values, fields > 1 else { return self }
    let spanning = levels.filter { $0.utf8.contains(UInt8(ascii: "\n")) }
    // Where most texts have several lines, they are prose.
    guard spanning.count * 2 <= levels.count else { return self }
    for level in spanning {
      let separators = level.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
        line.count { $0 == separator }
      }
      let lines = separators.count - 1
      // The rest of a row, whole rows, and the start of one; in two lines of text there may be a comma or two.
      guard separators[0] == fields - 1 - place, separators[lines] == place, lines * (fields - 1) > 2,
        separators.dropFirst().dropLast().allSatisfy({ $0 == fields - 1 })
      else { continue }
      let start = level.prefix { $0 != "\n" && $0 != "\r\n" }.prefix(30)
      return adding(
        notice:
          "column '\(name)' holds a quoted text of \(lines + 1) lines that begins with '\(start)' and has as many separators as "
          + "\(lines) \(lines == 1 ? "row" : "rows"); if its quotes are stray, remove them, as \(lines == 1 ? "a row is" : "rows are") "
          + "lost in it")
    }
    return self
  }

  /// The fewest rows, and different values, that show a pattern.
  private static let fewestDates = (rows: 20, values: 6)

  /// Returns the column with a notice if all its numbers look like dates without separators, `20240301` or `202403`, or like a
  /// month and a year, `3.2024`, or a day and a month, `31.12`.
  var tellingOfDates: Column {
    guard case .numbers(let numbers) = values else { return self }
    let present = numbers.filter { !$0.isNaN }
    guard present.count >= Self.fewestDates.rows, let first = present.first,
      valueCount(upTo: Self.fewestDates.values) >= Self.fewestDates.values
    else { return self }
    func isMonth(_ month: Double, of year: Double) -> Bool { (1...12).contains(month) && (1900...2100).contains(year) }
    func isDay(_ number: Double) -> Bool {
      let day = number.truncatingRemainder(dividingBy: 100)
      let month = (number / 100).rounded(.down)
      return (1...31).contains(day)
        && isMonth(month.truncatingRemainder(dividingBy: 100), of: (month / 100).rounded(.down))
    }
    /// `20240301123000`.
    func isTime(_ number: Double) -> Bool {
      let clock = number.truncatingRemainder(dividingBy: 1e6)
      return isDay((number / 1e6).rounded(.down)) && clock < 240_000
        && clock.truncatingRemainder(dividingBy: 10_000) < 6_000 && clock.truncatingRemainder(dividingBy: 100) < 60
    }
    let areWhole = present.allSatisfy { $0 == $0.rounded() }
    let isDated =
      areWhole
      ? present.allSatisfy(isDay) || present.allSatisfy(isTime)
        || present.allSatisfy { isMonth($0.truncatingRemainder(dividingBy: 100), of: ($0 / 100).rounded(.down)) }
      : dottedTimes != nil
    guard isDated else { return self }
    return adding(
      notice:
        "column '\(name)' holds numbers such as \(Column.text(of: first)), which look like dates; as numbers their distances "
        + "mean nothing, so write them as 2024-03-01 or 2024-03")
  }

  /// The order in time of numbers that are a month and a year, `3.2024`, or a day and a month, `31.12`; nil if they are others.
  var dottedTimes: [Double]? {
    guard case .numbers(let numbers) = values else { return nil }
    let present = numbers.filter { !$0.isNaN }
    guard present.count >= Self.fewestDates.rows, valueCount(upTo: Self.fewestDays) >= Self.fewestDates.values else {
      return nil
    }
    func parts(_ number: Double, digits: Double) -> (Double, Double)? {
      let front = number.rounded(.down)
      let back = ((number - front) * digits).rounded()
      return abs((number - front) * digits - back) < 1e-6 ? (front, back) : nil
    }
    func monthOfYear(_ number: Double) -> Double? {
      parts(number, digits: 10_000).flatMap { month, year in
        (1...12).contains(month) && (1900...2100).contains(year) ? year * 12 + month : nil
      }
    }
    func dayOfMonth(_ number: Double) -> Double? {
      parts(number, digits: 100).flatMap { day, month in
        (1...31).contains(day) && (1...12).contains(month) ? month * 31 + day : nil
      }
    }
    for place in [monthOfYear, dayOfMonth] {
      let places = numbers.map { $0.isNaN ? .nan : place($0) ?? .infinity }
      guard !places.contains(.infinity) else { continue }
      // A few prices may look like days.
      if Set(present).count >= Self.fewestDays || present.allSatisfy({ monthOfYear($0) != nil }) { return places }
    }
    return nil
  }

  private static let fewestDays = 40
}
