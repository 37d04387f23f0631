import TartineEngine
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
  /// The layers in place, as a table.
  public let graph: LayerGraph
  /// The recipe with all automatic settings resolved.
  public let recipe: Recipe
  /// The numbers of train, dev and test rows.
  public let rows: (train: Int, dev: Int, test: Int)
  /// The number of steps of the whole run; those of the recipe's epochs if there is a time limit.
  public let steps: Int
  /// The end of the time, if there is a limit (``Recipe/minutes``).
  public let end: ContinuousClock.Instant?
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
  /// Stop after the current epoch, for this reason; at ``TrainingEvent/began(_:)`` before the first epoch, which keeps the initial
  /// weights.
  case stop(reason: String)
}

/// An observer that follows a training and may stop it.
public protocol TrainingObserver: AnyObject {
  /// Called on the training thread, so that slow work here slows down training.
  func observe(_ event: TrainingEvent) -> TrainingDecision

  /// Called after each step on the training thread, with what is in the network; the view is valid during the call only.
  func observe(_ step: StepView) -> TrainingDecision
}

extension TrainingObserver {
  /// Goes on.
  public func observe(_ event: TrainingEvent) -> TrainingDecision { .proceed }
  /// Goes on.
  public func observe(_ step: StepView) -> TrainingDecision { .proceed }
}

/// A finished step: its figures, and the weights, gradients and activations of its batch, which are copied when they are asked
/// for.
public struct StepView {
  /// The number of the step, from 1 over the run.
  public let number: Int
  /// The number of the epoch, from 1.
  public let epoch: Int
  /// The mean loss of the batch.
  public let loss: Double
  /// The learning rate of the step.
  public let learningRate: Double
  let step: TrainingStep

  /// The layers in place, with the names of their tensors.
  public var graph: LayerGraph { step.graph }

  /// The names of all parameters, such as `dense1.weight`.
  public var parameterNames: [String] { graph.parameters.map(\.name) }

  /// A parameter's elements after the step; nil if there is none of this name.
  public func weights(of parameter: String) -> [Float]? { elements(of: parameter, in: step.weights) }

  /// The gradient of a parameter, before clipping and penalties, or after them with an update rule of the program's own; nil if there is none of this name.
  public func gradient(of parameter: String) -> [Float]? { elements(of: parameter, in: step.batchGradients) }

  /// A layer's outputs for the batch, [rows][elements]; nil if there is none of this name, if the engine computes the layer in one
  /// sweep with the next, or for the output layer, whose outputs the loss replaces by their gradient. With several shards those of
  /// the last; behind `Members`, the rows of each member in turn.
  public func activations(of layer: String) -> [[Float]]? { step.activations(of: layer) }

  private func elements(of name: String, in arena: Arena) -> [Float]? {
    graph.parameters.first { $0.name == name }.map { Array($0.elements(Float.self, in: arena)) }
  }
}
