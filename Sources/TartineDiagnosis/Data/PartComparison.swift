import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// A test of whether two sets, such as train and dev, come from one distribution.
///
/// A classifier two-sample test: a linear classifier and a small network learn on half of the rows to
/// distinguish the two sets, and are scored on the other half by the area under the ROC curve. Both areas are
/// converted to standard deviations from one half, and the larger one is the statistic. A permutation test of
/// it, which is exact whatever the classifiers are, gives the p-value that decides. The single columns
/// explain the result. If the split keeps groups whole, groups are halved and permuted whole, and a column is
/// tested on one row of each group: rows of one group are alike and count as one case.
///
/// **Source**: Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, 2017; Fisher's permutation test, 1935.
public struct PartComparison: Sendable {
  /// One column in both sets.
  public struct ColumnShift: Hashable, Sendable {
    /// The column, or the feature of images.
    public let name: String
    /// For numbers, the second set's mean less the first's, in pooled standard deviations; for categories,
    /// the share of rows that would have to change their level for the distributions to agree.
    public let effect: Double
    /// Whether `effect` is in standard deviations.
    public let isInStandardDeviations: Bool
    /// For numbers, the ratio of the second set's standard deviation to the first's; 1 for categories.
    public let spread: Double
    /// The p-value of the difference.
    public let p: Double
    /// The p-value adjusted for the false-discovery rate over all columns, of all pairs that are compared together.
    public let adjusted: Double

    /// The effect as text: `0.31 standard deviations`, `12 % of its rows`, `a spread 1000 times as large`.
    package var effectText: String {
      guard isInStandardDeviations else { return "\(Text.fixed(effect * 100, decimals: 1)) % of its rows" }
      if spread > 2 { return "a spread \(Text.significant(spread, digits: 2)) times as large" }
      if spread < 0.5, spread > 0 { return "a spread \(Text.significant(1 / spread, digits: 2)) times smaller" }
      return "\(Text.fixed(effect, decimals: 2)) standard deviations"
    }

    /// Whether to report the column: at an expected false-discovery rate of 5 %.
    public var isShifted: Bool { adjusted <= 0.05 }
  }

  /// The names of the sets, such as `dev` and `test`.
  public let first, second: String
  /// The number of rows of each that were compared.
  public let rows: (first: Int, second: Int)
  /// The area under the ROC curve: ½ if rows cannot be distinguished, 1 if they always can.
  public let area: Double
  /// The p-value of the area.
  public let p: Double
  /// The p-value adjusted for several pairs (Holm).
  public private(set) var adjustedP: Double
  /// Whether the sets differ, at a level of 5 %.
  public var isDifferent: Bool { adjustedP <= 0.05 }
  /// The smallest shift of one column, in standard deviations, that would be detected with a power of 80 %.
  public let smallestVisibleShift: Double
  /// The columns, by p-value.
  public private(set) var columns: [ColumnShift]

  /// The maximum number of rows of a set: with more, shifts too small to matter become significant.
  private static let mostRows = 5_000
  /// The number of permutations.
  private static let draws = 999

  /// The rows of a set.
  package struct Part {
    package let name: String
    package let dataset: Dataset
    package let rows: [Int]
    /// The stratum of each of the data set's rows, if the split is stratified.
    let strata: [Int]?
    /// The group of each of the data set's rows, if the split keeps groups whole.
    let groups: [Int]?

    package init(
      _ name: String, _ dataset: Dataset, _ rows: [Int], strata: [Int]? = nil, groups: [Int]? = nil
    ) {
      self.name = name
      self.dataset = dataset
      self.rows = rows
      self.strata = strata
      self.groups = groups
    }

    /// The number of independent units: groups, or rows.
    var caseCount: Int { groups.map { groups in Set(rows.map { groups[$0] }).count } ?? rows.count }

    /// A sample of at most this many rows.
    func sample(atMost count: Int, seed: UInt64, index: Int) -> Part {
      guard rows.count > count else { return self }
      var sample = rows
      var stream = RandomStream(seed: seed, purpose: .permutation, index: index)
      stream.shuffle(&sample)
      return Part(name, dataset, Array(sample.prefix(count)), strata: strata, groups: groups)
    }

    /// The input columns, or the features of images.
    var columns: [Column] {
      let sample = rows
      switch dataset.inputs {
      case .table(let columns): return columns.map { $0.rows(sample) }
      case .images(let block): return ImageFeatures.columns(of: block, rows: sample)
      }
    }
  }

