import Synchronization
import TartineEngine

/// How rows are divided.
public enum SplitRule: Hashable, Sendable {
  /// Dev and test each hold min(20 % of the rows, 10 000).
  case automatic
  /// Shares of train, dev and, where it is not nil, test; they add up to 1.
  case shares(train: Double, dev: Double, test: Double?)
}

/// A data set divided into a part to train on, a part to choose by, and a test part under lock.
///
/// The division depends on the data and the seed, never on a result.
public struct Split: Sendable {
  /// All rows of train and dev, and of test unless that is a file of its own.
  package private(set) var dataset: Dataset
  package let train: [Int]
  package let dev: [Int]
  package let test: LockedTest
  /// What decided a row's part.
  public let method: SplitMethod
  /// The seed it was drawn with.
  public let seed: UInt64
  /// Whether the test part is a file of its own, and no part of the data set.
  package let hasTestFile: Bool
  /// Rows that stay together; nil: each stands alone.
  private let groups: [[Int]]?

  /// Rows to train on.
  public var trainCount: Int { train.count }
  /// Rows to choose by.
  public var devCount: Int { dev.count }
  /// Rows under lock; 0 without a test part.
  public var testCount: Int { test.count }
  /// What there is to predict.
  public var task: LearningTask { dataset.task.task }

  /// Divides the data.
  ///
  /// - Parameters:
  ///   - dataset: what is divided.
  ///   - rule: the shares.
  ///   - method: what decides a row's part; a column that does is no input.
  ///   - seed: of the drawing.
  ///   - test: a test set of its own; then only dev is cut from `dataset`.
  /// - Throws: `DataError` where a part would be empty, or there is no such column.
  public init(
    _ dataset: Dataset, rule: SplitRule = .automatic, by method: SplitMethod = .stratified, seed: UInt64 = 0,
    test: Dataset? = nil
  ) throws {
    var dataset = dataset
    let column = try method.column.map { try dataset.takeOut($0, to: "divide the rows by") }
    let sizes = try PartSizes(rule, rows: dataset.rowCount, hasTestFile: test != nil, source: dataset.source)
    let parts = try method.divide(dataset, by: column, sizes, seed: seed)
    guard !parts.dev.isEmpty else {
      throw DataError(
        "\(dataset.rowCount) rows in \(dataset.strata().count) classes are too few to set any aside "
          + "(\(dataset.targets[0].reason)).", source: dataset.source, column: dataset.targets[0].name)
    }
    guard test == nil || parts.test.isEmpty else {
      throw DataError(
        "a test file was given, and '\(method)' calls rows of the data test as well; leave one of them out.",
        source: dataset.source)
    }
    self.dataset = dataset
    self.method = method
    self.seed = seed
    hasTestFile = test != nil
    switch method {
    case .grouped, .hash: groups = column?.groups
    case .stratified, .time, .fixed: groups = nil
    }
    // File order: what is read together lies together.
    train = parts.train.sorted()
    dev = parts.dev.sorted()
    self.test =
      test.map { LockedTest(dataset: $0, rows: Array(0..<$0.rowCount)) }
      ?? LockedTest(dataset: dataset, rows: parts.test.sorted())
  }
}

