import TartineData
import TartinePlatform

/// Rows with the same inputs.
struct Duplicates {
  /// One set of such rows.
  struct Twins {
    /// The index of the set (train, dev or test), and a row in it.
    let members: [(part: Int, row: Int)]
    /// The expected number of such equal rows in this much data if columns were independent.
    let expected: Double
  }

  /// Sets of at least two rows, ordered by their first row.
  let sets: [Twins]

  /// In a table with a few categories, rows are equal by chance; below this expected number they count.
  static let unlikely = 1e-4
  /// Columns are not independent; below this expected number not even that explains equal rows.
  static let impossible = 1e-12

  /// - Parameters:
  ///   - parts: Rows of data sets. The columns of the first are compared, whatever other columns another file
  ///     has.
  ///   - unused: Columns that are left out of the inputs.
  init(_ parts: [PartComparison.Part], leavingOut unused: Set<String>) {
    var names: Set<String> = []
    if case .table(let columns) = parts.first?.dataset.inputs {
      names = Set(columns.map(\.name)).subtracting(unused)
    }
    var places: [Key: Int] = [:]
    var members: [[(part: Int, row: Int)]] = []
    for (number, part) in parts.enumerated() {
      let keys = RowKeys(part.dataset, names)
      for row in part.rows {
        let key = keys[row]
        if let place = places[key] {
          members[place].append((number, row))
        } else {
          places[key] = members.count
          members.append([(number, row)])
        }
      }
    }
    let rows = parts.reduce(0) { $0 + $1.rows.count }
    let all = members.filter { $0.count > 1 }
    // Each set of equal rows counts once: copies do not make copies likelier.
    let chances =
      all.isEmpty
      ? []
      : parts.indices.map { number in
        Chance(parts[number], rows: members.compactMap { twins in twins.first { $0.part == number }?.row }, names)
      }
    sets = all.map { twins in
      // By the shares in the largest set that has such a row.
      let known = twins.max { parts[$0.part].rows.count < parts[$1.part].rows.count } ?? twins[0]
      return Twins(members: twins, expected: chances[known.part].expected(known.row, among: rows))
    }
  }

  /// A 128-bit hash: different rows never share it.
  struct Key: Hashable {
    var a: UInt64 = 0xcbf2_9ce4_8422_2325
    var b: UInt64 = 0x9e37_79b9_7f4a_7c15

    mutating func add(_ bits: UInt64) {
      a = (a ^ bits) &* 0x100_0000_01b3
      a ^= a >> 29
      b = (b &+ bits) &* 0xff51_afd7_ed55_8ccd
      b ^= b >> 33
    }
  }

  /// The keys of a data set's rows.
  struct RowKeys {
    private let inputs: Dataset.Inputs
    private let columns: [Column]
    /// For each column, the bits of each level, which are the same in another data set.
    private let levels: [[UInt64]]

    init(_ dataset: Dataset, _ names: Set<String>) {
      inputs = dataset.inputs
      if case .table(let all) = dataset.inputs {
        columns = all.filter { names.contains($0.name) }.sorted { $0.name < $1.name }
      } else {
        columns = []
      }
      levels = columns.map { column in
        guard case .texts(_, let levels) = column.values else { return [] }
        return levels.map { level in
          var key = Key()
          for byte in level.utf8 { key.add(UInt64(byte)) }
          return key.a
        }
      }
    }

    subscript(row: Int) -> Key {
      var key = Key()
      if case .images(let block) = inputs {
        for byte in block.pixels(row) { key.add(UInt64(byte)) }
        return key
      }
      for (column, levels) in zip(columns, levels) {
        switch column.values {
        case .numbers(let numbers): key.add(numbers[row] == 0 ? 0 : numbers[row].bitPattern)
        case .texts(let codes, _): key.add(codes[row] < 0 ? 1 : levels[Int(codes[row])])
        }
      }
      return key
    }
  }

  /// The expected number of rows with this row's values if columns were independent.
  private struct Chance {
    private let shares: [(Int) -> Double]

    /// - Parameter distinct: The rows, one of each set of equal ones.
    init(_ part: PartComparison.Part, rows distinct: [Int], _ names: Set<String>) {
      guard case .table(let columns) = part.dataset.inputs else {
        // Images are never equal by chance.
        shares = [{ _ in 0 }]
        return
      }
      let rows = Double(max(1, distinct.count))
      /// The chance that another row has the value of a row: of values that no other has, what all rows share on average.
      func share<Value: Hashable>(_ counts: [Value: Int]) -> (Value) -> Double {
        let pairs = counts.values.reduce(0.0) { $0 + Double($1) * Double($1 - 1) }
        let least = max(pairs / (rows * rows), 1 / (rows * rows))
        return { value in max(Double((counts[value] ?? 1) - 1) / rows, least) }
      }
      shares = columns.filter { names.contains($0.name) }.map { column in
        switch column.values {
        case .numbers(let numbers):
          var counts: [UInt64: Int] = [:]
          for row in distinct { counts[numbers[row].bitPattern, default: 0] += 1 }
          let chance = share(counts)
          return { chance(numbers[$0].bitPattern) }
        case .texts(let codes, _):
          var counts: [Int32: Int] = [:]
          for row in distinct { counts[codes[row], default: 0] += 1 }
          let chance = share(counts)
          return { chance(codes[$0]) }
        }
      }
    }

    func expected(_ row: Int, among rows: Int) -> Double { shares.reduce(Double(rows)) { $0 * $1(row) } }
  }
}
