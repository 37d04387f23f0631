import TartineData
import TartineEngine
import TartineNetworks
import TartinePlatform

extension LayerGraph {
  /// Initializes the output layer's bias with the best constant prediction.
  func setOutputBias(to rows: PreparedRows, output: Output, loss: Loss, in weights: Arena) {
    // A dense layer's parameters are its weights, then its bias.
    guard let bias = layers.last?.parameters.last else { return }
    let all = bias.elements(Float.self, in: weights)
    let elements = UnsafeMutableBufferPointer(rebasing: all[..<output.width])
    // Each member's.
    defer { for place in all.indices.dropFirst(output.width) { all[place] = all[place - output.width] } }
    if let quantile = loss.kind == .absolute ? 0.5 : loss.share {
      for place in 0..<output.width { elements[place] = rows.targetQuantile(quantile, of: place) }
      return
    }
    // Proportions are kept away from 0 and 1.
    let margin = 0.5 / Double(max(1, rows.rowCount))
    for (place, mean) in rows.targetMeans(width: output.width).enumerated() {
      let share = min(1 - margin, max(margin, mean))
      elements[place] =
        switch output {
        case .softmax: Float(log(share))
        case .sigmoid: Float(log(share / (1 - share)))
        case .identity: Float(mean)
        case .rate: Float(log(max(margin, mean)))
        }
    }
  }
}

extension PreparedRows {
  /// The weighted mean of each output's target over the rows; for classes their proportions.
  func targetMeans(width: Int) -> [Double] {
    let weights = weights.map {
      UnsafeBufferPointer(start: $0.base.assumingMemoryBound(to: Float.self), count: rowCount)
    }
    var sums = [Double](repeating: 0, count: width)
    for row in 0..<rowCount {
      let weight = Double(weights?[row] ?? 1)
      switch targets {
      case .labels(let labels): sums[Int(labels[row])] += weight
      case .matrix(let arena, let width):
        let values = arena.base.assumingMemoryBound(to: Float.self) + row * width
        for place in 0..<width { sums[place] += weight * Double(values[place]) }
      case .none: break
      }
    }
    // The mean of the weights is 1.
    return sums.map { $0 / Double(max(1, rowCount)) }
  }

  /// The weighted quantile of the targets: the smallest that this fraction of the rows does not exceed.
  func targetQuantile(_ share: Double, of place: Int) -> Float {
    guard case .matrix(let arena, let width) = targets, rowCount > 0 else { return 0 }
    let values = arena.base.assumingMemoryBound(to: Float.self)
    let weights = weights.map { $0.base.assumingMemoryBound(to: Float.self) }
    let sorted = (0..<rowCount).sorted { values[$0 * width + place] < values[$1 * width + place] }
    var seen = 0.0
    for row in sorted {
      seen += Double(weights?[row] ?? 1)
      if seen >= share * Double(rowCount) { return values[row * width + place] }
    }
    return values[sorted[rowCount - 1] * width + place]
  }
}
