import TartineEngine

/// A trial as a sampler sees it.
public struct Observation: Hashable, Sendable {
  /// The coordinates, from 0 to 1, in the order of the space; NaN for inactive hyperparameters.
  public let point: [Double]
  /// The result, lower being better; infinite if the trial failed, nil while it is pending.
  public let value: Double?

  /// Creates an observation.
  public init(point: [Double], value: Double?) {
    self.point = point
    self.value = value
  }
}

/// Chooses the next trial of a study.
///
/// A suggestion is a function of its arguments alone: a sampler has no state, so a study can be replayed.
public protocol Sampler: Sendable {
  /// Suggests the point of a trial.
  ///
  /// - Parameters:
  ///   - number: The trial's number, from 0.
  ///   - space: The search space.
  ///   - history: The earlier trials, in the order of their numbers.
  ///   - seed: The study's seed.
  /// - Returns: One coordinate from 0 to 1 for each hyperparameter, including those that will be inactive.
  func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double]
}

/// Random search: the baseline for every other sampler.
///
/// **Source**: Bergstra and Bengio, *Random search for hyper-parameter optimization*, 2012.
public struct RandomSampler: Sampler {
  /// Creates a sampler.
  public init() {}

  /// Returns a random point, determined by seed and number.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .search, step: number)
    return space.parameters.map { _ in stream.uniform() }
  }
}