  /// Compares two sets.
  ///
  /// - Parameters:
  ///   - unused: Columns that are left out of the inputs.
  ///   - comparisons: The number of comparisons made together; the smallest detectable shift accounts for
  ///     them.
  /// - Returns: Nil if a set has too few rows, or no column is in both.
  package init?(
    _ first: Part, _ second: Part, leavingOut unused: Set<String> = [], comparisons: Int = 1, seed: UInt64,
    threads: Int? = nil
  ) {
    guard first.caseCount >= Self.fewestCases, second.caseCount >= Self.fewestCases else { return nil }
    let (one, two) = (
      first.sample(atMost: Self.mostRows, seed: seed, index: 1),
      second.sample(atMost: Self.mostRows, seed: seed, index: 2)
    )
    let (mine, theirs) = (one.columns, two.columns)
    let pairs = mine.filter { !unused.contains($0.name) }.compactMap { column in
      theirs.first { $0.name == column.name }.map { (column, $0) }
    }
    guard let counts = pairs.first.map({ ($0.0.count, $0.1.count) }) else { return nil }
    let isFirst = (0..<counts.0 + counts.1).map { $0 < counts.0 }
    let groups = Self.groups(one, two)
    guard
      let scores = Self.scores(
        pairs.map { $0.0.appending($0.1) }, isFirst, groups: groups, seed: seed, threads: threads)
    else { return nil }
    self.first = first.name
    self.second = second.name
    rows = counts
    let strata = one.strata.flatMap { a in two.strata.map { b in one.rows.map { a[$0] } + two.rows.map { b[$0] } } }
    let judged = Self.judge(
      scores.values, scores.isFirst, strata: strata.map { strata in scores.judged.map { strata[$0] } },
      groups: groups.map { groups in scores.judged.map { groups[$0] } }, seed: seed)
    area = judged.area
    p = judged.p
    adjustedP = judged.p
    smallestVisibleShift = Self.visibleShift(
      fitted: scores.cases(of: scores.fitted, isFirst, groups),
      judged: scores.cases(of: scores.judged, isFirst, groups),
      features: scores.features, level: 0.05 / Double(comparisons))
    // The columns to report.
    let isTable = first.dataset.imageShape == nil
    let told = pairs.filter { isTable || ImageFeatures.named.contains($0.0.name) }
    columns = Self.shifts(told, cases: groups.map { Self.cases($0, counts.0) })
  }

  /// The group of each row of both sets; nil if rows are independent.
  private static func groups(_ one: Part, _ two: Part) -> [Int]? {
    guard one.groups != nil || two.groups != nil else { return nil }
    // A set without groups, such as a separate test file, has independent rows.
    func numbers(_ part: Part) -> [Int] {
      part.groups.map { groups in part.rows.map { groups[$0] } } ?? part.rows.map { -1 - $0 }
    }
    return numbers(one) + numbers(two)
  }

  /// One row of each group: row indices in the first set and in the second.
  private static func cases(_ groups: [Int], _ firstCount: Int) -> (first: [Int], second: [Int]) {
    var seen = Set<Int>()
    let places = groups.indices.filter { seen.insert(groups[$0]).inserted }
    return (places.filter { $0 < firstCount }, places.filter { $0 >= firstCount }.map { $0 - firstCount })
  }

