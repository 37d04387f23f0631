/// How the numbers of a file are written, as far as a model must know it to read another file alike.
package struct FileNotation: Hashable, Sendable {
  /// Whether it has decimal commas.
  package var hasDecimalCommas = false
  /// The unit of each column of numbers that is written with one.
  package var units: [String: String] = [:]
  /// The texts among a column's numbers that are missing values.
  package var markers: [String: [String]] = [:]

  package init() {}

  init(of columns: [Column]) {
    hasDecimalCommas = columns.contains(where: \.hasDecimalCommas)
    for column in columns {
      if !column.unit.isEmpty { units[column.name] = column.unit }
      if !column.markers.isEmpty { markers[column.name] = column.markers }
    }
  }

  /// A sentence that says how the unit of a column of numbers differs from the one here; nil if it does not.
  func problem(with column: Column, typical: Double) -> String? {
    let unit = units[column.name] ?? ""
    let own = unit.isEmpty ? "without a unit" : "in '\(unit)'"
    if !column.unit.isEmpty, WrittenNumber.canonical(column.unit) != WrittenNumber.canonical(unit) {
      return
        "its values are written in '\(column.unit)', and those of the train set \(own); convert them, or write plain numbers."
    }
    // `0.67` where the train set has `67 %`.
    if unit == "%", column.unit.isEmpty, abs(typical) > 1, case .numbers(let numbers) = column.values,
      numbers.contains(where: { $0 != $0.rounded() && !$0.isNaN }), numbers.allSatisfy({ $0.isNaN || abs($0) <= 1 })
    {
      return "its values are shares from 0 to 1, and those of the train set are written in '%'; write them so."
    }
    return nil
  }
}
