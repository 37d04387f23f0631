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
/// The division is stratified: by class, or by deciles of a number. It depends on the data and the seed,
/// never on a result.
public struct Split: Sendable {
  /// All rows of train and dev, and of test unless that is a file of its own.
  package let dataset: Dataset
  package let train: [Int]
  package let dev: [Int]
  package let test: LockedTest
  /// The seed it was drawn with.
  public let seed: UInt64

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
  ///   - seed: of the drawing.
  ///   - test: a test set of its own; then only dev is cut from `dataset`.
  /// - Throws: `DataError` where a part would be empty.
  public init(_ dataset: Dataset, rule: SplitRule = .automatic, seed: UInt64 = 0, test: Dataset? = nil) throws {
    let rows = dataset.rowCount
    var devCount: Int
    var testCount: Int
    switch rule {
    case .automatic:
      let part = min(Int((Double(rows) * 0.2).rounded()), 10_000)
      devCount = part
      testCount = test == nil ? part : 0
    case .shares(let trainShare, let devShare, let testShare):
      let shares = [trainShare, devShare] + (testShare.map { [$0] } ?? [])
      guard shares.allSatisfy({ $0 > 0 && $0 < 1 }), abs(shares.reduce(0, +) - 1) < 1e-6 else {
        throw DataError(
          "the shares of a split must be above 0 and add up to 1, as in 0.6,0.2,0.2.", source: dataset.source)
      }
      guard test == nil || testShare == nil else {
        throw DataError(
          "a test file was given, so the split has two shares, train and dev, as in 0.8,0.2.",
          source: dataset.source)
      }
      devCount = Int((Double(rows) * devShare).rounded())
      testCount = Int((Double(rows) * (testShare ?? 0)).rounded())
      guard devCount > 0, testShare == nil || testCount > 0, devCount + testCount < rows else {
        throw DataError("with \(rows) rows a part of this split would be empty.", source: dataset.source)
      }
    }
    devCount = max(1, devCount)
    var parts = (train: [Int](), dev: [Int](), test: [Int]())
    var stream = RandomStream(seed: seed, purpose: .split)
    let strata = dataset.strata()
    let keepsOne = dataset.task.task.isClassification
    var before = 0
    for stratum in strata {
      var members = stratum
      stream.shuffle(&members)
      // The share of all rows that have come so far, less what has been set aside of them: what one stratum is
      // too small for is made up for by the next.
      func due(_ total: Int, _ placed: Int) -> Int {
        max(0, (total * (before + members.count) * 2 + rows) / (2 * rows) - placed)
      }
      var toDev = due(devCount, parts.dev.count)
      var toTest = due(testCount, parts.test.count)
      // What is only tested cannot be learned: the last row of a class stays in train.
      while toDev + toTest > members.count - (keepsOne ? 1 : 0), toDev + toTest > 0 {
        if toTest >= toDev { toTest -= 1 } else { toDev -= 1 }
      }
      parts.dev += members[..<toDev]
      parts.test += members[toDev..<(toDev + toTest)]
      parts.train += members[(toDev + toTest)...]
      before += members.count
    }
    guard !parts.dev.isEmpty else {
      throw DataError(
        "\(rows) rows in \(strata.count) classes are too few to set any aside (\(dataset.targets[0].reason)).",
        source: dataset.source, column: dataset.targets[0].name)
    }
    self.dataset = dataset
    self.seed = seed
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
    var stream = RandomStream(seed: seed, purpose: .folds)
    var fold = [Int: Int]()
    var next = 0
    for stratum in dataset.strata(rows) {
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
      for stratum in dataset.strata(others) {
        var members = stratum
        stream.shuffle(&members)
        due += devShare * Double(members.count)
        let toDev = min(Int(due.rounded()) - parts.dev.count, members.count - 1)
        parts.dev += members.prefix(max(0, toDev))
        parts.train += members.dropFirst(max(0, toDev))
      }
      if parts.dev.isEmpty { parts.dev.append(parts.train.removeLast()) }
      return Split(
        dataset: dataset, train: parts.train.sorted(), dev: parts.dev.sorted(),
        test: LockedTest(dataset: dataset, rows: rows.filter { fold[$0] == number }), seed: seed)
    }
  }

  private init(dataset: Dataset, train: [Int], dev: [Int], test: LockedTest, seed: UInt64) {
    self.dataset = dataset
    self.train = train
    self.dev = dev
    self.test = test
    self.seed = seed
  }
}

extension Dataset {
  /// Divides the data; see ``Split``.
  public func split(_ rule: SplitRule = .automatic, seed: UInt64 = 0, test: Dataset? = nil) throws -> Split {
    try Split(self, rule: rule, seed: seed, test: test)
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

  /// Opens it, once more.
  package func open() -> (dataset: Dataset, rows: [Int]) {
    openings.withLock { $0 += 1 }
    return (dataset, rows)
  }
}
