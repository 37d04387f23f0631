/// An input unlike the train set's, on which a prediction is less reliable: an unknown category, a missing value, or a number far
/// outside the range seen in training.
///
/// The row is still predicted: an unknown category is treated like the rare ones, a missing value is imputed
/// with the median, and a far outlying number is clipped to the range of the train set.
public struct InputWarning: Hashable, Sendable, CustomStringConvertible {
  /// A kind of unusual input.
  public enum Kind: Hashable, Sendable {
    /// A category that the train set does not contain, or contains too rarely.
    case unknownCategory
    /// A text that is not a date or time in the format of the train set.
    case unreadTime
    /// A missing value where no train row has one, or a column without values.
    case missing
    /// A number far outside nearly all of the train set, clipped to the range of the others.
    case outside(ClosedRange<Double>)
    /// Numbers of which nearly all are below or above the range of the train set, as in another unit.
    case beyond(ClosedRange<Double>)
    /// A time before or after those of the train set.
    case outsideTimes(first: String, last: String)
  }

  /// The column's name.
  public let column: String
  /// The kind of unusual input.
  public let kind: Kind
  /// The value of each such row; empty for missing values.
  package let values: [String]
  /// The value of the first such row; empty for a missing value.
  public var value: String { values.first ?? "" }
  /// The indices of the rows, from 0.
  public let rows: [Int]
  /// The number of rows examined.
  public let rowCount: Int

  /// The warning for one of its rows.
  package func ofRow(holding value: String) -> InputWarning {
    InputWarning(column: column, kind: kind, values: [value], rows: [0], rowCount: 1)
  }

  /// Whether these are a few values, and not the tail of a distribution.
  package var isFew: Bool { rows.count <= max(2, rowCount / 1_000) }

  /// Merges the warnings of single rows.
  package static func sum(of rows: [[InputWarning]]) -> [InputWarning] {
    struct Key: Hashable {
      let column: String
      let kind: Kind
    }
    var order: [Key] = []
    var found: [Key: (rows: [Int], values: [String])] = [:]
    for (row, warnings) in rows.enumerated() {
      for warning in warnings {
        let key = Key(column: warning.column, kind: warning.kind)
        if found[key] == nil { order.append(key) }
        found[key, default: ([], [])].rows.append(row)
        found[key, default: ([], [])].values.append(warning.value)
      }
    }
    return order.compactMap { key in
      found[key].map {
        InputWarning(column: key.column, kind: key.kind, values: $0.values, rows: $0.rows, rowCount: rows.count)
      }
    }
  }

  /// A sentence that says what is unusual, in how many rows, and how it was handled.
  public var description: String { description { $0 + 1 } }

  /// - Parameter number: maps a row's index to its number in the message.
  package func description(_ number: (Int) -> Int) -> String {
    let percent = Double(rows.count) / Double(max(1, rowCount)) * 100
    let rounded = percent < 1 ? "under 1" : "\(Int(percent.rounded()))"
    let share =
      rowCount == 1
      ? ""
      : rows.count == rowCount ? " in all \(rowCount) rows" : " in \(rows.count) of \(rowCount) rows (\(rounded) %)"
    switch kind {
    case .unknownCategory:
      return
        "column '\(column)' holds a category that is unknown to the model, or rare in its train set\(share), such as '\(value)'"
    case .unreadTime:
      return
        "column '\(column)' holds a text that is not a date or time in the format of the train set\(share), such as '\(value)'; "
        + "it is treated as missing"
    case .missing:
      return "column '\(column)' has no value\(share); it is imputed with the median, or with no category"
    case .outsideTimes(let first, let last):
      return
        "column '\(column)' holds a time outside those of the train set, \(first) to \(last)\(share), such as '\(value)'; the "
        + "prediction extrapolates"
    case .beyond(let range):
      return
        "column '\(column)' holds values beyond those of the train set, \(Column.text(of: range.lowerBound)) to "
        + "\(Column.text(of: range.upperBound))\(share), such as \(value); the predictions extrapolate, or its unit differs"
    case .outside(let range):
      let row = rowCount == 1 ? "" : "row \(number(rows[0])) of "
      return
        "\(row)column '\(column)' holds \(value), far outside nearly all values of the train set; it is clipped to "
        + Column.text(of: (Double(value) ?? 0) < range.lowerBound ? range.lowerBound : range.upperBound)
        + (rows.count > 1 ? "; such values are\(share)" : "")
    }
  }
}

