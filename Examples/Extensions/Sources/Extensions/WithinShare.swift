import Tartine

/// The share of rows whose predicted number is within a share of the truth.
public struct WithinShare: CustomMetric {
  public let name: String
  public let isShare = true
  public let isLowerBetter = false
  private let share: Double

  public init(_ share: Double) {
    self.share = share
    name = "within-\(Int(share * 100))-percent"
  }

  public func value(of answers: Answers, groups: [Int]?) -> Double? {
    guard case .numbers(let truths, let predictions) = answers, !truths.isEmpty else { return nil }
    let hits = zip(truths, predictions).count { abs($0 - $1) <= share * abs($0) }
    return Double(hits) / Double(truths.count)
  }
}
