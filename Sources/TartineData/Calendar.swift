/// The Gregorian calendar.
enum Calendar {
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
