import TartineEngine

/// The method that assigns rows to the train, dev and test sets.
///
/// | method | written | for |
/// |---|---|---|
/// | `stratified` | `stratified` | independent rows |
/// | `grouped` | `group:COLUMN` | several rows of one patient, house or speaker: a group is kept whole |
/// | `time` | `time:COLUMN` | forecasting: train first, then dev, test last |
/// | `hash` | `hash:COLUMN` | growing data: a row's set follows from its value alone, and never changes |
/// | `fixed` | `fixed:COLUMN` | a given split: `train`, `dev` or `test` |
///
/// The column is not an input.
public enum SplitMethod: Hashable, Sendable, LosslessStringConvertible {
  /// Random, with the same proportion of every class, or of every decile of a number, in each set.
  case stratified
  /// Random, with groups kept whole.
  case grouped(by: String)
  /// By the order of a column.
  case time(by: String)
  /// By the hash of a column's value.
  case hash(of: String)
  /// By a column with the values `train`, `dev` and `test`.
  case fixed(by: String)

  /// Parses a ``description``; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count > 1 ? parts[1] : "") {
    case ("stratified", "") where parts.count == 1: self = .stratified
    case ("group", let name) where !name.isEmpty: self = .grouped(by: name)
    case ("time", let name) where !name.isEmpty: self = .time(by: name)
    case ("hash", let name) where !name.isEmpty: self = .hash(of: name)
    case ("fixed", let name) where !name.isEmpty: self = .fixed(by: name)
    default: return nil
    }
  }

  /// The written form, such as `group:patient`.
  public var description: String {
    switch self {
    case .stratified: "stratified"
    case .grouped(let name): "group:\(name)"
    case .time(let name): "time:\(name)"
    case .hash(let name): "hash:\(name)"
    case .fixed(let name): "fixed:\(name)"
    }
  }

  /// The column of the method.
  public var column: String? {
    switch self {
    case .stratified: nil
    case .grouped(let name), .time(let name), .hash(let name), .fixed(let name): name
    }
  }
}

/// The rows of each set, in any order.
struct SplitParts {
  var train: [Int] = []
  var dev: [Int] = []
  var test: [Int] = []
}

/// The number of rows of the dev and test sets.
struct PartSizes {
  let rows, dev, test: Int
  /// The requested fractions, whatever the number of rows.
  let devShare, testShare: Double

  /// - Throws: `DataError` where a set would be empty.
  init(_ rule: SplitRule, rows: Int, hasTestFile: Bool, source: String) throws {
    self.rows = rows
    switch rule {
    case .automatic:
      let part = min(Int((Double(rows) * 0.2).rounded()), 10_000)
      dev = max(1, part)
      test = hasTestFile ? 0 : part
      (devShare, testShare) = (0.2, hasTestFile ? 0 : 0.2)
    case .shares(let train, let devPart, let testPart):
      let shares = [train, devPart] + (testPart.map { [$0] } ?? [])
      guard shares.allSatisfy({ $0 > 0 && $0 < 1 }), abs(shares.reduce(0, +) - 1) < 1e-6 else {
        throw DataError(
          "the shares of a split must be above 0 and add up to 1, such as 0.6,0.2,0.2.", source: source)
      }
      guard !hasTestFile || testPart == nil else {
        throw DataError(
          "a test file was given, so the split has two shares, train and dev, such as 0.8,0.2.", source: source)
      }
      dev = Int((Double(rows) * devPart).rounded())
      test = Int((Double(rows) * (testPart ?? 0)).rounded())
      (devShare, testShare) = (devPart, testPart ?? 0)
      guard dev > 0, testPart == nil || test > 0, dev + test < rows else {
        throw DataError("with \(rows) rows one set of this split would be empty.", source: source)
      }
    }
  }
}

