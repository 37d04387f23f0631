import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers

/// One step of training: a batch through the pass, its gradients checked, the weights updated, and the next
/// batch gathered meanwhile. Allocates nothing.
package final class TrainingStep {
  package let plan: NetworkPlan
  package let precision: Precision
  package let weights: Arena
  package let state: Arena
  package let gradients: Arena
  package let updater: Updater
  private let pass: TrainingPass
  private let workers: Workers
  private let buffers: [BatchBuffer]
  private var current = 0

  /// Whether a step is so little work that one thread does it best.
  private let isSmall: Bool

  // Of the phase that makes the weights' gradients, updates and gathers.
  private var source: PreparedRows?
  private var nextRows: UnsafeBufferPointer<Int32>?
  private var phase = Phase.gradients
  private var gathers = 0

  package init(
    plan: NetworkPlan, output: Output, optimizer: Optimizer, penalty: Penalty, precision: Precision,
    batch: Int, seed: UInt64, workers: Workers, weights: Arena, state: Arena
  ) {
    self.plan = plan
    self.precision = precision
    self.weights = weights
    self.state = state
    self.workers = workers
    gradients = plan.makeParameterArena(precision)
    pass = TrainingPass(
      plan: plan, output: output, precision: precision, batch: batch, seed: seed, workers: workers,
      weights: weights, gradients: gradients, state: state)
    updater = Updater(
      optimizer, penalty: penalty, plan: plan, precision: precision, pieces: pass.weightParts.map(\.span),
      weights: weights, gradients: gradients)
    isSmall = batch * plan.parameterElements < Cut.smallestWork
    buffers = (0..<2).map { _ in
      BatchBuffer(rows: batch, width: plan.input.count, targetWidth: output.width, precision: precision)
    }
  }

  /// Gathers the first batch of an epoch; later ones are gathered while the step before them updates.
  package func begin(_ rows: UnsafeBufferPointer<Int32>, of source: PreparedRows) {
    self.source = source
    for part in 0..<buffers[current].parts { buffers[current].gather(rows, of: source, part: part) }
    buffers[current].count = rows.count
  }

  /// Forward and backward on the batch gathered last, without an update.
  package func computeGradients(step: Int) -> PassResult {
    Workers.flushingDenormals { makeGradients(step: step) }
  }

  private func makeGradients(step: Int) -> PassResult {
    let signals = computeSignals(step: step)
    guard signals.isFinite else { return signals }
    perform(.gradients, parts: pass.weightParts.count)
    return pass.result
  }

  private func computeSignals(step: Int) -> PassResult {
    let buffer = buffers[current]
    return pass.run(input: buffer.input, targets: buffer.targets, rows: buffer.count, step: step)
  }

  /// One step. No gradient is applied that is not finite.
  ///
  /// - Parameters:
  ///   - step: from 0, over the whole run.
  ///   - next: the rows of the next batch of this epoch; nil at its end.
  package func run(step: Int, rate: Double, next: UnsafeBufferPointer<Int32>?) -> PassResult {
    Workers.flushingDenormals { update(step: step, rate: rate, next: next) }
  }

  private func update(step: Int, rate: Double, next: UnsafeBufferPointer<Int32>?) -> PassResult {
    nextRows = next
    let gathers = next == nil ? 0 : buffers[1 - current].parts
    let result: PassResult
    if updater.needsGradientNorm {
      result = makeGradients(step: step)
      guard result.isFinite else { return result }
      updater.prepare(step: step, rate: rate, gradientSquares: result.gradientSquares)
      perform(.updates, parts: updater.parts, gathers: gathers)
    } else {
      let signals = computeSignals(step: step)
      guard signals.isFinite else { return signals }
      updater.prepare(step: step, rate: rate, gradientSquares: 0)
      perform(.gradientsAndUpdates, parts: updater.parts, gathers: gathers)
      result = pass.result
    }
    if let next {
      current = 1 - current
      buffers[current].count = next.count
    }
    return result
  }

  private enum Phase { case gradients, updates, gradientsAndUpdates }

  private func perform(_ phase: Phase, parts: Int, gathers: Int = 0) {
    self.phase = phase
    self.gathers = gathers
    if isSmall {
      // Waking another thread would cost more than it saves.
      for part in 0..<parts + gathers { perform(part) }
    } else {
      workers.perform(parts + gathers, context: Unmanaged.passUnretained(self).toOpaque()) { context, part, _ in
        guard let context else { return }
        Unmanaged<TrainingStep>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.perform(Int(part)) }
      }
    }
  }

  /// The next batch's rows come first, and then the parts of the weights, which are taken from the last on.
  private func perform(_ number: Int) {
    guard number >= gathers else {
      if let nextRows, let source { buffers[1 - current].gather(nextRows, of: source, part: number) }
      return
    }
    // The updater's first parts are the weight parts.
    let part = number - gathers
    var isFinite = true
    if phase != .updates, part < pass.weightParts.count { isFinite = pass.computeWeightGradient(part) }
    if phase != .gradients, isFinite { updater.perform(part) }
  }

  /// Where the last pass stopped being finite; rows are places in the batch.
  package func findFault() -> PassFault { pass.findFault() }
}

