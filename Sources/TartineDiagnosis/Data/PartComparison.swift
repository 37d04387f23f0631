import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// Whether two parts of the data come from one distribution.
///
/// Two classifiers, a linear one and a small network, learn on half of the rows to tell the parts apart, and are judged on
/// the other half by the area under the ROC curve. Both areas are counted in deviations from one half, the larger is taken,
/// and compared with what it is when the rows' parts are exchanged at random: a test that is exact whatever the classifiers
/// are, and that decides. The columns, each alone, explain. Where whole groups were divided, they are halved and exchanged
/// whole, and a column is judged by one row of each: rows of one group are alike, and no more than one case.
///
/// **Source**: Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, 2017; Fisher's permutation test, 1935.
public struct PartComparison: Sendable {
  /// One column in both parts.
  public struct ColumnShift: Hashable, Sendable {
    /// The column, or what was measured of pictures.
    public let name: String
    /// For numbers, the second part's mean less the first's, in deviations of both; for categories, the share of rows that
    /// would have to be of another level for the parts to be alike.
    public let effect: Double
    /// Whether `effect` is in deviations.
    public let isInDeviations: Bool
    /// For numbers, the second part's deviation over the first's; 1 for categories.
    public let spread: Double
    /// How likely one as large is by chance alone.
    public let p: Double
    /// The same, adjusted so that of the columns below q a share q at most is there by chance.
    public let adjusted: Double

    /// As in `0.31 deviations`, `12 % of its rows`, `a spread 1000 times as large`.
    package var effectText: String {
      guard isInDeviations else { return "\(Text.fixed(effect * 100, decimals: 1)) % of its rows" }
      if spread > 2 { return "a spread \(Text.significant(spread, digits: 2)) times as large" }
      if spread < 0.5, spread > 0 { return "a spread \(Text.significant(1 / spread, digits: 2)) times as small" }
      return "\(Text.fixed(effect, decimals: 2)) deviations"
    }

    /// Whether it is to be told of: at most one of 20 of these is there by chance.
    public var isShifted: Bool { adjusted <= 0.05 }
  }

  /// The parts' names, as `dev` and `test`.
  public let first, second: String
  /// Rows of each that were looked at.
  public let rows: (first: Int, second: Int)
  /// How well a row's part can be told: ½ not at all, 1 always.
  public let area: Double
  /// How likely an area as far above one half is by chance alone.
  public let p: Double
  /// The same, where several pairs are compared: the chance that any of them has one as small.
  public private(set) var adjustedP: Double
  /// Whether the parts are told apart: of data divided at random, in one case of 20.
  public var isDifferent: Bool { adjustedP <= 0.05 }
  /// The smallest shift of one column, in deviations, that would have been seen four times of five.
  public let smallestVisibleShift: Double
  /// Each column, the most surely shifted first.
  public let columns: [ColumnShift]

  /// The most rows of a part that are looked at: more would show shifts too small to matter.
  private static let mostRows = 5_000
  /// Times that the parts are exchanged.
  private static let draws = 999

  /// Rows of a part.
  package struct Part {
    package let name: String
    package let dataset: Dataset
    package let rows: [Int]
    /// The stratum of each of the data set's rows, where strata were shared out evenly among the parts.
    let strata: [Int]?
    /// The group of each of the data set's rows, where groups were kept whole.
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

    /// Things that know nothing of each other.
    var caseCount: Int { groups.map { groups in Set(rows.map { groups[$0] }).count } ?? rows.count }

    /// At most so many of its rows.
    func sample(atMost count: Int, seed: UInt64, index: Int) -> Part {
      guard rows.count > count else { return self }
      var sample = rows
      var stream = RandomStream(seed: seed, purpose: .permutation, index: index)
      stream.shuffle(&sample)
      return Part(name, dataset, Array(sample.prefix(count)), strata: strata, groups: groups)
    }

    /// Its input columns, or what is measured of pictures.
    var columns: [Column] {
      let sample = rows
      switch dataset.inputs {
      case .table(let columns): return columns.map { $0.rows(sample) }
      case .images(let block): return PictureFeatures.columns(of: block, rows: sample)
      }
    }
  }

