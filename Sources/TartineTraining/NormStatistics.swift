import TartineData
import TartineEngine
import TartineNetworks

/// A recomputation of batch norm's statistics for weights that were not trained themselves.
final class NormStatistics {
  private let pass: TrainingPass
  private let buffer: BatchBuffer
  private let cut: BatchCut
  private let order: [Int32]

  /// - Parameters:
  ///   - weights: the weights to compute the statistics for.
  ///   - state: where the statistics are written.
  init(
    graph: LayerGraph, output: Output, rows: Int, batch: Int, seed: UInt64, workers: Workers, weights: Arena,
    state: Arena, oneHot: OneHotLayout?
  ) {
    cut = BatchCut(rows: rows, batchSize: batch)
    pass = TrainingPass(
      graph: graph, output: output, precision: .float32, batch: cut.largest, seed: seed, workers: workers,
      weights: weights, gradients: weights, state: state)
    buffer = BatchBuffer(
      rows: cut.largest, width: graph.input.count, targetWidth: output.width, precision: .float32,
      oneHot: graph.takesOneHot ? oneHot : nil)
    // Shuffled, since the file's order is often class by class; always with the same order.
    var order = (0..<Int32(rows)).map { $0 }
    var stream = RandomStream(seed: seed, purpose: .statistics)
    stream.shuffle(&order)
    self.order = order
  }

  /// One pass over all rows.
  func estimate(_ source: PreparedRows) {
    order.withUnsafeBufferPointer { order in
      Workers.flushingDenormals {
        for number in 0..<cut.count {
          let rows = UnsafeBufferPointer(rebasing: order[cut[number]])
          for part in 0..<buffer.parts { buffer.gather(rows, of: source, part: part) }
          pass.takeStatistics(input: buffer.input, ones: buffer.ones, rows: rows.count, number: number)
        }
      }
    }
  }
}
