import Tartine

/// The share of rows whose predicted number is within a share of the truth.
package struct WithinShare: CustomMetric {
  package let name: String
  package let isShare = true
  package let isLowerBetter = false
  private let share: Double

  package init(_ share: Double) {
    self.share = share
    name = "within-\(Int(share * 100))-percent"
  }

  package func value(of rows: TaskPredictions, groups: [Int]?) -> Double? {
    guard case .numbers(let truths, let predictions) = rows, !truths.isEmpty else { return nil }
    let hits = zip(truths, predictions).count { abs($0 - $1) <= share * abs($0) }
    return Double(hits) / Double(truths.count)
  }
}
