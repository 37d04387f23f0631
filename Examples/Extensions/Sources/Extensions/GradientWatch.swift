import Tartine

/// Records learning rate, gradient and activations of every step, and stops a run whose gradient vanishes.
public final class GradientWatch: TrainingObserver {
  public struct Note: Hashable, Sendable {
    public let step: Int
    public let rate: Double
    /// The norm of the gradient of a parameter.
    public let norm: Double
    /// The share of a layer's outputs that are 0.
    public let zeros: Double
  }

  private let parameter, layer: String
  private let least: Double
  public private(set) var notes: [Note] = []

  public init(parameter: String, layer: String, least: Double = 0) {
    self.parameter = parameter
    self.layer = layer
    self.least = least
  }

  public func observe(_ step: StepView) -> TrainingDecision {
    guard let gradient = step.gradient(of: parameter), let rows = step.activations(of: layer) else {
      return .stop(reason: "there is no parameter '\(parameter)' or layer '\(layer)'")
    }
    let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let outputs = rows.joined()
    let zeros = Double(outputs.count { $0 == 0 }) / Double(max(1, outputs.count))
    notes.append(Note(step: step.number, rate: step.learningRate, norm: norm, zeros: zeros))
    return norm < least ? .stop(reason: "the gradient of \(parameter) has vanished") : .proceed
  }
}
