import TartineEngine

/// The mixing coefficient λ ~ Beta(α, α), drawn once for each batch.
///
/// **Source**: Zhang et al., *mixup: beyond empirical risk minimization*, 2018, §2: each input and its target
/// become λ times themselves plus 1 − λ times another row's. Here the other row is the next in the shuffled
/// batch.
package struct Mixup {
  private let alpha: Double
  private let seed: UInt64

  package init(alpha: Double, seed: UInt64) {
    self.alpha = alpha
    self.seed = seed
  }

  /// The λ of a step; 1 without mixup.
  package func share(step: Int) -> Double {
    guard alpha > 0 else { return 1 }
    var stream = RandomStream(seed: seed, purpose: .mixup, step: step)
    let (x, y) = (stream.gamma(shape: alpha), stream.gamma(shape: alpha))
    // Both can be 0 for a tiny α, where λ is 0 or 1.
    return x + y > 0 ? x / (x + y) : 1
  }
}
