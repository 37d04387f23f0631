import TartineData
import TartineFiles
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// An inspection of the data before training: columns, warnings, the split, and whether train, dev and test
/// come from one distribution.
///
/// The inputs of the test set are compared with those of the others, within strata of the target if the split
/// is stratified. Nothing is evaluated on the test set.
public struct Inspection: Sendable {
  /// The source of the data.
  public let source: String
  /// The task, and the reason for it.
  public let task: TaskChoice
  /// The name of the target.
  public let target: String
  /// The classes with their row counts in train and dev; empty for regression.
  public let classes: [ColumnFacts.Level]
  /// The minimum, quartiles and maximum of a regression target over train and dev; empty for classes.
  public let targetQuartiles: [Double]
  /// The input columns; empty for images.
  public let columns: [ColumnFacts]
  /// The warnings, gravest first.
  public let warnings: [DataWarning]
  /// The split.
  public let split: SplitSummary
  /// The comparison of each pair of sets.
  public let sameDistribution: [PartComparison]

  /// How rows were split.
  public struct SplitSummary: Hashable, Sendable, Encodable {
    /// As `SplitMethod` writes it.
    public let method: String
    /// The seed of the split.
    public let seed: UInt64
    /// The number of rows in each set.
    public let train, dev, test: Int
  }

  /// Inspects data that are already split.
  ///
  /// - Parameters:
  ///   - split: The data and their split.
  ///   - comparesSets: whether to compare the distributions of train, dev and test, which takes longest.
  ///   - threads: The default is the number of processors.
  /// - Throws: `DataError` if there is no column to learn from.
  public init(of split: Split, comparesSets: Bool = true, threads: Int? = nil) throws {
    let dataset = split.dataset
    let known = (split.train + split.dev).sorted()
    let preparation = try Preparation(fitting: dataset, rows: split.train)
    source = dataset.source
    task = dataset.task
    target = dataset.targets.map(\.name).joined(separator: ", ")
    classes = Self.classes(of: dataset, rows: known)
    self.split = SplitSummary(
      method: split.method.description, seed: split.seed, train: split.trainCount, dev: split.devCount,
      test: split.testCount)
    let scores = Self.scores(dataset, preparation, split)
    columns = Self.facts(dataset, preparation, scores, rows: known)
    let unused = preparation.unused
    sameDistribution = comparesSets ? PartComparison.all(of: split, leavingOut: unused, threads: threads) : []
    targetQuartiles = Self.quartiles(of: dataset, rows: known)
    var warnings = ColumnWarnings(dataset, columns, preparation, rows: known, method: split.method).list
    warnings += try Self.leaks(split, columns, threads: threads)
    warnings += [Self.pixelLeak(split, preparation), Self.unfitTest(split, preparation)].compactMap { $0 }
    warnings += DuplicateWarnings(split, leavingOut: unused).list
    warnings += RowWarnings(split, classes: classes).list
    warnings += split.outlyingInputs(preparation).map { column, sentence in
      DataWarning(
        name: .outlyingValue, column: column, evidence: sentence,
        action: "correct it if it is wrong, such as a value in another unit", isFault: false)
    }
    warnings += Self.shiftWarnings(sameDistribution) + [Self.smallParts(split)].compactMap { $0 }
    // A placeholder in the target is no censored target.
    let placeholders = warnings.filter { $0.name == .placeholderValue }.map(\.column)
    warnings.removeAll { $0.name == .cappedTarget && placeholders.contains($0.column) }
    let kinds = DataWarning.Kind.allCases
    self.warnings = warnings.sorted { a, b in
      let places = (kinds.firstIndex(of: a.name) ?? 0, kinds.firstIndex(of: b.name) ?? 0)
      return places.0 == places.1 ? (a.column ?? "") < (b.column ?? "") : places.0 < places.1
    }
  }

  private static func quartiles(of dataset: Dataset, rows: [Int]) -> [Double] {
    guard dataset.task.task == .regression, case .numbers(let numbers) = dataset.targets[0].values, !rows.isEmpty else {
      return []
    }
    let sorted = rows.map { numbers[$0] }.sorted()
    return (0...4).map { sorted[$0 * (sorted.count - 1) / 4] }
  }