  /// The pairs dev and test, train and dev, and train and test; only train and dev if there is no test set.
  private static func pairs(of split: Split) -> [(Part, Part)] {
    let inputs = split.test.inputs
    // A separate test file was not part of the split.
    let isOneSet = !split.hasTestFile
    let strata = split.method == .stratified ? split.dataset.stratumByRow : nil
    let groups = split.groupByRow
    let train = Part("train", split.dataset, split.train, strata: strata, groups: groups)
    let dev = Part("dev", split.dataset, split.dev, strata: strata, groups: groups)
    // Groups of a separate file are others.
    let own = groups.flatMap { groups in
      inputs.dataset.groups.map { other in other.byRow.map { $0 + 1 + (groups.max() ?? 0) } }
    }
    let test = Part(
      "test", inputs.dataset, inputs.rows, strata: isOneSet ? strata : nil, groups: isOneSet ? groups : own)
    return inputs.rows.isEmpty ? [(train, dev)] : [(dev, test), (train, dev), (train, test)]
  }

  /// Compares each pair of sets of a split, with adjusted p-values; pairs with too few rows are left out.
  package static func all(
    of split: Split, leavingOut unused: Set<String> = [], threads: Int? = nil
  ) -> [PartComparison] {
    let pairs = pairs(of: split)
    let made = pairs.compactMap {
      PartComparison($0, $1, leavingOut: unused, comparisons: pairs.count, seed: split.seed, threads: threads)
    }
    // One false-discovery rate for the columns of all pairs: adjusted pair by pair, a random split of three sets would raise
    // three times as many false alarms.
    var adjusted = HypothesisTest.falseDiscoveryRate(made.flatMap { $0.columns.map(\.p) })[...]
    return zip(made, HypothesisTest.familyWise(made.map(\.p))).map { pair, p in
      defer { adjusted = adjusted.dropFirst(pair.columns.count) }
      return pair.adjusted(to: p, columns: Array(adjusted.prefix(pair.columns.count)))
    }
  }

  /// The sets of a split with too few rows or groups to compare: `test has 12 rows`.
  static func tooSmall(of split: Split) -> [String] {
    var seen = Set<String>()
    return pairs(of: split).flatMap { [$0, $1] }.filter { $0.caseCount < fewestCases && seen.insert($0.name).inserted }
      .map { "\($0.name) has \($0.caseCount) \($0.groups == nil ? "row" : "group")\($0.caseCount == 1 ? "" : "s")" }
  }

  /// The p-value adjusted together with others.
  private func adjusted(to p: Double, columns adjusted: [Double]) -> PartComparison {
    var copy = self
    copy.adjustedP = p
    copy.columns = zip(columns, adjusted).map { column, p in
      ColumnShift(
        name: column.name, effect: column.effect, isInStandardDeviations: column.isInStandardDeviations,
        spread: column.spread,
        p: column.p, adjusted: p)
    }
    return copy
  }

  /// Whether the sets differ significantly and by enough to matter. Of random splits, one in 20 is called
  /// different, and MNIST's own test set can be distinguished from train in 55 of 100 pairs.
  var isClear: Bool { adjustedP <= 0.005 && area >= 0.6 }

  /// A p-value as text: `0.43`, `below 0.001`.
  package static func text(p: Double) -> String { p < 0.001 ? "below 0.001" : Text.significant(p, digits: 2) }

  /// Fewer cases are too few to be halved twice.
  static let fewestCases = 20

  // MARK: Together

  private struct Scores {
    /// The score of each row by each classifier.
    var values: [[Double]]
    var isFirst: [Bool]
    /// The row indices among both sets' rows.
    var judged: [Int]
    /// The rows that the classifiers learned from.
    var fitted: [Int]
    var features: Int

    /// The number of rows, or groups, of each set.
    func cases(of rows: [Int], _ isFirst: [Bool], _ groups: [Int]?) -> (Int, Int) {
      func count(_ part: Bool) -> Int {
        let own = rows.filter { isFirst[$0] == part }
        return groups.map { groups in Set(own.map { groups[$0] }).count } ?? own.count
      }
      return (count(true), count(false))
    }
  }

