import TartineData
import TartineFiles
import TartineEngine
import TartinePlatform

/// Warnings about duplicate rows.
struct DuplicateWarnings {
  let list: [DataWarning]

  /// Smaller shares of rows are ignored.
  private static let share = 0.005

  /// Rows of dev and test that are also in train.
  private struct Across {
    private(set) var counts = [0, 0, 0]
    private(set) var example: (train: Int, other: Int)?
    private var (compared, agreeing) = (0, 0)

    mutating func add(_ train: Int, _ member: (part: Int, row: Int), agrees: Bool?) {
      counts[member.part] += 1
      example = example ?? (train, member.row)
      guard let agrees else { return }
      compared += 1
      if agrees { agreeing += 1 }
    }

    mutating func count(_ rows: Int, in part: Int, _ example: (train: Int, other: Int)) {
      counts[part] += rows
      self.example = self.example ?? example
    }

    mutating func add(_ other: Across) {
      for part in counts.indices { counts[part] += other.counts[part] }
      example = example ?? other.example
    }

    /// Duplicates have one target; similar cases in a few columns, such as members of a family, sometimes
    /// differ. The number of agreeing targets must be unlikely if one in five disagreed.
    var areCopies: Bool { compared == agreeing && Double(compared) * log(0.8) < log(0.01) }
  }

  init(_ split: Split, leavingOut unused: Set<String>) {
    let inputs = split.test.inputs
    let parts = [
      PartComparison.Part("train", split.dataset, split.train), PartComparison.Part("dev", split.dataset, split.dev),
      PartComparison.Part("test", inputs.dataset, inputs.rows),
    ]
    let duplicates = Duplicates(parts, leavingOut: unused)
    let known = split.trainCount + split.devCount
    // Train and dev only: test's targets are locked.
    var (copies, conflicts, conflictRows, trainTwins) = (0, 0, 0, 0)
    var across = Across()
    var unsure = Across()
    for twins in duplicates.sets {
      let isUnlikely = twins.expected < Duplicates.unlikely
      let trained = twins.members.filter { $0.part == 0 }
      let seen = twins.members.filter { $0.part < 2 }
      if isUnlikely, trained.count > 1 { trainTwins += trained.count }
      if isUnlikely {
        copies += max(0, seen.count - 1)
        if let first = trained.first {
          for member in twins.members where member.part > 0 {
            let agrees =
              member.part == 1
              ? split.dataset.targets.allSatisfy { $0.text(member.row) == $0.text(first.row) } : nil
            if twins.expected < Duplicates.impossible {
              across.add(first.row, member, agrees: agrees)
            } else {
              unsure.add(first.row, member, agrees: agrees)
            }
          }
        }
      }
      let counts = Dictionary(grouping: seen) { member in split.dataset.targets.map { $0.text(member.row) ?? "" } }
      if counts.count > 1 {
        conflicts += seen.count - (counts.values.map(\.count).max() ?? 0)
        conflictRows += seen.count
      }
    }
    if unsure.areCopies { across.add(unsure) }
    if across.counts[2] == 0, let example = unsure.example, unsure.counts[2] > 0 {
      // Test's targets are locked; but rows that are equal by chance also occur within train.
      let natural = Double(trainTwins) / Double(max(1, split.trainCount))
      let share = Double(unsure.counts[2]) / Double(max(1, inputs.rows.count))
      if share > max(0.02, 3 * natural) { across.count(unsure.counts[2], in: 2, example) }
    }
    let sizes = [split.trainCount, split.devCount, inputs.rows.count]
    list =
      Self.across(across, sizes, split.dataset, names: parts.map(\.name))
      + [
        split.task == .regression ? nil : Self.conflicts(conflicts, in: conflictRows, of: known),
        Self.copies(copies, of: known),
      ].compactMap { $0 }
  }

  private static func percent(_ count: Int, of total: Int) -> String {
    Text.fixed(Double(count) / Double(max(1, total)) * 100, decimals: 1)
  }

  /// Rows of dev or test that are in train.
  private static func across(
    _ across: Across, _ sizes: [Int], _ dataset: Dataset, names: [String]
  ) -> [DataWarning] {
    [1, 2].filter { sizes[$0] > 0 && Double(across.counts[$0]) >= max(1, share * Double(sizes[$0])) }.map { part in
      let at = across.example.map { " (row \(dataset.rowNumber($0.train)) is an example)" } ?? ""
      return DataWarning(
        name: .duplicatesAcrossSplit, column: nil,
        evidence:
          "\(across.counts[part]) rows of \(names[part]), \(percent(across.counts[part], of: sizes[part])) %, are also in "
          + "train\(at)",
        action:
          "remove them, or keep rows of one origin together with \(OptionName.splitBy) group:COLUMN: rows that are in train do not measure generalization"
      )
    }
  }

