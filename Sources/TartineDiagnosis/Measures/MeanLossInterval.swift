import TartineEngine

/// The 95 % interval of a mean log loss or Brier score, from rows of which few are misclassified.
///
/// The percentile bootstrap never draws an error that was not observed: without an error in 30 rows it covers the mean in a third
/// of the cases. Here the share of errors is drawn from its posterior, Beta(e + ½, n − e + ½), and the mean loss of the errors and
/// of the other rows from Bayesian bootstraps, that of the errors with one more, unseen one: its loss is the one that the
/// predicted probabilities expect of an error, Σ pₖ ℓ(k) / Σ pₖ over all rows and their other classes k.
///
/// `script/metric-intervals.py` measures its coverage; see Documentation/Evidence.md.
///
/// **Source**: Rubin, *The Bayesian bootstrap*, 1981; Jeffreys' prior for the share.
struct MeanLossInterval {
  private let errors, others: Losses
  private let unseen: Double
  private let mean: Double
  /// The number of rows per independent one.
  private let effect: Double

  private static let draws = 1_000

  /// The losses of some rows.
  private struct Losses {
    let values: [Double]
    let mean, variance: Double

    /// From as many rows on their mean is about normal.
    private static let many = 200

    init(_ values: [Double]) {
      self.values = values
      let mean = values.reduce(0, +) / Double(max(1, values.count))
      self.mean = mean
      variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count - 1))
    }

    /// A draw of their mean, with one more loss if there is one.
    func drawnMean(and unseen: Double?, effect: Double, _ stream: inout RandomStream) -> Double {
      guard values.count < Self.many else {
        return mean + (variance * effect / Double(values.count)).squareRoot() * stream.normalPair().0
      }
      var (weights, sum) = (0.0, 0.0)
      for loss in values {
        let weight = stream.gamma(shape: 1 / effect)
        weights += weight
        sum += weight * loss
      }
      if let unseen {
        let weight = stream.gamma(shape: 1)
        weights += weight
        sum += weight * unseen
      }
      return weights > 0 ? sum / weights : 0
    }
  }

  /// - Parameters:
  ///   - losses: Each row's loss.
  ///   - isError: Whether each row is misclassified.
  ///   - unseen: The expected loss of an error.
  ///   - effect: The number of rows per independent one, at least 1.
  init(losses: [Double], isError: [Bool], unseen: Double, effect: Double) {
    errors = Losses(zip(losses, isError).filter(\.1).map(\.0))
    others = Losses(zip(losses, isError).filter { !$0.1 }.map(\.0))
    mean = losses.reduce(0, +) / Double(max(1, losses.count))
    self.unseen = unseen.isFinite ? unseen : losses.max() ?? 0
    self.effect = effect
  }

  func estimate(seed: UInt64) -> Estimate {
    guard errors.values.count + others.values.count > 1 else { return Estimate(mean, low: -.infinity, high: .infinity) }
    var drawn: [Double] = []
    for draw in 0..<Self.draws {
      var stream = RandomStream(seed: seed, purpose: .bootstrap, step: 2, index: draw)
      let wrong = stream.gamma(shape: Double(errors.values.count) / effect + 0.5)
      let right = stream.gamma(shape: Double(others.values.count) / effect + 0.5)
      let ofErrors = errors.drawnMean(and: unseen, effect: effect, &stream)
      let ofOthers = others.drawnMean(and: nil, effect: effect, &stream)
      drawn.append((wrong * ofErrors + right * ofOthers) / (wrong + right))
    }
    drawn.sort()
    return Estimate(
      mean, low: min(mean, drawn[Int(0.025 * Double(Self.draws))]),
      high: max(mean, drawn[Int(0.975 * Double(Self.draws))]))
  }
}