extension SplitMethod {
  /// Assigns the rows.
  ///
  /// - Parameter column: the column of the method; nil for a stratified split.
  /// - Throws: `DataError` where a set would be empty.
  func divide(_ dataset: Dataset, by column: Column?, _ sizes: PartSizes, seed: UInt64) throws -> SplitParts {
    guard let column else { return Self.stratified(dataset, sizes, seed: seed) }
    let missing = rowsWithoutPlace(column)
    switch self {
    case .time, .hash:
      // A few are noise; with many the sets would not be what they are meant to be.
      if missing * 10 > column.count {
        throw DataError(
          "\(missing) of \(column.count) rows have no value in it, so '\(self)' cannot assign them to a set; fill them in, or remove "
            + "these rows.", source: dataset.source, column: column.name)
      }
    default: break
    }
    let parts =
      switch self {
      case .stratified: Self.stratified(dataset, sizes, seed: seed)
      case .grouped: Self.grouped(column, sizes, seed: seed)
      case .time: try Self.ordered(dataset, column, sizes)
      case .hash: Self.hashed(column, sizes)
      case .fixed: try Self.fixed(dataset, column)
      }
    guard !parts.train.isEmpty, !parts.dev.isEmpty, !parts.test.isEmpty || sizes.test == 0 else {
      throw DataError(
        "splitting by '\(self)' leaves a set without rows: \(parts.train.count) train, \(parts.dev.count) dev, "
          + "\(parts.test.count) test.", source: dataset.source, column: column.name)
    }
    return parts
  }

  private func rowsWithoutPlace(_ column: Column) -> Int {
    if case .time = self, let groups = try? column.groupsInTime() {
      return column.count - groups.reduce(0) { $0 + $1.count }
    }
    return (0..<column.count).count { column.isMissing($0) }
  }

  /// A notice about the rows that have no value to be assigned by; nil where there are none.
  func notice(of column: Column) -> String? {
    let missing = rowsWithoutPlace(column)
    guard missing > 0 else { return nil }
    let (rows, have) = missing == 1 ? ("1 row", "has") : ("\(missing) rows", "have")
    switch self {
    case .time(let name):
      return "\(rows) \(have) no value in '\(name)' and \(missing == 1 ? "is" : "are") in the train set"
    case .hash(let name): return "\(rows) \(have) no value in '\(name)' and all belong to one set"
    case .grouped(let name): return "\(rows) \(have) no value in '\(name)', each taken as a group of its own"
    case .stratified, .fixed: return nil
    }
  }

  private static func stratified(_ dataset: Dataset, _ sizes: PartSizes, seed: UInt64) -> SplitParts {
    var parts = SplitParts()
    var stream = RandomStream(seed: seed, purpose: .split)
    let keepsOne = dataset.task.task.isClassification
    var before = 0
    for stratum in dataset.strata() {
      var members = stratum
      stream.shuffle(&members)
      // Rows due so far, less those already assigned: what a small stratum cannot supply is taken from the
      // next.
      func due(_ total: Int, _ placed: Int) -> Int {
        max(0, (total * (before + members.count) * 2 + sizes.rows) / (2 * sizes.rows) - placed)
      }
      var toDev = due(sizes.dev, parts.dev.count)
      var toTest = due(sizes.test, parts.test.count)
      // A class that is only in the test set cannot be learned: the last row of a class stays in train.
      while toDev + toTest > members.count - (keepsOne ? 1 : 0), toDev + toTest > 0 {
        if toTest >= toDev { toTest -= 1 } else { toDev -= 1 }
      }
      parts.dev += members[..<toDev]
      parts.test += members[toDev..<(toDev + toTest)]
      parts.train += members[(toDev + toTest)...]
      before += members.count
    }
    return parts
  }

  /// Assigns groups in random order: each goes to dev, then to test, while that set lacks at least half of
  /// its rows.
  private static func grouped(_ column: Column, _ sizes: PartSizes, seed: UInt64) -> SplitParts {
    var groups = column.groups
    var stream = RandomStream(seed: seed, purpose: .split)
    stream.shuffle(&groups)
    var parts = SplitParts()
    for group in groups {
      func isDue(_ count: Int, of total: Int) -> Bool { (total - count) * 2 >= group.count && count < total }
      if isDue(parts.dev.count, of: sizes.dev) {
        parts.dev += group
      } else if isDue(parts.test.count, of: sizes.test) {
        parts.test += group
      } else {
        parts.train += group
      }
    }
    return parts
  }