extension Preparation {
  /// Warnings for some rows, one for each column and kind.
  package func warnings(for dataset: Dataset, rows: [Int]) -> [InputWarning] {
    guard case .table(let columns) = dataset.inputs else { return [] }
    return warnings(for: columns, rows: rows)
  }

  /// - Parameter rows: the rows' indices; nil: all.
  package func warnings(for columns: [Column], rows: [Int]? = nil) -> [InputWarning] {
    guard case .table(let features) = inputs else { return [] }
    let byName = Dictionary(columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let rows = rows ?? Array(0..<(columns.first?.count ?? 0))
    return features.flatMap { feature in byName[feature.name].map { feature.warnings($0, rows) } ?? [] }
  }
}

extension Feature {
  /// With fewer rows, values beyond the range may be chance.
  private static let fewestBeyond = 10

  fileprivate func warnings(_ column: Column, _ rows: [Int]) -> [InputWarning] {
    var list: [InputWarning] = []
    func add(_ kind: InputWarning.Kind, _ found: [Int]) {
      guard !found.isEmpty else { return }
      list.append(
        InputWarning(
          column: name, kind: kind, values: found.map { column.text(rows[$0]) ?? "" }, rows: found, rowCount: rows.count
        ))
    }
    let missing = rows.indices.filter { column.isMissing(rows[$0]) }
    // A value missing in one of a few rows was missing in train rows too; if all of many are missing, the
    // column is lost.
    let isLost = missing.count == rows.count && rows.count > 1
    switch self {
    case .leftOut: return []
    case .number(let number):
      if !missing.isEmpty, !number.hasMissing || isLost { add(.missing, missing) }
      guard let bounds = number.bounds, case .numbers(let values) = column.values else { break }
      let outside = rows.indices.filter { !values[rows[$0]].isNaN && bounds.isFar(values[rows[$0]]) }
      add(.outside(bounds.credible), outside)
      let present = rows.indices.filter { !values[rows[$0]].isNaN }
      let below = present.filter { values[rows[$0]] < bounds.credible.lowerBound }
      let above = present.filter { values[rows[$0]] > bounds.credible.upperBound }
      let beyond = below.count > above.count ? below : above
      if beyond.count >= Self.fewestBeyond, beyond.count * 10 >= present.count * 9, outside.count < beyond.count {
        add(.beyond(bounds.credible), beyond)
      }
    case .time(let time):
      let times = time.times(of: column)
      let unread = rows.indices.filter {
        !column.isMissing(rows[$0]) && times[rows[$0]].isNaN && !time.isKnownUnread(column.text(rows[$0]))
      }
      if !missing.isEmpty, !time.number.hasMissing || isLost { add(.missing, missing) }
      add(.unreadTime, unread)
      if let first = time.first, let last = time.last {
        let margin = (last - first) / 20
        add(
          .outsideTimes(first: time.form.text(of: first), last: time.form.text(of: last)),
          rows.indices.filter { times[rows[$0]] < first - margin || times[rows[$0]] > last + margin })
      }
    case .category(let category):
      if !missing.isEmpty, !category.hasMissing || isLost { add(.missing, missing) }
      let known = LevelPlaces(category.levels)
      let isKnown: (Int) -> Bool
      switch column.values {
      case .texts(let codes, let levels):
        let ofLevel = levels.map { known[$0] != nil }
        isKnown = { codes[$0] < 0 || ofLevel[Int(codes[$0])] }
      case .numbers(let numbers): isKnown = { numbers[$0].isNaN || known[Column.text(of: numbers[$0])] != nil }
      }
      add(.unknownCategory, rows.indices.filter { !isKnown(rows[$0]) })
    }
    return list
  }
}
