/// Which columns of whole numbers number the rows, in whatever order: they identify a row and say nothing of it.
///
/// A column does so where its values are all different, but for rows that are alike in every other column, and where that is
/// no chance: n whole numbers drawn from a range of R hold about n² / 2R pairs alike (the birthday problem), so that a
/// quantity is hardly ever without one where n² / 2R is large. A column without a name of its own needs no such evidence.
struct RowNumbering {
  private let columns: [Column]

  /// - Parameter columns: all of a table's, its targets too.
  init(_ columns: [Column]) { self.columns = columns }

  /// Without a pair alike where so many are expected, one quantity in 1 000 would be mistaken: e⁻⁷.
  private static let expectedPairs = 7.0
  private static let fewestRows = 20
  /// The reason where the numbers ascend one by one with the rows of the file.
  static let inFileOrder = "it numbers the rows one by one"
  /// Up to here a Double holds each whole number.
  private static let largest = 9e15

  /// Why a column numbers the rows; nil where it does not.
  func reason(_ place: Int) -> String? {
    let column = columns[place]
    guard case .numbers(let numbers) = column.values, numbers.count > Self.fewestRows else { return nil }
    // A year or day in file order is one row each of a series, whose trend it tells.
    guard !Self.isTime(column.name) || Self.isNameless(column.name) else { return nil }
    guard !Self.isCounter(numbers) else { return Self.inFileOrder }
    guard numbers.allSatisfy({ $0 == $0.rounded() && abs($0) < Self.largest }) else { return nil }
    guard let low = numbers.min(), let high = numbers.max() else { return nil }
    if !Self.isNameless(column.name) {
      let count = Double(numbers.count)
      guard count * count / (2 * (high - low + 1)) >= Self.expectedPairs else { return nil }
    }
    return isKey(numbers, place)
      ? "it numbers the rows: \(numbers.count) whole numbers, none of them twice but in duplicate rows" : nil
  }

  /// Each value one more than the last, in file order, from first row to last.
  private static func isCounter(_ numbers: [Double]) -> Bool {
    // Beyond 2⁵³ the next number is the same one.
    guard abs(numbers[0]) < largest else { return false }
    return (1..<numbers.count).allSatisfy { numbers[$0] == numbers[$0 - 1] + 1 }
  }

  /// The first two rows of one number that differ elsewhere end the search, so that a quantity costs little.
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
    // A few numbers that many rows share name kinds of rows.
    return rows.count * 2 > numbers.count
  }

  /// As pandas and R write a column without a header, and as this reader names one.
  private static func isNameless(_ name: String) -> Bool {
    if name == Column.rowNames || name.hasPrefix("Unnamed:") { return true }
    return name.hasPrefix("column") && Int(name.dropFirst(6)) != nil
  }

  /// Years and days are all different in a table of one row each, and yet a quantity.
  private static func isTime(_ name: String) -> Bool {
    let words = name.lowercased().split { !$0.isLetter }.map(String.init)
    return words.contains { times.contains($0) }
  }

  private static let times: Set<String> = [
    "year", "years", "yr", "month", "week", "day", "days", "date", "time", "hour", "minute", "second", "timestamp",
    "period",
    "quarter", "age",
  ]
}

extension Column {
  /// Whether two rows hold the same value, or none.
  fileprivate func isAlike(_ row: Int, _ other: Int) -> Bool {
    switch values {
    case .numbers(let numbers): numbers[row] == numbers[other] || numbers[row].isNaN && numbers[other].isNaN
    case .texts(let codes, _): codes[row] == codes[other]
    }
  }
}
