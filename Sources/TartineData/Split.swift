import Synchronization
import TartineEngine

/// The sizes of the train, dev and test sets.
public enum SplitRule: Hashable, Sendable {
  /// Dev and test sets of min(20 % of the rows, 10 000) each.
  case automatic
  /// The fractions of train, dev and, if not nil, test; they add up to 1.
  case shares(train: Double, dev: Double, test: Double?)
}

/// A data set split into a train set, a dev set for model selection, and a locked test set.
///
/// The split depends on the data and the seed, never on a result.
public struct Split: Sendable {
  /// All rows of the train and dev sets, and of the test set unless it is a separate file.
  package private(set) var dataset: Dataset
  package let train: [Int]
  package let dev: [Int]
  package let test: LockedTest
  /// The method that assigned the rows.
  public let method: SplitMethod
  /// The random seed of the split.
  public let seed: UInt64
  /// Whether the test set is a separate file, and not part of the data set.
  package let hasTestFile: Bool
  /// Groups of rows that stay together; nil: none.
  private let groups: [[Int]]?

  /// The rows of the train set, as indices of the data set's rows from 0.
  public var trainRows: [Int] { train }
  /// The rows of the dev set, as indices of the data set's rows from 0. Those of the test set are not given.
  public var devRows: [Int] { dev }
  /// The number of train rows.
  public var trainCount: Int { train.count }
  /// The number of dev rows.
  public var devCount: Int { dev.count }
  /// The number of test rows; 0 without a test set.
  public var testCount: Int { test.count }
  /// The task.
  public var task: LearningTask { dataset.task.task }

  /// Splits the data.
  ///
  /// - Parameters:
  ///   - dataset: the data to split.
  ///   - rule: the sizes of the sets.
  ///   - method: the method that assigns rows; its column is not an input.
  ///   - seed: the random seed.
  ///   - test: a separate test set; then only a dev set is taken from `dataset`.
  /// - Throws: `DataError` where a set would be empty, or there is no such column.
  public init(
    _ dataset: Dataset, rule: SplitRule = .automatic, by method: SplitMethod = .stratified, seed: UInt64 = 0,
    test: Dataset? = nil
  ) throws {
    var dataset = dataset
    var method = method
    // The groups of a data set are kept whole.
    if let groups = dataset.groups, method == .stratified { method = .grouped(by: groups.column) }
    let column =
      try dataset.groups.flatMap { method.column == $0.column ? $0.values : nil }
      ?? method.column.map { try dataset.takeOut($0, to: "split the rows by") }
    let sizes = try PartSizes(rule, rows: dataset.rowCount, hasTestFile: test != nil, source: dataset.source)
    let parts = try method.divide(dataset, by: column, sizes, seed: seed)
    guard !parts.dev.isEmpty else {
      throw DataError(
        "\(dataset.rowCount) rows in \(dataset.strata().count) classes are too few to set any aside "
          + "(\(dataset.targets[0].reason)).", source: dataset.source, column: dataset.targets[0].name)
    }
    guard test == nil || parts.test.isEmpty else {
      throw DataError(
        "a test file was given, and '\(method)' assigns rows of the data to the test set too; leave one of them out.",
        source: dataset.source)
    }
    switch method {
    case .grouped, .hash: dataset = column.map(dataset.grouped(by:)) ?? dataset
    case .stratified, .time, .fixed: break
    }
    groups = dataset.groups?.values.groups
    if let notice = column.flatMap(method.notice(of:)) { dataset.notices.append(notice) }
    if method != .stratified { dataset.notices += Self.absentClasses(dataset, parts) }
    self.dataset = dataset
    self.method = method
    self.seed = seed
    hasTestFile = test != nil
    // File order: rows that are read together are adjacent.
    train = parts.train.sorted()
    dev = parts.dev.sorted()
    self.test =
      test.map { test in
        LockedTest(
          dataset: dataset.groups.flatMap { try? test.evaluated(byGroupsOf: $0.column) } ?? test,
          rows: Array(0..<test.rowCount))
      }
      ?? LockedTest(dataset: dataset, rows: parts.test.sorted())
  }
}

