import TartineNetworks

/// An event during training.
public enum TrainingEvent: Sendable {
  /// Training is about to begin.
  case began(TrainingOverview)
  /// A step has finished. `step` counts from 1 over the run.
  case step(Int, loss: Double)
  /// An epoch has finished and been evaluated.
  case epoch(EpochRecord, isBest: Bool)
}

/// An overview of the training that is about to begin.
public struct TrainingOverview: Sendable {
  /// The planned network, as a table.
  public let graph: LayerGraph
  /// The recipe with all automatic settings resolved.
  public let recipe: Recipe
  /// The numbers of train, dev and test rows.
  public let rows: (train: Int, dev: Int, test: Int)
  /// The number of steps of the whole run.
  public let steps: Int
  /// The first epoch to run, from 1; more than 1 in a resumed run.
  public let firstEpoch: Int
  /// The best epoch so far in a resumed run; 0: none.
  public let bestEpoch: Int
  /// The number of threads.
  public let threads: Int
}

/// The return value of an observer.
public enum TrainingDecision: Sendable {
  /// Continue.
  case proceed
  /// Stop after the current epoch, for this reason.
  case stop(reason: String)
}

/// An observer that follows a training and may stop it.
public protocol TrainingObserver: AnyObject {
  /// Called on the training thread, so that slow work here slows down training.
  func observe(_ event: TrainingEvent) -> TrainingDecision
}
