import TartinePlatform

/// Bayesian optimization in a trust region: a box around the best trial, and a Gaussian process of all
/// trials.
///
/// The box starts nearly as wide as the space. It doubles after three trials in a row that improve on the
/// best value by more than 0.1 %. It halves after as many trials in a row without improvement as there are
/// hyperparameters, at least four. Below a width of 1/128 it starts anew. Its sides are proportional to the
/// process's lengthscales, so the box is wider in less important hyperparameters.
///
/// **Source**: Eriksson, Pearce, Gardner, Turner, Poloczek, *Scalable global optimization via local Bayesian optimization*, 2019.
///
/// **Differs from**: TuRBO takes batches of Thompson samples, and starts with 2d points; here each trial is
/// the point with the highest log expected improvement.
public struct GuidedZoomSampler: Sampler {
  /// Creates a sampler.
  public init() {}

  /// Returns the point of the box with the highest log expected improvement.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    let starts = GaussianProcessSampler.startTrials(space)
    guard number >= starts, let acquisition = Acquisition(space, history) else {
      return SobolSequence(dimensions: space.count, seed: seed)[number]
    }
    let box = Self.box(
      around: acquisition.best[0], lengths: acquisition.lengths, isOrdered: space.parameters.map(\.domain.isOrdered),
      side: Self.sides(history, space.count, starts: starts).last ?? Self.widest)
    return acquisition.maximum(in: box, seed: seed, number: number)
  }

  /// Returns the box. It holds all values of a choice, since their positions have no meaning.
  private static func box(
    around centre: [Double], lengths: [Double], isOrdered: [Bool], side: Double
  ) -> Acquisition.Region {
    let ordered = zip(lengths, isOrdered).filter(\.1).map(\.0)
    let mean = ordered.reduce(0, +) / Double(max(1, ordered.count))
    let halves = zip(lengths, isOrdered).map { $1 ? side / 2 * exp(max(-2, min(2, $0 - mean))) : 1 }
    return Acquisition.Region(
      low: zip(centre, halves).map { max(0, $0 - $1) }, high: zip(centre, halves).map { min(1, $0 + $1) })
  }

  private static let widest = 0.8

  /// Returns the width of the box before each trial and after the last one; pending trials do not change it.
  package static func sides(_ history: [Observation], _ dimensions: Int, starts: Int) -> [Double] {
    var (side, better, worse) = (widest, 0, 0)
    let patience = max(4, dimensions)
    var best = Double.infinity
    var done = 0
    var sides = [side]
    for value in history.map(\.value) {
      defer { sides.append(side) }
      guard let value else { continue }
      done += 1
      guard done > starts else {
        best = min(best, value)
        continue
      }
      if best.isFinite ? value < best - 1e-3 * abs(best) : value < best {
        (better, worse) = (better + 1, 0)
      } else {
        (better, worse) = (0, worse + 1)
      }
      best = min(best, value)
      if better == 3 { (side, better) = (min(1.6, 2 * side), 0) }
      if worse == patience { (side, worse) = (side / 2, 0) }
      if side < 1.0 / 128 { side = widest }
    }
    return sides
  }
}
