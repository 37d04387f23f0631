import TartineData
import TartineEngine
import TartineNetworks

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension NetworkPlan {
  /// Starts the output layer's bias at the answer that is best where nothing is known of a row.
  func setOutputBias(to rows: PreparedRows, output: Output, in weights: Arena) {
    guard let bias = parameters.first(where: { $0.name == "output.bias" }) else { return }
    let elements = bias.elements(Float.self, in: weights)
    // No share is 0 or 1 for certain.
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
  /// The mean of each output's target over the rows, each by its weight; of classes their shares.
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
    // The weights are 1 in the mean.
    return sums.map { $0 / Double(max(1, rowCount)) }
  }
}
