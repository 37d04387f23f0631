/// Tries where a Gaussian process of the trials expects most to be gained, anywhere in the space.
///
/// The first trials fill the space evenly. Values above the median are drawn in by a logarithm; what is gained is the expected
/// improvement on the best, in its logarithm; trials that are not done count as what is expected of them, and failed ones as the
/// worst.
///
/// **Source**: Jones, Schonlau, Welch, *Efficient global optimization of expensive black-box functions*, 1998; Ament et al. 2023;
/// Ginsbourger, Le Riche, Carraro, *Kriging is well-suited to parallelize optimization*, 2010, for trials that are not done.
public struct GaussianProcessSampler: Sampler {
  /// A sampler.
  public init() {}

  /// Trials that fill the space before the process is asked.
  static func startTrials(_ space: SearchSpace) -> Int { max(4, min(space.count + 1, 10)) }

  /// The point from which most is expected.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    guard number >= Self.startTrials(space), let acquisition = Acquisition(space, history) else {
      return SobolSequence(dimensions: space.count, seed: seed)[number]
    }
    return acquisition.maximum(in: acquisition.everywhere, seed: seed, number: number)
  }
}