  /// Assigns the earliest rows to train and the latest to test; rows without a value go to train. Equal times
  /// stay together.
  /// - Throws: `DataError` for texts that are not times, or are ambiguous.
  private static func ordered(_ dataset: Dataset, _ column: Column, _ sizes: PartSizes) throws -> SplitParts {
    let groups: [[Int]]
    do {
      groups = try column.groupsInTime()
    } catch let ambiguity as TimeForm.Ambiguity {
      throw DataError(
        "'\(ambiguity.text)' may be written with \(ambiguity.first) or with \(ambiguity.second), and no row shows which; write "
          + "times as 2024-03-01.", source: dataset.source, column: column.name)
    } catch let unreadable as TimeForm.Unreadable {
      throw DataError(
        "'\(unreadable.text)' is not a time in the format of the other rows; write times as 2024-03-01, 2024-03-01 12:30 or as "
          + "numbers, and leave the field empty where there is none.", source: dataset.source, column: column.name)
    }
    var parts = SplitParts()
    for group in groups.reversed() {
      if parts.test.count < sizes.test {
        parts.test += group
      } else if parts.dev.count < sizes.dev {
        parts.dev += group
      } else {
        parts.train += group
      }
    }
    let timed = Set(groups.joined())
    parts.train += (0..<column.count).filter { !timed.contains($0) }
    return parts
  }

  /// Assigns by the value and the fractions alone, so that a row stays in its set when others are added.
  private static func hashed(_ column: Column, _ sizes: PartSizes) -> SplitParts {
    var parts = SplitParts()
    for row in 0..<column.count {
      let place = hash(column.text(row) ?? "")
      if place < sizes.testShare {
        parts.test.append(row)
      } else if place < sizes.testShare + sizes.devShare {
        parts.dev.append(row)
      } else {
        parts.train.append(row)
      }
    }
    return parts
  }

  /// A number in [0, 1) that is the same on every machine.
  private static func hash(_ text: String) -> Double {
    // FNV-1a, then a block of Philox, since FNV's upper bits hardly depend on the last letters.
    let sum = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    var stream = RandomStream(seed: sum, purpose: .split)
    return stream.uniform()
  }

  private static func fixed(_ dataset: Dataset, _ column: Column) throws -> SplitParts {
    var parts = SplitParts()
    for row in 0..<column.count {
      switch column.text(row)?.lowercased() {
      case "train", "training": parts.train.append(row)
      case "dev", "val", "valid", "validation", "development": parts.dev.append(row)
      case "test", "testing": parts.test.append(row)
      case let value:
        throw DataError(
          "a row's set must be train, dev or test, and row \(dataset.rowNumber(row)) has "
            + "\(value.map { "'\($0)'" } ?? "no value").", source: dataset.source, column: column.name)
      }
    }
    return parts
  }
}

extension Column {
  /// The rows of each value, in order of first appearance; each row without a value is its own group.
  var groups: [[Int]] {
    var groups: [[Int]] = []
    var places: [String: Int] = [:]
    for row in 0..<count {
      guard let value = text(row) else {
        groups.append([row])
        continue
      }
      if let place = places[value] {
        groups[place].append(row)
      } else {
        places[value] = groups.count
        groups.append([row])
      }
    }
    return groups
  }

  /// The rows of each time, ascending.
  ///
  /// - Throws: `TimeForm.Ambiguity`, `TimeForm.Unreadable`.
  fileprivate func groupsInTime() throws -> [[Int]] {
    var times: [Double]
    switch values {
    case .numbers(let numbers): times = dottedTimes ?? numbers
    case .texts(let codes, let levels):
      var counts = [Int](repeating: 0, count: levels.count)
      for code in codes where code >= 0 { counts[Int(code)] += 1 }
      let places = try TimeForm.places(of: levels, counts: counts)
      times = codes.map { $0 < 0 ? .nan : places[Int($0)] }
    }
    // A latest time that is farther from the others than these are from each other stands for none, as 2999-12-31 does.
    let distinct = Set(times.filter { !$0.isNaN }).sorted()
    if distinct.count > 10, let first = distinct.first, let last = distinct.last {
      let next = distinct[distinct.count - 2]
      if last - next > next - first { times = times.map { $0 == last ? .nan : $0 } }
    }
    return Dictionary(grouping: times.indices.filter { !times[$0].isNaN }) { times[$0] }
      .sorted { $0.key < $1.key }.map(\.value)
  }
}