  /// Compares two parts.
  ///
  /// - Parameters:
  ///   - unused: columns that no network is given.
  ///   - comparisons: how many such comparisons are made together; the smallest visible shift takes them into account.
  /// - Returns: nil where a part has too few rows to say anything, or no column is in both.
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
    // What a person can be told of.
    let isTable = first.dataset.imageShape == nil
    let told = pairs.filter { isTable || PictureFeatures.named.contains($0.0.name) }
    columns = Self.shifts(told, cases: groups.map { Self.cases($0, counts.0) })
  }

  /// The group of each of both parts' rows; nil where each row stands alone.
  private static func groups(_ one: Part, _ two: Part) -> [Int]? {
    guard one.groups != nil || two.groups != nil else { return nil }
    // A part without groups, such as a test file of its own, has rows that stand alone.
    func numbers(_ part: Part) -> [Int] {
      part.groups.map { groups in part.rows.map { groups[$0] } } ?? part.rows.map { -1 - $0 }
    }
    return numbers(one) + numbers(two)
  }

  /// One row of each group: places in the first part, and in the second.
  private static func cases(_ groups: [Int], _ firstCount: Int) -> (first: [Int], second: [Int]) {
    var seen = Set<Int>()
    let places = groups.indices.filter { seen.insert(groups[$0]).inserted }
    return (places.filter { $0 < firstCount }, places.filter { $0 >= firstCount }.map { $0 - firstCount })
  }

  /// Dev with test, and train with both; train with dev where there is no test part.
  private static func pairs(of split: Split) -> [(Part, Part)] {
    let inputs = split.test.inputs
    // A test file of its own was not part of the division.
    let isOneSet = !split.hasTestFile
    let strata = split.method == .stratified ? split.dataset.stratumByRow : nil
    let groups = split.groupByRow
    let train = Part("train", split.dataset, split.train, strata: strata, groups: groups)
    let dev = Part("dev", split.dataset, split.dev, strata: strata, groups: groups)
    let test = Part(
      "test", inputs.dataset, inputs.rows, strata: isOneSet ? strata : nil, groups: isOneSet ? groups : nil)
    return inputs.rows.isEmpty ? [(train, dev)] : [(dev, test), (train, dev), (train, test)]
  }

  /// Each two parts of a division, their p-values adjusted for being several; without those that have too few rows.
  package static func all(
    of split: Split, leavingOut unused: Set<String> = [], threads: Int? = nil
  ) -> [PartComparison] {
    let pairs = pairs(of: split)
    let made = pairs.compactMap {
      PartComparison($0, $1, leavingOut: unused, comparisons: pairs.count, seed: split.seed, threads: threads)
    }
    return zip(made, HypothesisTest.familyWise(made.map(\.p))).map { $0.adjusted(to: $1) }
  }

  /// The parts of a division that have too few rows, or groups, to be compared, as in `test has 12 rows`.
  static func tooSmall(of split: Split) -> [String] {
    var seen = Set<String>()
    return pairs(of: split).flatMap { [$0, $1] }.filter { $0.caseCount < fewestCases && seen.insert($0.name).inserted }
      .map { "\($0.name) has \($0.caseCount) \($0.groups == nil ? "row" : "group")\($0.caseCount == 1 ? "" : "s")" }
  }

  /// The same, beside others.
  func adjusted(to p: Double) -> PartComparison {
    var copy = self
    copy.adjustedP = p
    return copy
  }

  /// Whether they surely differ, and so that it matters: of parts divided at random one in 20 is called different, and MNIST's own
  /// test part can be told from train in 55 of 100 pairs.
  var isClear: Bool { adjustedP <= 0.005 && area >= 0.6 }

  /// As in `0.43`, `below 0.001`.
  package static func text(p: Double) -> String { p < 0.001 ? "below 0.001" : Text.significant(p, digits: 2) }

  /// Fewer cannot be halved twice and still say anything.
  static let fewestCases = 20

  // MARK: Together

  private struct Scores {
    /// Of each classifier, one a row.
    var values: [[Double]]
    var isFirst: [Bool]
    /// Their places among both parts' rows.
    var judged: [Int]
    /// The same of those that the classifiers learned from.
    var fitted: [Int]
    var features: Int

    /// Rows, or groups, of each part.
    func cases(of rows: [Int], _ isFirst: [Bool], _ groups: [Int]?) -> (Int, Int) {
      func count(_ part: Bool) -> Int {
        let own = rows.filter { isFirst[$0] == part }
        return groups.map { groups in Set(own.map { groups[$0] }).count } ?? own.count
      }
      return (count(true), count(false))
    }
  }

  /// What both classifiers say of the half that they did not see.
  private static func scores(
    _ columns: [Column], _ isFirst: [Bool], groups: [Int]?, seed: UInt64, threads: Int?
  ) -> Scores? {
    // Names of their own, whatever the columns are called.
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
    // A column that is constant or nearly unique is left out; where no other is left there is nothing to tell by.
    let runs = [linear, small].compactMap { try? $0.train(on: halves, seed: seed, threads: threads) }
    guard runs.count == 2 else { return nil }
    return Scores(
      values: runs.map { $0.dev.scores.map(Double.init) }, isFirst: runs[0].dev.truths.map { $0 == 1 },
      judged: runs[0].dev.origin, fitted: halves.train, features: runs[0].model.preparation.width)
  }

  /// The larger area, in deviations from one half, against what it is when parts are exchanged.
  ///
  /// Rows of one stratum alone are exchanged where the division shared strata out evenly: parts are more alike then than rows
  /// divided without regard to them. Groups change parts as a whole.
  private static func judge(
    _ scores: [[Double]], _ isFirst: [Bool], strata: [Int]?, groups: [Int]?, seed: UInt64
  ) -> (area: Double, p: Double) {
    let ranks = scores.map(HypothesisTest.ranks)
    // Ties make an area vary less: each classifier is counted in its own deviations.
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
    // Sets of units that change places with each other; a unit is a row, or a group.
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

  /// A linear classifier that estimates a direction from few rows loses part of the shift to what the other features do by
  /// chance: with k features and n rows of each part fitted, cos² = δ² / (δ² + 2k/n).
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

  /// - Parameter cases: the rows that p-values are taken from; nil: all.
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
        name: pair.0.0.name, effect: pair.1.effect, isInDeviations: pair.1.isInDeviations, spread: pair.1.spread,
        p: pair.1.p, adjusted: adjusted)
    }.sorted { ($0.p, -abs($0.effect)) < ($1.p, -abs($1.effect)) }
  }

  private typealias Shift = (effect: Double, isInDeviations: Bool, spread: Double, p: Double)

  private static func shift(_ first: Column, _ second: Column) -> Shift {
    guard case .numbers(let a) = first.values, case .numbers(let b) = second.values else {
      return categories(first, second)
    }
    let (mine, theirs) = (a.filter { !$0.isNaN }, b.filter { !$0.isNaN })
    let gaps = HypothesisTest.chiSquared([
      (mine.count, theirs.count), (a.count - mine.count, b.count - theirs.count),
    ])
    let values = HypothesisTest.kolmogorovSmirnov(mine, theirs)
    // Two tests of one column: the surer counts, twice.
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
    // Nearly unique texts differ in any two parts.
    guard counts.count * 2 < first.count + second.count else { return (0, false, 1, 1) }
    let sorted = counts.sorted { $0.key < $1.key }.map(\.value)
    return (moved, false, 1, HypothesisTest.chiSquared(sorted).p)
  }
}