/// Room for one batch, reused all through a run.
private final class BatchBuffer {
  let parts: Int
  var count = 0
  let input: UnsafeMutableRawPointer
  let targets: UnsafeMutableRawPointer
  private let arena: Arena
  private let scratch: UnsafeMutablePointer<Int32>
  private let capacity, width, targetWidth: Int
  private let precision: Precision

  init(rows: Int, width: Int, targetWidth: Int, precision: Precision) {
    var layout = ArenaLayout()
    let input = layout.reserve(rows * width, size: precision.size)
    let targets = layout.reserve(rows * targetWidth, size: max(precision.size, MemoryLayout<Int32>.size))
    let scratch = layout.reserve(rows, size: MemoryLayout<Int32>.size)
    arena = Arena(layout)
    self.input = arena[input]
    self.targets = arena[targets]
    self.scratch = arena[scratch].assumingMemoryBound(to: Int32.self)
    capacity = rows
    self.width = width
    self.targetWidth = targetWidth
    self.precision = precision
    parts = rows * width < 1 << 13 ? 1 : 4
  }

  /// Gathers one part of the rows, with their targets.
  func gather(_ rows: UnsafeBufferPointer<Int32>, of source: PreparedRows, part: Int) {
    let size = (capacity + parts - 1) / parts
    let first = part * size
    let count = min(size, rows.count - first)
    guard count > 0, let base = rows.baseAddress else { return }
    let kernels = precision.kernels
    source.gather(
      base + first, count: count, to: input + first * width * precision.size, kernels: kernels,
      scratch: scratch + first)
    switch source.targets {
    case .labels(let labels):
      let output = targets.assumingMemoryBound(to: Int32.self)
      labels.withUnsafeBufferPointer { labels in
        for index in first..<first + count { output[index] = labels[Int(rows[index])] }
      }
    case .matrix(let arena, let width):
      kernels.pointee.gather_floats(
        arena.base.assumingMemoryBound(to: Float.self), base + first, count, width,
        targets + first * width * precision.size)
    case .none: break
    }
  }
}

/// An epoch as ⌈n/B⌉ batches whose sizes differ by at most one, so that every row is seen and none is tiny.
package struct BatchCut {
  package let count: Int
  private let rows, base, extra: Int

  package init(rows: Int, batchSize: Int) {
    self.rows = rows
    count = (rows + batchSize - 1) / batchSize
    base = rows / count
    extra = rows % count
  }

  /// The largest batch.
  package var largest: Int { base + (extra > 0 ? 1 : 0) }
  /// The smallest batch.
  package var smallest: Int { base }

  /// Places in the epoch's order.
  package subscript(batch: Int) -> Range<Int> {
    let start = batch * base + min(batch, extra)
    return start..<start + base + (batch < extra ? 1 : 0)
  }
}
