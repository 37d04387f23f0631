import TartinePlatform

/// Hypothesis tests: p-values under the null hypothesis of no difference.
package enum HypothesisTest {
  /// The normal distribution's upper tail at z.
  package static func normalTail(_ z: Double) -> Double { 0.5 * erfc(z / 2.0.squareRoot()) }

  /// The inverse of the normal distribution's upper tail, for `p` from 10⁻³⁰⁰ to 1; by bisection.
  package static func normalPoint(upperTail p: Double) -> Double {
    var (low, high) = (-40.0, 40.0)
    while high - low > 1e-10 {
      let middle = (low + high) / 2
      if normalTail(middle) > p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The upper tail of Student's t distribution, for any degrees of freedom above 0.
  package static func studentTail(_ t: Double, freedom: Double) -> Double {
    let tail = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t >= 0 ? tail : 1 - tail
  }

  /// The inverse of Student's upper tail, for `p` below one half; by bisection.
  package static func studentPoint(upperTail p: Double, freedom: Double) -> Double {
    var (low, high) = (0.0, 1e6)
    while high - low > 1e-9 * max(1, low) {
      let middle = (low + high) / 2
      if studentTail(middle, freedom: freedom) > p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// I_x(a, b) by its continued fraction, on the side where it converges fast.
  ///
  /// **Source**: Abramowitz and Stegun, *Handbook of mathematical functions*, 26.5.8; Lentz 1976 for the evaluation.
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    let tiny = 1e-300
    var (c, d) = (1.0, 1 - (a + b) * x / (a + 1))
    d = 1 / (abs(d) < tiny ? tiny : d)
    var fraction = d
    for m in 1...300 {
      let k = Double(m)
      for term in [
        k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
        -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
      ] {
        d = 1 + term * d
        d = 1 / (abs(d) < tiny ? tiny : d)
        c = 1 + term / c
        if abs(c) < tiny { c = tiny }
        fraction *= c * d
      }
      if abs(c * d - 1) < 1e-14 { break }
    }
    return front * fraction
  }

  /// The hypergeometric upper tail: the probability of at least `hits` marked rows among `drawn` rows, drawn
  /// without replacement from `rows` rows of which `marked` are marked.
  package static func hypergeometricTail(hits: Int, drawn: Int, marked: Int, of rows: Int) -> Double {
    func logChoose(_ n: Int, _ k: Int) -> Double {
      lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
    }
    let most = min(drawn, marked)
    guard hits <= most else { return 0 }
    let all = logChoose(rows, drawn)
    return min(
      1,
      (max(hits, drawn + marked - rows, 0)...most).reduce(0.0) {
        $0 + exp(logChoose(marked, $1) + logChoose(rows - marked, drawn - $1) - all)
      })
  }

  /// The probability of a sum at least as large for `drawn` of these values, drawn without replacement. A
  /// shifted gamma distribution matches the sum's mean, variance and skewness over all draws; Wilson and
  /// Hilferty's cube root gives its tail. If few values make up most of the sum, the result is too large.
  package static func drawnSumTail(_ sum: Double, drawn: Int, of values: [Double]) -> Double {
    let (rows, n) = (Double(values.count), Double(drawn))
    guard rows > n, n > 0, rows > 2 else { return 1 }
    let mean = values.reduce(0, +) / rows
    let second = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / rows
    let third = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) * ($1 - mean) } / rows
    guard second > 0 else { return 1 }
    let z = (sum - n * mean) / (second * n * (rows - n) / (rows - 1)).squareRoot()
    let skewness =
      third / (second * second.squareRoot()) * (rows - 2 * n) / (rows - 2)
      * ((rows - 1) / (n * (rows - n))).squareRoot()
    guard abs(skewness) > 1e-3 else { return normalTail(z) }
    let shape = 4 / (skewness * skewness)
    let ratio = 1 + (skewness > 0 ? z : -z) / shape.squareRoot()
    let point = 3 * shape.squareRoot() * (cbrt(max(0, ratio)) - 1 + 1 / (9 * shape))
    return normalTail(skewness > 0 ? point : -point)
  }

  /// The Kolmogorov–Smirnov test of two samples: the largest distance between their distribution functions,
  /// and its p-value.
  ///
  /// With many ties, the p-value is too large.
  ///
  /// **Source**: Smirnov 1948; Stephens, *Use of the Kolmogorov–Smirnov, Cramér–von Mises and related statistics*, 1970, for
  /// small samples.
  package static func kolmogorovSmirnov(_ first: [Double], _ second: [Double]) -> (distance: Double, p: Double) {
    guard !first.isEmpty, !second.isEmpty else { return (0, 1) }
    let (a, b) = (first.sorted(), second.sorted())
    let (n, m) = (Double(a.count), Double(b.count))
    var (i, j, distance) = (0, 0, 0.0)
    while i < a.count, j < b.count {
      let value = min(a[i], b[j])
      while i < a.count, a[i] <= value { i += 1 }
      while j < b.count, b[j] <= value { j += 1 }
      distance = max(distance, abs(Double(i) / n - Double(j) / m))
    }
    let root = (n * m / (n + m)).squareRoot()
    let lambda = (root + 0.12 + 0.11 / root) * distance
    // The terms of the series stop shrinking near 0, where the tail is 1.
    guard lambda > 0.3 else { return (distance, 1) }
    let tail = (1...100).reduce(0.0) { sum, k in
      let term = exp(-2 * Double(k * k) * lambda * lambda)
      return sum + (k % 2 == 1 ? term : -term)
    }
    return (distance, min(1, max(0, 2 * tail)))
  }

  /// Pearson's χ² test of two samples of categories, with its p-value by Wilson and Hilferty's cube root.
  ///
  /// - Parameter counts: The count of each level in the first and second sample. Levels with an expected
  ///   count below five in either are merged.
  /// **Source**: Pearson 1900; Wilson and Hilferty, *The distribution of chi-square*, 1931.
  package static func chiSquared(_ counts: [(first: Int, second: Int)]) -> (statistic: Double, p: Double) {
    let first = Double(counts.reduce(0) { $0 + $1.first })
    let second = Double(counts.reduce(0) { $0 + $1.second })
    guard first > 0, second > 0 else { return (0, 1) }
    let smallest = min(first, second) / (first + second)
    func isCommon(_ cell: (first: Int, second: Int)) -> Bool { Double(cell.first + cell.second) * smallest >= 5 }
    var cells = counts.filter(isCommon)
    let rest = counts.filter { !isCommon($0) }.reduce((first: 0, second: 0)) {
      ($0.first + $1.first, $0.second + $1.second)
    }
    if rest.first + rest.second > 0 {
      if isCommon(rest) || cells.isEmpty {
        cells.append(rest)
      } else if let least = cells.indices.min(by: {
        cells[$0].first + cells[$0].second < cells[$1].first + cells[$1].second
      }) {
        cells[least] = (cells[least].first + rest.first, cells[least].second + rest.second)
      }
    }
    guard cells.count > 1 else { return (0, 1) }
    let statistic = cells.reduce(0.0) { sum, cell in
      let share = Double(cell.first + cell.second) / (first + second)
      let a = Double(cell.first) - share * first
      let b = Double(cell.second) - share * second
      return sum + a * a / (share * first) + b * b / (share * second)
    }
    let freedom = Double(cells.count - 1)
    if freedom == 1 { return (statistic, 2 * normalTail(statistic.squareRoot())) }
    let spread = 2 / (9 * freedom)
    return (statistic, normalTail((cbrt(statistic / freedom) - (1 - spread)) / spread.squareRoot()))
  }

  /// Adjusted p-values that control the false-discovery rate: of those below q, an expected share of at most
  /// q is false. In the order given.
  ///
  /// **Source**: Benjamini and Hochberg, *Controlling the false discovery rate*, 1995.
  package static func falseDiscoveryRate(_ p: [Double]) -> [Double] {
    let order = p.indices.sorted { p[$0] > p[$1] }
    var adjusted = p
    var smallest = 1.0
    for (place, index) in order.enumerated() {
      smallest = min(smallest, p[index] * Double(p.count) / Double(p.count - place))
      adjusted[index] = smallest
    }
    return adjusted
  }

  /// Adjusted p-values that control the family-wise error rate: with the threshold q, the chance of any false
  /// positive is at most q. In the order given.
  ///
  /// **Source**: Holm, *A simple sequentially rejective multiple test procedure*, 1979.
  package static func familyWise(_ p: [Double]) -> [Double] {
    let order = p.indices.sorted { p[$0] < p[$1] }
    var adjusted = p
    var largest = 0.0
    for (place, index) in order.enumerated() {
      largest = max(largest, min(1, p[index] * Double(p.count - place)))
      adjusted[index] = largest
    }
    return adjusted
  }

  /// The area under the ROC curve: the chance that a row of the first kind scores higher than one of the
  /// second, ties counting half.
  package static func area(_ ranks: [Double], isFirst: [Bool]) -> Double {
    var (sum, count) = (0.0, 0.0)
    for (rank, first) in zip(ranks, isFirst) where first {
      sum += rank
      count += 1
    }
    let others = Double(isFirst.count) - count
    guard count > 0, others > 0 else { return 0.5 }
    return (sum - count * (count + 1) / 2) / (count * others)
  }

  /// Spearman's correlation; 0 if a value is missing or all are equal.
  package static func rankCorrelation(_ first: [Double], _ second: [Double]) -> Double {
    guard first.count > 2, !first.contains(where: \.isNaN), !second.contains(where: \.isNaN) else { return 0 }
    let (a, b) = (ranks(first), ranks(second))
    let middle = Double(first.count + 1) / 2
    func sum(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + ($1.0 - middle) * ($1.1 - middle) } }
    let scale = (sum(a, a) * sum(b, b)).squareRoot()
    return scale > 0 ? sum(a, b) / scale : 0
  }

  /// Ranks from 1; equal values have their mean rank.
  package static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }
}