extension Split {
  /// Splits the rows of train and dev into `count` folds, stratified: in the k-th split the k-th fold is the
  /// test set, and the rest is split into train and dev with the original proportions. The test set is not
  /// touched.
  /// - Throws: `DataError` where there are too few rows.
  public func folds(_ count: Int) throws -> [Split] { try folds(count, seed: seed) }

  /// Splits the rows of train and dev into folds in another random order.
  package func folds(_ count: Int, seed: UInt64) throws -> [Split] {
    let rows = (train + dev).sorted()
    // The remaining rows must include a dev row and two train rows.
    guard count >= 2, count <= rows.count, rows.count - (rows.count + count - 1) / count >= 3 else {
      throw DataError(
        "\(rows.count) rows of train and dev cannot be split into \(count) folds with train and dev rows each; there "
          + "can be from 2 to \(rows.count) folds, of at least 4 rows in all.",
        source: dataset.source)
    }
    if case .time = method {
      throw DataError(
        "folds would predict the past from the future; rows in time order have a single dev set.",
        source: dataset.source)
    }
    var stream = RandomStream(seed: seed, purpose: .folds)
    var fold = [Int: Int]()
    var next = 0
    if let groups { fold = Self.folds(of: groups, rows, count, &stream) }
    for stratum in groups == nil ? dataset.strata(rows) : [] {
      var members = stratum
      stream.shuffle(&members)
      // Each stratum continues in the fold after the last one's, so that fold sizes differ by at most one
      // row.
      for row in members {
        fold[row] = next % count
        next += 1
      }
    }
    let devShare = Double(devCount) / Double(rows.count)
    return (0..<count).map { number in
      let others = rows.filter { fold[$0] != number }
      var parts = (train: [Int](), dev: [Int]())
      var due = 0.0
      for group in groups.map({ Self.members(of: $0, among: others) }) ?? [] {
        // Groups were shuffled once, and are kept whole.
        if Double(parts.dev.count) < devShare * Double(others.count) {
          parts.dev += group
        } else {
          parts.train += group
        }
      }
      for stratum in groups == nil ? dataset.strata(others) : [] {
        var members = stratum
        stream.shuffle(&members)
        due += devShare * Double(members.count)
        let toDev = min(Int(due.rounded()) - parts.dev.count, members.count - 1)
        parts.dev += members.prefix(max(0, toDev))
        parts.train += members.dropFirst(max(0, toDev))
      }
      if parts.dev.isEmpty { parts.dev.append(parts.train.removeLast()) }
      return with(
        train: parts.train.sorted(), dev: parts.dev.sorted(),
        test: LockedTest(dataset: dataset, rows: rows.filter { fold[$0] == number }))
    }
  }

  /// Assigns groups in random order, each to the smallest fold.
  private static func folds(
    of groups: [[Int]], _ rows: [Int], _ count: Int, _ stream: inout RandomStream
  ) -> [Int: Int] {
    var groups = members(of: groups, among: rows)
    stream.shuffle(&groups)
    var sizes = [Int](repeating: 0, count: count)
    var fold: [Int: Int] = [:]
    for group in groups {
      let smallest = sizes.indices.min { sizes[$0] < sizes[$1] } ?? 0
      sizes[smallest] += group.count
      for row in group { fold[row] = smallest }
    }
    return fold
  }

  private static func members(of groups: [[Int]], among rows: [Int]) -> [[Int]] {
    let kept = Set(rows)
    return groups.map { $0.filter(kept.contains) }.filter { !$0.isEmpty }
  }

  /// Returns the split without some columns, in the test set too.
  package func without(_ names: Set<String>) -> Split { with(dataset.without(names)) }

  /// Returns the split with more columns, and without the test set, which lacks them.
  package func adding(_ columns: [Column]) -> Split {
    let wider = dataset.adding(columns)
    return with(test: LockedTest(dataset: wider, rows: [])).with(wider)
  }

  /// Returns the split without its test set, for work that evaluates nothing on it.
  package var withoutTest: Split { with(test: LockedTest(dataset: dataset, rows: [])) }

  private func with(_ dataset: Dataset) -> Split {
    var copy = self
    copy.dataset = dataset
    return copy
  }

  /// Returns a split of the same data into other sets.
  package func with(train: [Int]? = nil, dev: [Int]? = nil, test: LockedTest? = nil) -> Split {
    Split(self, train: train ?? self.train, dev: dev ?? self.dev, test: test ?? self.test)
  }