extension Split {
  /// The rows of train and dev divided into `count` folds, stratified: in the k-th split the k-th fold is the test part, and
  /// the rest is divided into train and dev in the shares that they had. The test part is not touched.
  /// - Throws: `DataError` where there are too few rows.
  public func folds(_ count: Int) throws -> [Split] {
    let rows = (train + dev).sorted()
    // What is left of the rows must hold a dev row and two to train on.
    guard count >= 2, count <= rows.count, rows.count - (rows.count + count - 1) / count >= 3 else {
      throw DataError(
        "\(rows.count) rows of train and dev cannot be cut in \(count) folds with rows to train on and to choose by; there "
          + "can be from 2 to \(rows.count) folds, of at least 4 rows in all.",
        source: dataset.source)
    }
    if case .time = method {
      throw DataError(
        "folds would predict the past from what came after it; rows in the order of time have one dev part.",
        source: dataset.source)
    }
    var stream = RandomStream(seed: seed, purpose: .folds)
    var fold = [Int: Int]()
    var next = 0
    if let groups { fold = Self.folds(of: groups, rows, count, &stream) }
    for stratum in groups == nil ? dataset.strata(rows) : [] {
      var members = stratum
      stream.shuffle(&members)
      // Each stratum goes on where the last one ended, so that folds differ by a row at most.
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
        // Groups were shuffled once, and stay whole.
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

  /// Groups in random order, each to the fold that has fewest rows.
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

  /// The same rows without some columns, which the test part may have.
  package func without(_ names: Set<String>) -> Split { with(dataset.without(names)) }

  /// The same rows with more columns, and no test part, which has none of them.
  package func adding(_ columns: [Column]) -> Split {
    let wider = dataset.adding(columns)
    return with(test: LockedTest(dataset: wider, rows: [])).with(wider)
  }

  /// The same train and dev part, for what measures nothing on test.
  package var withoutTest: Split { with(test: LockedTest(dataset: dataset, rows: [])) }

  private func with(_ dataset: Dataset) -> Split {
    var copy = self
    copy.dataset = dataset
    return copy
  }

  /// The same data in other parts.
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
  /// Divides the data; see ``Split``.
  public func split(
    _ rule: SplitRule = .automatic, by method: SplitMethod = .stratified, seed: UInt64 = 0, test: Dataset? = nil
  ) throws -> Split {
    try Split(self, rule: rule, by: method, seed: seed, test: test)
  }

  /// Each row's place among the strata.
  package var stratumByRow: [Int] {
    var places = [Int](repeating: 0, count: rowCount)
    for (place, stratum) in strata().enumerated() { for row in stratum { places[row] = place } }
    return places
  }

  /// Rows that are alike in the target: the classes, or the deciles of a number.
  ///
  /// - Parameter rows: which; nil: all.
  package func strata(_ rows: [Int]? = nil) -> [[Int]] {
    let rows = rows ?? Array(0..<rowCount)
    guard let target = targets.first, task.task != .multilabel else {
      // Labels: by their combination.
      let groups = Dictionary(grouping: rows) { row in targets.map { $0.text(row) ?? "" } }
      let sorted = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
      // Rare combinations together, else there would be as many strata as rows.
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

/// The test part, which counts how often it is opened.
package final class LockedTest: Sendable {
  /// For whoever has opened it and looks at its rows.
  package let dataset: Dataset
  private let rows: [Int]
  private let openings = Mutex(0)

  init(dataset: Dataset, rows: [Int]) {
    self.dataset = dataset
    self.rows = rows
  }

  /// Rows under lock.
  package var count: Int { rows.count }

  /// Times it was opened.
  package var openCount: Int { openings.withLock { $0 } }

  /// Says early what would be wrong with it: a column that is missing, a label that train does not know. Nothing
  /// is measured.
  package func check(_ preparation: Preparation) throws {
    try preparation.checkColumns(of: dataset)
    var warnings: [String] = []
    _ = try preparation.targets(of: dataset, rows: rows, warnings: &warnings)
  }

  /// Its rows for whoever compares their inputs with another part's: nothing is measured, and no target looked at.
  package var inputs: (dataset: Dataset, rows: [Int]) { (dataset, rows) }

  /// Opens it, once more.
  package func open() -> (dataset: Dataset, rows: [Int]) {
    openings.withLock { $0 += 1 }
    return (dataset, rows)
  }
}

extension Split {
  /// Each of the data set's rows' group, where groups were kept whole; nil where each is one row.
  package var groupByRow: [Int]? {
    guard let groups, groups.contains(where: { $0.count > 1 }) else { return nil }
    var places = [Int](repeating: 0, count: dataset.rowCount)
    for (place, group) in groups.enumerated() { for row in group { places[row] = place } }
    return places
  }

  /// A part of the train rows, in an order that the seed decides: the first so many of each stratum's, or whole groups until
  /// there are as many.
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
