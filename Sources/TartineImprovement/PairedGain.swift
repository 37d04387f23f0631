import TartineDiagnosis
import TartineTraining

/// One training of a pair: its errors on the rows that judge it.
package struct Trained {
  /// The rows that judge, as rows of the data.
  package let rows: [Int]
  /// Each row's own error; that of the constant baseline if the training diverged.
  package let outcomes: [Double]
  package let score: Double
  /// Nil if it diverged.
  package let model: Model?
  /// The run, of the split's own train and dev rows alone.
  package let run: Run?
  /// Why it has no model.
  package let divergence: String?
  package let seconds: Double

  package init(
    rows: [Int], outcomes: [Double], score: Double, model: Model? = nil, run: Run? = nil, divergence: String? = nil,
    seconds: Double = 0
  ) {
    (self.rows, self.outcomes, self.score) = (rows, outcomes, score)
    (self.model, self.run, self.divergence, self.seconds) = (model, run, divergence, seconds)
  }
}

/// The amount by which an idea lowers the error of the incumbent, over some pairs.
///
/// The value is the mean of the pairs' differences d. Its interval is the wider of two: that of the rows, by each row's mean
/// difference over all pairs that measured it, and that of the pairs, t · s(d) / √n, which has seeds and splits in it too. Where all
/// pairs have the same dev rows, the two do not contain each other, and are added in quadrature.
package struct PairedGain {
  /// Incumbent less idea, for each pair.
  package let differences: [Double]
  package let estimate: Estimate
  /// The standard error, half the interval over the point of Student's or the normal distribution.
  package let standardError: Double
  /// The part of it that is due to the choice of rows.
  package let ofRows: Double

  /// - Parameters:
  ///   - groups: Which rows of the data belong together; nil: rows are independent.
  ///   - sharesRows: Whether all pairs have the same dev rows.
  package init(
    of idea: [Trained], over incumbent: [Trained], isNumber: Bool, groups: [Int]?, sharesRows: Bool
  ) {
    differences = zip(incumbent, idea).map { $0.score - $1.score }
    let n = Double(differences.count)
    let value = differences.reduce(0, +) / n
    var influences: [Int: Double] = [:]
    for (own, other) in zip(incumbent, idea) {
      // By the delta method, of a root of a mean.
      let slopes =
        isNumber
        ? (0.5 / max(own.score, .leastNormalMagnitude), 0.5 / max(other.score, .leastNormalMagnitude)) : (1, 1)
      let effects = zip(own.outcomes, other.outcomes).map { $0 * slopes.0 - $1 * slopes.1 }
      let count = Double(effects.count)
      let mean = effects.reduce(0, +) / count
      for (row, effect) in zip(own.rows, effects) {
        influences[groups?[row] ?? row, default: 0] += (effect - mean) / (count * n)
      }
    }
    let cases = Double(influences.count)
    // In the order of the rows: a sum over a dictionary has no fixed order.
    let squares = influences.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value * $1.value }
    ofRows = cases > 1 ? (squares * cases / (cases - 1)).squareRoot() : .infinity
    let ofPairs = n > 1 ? Estimate.deviationOfMean(differences) : 0
    let halves = (Estimate.studentT(max(1, cases - 1)) * ofRows, n > 1 ? Estimate.studentT(n - 1) * ofPairs : 0)
    let half = sharesRows ? (halves.0 * halves.0 + halves.1 * halves.1).squareRoot() : max(halves.0, halves.1)
    standardError = sharesRows ? (ofRows * ofRows + ofPairs * ofPairs).squareRoot() : max(ofRows, ofPairs)
    estimate = Estimate(value, low: value - half, high: value + half)
  }
}