  /// Rows that agree in every input and not in the target.
  private static func conflicts(_ errors: Int, in rows: Int, of known: Int) -> DataWarning? {
    guard Double(rows) >= max(1, share * Double(known)) else { return nil }
    return DataWarning(
      name: .conflictingLabels, column: nil,
      evidence:
        "\(rows) rows equal another row in every input column but have a different target: no model can have fewer "
        + "than \(errors) errors on them, \(percent(errors, of: known)) % of all rows",
      action: "look at some of them: labels are wrong, or a column that distinguishes them is missing")
  }

  private static func copies(_ copies: Int, of known: Int) -> DataWarning? {
    guard Double(copies) >= max(2, share * Double(known)) else { return nil }
    return DataWarning(
      name: .duplicateRows, column: nil,
      evidence:
        "\(copies) rows of train and dev, \(percent(copies, of: known)) %, equal another row in every input column",
      action: "remove the duplicates, unless each is a case of its own")
  }
}

/// Warnings about the targets and the number of rows.
struct RowWarnings {
  let list: [DataWarning]

  private static let fewestDevRows = 100
  private static let rareShare = 0.05

  init(_ split: Split, classes: [ColumnFacts.Level]) {
    list = [
      Self.imbalance(classes), Self.outliers(split), Self.cap(split), Self.order(split), Self.few(split),
      Self.targetShift(split),
    ].compactMap { $0 }
  }

  /// Outlying: this many times the distance of the quartiles from the median. Of normal numbers, one in 10¹².
  private static let far = 10.0

  private static func outliers(_ split: Split) -> DataWarning? {
    guard split.task == .regression, case .numbers(let numbers) = split.dataset.targets[0].values else { return nil }
    let values = (split.train + split.dev).map { numbers[$0] }
    let sorted = values.sorted()
    guard sorted.count >= 20 else { return nil }
    let median = sorted[sorted.count / 2]
    let spread = max(sorted[sorted.count * 3 / 4] - median, median - sorted[sorted.count / 4])
    let outside = sorted.filter { abs($0 - median) > far * spread }
    // Many such values are a long tail.
    guard spread > 0, let first = outside.first, outside.count * 50 <= sorted.count else { return nil }
    let mean = sorted.reduce(0, +) / Double(sorted.count)
    let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let share = outside.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / squares
    guard share > 0.3 else { return nil }
    let row = (split.train + split.dev).first { numbers[$0] == first } ?? 0
    return DataWarning(
      name: .outlyingTargets, column: split.dataset.targets[0].name,
      evidence:
        "\(outside.count) of \(sorted.count) targets are outliers, such as \(Text.significant(first, digits: 4)) in row "
        + "\(split.dataset.rowNumber(row)), where half of all lie from \(Text.significant(sorted[sorted.count / 4], digits: 4)) to "
        + "\(Text.significant(sorted[sorted.count * 3 / 4], digits: 4)); they account for \(Text.fixed(share * 100, decimals: 0)) % of the variance",
      action:
        "check them and their unit; if they are correct, \(OptionName.loss) huber or absolute, or predict the logarithm"
    )
  }

  /// The largest, or smallest, target in one row of 100, and three times as often as any other: a cap. Zeros
  /// mostly are not.
  private static func cap(_ split: Split) -> DataWarning? {
    guard split.task == .regression, case .numbers(let numbers) = split.dataset.targets[0].values else { return nil }
    let sorted = (split.train + split.dev).map { numbers[$0] }.sorted()
    guard sorted.count >= 50, let first = sorted.first, let last = sorted.last, first < last else { return nil }
    var counts: [Double: Int] = [:]
    for value in sorted { counts[value, default: 0] += 1 }
    guard counts.count >= 20 else { return nil }
    for (end, name) in [(last, "largest"), (first, "smallest")] where end != 0 {
      let count = counts[end] ?? 0
      let other = counts.filter { $0.key != end }.values.max() ?? 0
      guard count >= 5, count * 100 >= sorted.count, count > 3 * other else { continue }
      return DataWarning(
        name: .cappedTarget, column: split.dataset.targets[0].name,
        evidence:
          "\(count) of \(sorted.count) targets, \(Text.fixed(Double(count) / Double(sorted.count) * 100, decimals: 1)) %, "
          + "are exactly \(Column.text(of: end)), the \(name) of all",
        action:
          "find out whether the target is censored: values beyond it are not in the data, and no model can learn them",
        isFault: false)
    }
    return nil
  }

  private static func imbalance(_ classes: [ColumnFacts.Level]) -> DataWarning? {
    let rows = classes.reduce(0) { $0 + $1.rows }
    guard let rarest = classes.last, let largest = classes.first else { return nil }
    let share = Double(rarest.rows) / Double(rows)
    // With ten equal classes, each has a tenth.
    guard share < rareShare, rarest.rows * 10 < largest.rows else { return nil }
    return DataWarning(
      name: .classImbalance, column: nil,
      evidence:
        "'\(rarest.value)' has \(rarest.rows) of \(rows) rows, \(Text.significant(share * 100, digits: 2)) %, and "
        + "'\(largest.value)' \(largest.rows)",
      action:
        "always predicting '\(largest.value)' has an accuracy of \(Text.fixed(Double(largest.rows) / Double(rows) * 100, decimals: 1)) %: "
        + "look at balanced accuracy or F1, and try \(OptionName.classWeights) balanced\(classes.count == 2 ? " or \(OptionName.threshold) f1" : "")"
    )
  }