  private static func classes(of dataset: Dataset, rows: [Int]) -> [ColumnFacts.Level] {
    guard dataset.task.task.isClassification else { return [] }
    return dataset.strata(rows).map { members in
      ColumnFacts.Level(value: dataset.targets[0].text(members[0]) ?? "", rows: members.count)
    }.sorted { ($1.rows, $0.value) < ($0.rows, $1.value) }
  }

  // MARK: Columns

  /// The number of rows to score a column on: enough for two digits.
  private static let scoredRows = 20_000

  private static func scores(_ dataset: Dataset, _ preparation: Preparation, _ split: Split) -> [String: Double] {
    guard case .table(let columns) = dataset.inputs else { return [:] }
    var rows = split.train
    var stream = RandomStream(seed: split.seed, purpose: .permutation, index: 3)
    stream.shuffle(&rows)
    rows = Array(rows.prefix(scoredRows))
    let truths = preparation.target.truths(of: dataset, rows: rows)
    var scores: [String: Double] = [:]
    for column in columns {
      // With several labels, the score is that of the label it explains best.
      scores[column.name] = truths.map { ColumnScore.score(column, rows: rows, truths: $0.values, classes: $0.classes) }
        .max()
    }
    return scores
  }

  private static func facts(
    _ dataset: Dataset, _ preparation: Preparation, _ scores: [String: Double], rows: [Int]
  ) -> [ColumnFacts] {
    guard case .table(let columns) = dataset.inputs, case .table(let features) = preparation.inputs else { return [] }
    return columns.map { column in
      ColumnFacts(
        column, rows: rows, feature: features.first { $0.name == column.name }, tells: max(0, scores[column.name] ?? 0))
    }
  }

  /// Columns that alone explain much more of the target than all weaker columns together.
  private static func leaks(_ split: Split, _ columns: [ColumnFacts], threads: Int?) throws -> [DataWarning] {
    let used = columns.filter { !$0.use.hasPrefix("left out") }
    // A column that determines a number explains much of its variance without being a leak; a class is rarely
    // explained so well.
    let least = split.task == .regression ? 0.9 : 0.7
    var telling = used.filter { $0.tells >= least }
    // If all columns explain much, those that explain nearly all are compared with the rest.
    if telling.count == used.count { telling = used.filter { $0.tells > 0.98 } }
    // A single column has nothing to be compared with.
    guard !telling.isEmpty, used.count > telling.count else { return [] }
    let names = Set(telling.map(\.name))
    let others = try TogetherScore.score(split, without: names, threads: threads)
    func percent(_ share: Double) -> String { Text.fixed(max(0, share) * 100, decimals: share > 0.99 ? 1 : 0) }
    let what = split.task == .regression ? "variance" : "entropy"
    let next = used.filter { !names.contains($0.name) }.map(\.tells).max() ?? 1
    func isLeak(_ column: ColumnFacts) -> Bool {
      // A column that explains nearly all of a class is not one of these if no other explains half, however
      // much the others explain together.
      let isAlone = split.task != .regression && column.tells > 0.9 && next < 0.5
      return column.tells > 0.98 || isAlone || 1 - others > 1.4 * (1 - column.tells)
    }
    return telling.filter(isLeak).map { column in
      DataWarning(
        name: .leakingColumn, column: column.name,
        evidence:
          "it alone explains \(percent(column.tells)) % of the target's \(what); all others \(telling.count > 1 ? "without such columns " : "")"
          + "together \(percent(others)) %, the best of them \(percent(next)) %",
        action:
          "leave it out if it is not known before the target: \(OptionName.leaveOut) '\(column.name)' shows what the error is without it"
      )
    }
  }

  /// The number of images to score a pixel on, and of pixel values in all: for larger images, fewer images.
  private static let (pixelRows, pixelsInAll) = (4_000, 20_000_000)