  /// The scores of both classifiers on the held-out half.
  private static func scores(
    _ columns: [Column], _ isFirst: [Bool], groups: [Int]?, seed: UInt64, threads: Int?
  ) -> Scores? {
    // Unique names, whatever the columns are called.
    let longest = columns.map(\.name).max { $0.count < $1.count } ?? ""
    let part = Column(name: longest + " part", values: .numbers(isFirst.map { $0 ? 1 : 0 }), reason: "")
    let group = groups.map { Column(name: longest + " group", values: .numbers($0.map(Double.init)), reason: "") }
    guard
      let dataset = try? Dataset(
        source: "parts", inputs: .table(columns + [group].compactMap { $0 }), targets: [part], task: .binary),
      let halves = try? dataset.split(
        .shares(train: 0.5, dev: 0.5, test: nil), by: group.map { .grouped(by: $0.name) } ?? .stratified, seed: seed)
    else { return nil }
    let rows = halves.trainCount
    let linear = Recipe(Network(layers: [])).bins(0).optimizer(.adamW(learningRate: .cosine(from: 0.03), decay: 0.1))
      .batchSize(min(128, max(8, rows / 8))).epochs(max(10, min(60, 20_000 / rows))).keeping(.last)
    var small = linear
    small.network = Network(layers: [Dense(32), ReLU(), Dropout(keep: 0.8)])
    small.optimizer = .adamW(learningRate: .cosine(from: 5e-3), decay: 0.2)
    // A column that is constant or nearly unique is left out; if no other remains, there is no input.
    let runs = [linear, small].compactMap { try? $0.train(on: halves, seed: seed, threads: threads) }
    guard runs.count == 2 else { return nil }
    return Scores(
      values: runs.map { $0.dev.scores.map(Double.init) }, isFirst: runs[0].dev.truths.map { $0 == 1 },
      judged: runs[0].dev.origin, fitted: halves.train, features: runs[0].model.preparation.width)
  }

