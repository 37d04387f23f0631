import Foundation
import Tartine

/// The logarithm of the hyperbolic cosine of the error: squared near the target, absolute far from it, and smooth.
package struct LogCosh: CustomLoss {
  package static let name = "log-cosh"
  package static let isForNumbers = true
  /// The error at which it turns from squared to absolute.
  package var width = 1.0

  package init(width: Double = 1) { self.width = width }

  package func evaluate<Scalar: EngineScalar>(
    _ outputs: UnsafeMutableBufferPointer<Scalar>, target: LossTarget<Scalar>
  ) -> Double {
    guard case .values(let targets) = target else { return 0 }
    var loss = 0.0
    for place in outputs.indices {
      let error = Double(outputs[place] - targets[place]) / width
      // log cosh x = |x| + log(1 + e^(−2|x|)) − log 2.
      loss += width * width * (abs(error) + log1p(exp(-2 * abs(error))) - log(2.0))
      outputs[place] = Scalar(width * tanh(error))
    }
    return loss
  }
}
