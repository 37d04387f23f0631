import TartinePlatform

/// The rule for which columns of numbers get bins, and how many: from the distance of their values from a
/// normal distribution, the number of such columns, and the number of train rows.
///
/// Its numbers were chosen on the tables of Documentation/Defaults.md.
struct BinRule {
  /// The number of bins requested for every column; nil: chosen by the rule.
  let asked: Int?

  /// The most bins in a column; more gained nothing.
  private static let mostBins = 32
  /// The fewest bins in a column; fewer are too coarse to be worth their weights.
  private static let fewestBins = 4
  /// The most bins over all columns, so that wide inputs, such as pixels, get none.
  private static let mostInAll = 512
  /// Train rows for each bin, over all columns.
  private static let rowsPerBin = 8
  /// The smallest distance from normal for bins; below it the standardized value suffices.
  private static let bell = 0.1

  /// The 95 % critical value of the distance from normal (Lilliefors 1967).
  private static func chance(_ count: Int) -> Double { 0.886 / Double(count).squareRoot() }

  /// The features, with the bins that the rule chooses.
  func apply(to fitted: [(feature: Feature, values: ValueDistribution?)], rows: Int) -> [Feature] {
    let chosen = fitted.map { wantsBins($0.feature, $0.values) }
    let columns = chosen.count { $0 }
    return zip(fitted, chosen).map { fitted, isChosen in
      guard isChosen, case .number(let number) = fitted.feature, let values = fitted.values else {
        return fitted.feature
      }
      let bins = bins(values, among: columns, rows: rows)
      return bins > 0 ? .number(number.withEdges(values.edges(bins: bins))) : fitted.feature
    }
  }

  private func bins(_ values: ValueDistribution, among columns: Int, rows: Int) -> Int {
    if let asked { return asked }
    // A column that is mostly missing has fewer values than the table has rows.
    let bins = min(
      Self.mostBins, min(Self.mostInAll, rows / Self.rowsPerBin) / columns, values.count / Self.rowsPerBin)
    return bins < Self.fewestBins ? 0 : bins
  }

  private func wantsBins(_ feature: Feature, _ values: ValueDistribution?) -> Bool {
    guard case .number(let number) = feature, let values, values.hasMoreThanTwo else { return false }
    return asked != nil
      || values.distanceFromNormal(mean: number.mean, deviation: number.deviation)
        >= max(Self.bell, Self.chance(values.count))
  }
}

/// The distribution of a column's values: at most 100 000 of them, evenly spaced in ascending order.
package struct ValueDistribution {
  private let sorted: [Double]

  package init(sorted: [Double]) {
    let step = (sorted.count + 99_999) / 100_000
    self.sorted = step <= 1 ? sorted : stride(from: 0, to: sorted.count, by: step).map { sorted[$0] }
  }

  var count: Int { sorted.count }

  /// The clipping range. Credible values lie within 5 widths of the middle nine tenths, beyond its ends.
  /// Values are clipped no nearer than one width, so that a line extrapolates a little beyond the train rows.
  /// Nil where there are too few rows for quantiles, or nearly all have one value.
  var bounds: ValueBounds? {
    guard sorted.count >= Self.fewestForBounds, let first = sorted.first, let last = sorted.last, first < last else {
      return nil
    }
    // A column that is mostly one value has a width from the outer quantiles, or from its full range.
    let ends = [0.05, 0.01].map { share -> (low: Double, high: Double) in
      let skipped = Int(share * Double(sorted.count))
      return (sorted[skipped], sorted[sorted.count - 1 - skipped])
    }
    let (low, high) = ends.first { $0.low < $0.high } ?? (first, last)
    let width = high - low
    let isCredible = (low - 5 * width)...(high + 5 * width)
    let lowest = sorted.first { isCredible.contains($0) } ?? low
    let highest = sorted.last { isCredible.contains($0) } ?? high
    let (start, end) = (min(lowest, low - width), max(highest, high + width))
    return start.isFinite && end.isFinite ? ValueBounds(held: start...end, credible: lowest...highest) : nil
  }

  private static let fewestForBounds = 20

  /// A line suffices for two values.
  var hasMoreThanTwo: Bool {
    guard let first = sorted.first, let last = sorted.last else { return false }
    return sorted.contains { $0 != first && $0 != last }
  }

  /// Each value with its count, ascending.
  private func forEachValue(_ body: (Double, Int) -> Void) {
    var start = 0
    while start < sorted.count {
      var end = start
      while end < sorted.count && sorted[end] == sorted[start] { end += 1 }
      body(sorted[start], end - start)
      start = end
    }
  }

  /// The largest difference between the empirical distribution and a normal one (Kolmogorov, Lilliefors).
  package func distanceFromNormal(mean: Double, deviation: Double) -> Double {
    var below = 0
    var largest = 0.0
    forEachValue { value, count in
      let expected = erfc((mean - value) / deviation * 0.5.squareRoot()) / 2
      let before = Double(below) / Double(sorted.count)
      below += count
      largest = max(largest, abs(before - expected), abs(Double(below) / Double(sorted.count) - expected))
    }
    return largest
  }

  /// Quantiles, where a value counts as at most an eighth of a bin's rows: otherwise a value that most rows
  /// share, such as a zero for "none", would leave no bins for the others.
  package func edges(bins: Int) -> [Double] {
    let most = max(1, sorted.count / (8 * bins))
    var values: [Double] = []
    var cumulative: [Int] = []
    forEachValue { value, count in
      values.append(value)
      cumulative.append((cumulative.last ?? 0) + min(count, most))
    }
    guard values.count > bins, let total = cumulative.last else { return values }
    var edges = [values[0]]
    var at = 0
    for bin in 1...bins {
      while cumulative[at] * bins < total * bin { at += 1 }
      if values[at] != edges.last { edges.append(values[at]) }
    }
    return edges
  }
}