  /// The autocorrelation of the target in file order: the mean product of neighbors' ranks.
  private static func order(_ split: Split) -> DataWarning? {
    // A split by a column accounts for the order.
    guard split.method == .stratified, split.dataset.targets.count == 1 else { return nil }
    let rows = (split.train + split.dev).sorted()
    guard rows.count >= 50 else { return nil }
    let target = split.dataset.targets[0]
    let alike: Double
    if split.task == .regression, case .numbers(let numbers) = target.values {
      let ranks = HypothesisTest.ranks(rows.map { numbers[$0] })
      let middle = Double(rows.count + 1) / 2
      let all = ranks.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
      alike = zip(ranks, ranks.dropFirst()).reduce(0) { $0 + ($1.0 - middle) * ($1.1 - middle) } / max(all, 1)
    } else {
      let texts = rows.map { target.text($0) ?? "" }
      let counts = Dictionary(grouping: texts) { $0 }.mapValues { Double($0.count) / Double(rows.count) }
      let chance = counts.values.reduce(0) { $0 + $1 * $1 }
      let equal = zip(texts, texts.dropFirst()).reduce(0.0) { $0 + ($1.0 == $1.1 ? 1 : 0) } / Double(rows.count - 1)
      alike = chance < 1 ? (equal - chance) / (1 - chance) : 0
    }
    // About normal with a standard deviation of 1/√n if the order is random.
    guard alike > 0.1, alike * Double(rows.count).squareRoot() > 5 else { return nil }
    return DataWarning(
      name: .orderedRows, column: nil,
      evidence: "neighboring rows in the file have similar targets (correlation "
        + "\(Text.fixed(alike, decimals: 2)))",
      action:
        "the split is random, so a sorted file does no harm; but if neighbors come from one source or day, split "
        + "with \(OptionName.splitBy) group:COLUMN or time:COLUMN")
  }

  /// Shares that differ by this in total, or means by this many standard deviations, are another
  /// distribution.
  private static let clearShift = (shares: 0.1, deviations: 0.3)

  /// Whether the targets of train and dev differ; a random split rules this out.
  private static func targetShift(_ split: Split) -> DataWarning? {
    guard split.method != .stratified, split.dataset.targets.count == 1 else { return nil }
    let target = split.dataset.targets[0]
    let (train, dev) = (Double(split.trainCount), Double(split.devCount))
    let told: String
    if split.task == .regression, case .numbers(let numbers) = target.values {
      let (mine, theirs) = (split.train.map { numbers[$0] }, split.dev.map { numbers[$0] })
      let shift = PartComparison.standardizedDifference(mine, theirs).difference
      let p = HypothesisTest.kolmogorovSmirnov(mine, theirs).p
      guard p < 0.001, abs(shift) > clearShift.deviations else { return nil }
      told =
        "dev's targets lie \(Text.fixed(abs(shift), decimals: 2)) standard deviations \(shift > 0 ? "above" : "below") those of train"
    } else {
      var counts: [String: (Int, Int)] = [:]
      for row in split.train { counts[target.text(row) ?? "", default: (0, 0)].0 += 1 }
      for row in split.dev { counts[target.text(row) ?? "", default: (0, 0)].1 += 1 }
      let sorted = counts.sorted { $0.key < $1.key }
      func change(_ pair: (Int, Int)) -> Double { abs(Double(pair.0) / train - Double(pair.1) / dev) }
      let moved = sorted.reduce(0) { $0 + change($1.value) } / 2
      guard HypothesisTest.chiSquared(sorted.map(\.value)).p < 0.001, moved > clearShift.shares,
        let most = sorted.max(by: { change($0.value) < change($1.value) })
      else { return nil }
      func percent(_ share: Double) -> String { Text.significant(share * 100, digits: 2) }
      told =
        "'\(most.key)' are \(percent(Double(most.value.0) / train)) % of train's rows and "
        + "\(percent(Double(most.value.1) / dev)) % of dev's"
    }
    return DataWarning(
      name: .differentDistribution, column: target.name, evidence: "\(told), p below 0.001",
      action: "dev must resemble the data that the model will see: check how the sets were made")
  }

  private static func few(_ split: Split) -> DataWarning? {
    guard split.devCount < fewestDevRows else { return nil }
    return DataWarning(
      name: .fewRows, column: nil,
      evidence:
        "dev has \(split.devCount) rows: an error of 10 % is known to within \(Self.width(split.devCount)) points",
      action: "cross-validate with \(OptionName.folds) 5")
  }

  private static func width(_ rows: Int) -> String {
    let estimate = Estimate.proportion(0.1, of: rows)
    return
      "−\(Text.fixed((0.1 - estimate.low) * 100, decimals: 0)) to +\(Text.fixed((estimate.high - 0.1) * 100, decimals: 0))"
  }
}
