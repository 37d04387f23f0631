import Synchronization
import TartineTraining

/// A metric defined outside this package.
///
/// ```swift
/// struct WithinTen: CustomMetric {
///   let name = "within-10-percent"
///   let isShare = true
///   let isLowerBetter = false
///   func value(of rows: TaskPredictions, groups: [Int]?) -> Double? {
///     guard case .numbers(let truths, let predictions) = rows else { return nil }
///     return …
///   }
/// }
/// Metrics.register(WithinTen())
/// ```
///
/// A registered metric is among the ``Metrics`` of every evaluation that it applies to, with a bootstrap interval over rows, or over
/// groups where rows belong together; so it is in reports and in what `evaluate` prints. A `Tuner` can minimize it.
public protocol CustomMetric: Sendable {
  /// Its name, in lower case and without whitespace: `within-10-percent`.
  var name: String { get }
  /// Whether it is a share, shown in percent; otherwise it is a number, in the unit that it has.
  var isShare: Bool { get }
  /// Whether a lower value is better.
  var isLowerBetter: Bool { get }
  /// Its value on some rows; nil or NaN where it does not apply, such as to classes.
  ///
  /// - Parameters:
  ///   - rows: The predictions and truths of the rows.
  ///   - groups: The group of each row; nil: rows are independent.
  func value(of rows: TaskPredictions, groups: [Int]?) -> Double?
}

extension Metrics {
  private static let registered = Mutex<[any CustomMetric]>([])

  /// Adds a metric to those of every evaluation; a registered one of the same name is replaced. Its name must not be one of the
  /// package's own metrics.
  public static func register(_ metric: some CustomMetric) {
    let name = metric.name
    if name.isEmpty || name != name.lowercased() || name.contains(where: \.isWhitespace) {
      fatalError("a metric's name is in lower case and without whitespace, not '\(name)'")
    }
    if MetricKind(rawValue: name) != nil || name == "error" { fatalError("'\(name)' is a metric already") }
    registered.withLock { list in
      list.removeAll { $0.name == metric.name }
      list.append(metric)
    }
  }

  /// The registered metrics that apply to an evaluation, with their intervals.
  static func custom(of evaluation: Evaluation, seed: UInt64) -> [Metric] {
    let metrics = registered.withLock { $0 }
    guard !metrics.isEmpty else { return [] }
    let (all, groups) = (evaluation.taskPredictions, evaluation.groups)
    return metrics.compactMap { metric in
      guard let value = metric.value(of: all, groups: groups), !value.isNaN else { return nil }
      let found = estimates([nil], of: RowSample(evaluation), seed: seed) { counts in
        // A group that is drawn twice is two groups.
        let draws = counts.indices.flatMap { row in (0..<Int(counts[row])).map { (row: row, draw: $0) } }
        let drawn = groups.map { groups in
          var numbers: [[Int]: Int] = [:]
          return draws.map { place in
            let key = [groups[place.row], place.draw]
            numbers[key] = numbers[key] ?? numbers.count
            return numbers[key] ?? 0
          }
        }
        return [metric.value(of: all.rows(draws.map(\.row)), groups: drawn) ?? .nan]
      }
      return Metric(custom: metric.name, found[0], isShare: metric.isShare)
    }
  }
}
