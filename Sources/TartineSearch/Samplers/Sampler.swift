import TartineEngine

/// A trial as a sampler sees it.
public struct Observation: Hashable, Sendable {
  /// Places from 0 to 1 in the order of the space; not a number for a hyperparameter that is not there.
  public let point: [Double]
  /// What came of it, lower being better; infinite where it failed, nil while it is being tried.
  public let value: Double?

  /// A trial.
  public init(point: [Double], value: Double?) {
    self.point = point
    self.value = value
  }
}

/// Says what to try next.
///
/// A suggestion is a function of its arguments alone, so that a study can be replayed: there is nothing that a sampler
/// remembers.
public protocol Sampler: Sendable {
  /// Suggests the point of a trial.
  ///
  /// - Parameters:
  ///   - number: the trial's, from 0.
  ///   - space: what is searched.
  ///   - history: the trials before it, in the order of their numbers.
  ///   - seed: of the study.
  /// - Returns: places from 0 to 1, one for each hyperparameter, those included that will not be there.
  func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double]
}

/// Points at random: the lecture's way to begin, and what every other must beat.
///
/// **Source**: Bergstra and Bengio, *Random search for hyper-parameter optimization*, 2012.
public struct RandomSampler: Sampler {
  /// A sampler.
  public init() {}

  /// A point that the seed and the number decide.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .search, step: number)
    return space.parameters.map { _ in stream.uniform() }
  }
}