  /// A single pixel that predicts the class, such as a mark in a corner.
  private static func pixelLeak(_ split: Split, _ preparation: Preparation) -> DataWarning? {
    guard case .images(let block) = split.dataset.inputs, split.task.isClassification else { return nil }
    var rows = split.train
    var stream = RandomStream(seed: split.seed, purpose: .permutation, index: 7)
    stream.shuffle(&rows)
    let pixels = block.shape.0 * block.shape.1 * block.shape.2
    rows = Array(rows.prefix(min(pixelRows, pixelsInAll / pixels)))
    guard rows.count >= 100,
      let truths = preparation.target.truths(of: split.dataset, rows: rows).first
    else { return nil }
    let images = rows.map { block.pixels($0) }
    let places = Array(rows.indices)
    let scores = (0..<pixels).map { pixel -> Double in
      let column = Column(
        name: "", values: .numbers(images.map { Double($0[$0.startIndex + pixel]) }), reason: "")
      return ColumnScore.score(column, rows: places, truths: truths.values, classes: truths.classes)
    }
    guard let pixel = scores.indices.max(by: { scores[$0] < scores[$1] }), scores[pixel] >= 0.7 else { return nil }
    let (row, column) = (pixel / block.shape.2 / block.shape.1, pixel / block.shape.2 % block.shape.1)
    return DataWarning(
      name: .leakingColumn, column: "pixel in row \(row + 1), column \(column + 1)",
      evidence: "it alone explains \(Text.fixed(scores[pixel] * 100, decimals: 0)) % of the target's entropy",
      action: "look for a mark in the images that reveals the class, and crop it")
  }

  /// A test set that lacks a column, or has targets that are not in train.
  private static func unfitTest(_ split: Split, _ preparation: Preparation) -> DataWarning? {
    do {
      try split.test.check(preparation)
      return nil
    } catch {
      return DataWarning(
        name: .unfitTest, column: nil, evidence: "the test set cannot be evaluated: \(error)".trimmedStop,
        action: "correct the test file, or leave it out")
    }
  }

  // MARK: One distribution

  /// Sets too small to compare.
  private static func smallParts(_ split: Split) -> DataWarning? {
    let small = PartComparison.tooSmall(of: split)
    guard !small.isEmpty else { return nil }
    return DataWarning(
      name: .fewRows, column: nil,
      evidence: "distributions are not compared for sets with fewer rows or groups than "
        + "\(PartComparison.fewestCases): \(Dataset.list(small))",
      action: "use a larger dev or test share, or more data", isFault: false)
  }

  private static func shiftWarnings(_ comparisons: [PartComparison]) -> [DataWarning] {
    comparisons.filter(\.isDifferent).map { pair in
      let shifted = pair.columns.filter(\.isShifted).prefix(3).map { "'\($0.name)' by \($0.effectText)" }
      let columns = shifted.isEmpty ? "no single column explains it" : Dataset.list(shifted)
      let rank = Text.fixed(pair.area * 100, decimals: 0)
      return DataWarning(
        name: .differentDistribution, column: pair.columns.first { $0.isShifted }?.name,
        evidence: "\(pair.first) and \(pair.second) can be distinguished in \(rank) % of pairs of rows, p "
          + "\(PartComparison.text(p: pair.adjustedP)): \(columns)",
        action: pair.first == "dev"
          ? "take dev and test from one source: dev must resemble the data that the model will see"
          : "a set that differs from train measures something else too; check how the sets were made",
        isFault: pair.isClear)
    }
  }
}

extension String {
  /// The text without a final full stop.
  fileprivate var trimmedStop: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension Preparation {
  /// Columns that are left out of the inputs.
  var unused: Set<String> {
    guard case .table(let features) = inputs else { return [] }
    return Set(features.filter { $0.width == 0 }.map(\.name))
  }
}

extension TargetPreparation {
  /// The truth of each row: once for a class or number, once for each label.
  func truths(of dataset: Dataset, rows: [Int]) -> [(values: [Double], classes: Int?)] {
    switch self {
    case .classes(_, let names):
      let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Double($0)) })
      return [(rows.map { places[dataset.targets[0].text($0) ?? ""] ?? 0 }, names.count)]
    case .labels(let labels):
      return labels.enumerated().map { place, label in
        (rows.map { dataset.targets[place].text($0) == label.yes ? 1 : 0 }, 2)
      }
    case .number:
      guard case .numbers(let numbers) = dataset.targets[0].values else { return [] }
      return [(rows.map { numbers[$0] }, nil)]
    }
  }
}
