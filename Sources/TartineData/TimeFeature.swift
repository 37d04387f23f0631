#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

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
  /// A notice for the user.
  var notice: String? {
    form == .dayFirst || form == .monthFirst ? "the dates of column '\(name)' are read with \(form)" : nil
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
    guard texts.count > 2, let first = texts.first, TimeForm.canRead(first) else { return nil }
    let reading: (form: TimeForm, places: [Double])?
    do {
      reading = try TimeForm.reading(of: texts)
    } catch let ambiguity as TimeForm.Ambiguity {
      return .leftOut(
        name: column.name,
        reason:
          "'\(ambiguity.text)' may be written with \(ambiguity.first) or with \(ambiguity.second), and no train row shows "
          + "which; write dates as 2024-03-01")
    } catch { return nil }
    guard let (form, places) = reading, form.isDay || texts.count > fewestOfOthers else { return nil }
    let placeOfText = Dictionary(uniqueKeysWithValues: zip(texts, places))
    guard case .texts(_, let levels) = column.values else { return nil }
    let placeOfCode = levels.map { placeOfText[$0] ?? .nan }
    let times = codes.map { $0 < 0 ? .nan : placeOfCode[Int($0)] }
    guard case (.number(let number), _) = Feature.fitNumbers(column.name, times, rows) else { return nil }
    let days = ((places.max() ?? 0) - (places.min() ?? 0)) / 86_400
    var cycles: [Cycle] = []
    if form != .clock, days >= 365 { cycles.append(.year) }
    if form.isDay, days >= 28, Set(places.map { weekday($0) }).count > 1 { cycles.append(.week) }
    if Set(places.map { $0 - ($0 / 86_400).rounded(.down) * 86_400 }).count > 2 { cycles.append(.day) }
    return .time(TimeFeature(number: number, form: form, cycles: cycles))
  }

  /// The fewest months, quarters or times of day that are not a category.
  private static let fewestOfOthers = 20

  /// The time of each row in seconds; NaN where there is none, or it has another format.
  func times(of column: Column) -> [Double] {
    switch column.values {
    case .texts(let codes, let levels):
      let places = levels.map { place(of: $0) ?? .nan }
      return codes.map { $0 < 0 ? .nan : places[Int($0)] }
    case .numbers(let numbers):
      return numbers.map { $0.isNaN ? .nan : place(of: Column.text(of: $0)) ?? .nan }
    }
  }

  /// Reads a text in the format of the train rows, or in an unambiguous one.
  private func place(of text: String) -> Double? {
    form.place(of: text) ?? (form.isDay ? TimeForm.yearFirst.place(of: text) ?? TimeForm.named.place(of: text) : nil)
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
