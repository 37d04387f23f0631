import TartineNetworks

/// Something that happens in a training.
public enum TrainingEvent: Sendable {
  /// Everything is planned; nothing is trained yet.
  case began(TrainingOverview)
  /// A step is done. `step` counts from 1 over the run.
  case step(Int, loss: Double)
  /// An epoch is done and measured.
  case epoch(EpochRecord, isBest: Bool)
}

/// What is about to be trained.
public struct TrainingOverview: Sendable {
  /// The network in its place, as a table.
  public let plan: NetworkPlan
  /// The recipe with everything filled in.
  public let recipe: Recipe
  /// Rows of train, dev and test.
  public let rows: (train: Int, dev: Int, test: Int)
  /// Steps of the whole run.
  public let steps: Int
  /// The first epoch to run, from 1; more than 1 after a resumption.
  public let firstEpoch: Int
  /// The best epoch before that; 0: none.
  public let bestEpoch: Int
  /// Threads at work.
  public let threads: Int
}

/// An observer's answer.
public enum TrainingDecision: Sendable {
  /// Go on.
  case proceed
  /// Stop after the epoch under way, with this reason.
  case stop(reason: String)
}

/// Follows a training and may stop it.
public protocol TrainingObserver: AnyObject {
  /// Called on the training's own thread; what takes long here makes the training long.
  func observe(_ event: TrainingEvent) -> TrainingDecision
}
