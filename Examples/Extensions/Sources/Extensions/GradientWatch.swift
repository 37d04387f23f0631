import Tartine

/// Records learning rate, gradient and activations of every step, and stops a run whose gradient vanishes.
package final class GradientWatch: TrainingObserver {
  package struct Note: Hashable, Sendable {
    package let step: Int
    package let rate: Double
    /// The norm of the gradient of a parameter.
    package let norm: Double
    /// The share of a layer's outputs that are 0.
    package let zeros: Double
  }

  private let parameter, layer: String
  private let least: Double
  package private(set) var notes: [Note] = []

  package init(parameter: String, layer: String, least: Double = 0) {
    self.parameter = parameter
    self.layer = layer
    self.least = least
  }

  package func observe(_ step: StepView) -> TrainingDecision {
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
