import Tartine

/// Steps of one size for each weight, along the sign of the gradient's moving average, scaled by the tensor's root mean square.
package struct SignMomentum: CustomUpdate {
  package static let name = "sign-momentum"
  package let momentCount = 1
  package var beta = 0.9

  package init(beta: Double = 0.9) { self.beta = beta }
  private enum CodingKeys: String, CodingKey { case beta }

  package func update<Scalar: EngineScalar>(_ tensor: TensorUpdate<Scalar>) {
    let (weights, moment) = (tensor.weights, tensor.moments.0)
    var squares: Scalar = 0
    for weight in weights { squares += weight * weight }
    let size = Scalar(tensor.learningRate) * max(0.01, (squares / Scalar(weights.count)).squareRoot())
    for index in weights.indices {
      moment[index] = Scalar(beta) * moment[index] + Scalar(1 - beta) * tensor.gradient[index]
      weights[index] -= moment[index] > 0 ? size : moment[index] < 0 ? -size : 0
    }
  }
}
