import TartineEngine

/// Statistics of one layer's activations and gradients, accumulated over passes.
package struct LayerSignals: Sendable {
  /// The name of its first layer, such as `dense2`.
  package let name: String
  package let width: Int
  package let activation: Activation
  /// Whether its units have weights.
  package let hasWeights: Bool
  package private(set) var rows = 0
  private var sum = 0.0
  private var squares = 0.0
  private var gradientSquares = 0.0
  private var saturated = 0
  /// Whether each unit was ever nonzero.
  private var isActive: [Bool]

  init(name: String, width: Int, activation: Activation, hasWeights: Bool) {
    self.name = name
    self.width = width
    self.activation = activation
    self.hasWeights = hasWeights
    isActive = [Bool](repeating: false, count: width)
  }

  private var count: Double { Double(max(1, rows * width)) }

  /// The mean over all units and rows.
  package var mean: Double { sum / count }
  package var deviation: Double { max(0, squares / count - mean * mean).squareRoot() }
  /// The root mean square gradient of a row's loss with respect to z, over units and rows.
  package var gradient: Double { (gradientSquares / count).squareRoot() }
  /// The fraction of ReLU units that were 0 in every row; 0 for other activations.
  package var deadShare: Double {
    activation == .relu ? Double(isActive.count { !$0 }) / Double(max(1, width)) : 0
  }
  /// The fraction of sigmoid or tanh activations whose slope is below 5 % of the steepest.
  package var saturatedShare: Double { Double(saturated) / count }

  mutating func add(output: UnsafePointer<Float>?, gradient: UnsafePointer<Float>?, rows count: Int) {
    rows += count
    if let output { add(output, rows: count) }
    guard let gradient else { return }
    // The loss is a mean over rows; a single row's gradient is larger by their number.
    for place in 0..<count * width {
      let own = Double(gradient[place]) * Double(count)
      gradientSquares += own * own
    }
  }

  private mutating func add(_ output: UnsafePointer<Float>, rows count: Int) {
    for row in 0..<count {
      for unit in 0..<width {
        let value = Double(output[row * width + unit])
        sum += value
        squares += value * value
        if value != 0 { isActive[unit] = true }
        switch activation {
        case .sigmoid: if value * (1 - value) < 0.0125 { saturated += 1 }
        case .tanh: if 1 - value * value < 0.05 { saturated += 1 }
        default: break
        }
      }
    }
  }
}
