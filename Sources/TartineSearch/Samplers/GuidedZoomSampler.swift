#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Coarse to fine, guided: a box around the best trial, in which a Gaussian process of all trials says what to try.
///
/// The box begins nearly as wide as the space. Three trials in a row that are better than all before, by a thousandth of the best, make it twice as wide, as many
/// as there are hyperparameters (four at least) that are not half as wide; below 1/128 it is made wide again. In each hyperparameter
/// it is the wider the less that matters there: its sides are as the process's lengths.
///
/// **Source**: Eriksson, Pearce, Gardner, Turner, Poloczek, *Scalable global optimization via local Bayesian optimization*, 2019.
///
/// **Differs from**: their boxes draw from the posterior, several at a time, and begin with 2d points; here one point is taken, from
/// which most is expected.
public struct GuidedZoomSampler: Sampler {
  /// A sampler.
  public init() {}

  /// The point of the box from which most is expected.
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

  /// Of a choice all values are within it: their places mean nothing.
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

  /// How wide the box is before each trial, and after all of them: those still being tried count for nothing.
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