  private init(_ other: Split, train: [Int], dev: [Int], test: LockedTest) {
    dataset = other.dataset
    method = other.method
    seed = other.seed
    groups = other.groups
    hasTestFile = other.hasTestFile
    self.train = train
    self.dev = dev
    self.test = test
  }
}

extension Dataset {
  /// Splits the data; see ``Split``.
  public func split(
    _ rule: SplitRule = .automatic, by method: SplitMethod = .stratified, seed: UInt64 = 0, test: Dataset? = nil
  ) throws -> Split {
    try Split(self, rule: rule, by: method, seed: seed, test: test)
  }

  /// The index of each row's stratum.
  package var stratumByRow: [Int] {
    var places = [Int](repeating: 0, count: rowCount)
    for (place, stratum) in strata().enumerated() { for row in stratum { places[row] = place } }
    return places
  }

  /// Rows with similar targets: the classes, or the deciles of a number.
  ///
  /// - Parameter rows: the rows; nil: all.
  package func strata(_ rows: [Int]? = nil) -> [[Int]] {
    let rows = rows ?? Array(0..<rowCount)
    guard let target = targets.first, task.task != .multilabel else {
      // Labels: a stratum for each combination.
      let groups = Dictionary(grouping: rows) { row in targets.map { $0.text(row) ?? "" } }
      let sorted = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
      // Rare combinations form one stratum, otherwise there would be as many strata as rows.
      return sorted.filter { $0.count >= 5 } + [sorted.filter { $0.count < 5 }.flatMap { $0 }].filter { !$0.isEmpty }
    }
    if task.task == .regression, case .numbers(let numbers) = target.values {
      let sorted = rows.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
      let deciles = min(10, max(1, rows.count / 10))
      return (0..<deciles).map { Array(sorted[($0 * rows.count / deciles)..<(($0 + 1) * rows.count / deciles)]) }
    }
    let groups = Dictionary(grouping: rows) { target.text($0) ?? "" }
    return groups.sorted { $0.key < $1.key }.map(\.value)
  }
}

/// The locked test set, which counts its evaluations.
package final class LockedTest: Sendable {
  /// The rows, for whoever has unlocked them.
  package let dataset: Dataset
  private let rows: [Int]
  private let openings = Mutex(0)

  init(dataset: Dataset, rows: [Int]) {
    self.dataset = dataset
    self.rows = rows
  }

  /// The number of test rows.
  package var count: Int { rows.count }

  /// The number of times it was opened.
  package var openCount: Int { openings.withLock { $0 } }

  /// Throws the errors that an evaluation would: a missing column, or a label that the train set does not
  /// know. Nothing is measured.
  package func check(_ preparation: Preparation) throws {
    try preparation.checkColumns(of: dataset)
    var warnings: [String] = []
    _ = try preparation.targets(of: dataset, rows: rows, warnings: &warnings)
  }

  /// The inputs, for comparing distributions with another set: nothing is measured, and no target is read.
  package var inputs: (dataset: Dataset, rows: [Int]) { (dataset, rows) }

  /// Returns the rows, and increments the count.
  package func open() -> (dataset: Dataset, rows: [Int]) {
    openings.withLock { $0 += 1 }
    return (dataset, rows)
  }
}

extension Split {
  /// The group of each row, where groups are kept together; nil without groups.
  package var groupByRow: [Int]? { dataset.groups?.byRow }

  /// A sample of the train rows, determined by the seed: the first rows of each stratum, or whole groups
  /// until there are enough rows.
  package func sample(_ count: Int, seed: UInt64) -> [Int] {
    var rows: [Int] = []
    var due = 0.0
    var stream = RandomStream(seed: seed, purpose: .sample, index: 1)
    if let groups {
      var groups = Self.members(of: groups, among: train)
      stream.shuffle(&groups)
      for group in groups where rows.count < count { rows += group }
      return rows.sorted()
    }
    for stratum in dataset.strata(train) {
      var members = stratum
      stream.shuffle(&members)
      due += Double(members.count) * Double(count) / Double(trainCount)
      let taken = max(0, min(members.count, Int(due.rounded()) - rows.count))
      rows += members.prefix(taken)
    }
    return rows.sorted()
  }
}
