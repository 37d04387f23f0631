import Tartine

/// How often sets from plain random splits are called different, and how often shifted sets are.
struct OneDistribution {
  private var lines = ["| data | trials | called different, % | 95 % interval |", "|---|---|---|---|"]

  /// - Parameter data: A folder of tables; nil: artificial ones only.
  init(splits: Int, data: String?) throws {
    var tables: [(name: String, dataset: Dataset)] = [
      ("10 columns of normal numbers, 1 000 rows", try Self.normal(rows: 1000, seed: 1)),
      ("numbers, categories and missing values, 600 rows", try Self.mixed(rows: 600, seed: 2)),
    ]
    if let data {
      tables.append(("Titanic", try Dataset(csv: data + "/titanic.csv", target: "Survived")))
      tables.append(("housing", try Dataset(csv: data + "/housing-train.csv", target: "median_house_value")))
    }
    for (name, dataset) in tables {
      var alarms = 0
      for seed in 0..<splits {
        let split = try dataset.split(seed: UInt64(seed))
        if PartComparison.all(of: split).contains(where: \.isDifferent) { alarms += 1 }
      }
      add("\(name), split at random", alarms, of: splits)
    }
    for shift in [0.2, 0.3, 0.4] {
      var seen = 0
      for seed in 0..<splits {
        let first = try Self.normal(rows: 1000, seed: UInt64(1000 + 2 * seed))
        let second = try Self.normal(rows: 1000, seed: UInt64(1001 + 2 * seed), shift: shift)
        let pair = PartComparison(
          PartComparison.Part("dev", first, Array(0..<1000)), PartComparison.Part("test", second, Array(0..<1000)),
          seed: UInt64(seed))
        if pair?.isDifferent == true { seen += 1 }
      }
      add("1 000 rows against 1 000, one of ten columns shifted by \(shift) standard deviations", seen, of: splits)
    }
  }

  private mutating func add(_ name: String, _ count: Int, of trials: Int) {
    let share = Estimate.proportion(Double(count) / Double(trials), of: trials)
    func percent(_ value: Double) -> String { Text.fixed(value * 100, decimals: 1) }
    lines.append(
      "| \(name) | \(trials) | \(percent(share.value)) | \(percent(share.low)) to \(percent(share.high)) |")
  }

  var table: String { lines.joined(separator: "\n") }

  /// Normal numbers; a class that depends on two of them.
  static func normal(rows: Int, seed: UInt64, shift: Double = 0) throws -> Dataset {
    var stream = RandomStream(seed: seed, purpose: .test)
    let features = (0..<rows).map { _ in (0..<10).map { _ in Float(stream.normalPair().0) } }
    let labels = features.map { $0[0] + $0[1] + Float(stream.normalPair().0) > 0 ? "yes" : "no" }
    let moved = features.map { row in row.enumerated().map { $0 == 3 ? $1 + Float(shift) : $1 } }
    return try Dataset(features: moved, labels: labels)
  }

  private struct Row: Encodable {
    let a, b: Double
    let c: Double?
    let kind, place: String
    let y: String
  }

  static func mixed(rows: Int, seed: UInt64) throws -> Dataset {
    var stream = RandomStream(seed: seed, purpose: .test)
    let list = (0..<rows).map { _ in
      let a = stream.normalPair().0
      let kind = ["red", "green", "blue", "black"][min(3, Int(abs(stream.normalPair().0) * 2))]
      return Row(
        a: a, b: a * a + stream.normalPair().0, c: stream.uniform() < 0.2 ? nil : stream.normalPair().0, kind: kind,
        place: "p\(stream.integer(below: 30))",
        y: a + (kind == "red" ? 1 : 0) + stream.normalPair().0 > 0 ? "yes" : "no")
    }
    return try Dataset(rows: list, target: "y")
  }
}
