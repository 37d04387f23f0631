/// Bayesian optimization with a Gaussian process over the whole space.
///
/// The first trials fill the space evenly. Values above the median are compressed by a logarithm. The
/// acquisition function is the log expected improvement on the best value. Pending trials enter with their
/// predicted mean, failed ones with the worst value.
///
/// **Source**: Jones, Schonlau, Welch, *Efficient global optimization of expensive black-box functions*,
/// 1998; Ament et al. 2023; Ginsbourger, Le Riche, Carraro, *Kriging is well-suited to parallelize
/// optimization*, 2010, for pending trials.
public struct GaussianProcessSampler: Sampler {
  /// Creates a sampler.
  public init() {}

  /// Returns the number of trials before the process is used.
  static func startTrials(_ space: SearchSpace) -> Int { max(4, min(space.count + 1, 10)) }

  /// Returns the point with the highest log expected improvement.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    guard number >= Self.startTrials(space), let acquisition = Acquisition(space, history) else {
      return SobolSequence(dimensions: space.count, seed: seed)[number]
    }
    return acquisition.maximum(in: acquisition.everywhere, seed: seed, number: number)
  }
}
