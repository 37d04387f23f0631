import TartineEngine

/// Draws how much of itself a row keeps where rows are mixed: λ ~ Beta(α, α), one for each batch.
///
/// **Source**: Zhang et al., *mixup: beyond empirical risk minimization*, 2018, §2: each input and its target become λ of
/// themselves and 1 − λ of another row's. Here the other row is the batch's next, which the epoch's shuffle has drawn.
package struct Mixup {
  private let alpha: Double
  private let seed: UInt64

  package init(alpha: Double, seed: UInt64) {
    self.alpha = alpha
    self.seed = seed
  }

  /// 1 where nothing is mixed.
  package func share(step: Int) -> Double {
    guard alpha > 0 else { return 1 }
    var stream = RandomStream(seed: seed, purpose: .mixup, step: step)
    let (x, y) = (stream.gamma(shape: alpha), stream.gamma(shape: alpha))
    // Both can be 0 for a tiny α, whose draws are 0 or 1.
    return x + y > 0 ? x / (x + y) : 1
  }
}
