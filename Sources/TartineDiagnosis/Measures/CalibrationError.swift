import TartineEngine

/// The expected calibration error over bins of confidence, corrected for its bias, with a 95 % interval.
///
/// The plug-in T = Σ |hitsₖ − sumₖ| / n is biased upwards: even of perfectly calibrated probabilities each bin's share of hits
/// differs from its mean confidence by chance. With B the mean of that chance part, drawn from each bin's binomial
/// distribution,
///
///     estimate = √(max(0, T² − B²)),
///
/// which is 0 where T is no more than chance, and T where it is much more. The interval reaches
///
/// - down to T less the 97.5 % point of the chance part: by the triangle inequality T differs from the truth by no more;
/// - up to the largest error, spread evenly over the bins, with which a T as low as this has a probability of 2.5 %. No other
///   distribution over the bins with the same error makes a low T more likely.
///
/// `script/metric-intervals.py` measures its coverage: at least 94 % from 50 rows on (Documentation/Evidence.md).
///
/// **Source**: Bröcker, *Estimating reliability and resolution of probability forecasts through decomposition of the empirical
/// score*, 2012, for the bias; Roelofs et al., *Mitigating bias in calibration error estimation*, 2022.
package struct CalibrationError {
  /// The rows of a bin, how many are right, and the sum of their confidences.
  package struct Bin: Hashable, Sendable {
    var rows, hits, sum: Double

    package init(rows: Double, hits: Double, sum: Double) {
      self.rows = rows
      self.hits = hits
      self.sum = sum
    }
  }

  /// The corrected error, with its interval.
  package let estimate: Estimate

  private static let draws = 400

  /// - Parameters:
  ///   - effect: the rows per independent row.
  package init(_ all: [Bin], effect: Double = 1, seed: UInt64) {
    let bins = all.filter { $0.rows > 0 }
    let total = bins.reduce(0) { $0 + $1.rows }
    let seen = bins.reduce(0) { $0 + abs($1.hits - $1.sum) } / total
    guard total > 1 else {
      estimate = Estimate(seen, low: -.infinity, high: .infinity)
      return
    }
    var stream = RandomStream(seed: seed, purpose: .bootstrap, step: 2)
    // The deviations of the hits from their expectation, as shares of all rows.
    func chance(_ share: (Bin) -> Double) -> [[Double]] {
      (0..<Self.draws).map { _ in
        bins.map { bin in
          let rows = bin.rows / effect
          return stream.binomialDeviation(rows, share(bin)) * effect / total
        }
      }
    }
    // Shares that are drawn towards the confidence, so that no bin is certain; and the confidences themselves.
    let deviations = chance { ($0.hits + 2 * $0.sum / $0.rows) / ($0.rows + 2) }
    let calibrated = chance { $0.sum / $0.rows }
    func sums(_ draws: [[Double]]) -> [Double] { draws.map { $0.reduce(0) { $0 + abs($1) } }.sorted() }
    let (noise, other) = (sums(deviations), sums(calibrated))
    func high(_ sorted: [Double]) -> Double { sorted[Int(0.975 * Double(sorted.count))] }
    let mean = noise.reduce(0, +) / Double(noise.count)
    let value = max(0, seen * seen - mean * mean).squareRoot()
    // Where all rows of a bin are right it may vary as little as is seen.
    let least = chance { $0.hits / $0.rows }
    let gaps = bins.map { ($0.hits < $0.sum ? -1.0 : 1) * $0.rows / total }
    func probability(of error: Double) -> Double {
      func share(_ draws: [[Double]]) -> Double {
        let atMost = draws.count { draw in zip(gaps, draw).reduce(0) { $0 + abs(error * $1.0 + $1.1) } <= seen }
        return Double(atMost) / Double(draws.count)
      }
      return max(share(deviations), share(least))
    }
    var (inside, outside) = (0.0, 1.0)
    for _ in 0..<30 {
      let middle = (inside + outside) / 2
      if probability(of: middle) >= 0.025 { inside = middle } else { outside = middle }
    }
    let low = max(0, seen - max(high(noise), high(other)))
    estimate = Estimate(min(max(value, low), max(inside, low)), low: low, high: max(inside, low))
  }
}

extension RandomStream {
  /// Returns the hits of so many draws less their expectation; many draws by the normal distribution.
  fileprivate mutating func binomialDeviation(_ draws: Double, _ share: Double) -> Double {
    let variance = draws * share * (1 - share)
    guard variance < 50, draws < 2_000 else { return normalPair().0 * variance.squareRoot() }
    // A part of a draw is one whose deviation is scaled to the right variance.
    let count = max(1, draws.rounded(.up))
    var hits = 0
    for _ in 0..<Int(count) where uniform() < share { hits += 1 }
    return (Double(hits) - count * share) * (draws / count).squareRoot()
  }
}
