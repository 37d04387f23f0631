import TartineEngine
import TartineKernels

/// The weights of a trained network, and its moving averages, bias-corrected.
package struct TrainedWeights: Sendable {
  package let weights, state: Arena

  package init(weights: Arena, state: Arena) {
    self.weights = weights
    self.state = state
  }
}

/// Passes in prediction mode: no dropout, batch norm with its moving averages, any number of rows.
///
/// Rows are processed in chunks of fixed size; each worker passes a chunk through the whole network in its
/// own memory, or through each of several networks, whose mean answers. The weights are only read.
package final class Predictor {
  /// The rows of a chunk, with those of all members: enough for efficient products, few enough to stay in a cache.
  package static let chunkRows = 256

  private let output: Output
  private let members: Int
  private let precision: Precision
  private let workers: Workers
  private let takesOneHot: Bool
  private let chunk: Int
  /// Of each worker one for each network.
  private let passes: [[Pass]]
  /// Of each worker, where there are several networks: their logits one after the other.
  private let joined: [Arena]?

  /// The layout of the one-hot rows in the inputs, and where each of them is 1; nil: their contents are unknown.
  private var oneHot: OneHotLayout?
  private var places: UnsafeMutableBufferPointer<Int32>?

  // The state of the current run.
  private var source: (any RowSource)?
  private var rows = 0
  private var take: ((_ chunk: Int, _ rows: Range<Int>, _ logits: UnsafeMutableRawPointer) -> Void)?

  /// - Parameters:
  ///   - output: what the logits mean: those of several members become those of their mean prediction.
  ///   - networks: one, or several whose mean is predicted.
  ///   - rows: the most rows of one run, if known: small runs need little memory.
  package init(
    graph: LayerGraph, output: Output, precision: Precision, networks: [TrainedWeights], workers: Workers,
    rows: Int = .max
  ) {
    precondition(output.width == graph.outputWidth, "the graph was made for another output")
    self.output = output
    members = graph.members
    self.precision = precision
    self.workers = workers
    let chunk = min(rows, max(16, Self.chunkRows / graph.members))
    self.chunk = chunk
    takesOneHot = graph.takesOneHot
    let program = Program(graph, batch: chunk, precision: precision, isTraining: false)
    passes = (0..<workers.count).map { _ in
      networks.map { Pass(program, precision: precision, weights: $0.weights, state: $0.state) }
    }
    joined =
      networks.count == 1
      ? nil
      : (0..<workers.count).map { _ in
        Arena(byteCount: networks.count * chunk * graph.members * output.width * precision.size)
      }
    refresh()
  }

  deinit { places?.deallocate() }

  /// Clears the inputs for one-hot rows of another layout than before.
  private func prepare(for layout: OneHotLayout?) {
    let layout = takesOneHot ? layout : nil
    if let layout, let oneHot, oneHot.isSame(as: layout) { return }
    guard layout != nil || oneHot != nil else { return }
    oneHot = layout
    places?.deallocate()
    places = nil
    guard let layout else {
      for pass in passes.joined() { pass.frame.pointee.ones = nil }
      return
    }
    let places = UnsafeMutableBufferPointer<Int32>.allocate(
      capacity: workers.count * passes[0].count * chunk * layout.count)
    places.initialize(repeating: -1)
    self.places = places
    for (place, pass) in passes.joined().enumerated() {
      pass.input.initializeMemory(
        as: UInt8.self, repeating: 0, count: chunk * pass.program.inputWidth * precision.size)
      pass.frame.pointee.ones = OneHotRows(layout, places: places.baseAddress! + place * chunk * layout.count)
    }
  }

  /// Rereads the weights and moving averages after a change.
  package func refresh() {
    for pass in passes.joined() { pass.prepare() }
  }

  /// Runs all rows of a source, and passes each chunk's logits to `take`, which is called concurrently, once
  /// for each chunk, and may overwrite them.
  package func run(
    _ source: any RowSource,
    take: (_ chunk: Int, _ rows: Range<Int>, _ logits: UnsafeMutableRawPointer) -> Void
  ) {
    withoutActuallyEscaping(take) { take in
      prepare(for: source.oneHot)
      self.source = source
      self.take = take
      rows = source.rowCount
      let context = Unmanaged.passUnretained(self).toOpaque()
      Workers.flushingDenormals {
        workers.perform((rows + chunk - 1) / chunk, context: context) { context, part, worker in
          guard let context else { return }
          Unmanaged<Predictor>.fromOpaque(context)._withUnsafeGuaranteedRef {
            $0.run(chunk: Int(part), worker: Int(worker))
          }
        }
      }
      self.source = nil
      self.take = nil
    }
  }

  private func run(chunk index: Int, worker: Int) {
    let range = index * chunk..<min(rows, (index + 1) * chunk)
    let networks = passes[worker]
    let logitsOfOne = range.count * members * output.width * precision.size
    let logits = joined?[worker].base ?? networks[0].output
    for (place, pass) in networks.enumerated() {
      source?.write(range, to: pass.input, ones: pass.frame.pointee.ones?.places, precision: precision)
      pass.predict(rows: range.count)
      if joined != nil { (logits + place * logitsOfOne).copyMemory(from: pass.output, byteCount: logitsOfOne) }
    }
    let count = members * networks.count
    if count > 1 {
      switch precision {
      case .float32: output.merge(logits.assumingMemoryBound(to: Float.self), rows: range.count, members: count)
      case .float64: output.merge(logits.assumingMemoryBound(to: Double.self), rows: range.count, members: count)
      }
    }
    take?(index, range, logits)
  }
}
