import TartineData

/// One input column: its values, and how it is encoded.
public struct ColumnFacts: Hashable, Sendable, Encodable {
  /// Its name.
  public let name: String
  /// `number` or `text`.
  public let type: String
  /// The reason for the type.
  public let reason: String
  /// The number of rows without a value.
  public let missing: Int
  /// The number of distinct values.
  public let values: Int
  /// The range of a column of numbers.
  public let mean, standardDeviation, smallest, median, largest: Double?
  /// The most frequent texts, with their row counts.
  public let frequent: [Level]?
  /// How the column is encoded for the network.
  public let use: String
  /// The share of the target's entropy or variance that the column alone explains.
  public let tells: Double

  /// A text and its number of rows.
  public struct Level: Hashable, Sendable, Encodable {
    /// The text.
    public let value: String
    /// The number of rows with this text.
    public let rows: Int
  }

  /// Computed on train and dev, whose targets are not locked.
  init(_ column: Column, rows: [Int], feature: Feature?, tells: Double) {
    name = column.name
    reason = column.reason
    self.tells = tells
    use = Self.use(feature)
    missing = rows.count(where: column.isMissing)
    switch column.values {
    case .numbers(let numbers):
      type = "number"
      frequent = nil
      let present = rows.map { numbers[$0] }.filter { !$0.isNaN }.sorted()
      values = zip(present, present.dropFirst()).reduce(present.isEmpty ? 0 : 1) { $0 + ($1.0 != $1.1 ? 1 : 0) }
      guard !present.isEmpty else {
        (mean, standardDeviation, smallest, median, largest) = (nil, nil, nil, nil, nil)
        return
      }
      let average = present.reduce(0, +) / Double(present.count)
      mean = average
      standardDeviation =
        (present.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(present.count)).squareRoot()
      (smallest, largest) = (present.first, present.last)
      median = (present[present.count / 2] + present[(present.count - 1) / 2]) / 2
    case .texts(let codes, let levels):
      type = "text"
      (mean, standardDeviation, smallest, median, largest) = (nil, nil, nil, nil, nil)
      var counts = [Int](repeating: 0, count: levels.count)
      for row in rows where codes[row] >= 0 { counts[Int(codes[row])] += 1 }
      values = counts.count { $0 > 0 }
      let sorted = levels.indices.filter { counts[$0] > 0 }.sorted {
        (counts[$1], levels[$0]) < (counts[$0], levels[$1])
      }
      frequent = sorted.prefix(5).map { Level(value: levels[$0], rows: counts[$0]) }
    }
  }

  /// Whether the column is left out of the inputs.
  var isLeftOut: Bool { use.hasPrefix("left out") }

  private static func use(_ feature: Feature?) -> String {
    switch feature {
    case .number(let number):
      let bins = number.edges.isEmpty ? "" : " and in \(number.edges.count - 1) bins"
      let gaps = number.hasMissing ? "; the median and a flag where missing" : ""
      return "standardized\(bins)\(gaps)"
    case .category(let category): return "one of \(category.width)"
    case .time(let time):
      let cycles = time.cycles.map { $0 == .week ? "day of the week" : "part of the \($0.rawValue)" }
      return (["a number in time"] + cycles).joined(separator: ", ")
    case .leftOut(_, let reason): return "left out: \(reason)"
    case nil: return "left out"
    }
  }
}
