import TartineData
import TartineTraining

/// Slices of dev with a higher error than the rest: levels of a category, quartiles of a number, classes.
///
/// Each slice is compared with as many rows drawn at random: by an exact test if a row is right or wrong,
/// else by the mean, variance and skewness of the error of such draws. If rows belong together in groups, the
/// two means are compared with a cluster-robust standard error. The false-discovery rate of the reported
/// slices is 5 %.
///
/// **Source**: Chung et al., *Slice finder*, 2019; Fisher's exact test, 1935; Benjamini and Hochberg 1995.
public struct Slices: Sendable, Encodable {
  /// One slice of the rows.
  public struct Slice: Hashable, Sendable, Encodable {
    /// The definition of the slice: `age from 61 to 90`.
    public let name: String
    /// The number of its rows.
    public let rows: Int
    /// Its error, or RMSE.
    public let error: Estimate
    /// The error of the other rows.
    public let otherError: Double
    /// The p-value of the difference, adjusted for the number of slices.
    public let p: Double
  }

  /// The worse slices; the one with the most excess errors first.
  public let worst: [Slice]
  /// The number of slices tested.
  public let examined: Int

  /// The minimum number of rows.
  private static let fewestRows = 20
  /// The maximum number of levels of a column: with more, each has too few rows.
  private static let mostLevels = 50

  /// - Parameters:
  ///   - evaluation: The evaluation of the model on these rows.
  ///   - dataset: The data set with their columns.
  public init(_ evaluation: Evaluation, of dataset: Dataset) {
    self.init(
      evaluation, of: dataset, outcomes: evaluation.outcomes, isNumber: evaluation.task == .regression)
  }

  /// - Parameters:
  ///   - outcomes: What is compared: of each row 0 or 1, or a squared error.
  ///   - isNumber: Whether they are squared errors.
  init(_ evaluation: Evaluation, of dataset: Dataset, outcomes: [Double], isNumber: Bool) {
    let slices = Self.slices(evaluation, dataset).filter {
      $0.rows.count >= Self.fewestRows && $0.rows.count + Self.fewestRows <= outcomes.count
    }
    let total = outcomes.reduce(0, +)
    let isRightOrWrong = outcomes.allSatisfy { $0 == 0 || $0 == 1 }
    let results = slices.map { slice -> (slice: Slice, excess: Double) in
      let inside = slice.rows.map { outcomes[$0] }
      let (n, m) = (Double(inside.count), Double(outcomes.count - inside.count))
      let sum = inside.reduce(0, +)
      let (mean, other) = (sum / n, (total - sum) / m)
      let p =
        evaluation.cases.map { Self.clusteredTail(outcomes, inside: slice.rows, cases: $0) }
        ?? (isRightOrWrong
          ? HypothesisTest.hypergeometricTail(
            hits: Int(sum), drawn: inside.count, marked: Int(total), of: outcomes.count)
          : HypothesisTest.drawnSumTail(sum, drawn: inside.count, of: outcomes))
      let cases = evaluation.cases.map { cases in slice.rows.map { cases[$0] } }
      return (
        Slice(
          name: slice.name, rows: inside.count,
          error: SampledFigure(outcomes: [inside], isNumber: isNumber, cases: cases).rows,
          otherError: isNumber ? other.squareRoot() : other, p: p), (mean - other) * n
      )
    }
    examined = results.count
    let adjusted = HypothesisTest.falseDiscoveryRate(results.map(\.slice.p))
    worst = zip(results, adjusted).filter { $1 <= 0.05 }.sorted { $0.0.excess > $1.0.excess }.map { result, p in
      Slice(
        name: result.slice.name, rows: result.slice.rows, error: result.slice.error,
        otherError: result.slice.otherError, p: p)
    }
  }

  /// The one-sided p-value of a slice's higher mean, if rows belong together.
  ///
  /// The variance of the difference is the sum over groups of squared influence, separately in and outside the
  /// slice; the smaller number of groups gives the degrees of freedom.
  ///
  /// **Source**: Liang and Zeger 1986; Donner and Klar, *Design and analysis of cluster randomization trials*, 2000, for
  /// the degrees of freedom.
  private static func clusteredTail(_ outcomes: [Double], inside: [Int], cases: [Int]) -> Double {
    let rows = Set(inside)
    let isRightOrWrong = outcomes.allSatisfy { $0 == 0 || $0 == 1 }
    func side(_ isIn: Bool) -> (mean: Double, variance: Double, groups: Int) {
      let own = outcomes.indices.filter { rows.contains($0) == isIn }
      let (deviation, freedom) = Estimate.deviationOfMean(own.map { outcomes[$0] }, cases: own.map { cases[$0] })
      let (mean, groups) = (own.reduce(0) { $0 + outcomes[$1] } / Double(own.count), Int(freedom) + 1)
      // Groups that are all right or all wrong vary by at least what one more success and failure would show.
      let share = (mean * Double(groups) + 1) / (Double(groups) + 2)
      let least = isRightOrWrong ? share * (1 - share) / (Double(groups) + 2) : 0
      return (mean, max(deviation * deviation, least), groups)
    }
    let (one, other) = (side(true), side(false))
    let freedom = min(one.groups, other.groups) - 1
    let deviation = (one.variance + other.variance).squareRoot()
    guard freedom > 0, deviation.isFinite, deviation > 0 else { return 1 }
    return HypothesisTest.studentTail((one.mean - other.mean) / deviation, freedom: Double(freedom))
  }

  private static func slices(_ evaluation: Evaluation, _ dataset: Dataset) -> [(name: String, rows: [Int])] {
    var list: [(name: String, rows: [Int])] = []
    if evaluation.task.isClassification {
      for (place, name) in evaluation.outputNames.enumerated() {
        list.append(("class \(name)", evaluation.truths.indices.filter { Int(evaluation.truths[$0]) == place }))
      }
    }
    guard case .table(let columns) = dataset.inputs else { return list }
    for column in columns { list += slices(of: column, at: evaluation.origin) }
    return list
  }

  private static func slices(of column: Column, at origin: [Int]) -> [(name: String, rows: [Int])] {
    var list: [(name: String, rows: [Int])] = []
    let missing = origin.indices.filter { column.isMissing(origin[$0]) }
    if !missing.isEmpty { list.append(("\(column.name) missing", missing)) }
    switch column.values {
    case .texts(let codes, let levels):
      guard levels.count <= mostLevels else { return list }
      for (code, level) in levels.enumerated() {
        list.append(("\(column.name) \(level)", origin.indices.filter { codes[origin[$0]] == Int32(code) }))
      }
    case .numbers(let numbers):
      let present = origin.indices.filter { !column.isMissing(origin[$0]) }
      let values = Set(present.map { numbers[origin[$0]] })
      if values.count <= 6 {
        for value in values.sorted() {
          list.append(
            ("\(column.name) \(Column.text(of: value))", present.filter { numbers[origin[$0]] == value }))
        }
      } else {
        let sorted = present.sorted { (numbers[origin[$0]], $0) < (numbers[origin[$1]], $1) }
        for quarter in 0..<4 {
          let rows = sorted[(quarter * sorted.count / 4)..<((quarter + 1) * sorted.count / 4)]
          guard let first = rows.first, let last = rows.last else { continue }
          let range =
            "\(Text.significant(numbers[origin[first]], digits: 4)) to \(Text.significant(numbers[origin[last]], digits: 4))"
          list.append(("\(column.name) from \(range)", Array(rows)))
        }
      }
    }
    return list
  }
}
