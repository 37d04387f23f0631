import TartineData
import TartineTraining

/// Parts of dev on which the model errs more than on the rest: levels of a category, quarters of a number's range, classes.
///
/// Each slice is compared with as many rows drawn at random: exactly where a row is right or wrong, else by the mean, variance
/// and skewness of what such draws err by. Of those told of, at most one in 20 is there by chance.
///
/// **Source**: Chung et al., *Slice finder*, 2019; Fisher's exact test, 1935; Benjamini and Hochberg 1995.
public struct Slices: Sendable, Encodable {
  /// One part of the rows.
  public struct Slice: Hashable, Sendable, Encodable {
    /// What its rows have in common, as in `age from 61 to 90`.
    public let name: String
    /// Rows of it.
    public let rows: Int
    /// Its error, or RMSE.
    public let error: Estimate
    /// That of the other rows.
    public let otherError: Double
    /// How likely so much more is by chance alone, adjusted for the number of slices.
    public let p: Double
  }

  /// The parts that are worse, the one that costs most first.
  public let worst: [Slice]
  /// Parts that were looked at.
  public let examined: Int

  /// Fewer rows say nothing.
  private static let fewestRows = 20
  /// Of a column with more levels each has too few rows.
  private static let mostLevels = 50

  /// - Parameters:
  ///   - evaluation: of the model on these rows.
  ///   - dataset: where their columns are.
  public init(_ evaluation: Evaluation, of dataset: Dataset) {
    let outcomes = evaluation.outcomes
    let isNumber = evaluation.task == .regression
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
        isRightOrWrong
        ? HypothesisTest.hypergeometricTail(
          hits: Int(sum), drawn: inside.count, marked: Int(total), of: outcomes.count)
        : HypothesisTest.drawnSumTail(sum, drawn: inside.count, of: outcomes)
      return (
        Slice(
          name: slice.name, rows: inside.count,
          error: isNumber ? .rootMeanSquare(inside) : .proportion(mean, of: inside.count),
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
