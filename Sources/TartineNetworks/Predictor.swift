import TartineEngine
import TartineKernels

/// A forward pass in prediction mode: no dropout, batch norm with its moving averages, any number of rows.
///
/// Rows are processed in chunks of fixed size; each worker passes a chunk through the whole network in its
/// own workspace. The weights are only read.
package final class Predictor {
  /// The rows of a chunk: enough for efficient products, few enough to stay in a cache.
  package static let chunkRows = 256

  private let plan: NetworkPlan
  private let output: Output
  private let precision: Precision
  private let workers: Workers
  private let weights: Arena
  private let state: Arena
  private let workspaces: Arena
  private let chunk: Int
  /// The nodes of each worker, one worker after the other.
  private let steps: UnsafeMutableBufferPointer<PassStep>
  private let custom: [CustomStep?]

  /// The layout of the one-hot rows in the workspaces, and where each of them is 1; nil: their contents are unknown.
  private var oneHot: OneHotLayout?
  private var places: UnsafeMutableBufferPointer<Int32>?

  // The state of the current run.
  private var source: (any RowSource)?
  private var rows = 0
  private var take: ((_ chunk: Int, _ rows: Range<Int>, _ logits: UnsafeMutableRawPointer) -> Void)?

  /// - Parameters:
  ///   - state: the moving averages, bias-corrected.
  ///   - rows: the most rows of one run, if known: small runs need little memory.
  package init(
    plan: NetworkPlan, output: Output, precision: Precision, weights: Arena, state: Arena, workers: Workers,
    rows: Int = .max
  ) {
    self.plan = plan
    self.output = output
    self.precision = precision
    self.workers = workers
    self.weights = weights
    self.state = state
    let chunk = min(rows, Self.chunkRows)
    self.chunk = chunk
    custom = plan.nodes.map { node in
      guard case .custom(let node) = node else { return nil }
      return CustomStep(node, number: 0, seed: 0, weights: weights, gradients: nil)
    }
    let size = precision.size
    var layout = ArenaLayout()
    // The inverse standard deviation and scale of each norm, shared by the workers.
    let norms = plan.nodes.map { node -> (Int, Int)? in
      guard case .fused(let fused) = node, fused.norm != nil else { return nil }
      return (layout.reserve(fused.width, size: size), layout.reserve(fused.width, size: size))
    }
    var offsets: [(input: Int, outputs: [Int])] = []
    for _ in 0..<workers.count {
      let input = layout.reserve(chunk * plan.input.count, size: size)
      offsets.append((input, plan.nodes.map { layout.reserve(chunk * $0.width, size: size) }))
    }
    workspaces = Arena(layout)
    steps = .allocate(capacity: workers.count * plan.nodes.count)
    for worker in 0..<workers.count {
      var below = workspaces[offsets[worker].input]
      for (index, node) in plan.nodes.enumerated() {
        let result = workspaces[offsets[worker].outputs[index]]
        var step = link(node, input: below, output: result, norm: norms[index])
        if case .fused(let fused) = node, let source = fused.skipFrom, case .fused(var sum) = step {
          sum.addend = workspaces[source < 0 ? offsets[worker].input : offsets[worker].outputs[source]]
          step = .fused(sum)
        }
        steps.initializeElement(at: worker * plan.nodes.count + index, to: step)
        below = result
      }
    }
    refresh()
  }

  deinit {
    steps.deallocate()
    places?.deallocate()
  }

  /// Clears the workspaces for one-hot rows of another layout than before.
  private func prepare(for layout: OneHotLayout?) {
    let layout = plan.nodes[0].takesOneHot ? layout : nil
    if let layout, let oneHot, oneHot.isSame(as: layout) { return }
    guard layout != nil || oneHot != nil else { return }
    oneHot = layout
    places?.deallocate()
    places = nil
    guard let layout else {
      for worker in 0..<workers.count {
        steps[worker * plan.nodes.count].setInput(steps[worker * plan.nodes.count].input, ones: nil)
      }
      return
    }
    let places = UnsafeMutableBufferPointer<Int32>.allocate(capacity: workers.count * chunk * layout.count)
    places.initialize(repeating: -1)
    self.places = places
    for worker in 0..<workers.count {
      let first = worker * plan.nodes.count
      let input = steps[first].input
      input.initializeMemory(as: UInt8.self, repeating: 0, count: chunk * plan.input.count * precision.size)
      steps[first].setInput(
        input, ones: OneHotRows(layout, places: places.baseAddress! + worker * chunk * layout.count))
    }
  }

  private func link(
    _ node: Node, input: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer, norm: (Int, Int)?
  ) -> PassStep {
    let size = precision.size
    switch node {
    case .fused(let fused):
      var step = FusedStep(
        kernels: precision.kernels, size: size, inputWidth: fused.inputWidth, width: fused.width,
        input: input, z: fused.weight == nil ? input : output, output: output,
        activation: fused.activation.code, slope: fused.activation.slope)
      step.weight = fused.weight.map { weights[$0.offset * size] }
      step.bias = fused.bias.map { weights[$0.offset * size] }
      if let planned = fused.norm, let norm {
        step.gamma = weights[planned.gamma.offset * size]
        step.beta = weights[planned.beta.offset * size]
        step.mean = state[planned.movingMean.offset * size]
        step.variance = state[planned.movingVariance.offset * size]
        step.inverseDeviation = workspaces[norm.0]
        step.scale = workspaces[norm.1]
        step.epsilon = planned.layer.epsilon
      }
      return .fused(step)
    case .custom(let node):
      return .custom(
        CustomAddresses(
          input: input, output: output, gradient: output, inputGradient: nil, width: node.output.count,
          above: nil))
    }
  }

  /// Rereads the weights and moving averages after a change.
  package func refresh() {
    for index in plan.nodes.indices {
      guard case .fused(let step) = steps[index], step.gamma != nil else { continue }
      precision.kernels.pointee.norm_scale(
        step.variance, step.gamma, step.epsilon, step.width, step.inverseDeviation, step.scale)
    }
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
    let first = worker * plan.nodes.count
    var ones: UnsafeMutablePointer<Int32>?
    if case .fused(let step) = steps[first] { ones = step.ones?.places }
    source?.write(range, to: steps[first].input, ones: ones, precision: precision)
    for (place, node) in plan.nodes.indices.enumerated() {
      switch steps[first + place] {
      case .fused(let step):
        step.multiply(rows: range.count, columns: 0..<step.width)
        step.sweepForward(rows: range.count, columns: 0..<step.width)
        step.addSkip(rows: range.count, columns: 0..<step.width)
        if !step.hasSweep && step.weight == nil && step.addend == nil {
          step.output.copyMemory(
            from: step.input, byteCount: range.count * step.width * precision.size)
        }
      case .custom(let step):
        custom[node]?.forward(
          input: step.input, output: step.output, rows: range.count, isTraining: false, precision)
      }
    }
    take?(index, range, steps[first + plan.nodes.count - 1].output)
  }
}

/// A source of rows, prepared as network inputs.
package protocol RowSource {
  var rowCount: Int { get }
  /// The one-hot elements, where there are many.
  var oneHot: OneHotLayout? { get }
  /// Writes rows, one after the other, as elements of that precision. Called concurrently.
  ///
  /// - Parameter ones: the one-hot elements that `output` holds, and on return those of these rows; nil: its contents are
  ///   unknown.
  func write(
    _ rows: Range<Int>, to output: UnsafeMutableRawPointer, ones: UnsafeMutablePointer<Int32>?, precision: Precision)
}

extension RowSource {
  /// None.
  package var oneHot: OneHotLayout? { nil }
}
