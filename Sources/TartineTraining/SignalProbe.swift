import TartineData
import TartineEngine
import TartineNetworks

/// A probe that sends rows forward and backward through a network, and measures each layer's signals. Nothing
/// is trained.
package final class SignalProbe {
  private let pass: TrainingPass
  private let buffer: BatchBuffer
  private let rows: PreparedRows

  /// The number of rows of a pass.
  private static let batch = 256

  /// - Parameters:
  ///   - weights: the weights to examine; read at each measurement.
  package init(_ graph: LayerGraph, output: Output, loss: Loss, rows: PreparedRows, weights: Arena, workers: Workers) {
    self.rows = rows
    let batch = min(Self.batch, rows.rowCount)
    pass = TrainingPass(
      graph: graph, output: output, loss: loss, precision: .float32, batch: batch, seed: 0, workers: workers,
      weights: weights, gradients: graph.makeParameterArena(.float32), state: graph.makeInitialState(.float32))
    buffer = BatchBuffer(
      rows: batch, width: graph.input.count, targetWidth: output.width, precision: .float32)
  }

  /// The signals of each layer, first to last, and the mean loss.
  package func measure() -> (layers: [LayerSignals], loss: Double) {
    var signals = pass.signals
    var loss = 0.0
    let cut = BatchCut(rows: rows.rowCount, batchSize: Self.batch)
    let order = (0..<Int32(rows.rowCount)).map { $0 }
    order.withUnsafeBufferPointer { order in
      Workers.flushingDenormals {
        for number in 0..<cut.count {
          let batch = UnsafeBufferPointer(rebasing: order[cut[number]])
          for part in 0..<buffer.parts { buffer.gather(batch, of: rows, part: part) }
          buffer.count = batch.count
          let result = pass.run(input: buffer.input, targets: buffer.targets, rows: batch.count, step: 0, drops: false)
          loss += result.loss * Double(batch.count) / Double(rows.rowCount)
          pass.addSignals(to: &signals)
        }
      }
    }
    return (signals, loss)
  }
}
