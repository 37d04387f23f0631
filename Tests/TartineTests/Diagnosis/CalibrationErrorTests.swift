import Tartine
import Testing

@Suite struct CalibrationErrorTests {
  /// Draws test sets of known calibration: logits are normal, and the truth has the probability of `slope` times the logit.
  private func coverage(rows: Int, slope: Double, shift: Double, sets: Int = 120) -> (hits: Int, mean: Double) {
    var (hits, sum) = (0, 0.0)
    let truth = Self.error(slope: slope, shift: shift)
    for set in 0..<sets {
      var stream = RandomStream(seed: UInt64(set), purpose: .test, index: rows)
      var (probabilities, truths): ([Double], [Int]) = ([], [])
      for _ in 0..<rows {
        let logit = 1.5 * stream.normalPair().0 - 1 + shift
        let p = 1 / (1 + Self.power(-logit))
        probabilities += [1 - p, p]
        truths.append(stream.uniform() < 1 / (1 + Self.power(-slope * logit)) ? 1 : 0)
      }
      let metrics = ClassMetrics(
        probabilities: probabilities, truths: truths, answers: truths.map { _ in 0 }, classes: 2)
      let found = CalibrationError(metrics.calibrationBins, seed: UInt64(set)).estimate
      #expect(found.low <= found.value && found.value <= found.high)
      if found.low <= truth && truth <= found.high { hits += 1 }
      sum += found.value
    }
    return (hits, sum / Double(sets))
  }

  private static func power(_ x: Double) -> Double {
    // eˣ by squaring: exact enough here.
    var (result, base) = (1.0, 1 + x / 1_048_576)
    for _ in 0..<20 { base *= base }
    result = base
    return result
  }

  /// The error over the same bins, on many rows.
  private static func error(slope: Double, shift: Double) -> Double {
    var stream = RandomStream(seed: 99, purpose: .test)
    var gaps = [Double](repeating: 0, count: 15)
    let rows = 100_000
    for _ in 0..<rows {
      let logit = 1.5 * stream.normalPair().0 - 1 + shift
      let (p, q) = (1 / (1 + power(-logit)), 1 / (1 + power(-slope * logit)))
      gaps[min(14, max(0, Int((p * 15).rounded(.up)) - 1))] += q - p
    }
    return gaps.reduce(0) { $0 + abs($1) } / Double(rows)
  }

  @Test(arguments: [50, 200, 1_000]) func theIntervalCovers(_ rows: Int) {
    for (slope, shift) in [(1.0, 0.0), (0.5, 0.0), (1.0, -2.0)] {
      let (hits, _) = coverage(rows: rows, slope: slope, shift: shift)
      #expect(hits >= 108, "slope \(slope), shift \(shift): \(hits) of 120")
    }
  }

  /// Of calibrated probabilities the plug-in error of 200 rows is 8 points on average.
  @Test func theEstimateIsNotBiased() {
    #expect(coverage(rows: 200, slope: 1, shift: 0).mean < 0.045)
    let truth = Self.error(slope: 0.5, shift: 0)
    #expect(abs(coverage(rows: 1_000, slope: 0.5, shift: 0).mean - truth) < 0.015)
  }
}
