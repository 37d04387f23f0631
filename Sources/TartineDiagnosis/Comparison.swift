import TartineData
import TartineTraining

/// The difference of two runs on the same dev rows, paired row by row.
public struct Comparison: Sendable, CustomStringConvertible {
  /// This run's figure less the other's: below 0 is better.
  public let difference: Estimate
  /// Whether the whole interval lies on one side of 0.
  public var isDecided: Bool { difference.low > 0 || difference.high < 0 }

  private let unit: Unit

  init(difference: Estimate, unit: Unit) {
    self.difference = difference
    self.unit = unit
  }

  /// As in `−1.20 points (−1.90 to −0.50): better`.
  public var description: String {
    let verdict = !isDecided ? "undecided" : difference.value < 0 ? "better" : "worse"
    return "\(unit.difference(difference)): \(verdict)"
  }
}

extension Run {
  /// The paired difference of the dev errors, this run's less the other's.
  ///
  /// For classes the interval is Bonett and Price's for paired proportions; for others it is the normal one of
  /// the rows' differences (for RMSE by the delta method).
  ///
  /// **Source**: Bonett and Price, *Adjusted Wald confidence interval for a difference of binomial proportions
  /// based on paired data*, 2012.
  /// - Throws: `DataError` where the runs were not measured on the same rows.
  public func compared(to other: Run) throws -> Comparison {
    guard split.dataset.source == other.split.dataset.source, dev.origin == other.dev.origin,
      model.task == other.model.task
    else {
      throw DataError(
        "two runs can be compared only on the same dev rows; train both on one split.",
        source: split.dataset.source)
    }
    let mine = dev.outcomes
    let theirs = other.dev.outcomes
    let difference: Estimate
    switch model.task {
    case .binary, .multiclass: difference = .pairedProportions(mine, theirs)
    case .multilabel: difference = .meanDifference(zip(mine, theirs).map { $0 - $1 })
    case .regression:
      let (a, b) = (max(dev.score, .leastNormalMagnitude), max(other.dev.score, .leastNormalMagnitude))
      let spread = Estimate.meanDifference(zip(mine, theirs).map { $0 / (2 * a) - $1 / (2 * b) })
      let value = dev.score - other.dev.score
      let half = spread.high - spread.value
      difference = Estimate(value, low: value - half, high: value + half)
    }
    return Comparison(difference: difference, unit: Unit(model))
  }
}

extension Estimate {
  /// The mean of differences.
  static func meanDifference(_ differences: [Double]) -> Estimate {
    let n = Double(differences.count)
    let mean = differences.reduce(0, +) / n
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, n - 1)
    let half = z * (variance / n).squareRoot()
    return Estimate(mean, low: mean - half, high: mean + half)
  }

  /// The difference of two shares of the same rows, each row 0 or 1.
  static func pairedProportions(_ first: [Double], _ second: [Double]) -> Estimate {
    let n = Double(first.count)
    let worse = zip(first, second).reduce(0.0) { $0 + ($1.0 > $1.1 ? 1 : 0) }
    let better = zip(first, second).reduce(0.0) { $0 + ($1.0 < $1.1 ? 1 : 0) }
    let p = (worse + 1) / (n + 2)
    let q = (better + 1) / (n + 2)
    let half = z * ((p + q - (p - q) * (p - q)) / (n + 2)).squareRoot()
    return Estimate((worse - better) / n, low: p - q - half, high: p - q + half)
  }
}
