/// Detection of columns that identify rows: whole numbers, in whatever order, that carry no information about
/// the row.
///
/// A column is an identifier if its values are unique, apart from duplicate rows, and this is not by chance:
/// n whole numbers drawn from a range of R contain about n² / 2R equal pairs (the birthday problem), so a
/// quantity hardly ever has none where n² / 2R is large. A column without a name needs no such evidence.
struct RowNumbering {
  private let columns: [Column]

  /// - Parameter columns: all columns of a table, its targets too.
  init(_ columns: [Column]) { self.columns = columns }

  /// The expected number of equal pairs at which one quantity in 1 000 would be mistaken: e⁻⁷.
  private static let expectedPairs = 7.0
  private static let fewestRows = 20
  /// The reason where the numbers increase by one from row to row of the file.
  static let inFileOrder = "it numbers the rows one by one"
  /// The largest number up to which a Double represents each whole number.
  private static let largest = 9e15

  /// Why a column is a row identifier; nil where it is not.
  func reason(_ place: Int) -> String? {
    let column = columns[place]
    guard case .numbers(let numbers) = column.values, numbers.count > Self.fewestRows else { return nil }
    // A year or day in file order identifies the rows of a series, whose trend it shows.
    guard !Self.isTime(column.name) || Self.isNameless(column.name) else { return nil }
    guard !Self.isCounter(numbers, step: 1) else { return Self.inFileOrder }
    let step = numbers[1] - numbers[0]
    // A depth or dose in equal steps is a quantity.
    if step != 0, step == step.rounded(), Self.isNameless(column.name) || Column.isCalledIdentifier(column.name),
      Self.isCounter(numbers, step: step)
    {
      return "it numbers the rows: from row to row it changes by \(Column.text(of: step))"
    }
    guard numbers.allSatisfy({ $0 == $0.rounded() && abs($0) < Self.largest }) else { return nil }
    guard let low = numbers.min(), let high = numbers.max() else { return nil }
    if !Self.isNameless(column.name) {
      let count = Double(numbers.count)
      guard count * count / (2 * (high - low + 1)) >= Self.expectedPairs else { return nil }
    }
    // A grid of equal steps, such as a depth or a wavelength, is no chance either.
    if !Self.isNameless(column.name), !Column.isCalledIdentifier(column.name), Self.isGrid(numbers) { return nil }
    return isKey(numbers, place)
      ? "it numbers the rows: \(numbers.count) whole numbers, none of them twice but in duplicate rows" : nil
  }

  /// Whether each value differs from the last by one step, in file order, from first row to last.
  private static func isCounter(_ numbers: [Double], step: Double) -> Bool {
    // Beyond 2⁵³ the next number is equal.
    guard abs(numbers[0]) < largest else { return false }
    return (1..<numbers.count).allSatisfy { numbers[$0] == numbers[$0 - 1] + step }
  }

  /// Whether the numbers lie in equal steps other than 1, in any order.
  private static func isGrid(_ numbers: [Double]) -> Bool {
    let sorted = numbers.sorted()
    let step = sorted[1] - sorted[0]
    return step > 1 && (1..<sorted.count).allSatisfy { sorted[$0] - sorted[$0 - 1] == step }
  }

  /// The search ends at the first two rows with equal numbers that differ elsewhere, so that a quantity is
  /// rejected early.
  private func isKey(_ numbers: [Double], _ place: Int) -> Bool {
    var rows: [Double: Int] = [:]
    for (row, number) in numbers.enumerated() {
      guard let other = rows[number] else {
        rows[number] = row
        continue
      }
      let areAlike = columns.indices.allSatisfy { $0 == place || columns[$0].isAlike(row, other) }
      if !areAlike { return false }
    }
    // A few numbers shared by many rows identify kinds of rows.
    return rows.count * 2 > numbers.count
  }

  /// The names that pandas, R and this reader give a column without a header.
  private static func isNameless(_ name: String) -> Bool {
    if name == Column.rowNames || name.hasPrefix("Unnamed:") { return true }
    return name.hasPrefix("column") && Int(name.dropFirst(6)) != nil
  }

  /// Words for years and days, which are unique in a table of one row each, but are quantities.
  private static func isTime(_ name: String) -> Bool {
    let words = name.lowercased().split { !$0.isLetter }.map(String.init)
    return words.contains { times.contains($0) }
  }

  private static let times: Set<String> = [
    "year", "years", "yr", "month", "months", "week", "weeks", "day", "days", "date", "time", "hour", "hours", "minute",
    "minutes",
    "min", "second", "seconds", "sec", "ms", "elapsed", "timestamp", "period",
    "quarter", "age",
  ]
}

extension Column {
  /// Whether two rows have equal values, or none.
  fileprivate func isAlike(_ row: Int, _ other: Int) -> Bool {
    switch values {
    case .numbers(let numbers): numbers[row] == numbers[other] || numbers[row].isNaN && numbers[other].isNaN
    case .texts(let codes, _): codes[row] == codes[other]
    }
  }
}