  /// The larger area, in standard deviations from one half, and its permutation test.
  ///
  /// If the split is stratified, rows are permuted within strata only: the sets are then more alike than in a
  /// plain random split. Groups are permuted as a whole.
  private static func judge(
    _ scores: [[Double]], _ isFirst: [Bool], strata: [Int]?, groups: [Int]?, seed: UInt64
  ) -> (area: Double, p: Double) {
    let ranks = scores.map(HypothesisTest.ranks)
    // Ties reduce the variance of an area: each classifier is scaled by its own standard deviation.
    let spreads = ranks.map { list in
      let mean = Double(list.count + 1) / 2
      return (list.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
    }
    func largest(_ isFirst: [Bool]) -> (area: Double, excess: Double) {
      zip(ranks, spreads).map { ranks, spread in
        let area = HypothesisTest.area(ranks, isFirst: isFirst)
        return (area, spread > 0 ? (area - 0.5) / spread : 0)
      }.max { $0.1 < $1.1 } ?? (0.5, 0)
    }
    let seen = largest(isFirst)
    var exchanged = isFirst
    var atLeast = 1
    func together(_ numbers: [Int]) -> [[Int]] {
      Dictionary(grouping: numbers.indices) { numbers[$0] }.sorted { $0.key < $1.key }.map(\.value)
    }
    // Sets of units that are permuted among each other; a unit is a row or a group.
    let units = groups.map(together) ?? isFirst.indices.map { [$0] }
    let sets = strata.map(together) ?? [Array(units.indices)]
    for draw in 0..<draws {
      var stream = RandomStream(seed: seed, purpose: .permutation, step: draw + 1)
      for set in sets {
        var parts = set.map { isFirst[units[$0][0]] }
        stream.shuffle(&parts)
        for (unit, part) in zip(set, parts) { for row in units[unit] { exchanged[row] = part } }
      }
      if largest(exchanged).excess >= seen.excess { atLeast += 1 }
    }
    return (seen.area, Double(atLeast) / Double(draws + 1))
  }

  /// A linear classifier that estimates a direction from few rows loses part of the shift to chance
  /// differences in the other features: with k features and n rows of each set fitted, cos² = δ² / (δ² +
  /// 2k/n).
  private static func visibleShift(
    fitted: (Int, Int), judged: (Int, Int), features: Int, level: Double
  ) -> Double {
    func harmonic(_ a: Int, _ b: Int) -> Double { 2 / (1 / Double(max(1, a)) + 1 / Double(max(1, b))) }
    let n = harmonic(fitted.0, fitted.1)
    let m = harmonic(judged.0, judged.1)
    // Only an area above one half counts.
    let needed = HypothesisTest.normalPoint(upperTail: level) + HypothesisTest.normalPoint(upperTail: 0.2)
    var (low, high) = (0.0, 100.0)
    for _ in 0..<60 {
      let shift = (low + high) / 2
      let seen =
        shift * (m / 2).squareRoot() * (shift * shift / (shift * shift + 2 * Double(features) / n)).squareRoot()
      if seen < needed { low = shift } else { high = shift }
    }
    return high
  }

  // MARK: Column by column

  /// - Parameter cases: The rows to compute p-values from; nil: all.
  private static func shifts(
    _ tested: [(Column, Column)], cases: (first: [Int], second: [Int])?
  ) -> [ColumnShift] {
    let alone = tested.map { first, second in
      let all = shift(first, second)
      guard let cases else { return all }
      var found = all
      found.p = shift(first.rows(cases.first), second.rows(cases.second)).p
      return found
    }
    let adjusted = HypothesisTest.falseDiscoveryRate(alone.map(\.p))
    return zip(zip(tested, alone), adjusted).map { pair, adjusted in
      ColumnShift(
        name: pair.0.0.name, effect: pair.1.effect, isInStandardDeviations: pair.1.isInStandardDeviations,
        spread: pair.1.spread,
        p: pair.1.p, adjusted: adjusted)
    }.sorted { ($0.p, -abs($0.effect)) < ($1.p, -abs($1.effect)) }
  }

  private typealias Shift = (effect: Double, isInStandardDeviations: Bool, spread: Double, p: Double)

  private static func shift(_ first: Column, _ second: Column) -> Shift {
    guard case .numbers(let a) = first.values, case .numbers(let b) = second.values else {
      return categories(first, second)
    }
    let (mine, theirs) = (a.filter { !$0.isNaN }, b.filter { !$0.isNaN })
    let gaps = HypothesisTest.chiSquared([
      (mine.count, theirs.count), (a.count - mine.count, b.count - theirs.count),
    ])
    let values = HypothesisTest.kolmogorovSmirnov(mine, theirs)
    // The smaller p-value of the two tests of one column, doubled.
    let hasGaps = mine.count < a.count || theirs.count < b.count
    let p = hasGaps ? min(1, 2 * min(values.p, gaps.p)) : values.p
    let (difference, spread) = standardizedDifference(mine, theirs)
    return (difference, true, spread, p)
  }

  static func standardizedDifference(_ a: [Double], _ b: [Double]) -> (difference: Double, spread: Double) {
    guard a.count > 1, b.count > 1 else { return (0, 1) }
    func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
      let mean = values.reduce(0, +) / Double(values.count)
      return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1))
    }
    let (first, second) = (moments(a), moments(b))
    let spread = ((first.variance + second.variance) / 2).squareRoot()
    return (
      spread > 0 ? (second.mean - first.mean) / spread : 0,
      first.variance > 0 && second.variance > 0 ? (second.variance / first.variance).squareRoot() : 1
    )
  }

  private static func categories(_ first: Column, _ second: Column) -> Shift {
    var counts: [String: (first: Int, second: Int)] = [:]
    for row in 0..<first.count { counts[first.text(row) ?? "\u{0}", default: (0, 0)].first += 1 }
    for row in 0..<second.count { counts[second.text(row) ?? "\u{0}", default: (0, 0)].second += 1 }
    let (n, m) = (Double(first.count), Double(second.count))
    let moved = counts.values.reduce(0.0) { $0 + abs(Double($1.first) / n - Double($1.second) / m) } / 2
    // Nearly unique texts differ between any two sets.
    guard counts.count * 2 < first.count + second.count else { return (0, false, 1, 1) }
    let sorted = counts.sorted { $0.key < $1.key }.map(\.value)
    return (moved, false, 1, HypothesisTest.chiSquared(sorted).p)
  }
}
