import TartineData
import TartineEngine
import TartineKernels
import TartineNetworks
import TartineOptimizers

/// One training step: a batch is passed forward and backward, its gradients are checked, the weights updated,
/// and the next batch gathered meanwhile. Allocates nothing.
///
/// With gradient accumulation a batch is divided into shards, which are processed one after the other with the memory of
/// one. Each has its own batch statistics and random draws.
package final class TrainingStep {
  package let graph: LayerGraph
  package let precision: Precision
  package let weights: Arena
  package let state: Arena
  package let gradients: Arena
  package let updater: Updater
  /// The optimizer for full-batch steps; nil: the updater.
  package let quasiNewton: LBFGS?
  private let pass: TrainingPass
  private let workers: Workers
  private let buffers: [BatchBuffer]
  private var current = 0
  /// The rows of the largest shard, and the sum over the shards; nil where the batch is one shard.
  private let sharding: (rows: Int, reducer: any ShardReducer)?
  private let shards: Int
  /// The batch to be divided into shards, and the start of the last one.
  private var rows = UnsafeBufferPointer<Int32>(start: nil, count: 0)
  private var shardStart = 0

  /// The units whose weights one part updates, with a max-norm constraint.
  private let limits: (bound: Double, parts: [UnitPart])?

  /// Whether a step is so little work that a single thread is fastest.
  private let isSmall: Bool
  private let augmentation: Augmentation
  private let mixup: Mixup
  private let takesLabels: Bool
  private let seed: UInt64
  /// The augmentation of the epoch.
  private var changes: tartine_augmentation?

  // The phase that computes the weights' gradients, updates and gathers.
  private var source: PreparedRows?
  private var nextRows: UnsafeBufferPointer<Int32>?
  private var phase = Phase.gradients
  private var gathers = 0
  private var progress = 0.0

  package init(
    graph: LayerGraph, output: Output, loss: Loss = .automatic, optimizer: Optimizer, penalty: Penalty,
    precision: Precision,
    batch: Int, shards: Int = 1, seed: UInt64, workers: Workers, weights: Arena, state: Arena,
    augmentation: Augmentation = .none, room: Int = 0, mixup: Double = 0, oneHot: OneHotLayout? = nil
  ) {
    let batch = (batch + shards - 1) / shards
    self.shards = shards
    sharding =
      shards == 1
      ? nil
      : (
        batch,
        ShardTree(shards: shards, elements: graph.parameterElements, precision: precision, workers: workers)
      )
    self.graph = graph
    self.precision = precision
    self.weights = weights
    self.state = state
    self.workers = workers
    self.augmentation = augmentation
    self.seed = seed
    self.mixup = Mixup(alpha: mixup, seed: seed)
    takesLabels = output.takesLabels
    gradients = graph.makeParameterArena(precision)
    let oneHot = mixup == 0 && graph.takesOneHot ? oneHot : nil
    pass = TrainingPass(
      graph: graph, output: output, loss: loss, precision: precision, batch: batch, seed: seed, workers: workers,
      weights: weights, gradients: gradients, state: state, isOneHot: oneHot != nil)
    updater = Updater(
      optimizer, penalty: penalty, graph: graph, precision: precision, parts: pass.parameterParts.map(\.span),
      weights: weights, gradients: sharding?.reducer.sum ?? gradients)
    quasiNewton =
      optimizer.algorithm != .lbfgs
      ? nil
      : LBFGS(
        optimizer, penalty: penalty, graph: graph, precision: precision, weights: weights,
        gradients: sharding?.reducer.sum ?? gradients)
    let units = penalty.maxNorm == nil ? [] : UnitPart.parts(of: pass.program)
    limits = penalty.maxNorm.map { ($0, units) }
    isSmall = batch * graph.members * graph.parameterElements < Cut.smallestWork
    buffers = (0..<2).map { _ in
      BatchBuffer(
        rows: batch, width: graph.input.count, targetWidth: output.width, precision: precision, room: room,
        oneHot: oneHot)
    }
  }

  /// The number of passes of an epoch, or of its first batches: one for each shard.
  package func passes(in cut: BatchCut, batches: Int? = nil) -> Int {
    let batches = batches ?? cut.count
    guard let sharding else { return batches }
    return (0..<batches).reduce(0) { $0 + BatchCut(rows: cut[$1].count, batchSize: sharding.rows).count }
  }

  /// Gathers the first batch of an epoch; later ones are gathered during the update before them.
  ///
  /// - Parameter epoch: the number of the epoch, which augmentation depends on.
  package func begin(_ rows: UnsafeBufferPointer<Int32>, of source: PreparedRows, epoch: Int = 0) {
    self.source = source
    changes = source.lowered(augmentation, seed: seed, epoch: epoch)
    self.rows = rows
    guard sharding == nil else { return }
    for part in 0..<buffers[current].parts {
      buffers[current].gather(rows, of: source, part: part, augmentation: changes)
    }
    buffers[current].count = rows.count
  }

  /// The gradients of the last batch.
  package var batchGradients: Arena { sharding?.reducer.sum ?? gradients }

  /// Runs forward and backward on the current batch, without an update.
  package func computeGradients(step: Int) -> PassResult {
    Workers.flushingDenormals {
      if let sharding {
        sumShards(step: step, of: sharding.rows, in: sharding.reducer)
      } else {
        makeGradients(step: step)
      }
    }
  }

  private func makeGradients(step: Int) -> PassResult {
    let signals = computeSignals(step: step)
    guard signals.isFinite else { return signals }
    perform(.gradients, parts: pass.parameterParts.count)
    return pass.result
  }

  private func computeSignals(step: Int) -> PassResult {
    let buffer = buffers[current]
    let isWeighted = source?.weights != nil
    let share = mixup.share(step: step)
    if share < 1 { buffer.mix(share: share, labels: takesLabels, weighs: isWeighted) }
    return pass.run(
      input: buffer.input, ones: buffer.ones, targets: buffer.targets, rowWeights: isWeighted ? buffer.weights : nil,
      rows: buffer.count, step: step, progress: progress, mix: share)
  }

  /// Runs one step. Non-finite gradients are not applied.
  ///
  /// - Parameters:
  ///   - step: the index of the step, from 0, over the whole run.
  ///   - beta1: the β₁ of this step; nil: the optimizer's.
  ///   - progress: the finished fraction of the run.
  ///   - next: the rows of the next batch of this epoch; nil at its end.
  package func run(
    step: Int, rate: Double, beta1: Double? = nil, progress: Double = 0, next: UnsafeBufferPointer<Int32>?
  ) -> PassResult {
    self.progress = progress
    return Workers.flushingDenormals { update(step: step, rate: rate, beta1: beta1, next: next) }
  }

  private func update(
    step: Int, rate: Double, beta1: Double?, next: UnsafeBufferPointer<Int32>?
  ) -> PassResult {
    if let quasiNewton {
      var last = PassResult(loss: .nan, gradientSquares: .nan)
      let loss = quasiNewton.step(rate: rate) {
        last =
          if let sharding {
            sumShards(step: 0, of: sharding.rows, in: sharding.reducer)
          } else {
            makeGradients(step: 0)
          }
        return last.isFinite ? last.loss : .nan
      }
      // A line search may meet non-finite values and step back: that is not divergence.
      return PassResult(loss: loss, gradientSquares: loss.isFinite ? 0 : last.gradientSquares)
    }
    if let sharding {
      let result = sumShards(step: step, of: sharding.rows, in: sharding.reducer)
      guard result.isFinite else { return result }
      updater.prepare(step: step, rate: rate, beta1: beta1, gradientSquares: result.gradientSquares)
      perform(.updates, parts: updater.parts)
      limitWeights()
      if let next { rows = next }
      return result
    }
    nextRows = next
    let gathers = next == nil ? 0 : buffers[1 - current].parts
    let result: PassResult
    if updater.needsAllGradients {
      result = makeGradients(step: step)
      guard result.isFinite else { return result }
      updater.prepare(step: step, rate: rate, beta1: beta1, gradientSquares: result.gradientSquares)
      perform(.updates, parts: updater.parts, gathers: gathers)
    } else {
      let signals = computeSignals(step: step)
      guard signals.isFinite else { return signals }
      updater.prepare(step: step, rate: rate, beta1: beta1, gradientSquares: 0)
      perform(.gradientsAndUpdates, parts: updater.parts, gathers: gathers)
      result = pass.result
    }
    limitWeights()
    if let next {
      current = 1 - current
      buffers[current].count = next.count
    }
    return result
  }

  /// The mean gradient over the batch, as a weighted sum over its shards.
  private func sumShards(step: Int, of shardRows: Int, in reducer: any ShardReducer) -> PassResult {
    let cut = BatchCut(rows: rows.count, batchSize: shardRows)
    reducer.begin()
    for shard in 0..<cut.count {
      let range = cut[shard]
      shardStart = range.lowerBound
      nextRows = UnsafeBufferPointer(rebasing: rows[range])
      perform(.gathers, parts: 0, gathers: buffers[1 - current].parts)
      current = 1 - current
      buffers[current].count = range.count
      // A distinct number for each shard, so that no two have the same dropout masks.
      let result = makeGradients(step: step * shards + shard)
      guard result.isFinite else { return result }
      reducer.add(gradients: gradients, loss: result.loss, share: Double(range.count) / Double(rows.count))
    }
    let loss = reducer.total()
    return PassResult(
      loss: loss,
      gradientSquares: precision.kernels.pointee.sum_of_squares(
        reducer.sum.base, 1, graph.parameterElements, graph.parameterElements))
  }

  private func limitWeights() {
    guard let limits else { return }
    perform(.limits, parts: limits.parts.count)
    if updater.averagesLater { perform(.averages, parts: updater.parts) }
  }

  private enum Phase { case gathers, gradients, updates, gradientsAndUpdates, limits, averages }

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

  /// The next batch's rows come first, then the parts of the weights, which are processed from the last.
  private func perform(_ number: Int) {
    guard number >= gathers else {
      if let nextRows, let source {
        buffers[1 - current].gather(nextRows, of: source, part: number, augmentation: changes)
      }
      return
    }
    // The updater's first parts are those of the weights.
    let part = number - gathers
    if phase == .limits, let limits {
      let place = limits.parts[part]
      return precision.kernels.pointee.limit_columns(
        weights[place.offset * precision.size], place.inputs, place.units, place.stride, limits.bound)
    }
    if phase == .averages { return updater.takeIntoAverage(part) }
    var isFinite = true
    if phase != .updates, part < pass.parameterParts.count { isFinite = pass.computeGradient(part) }
    if phase != .gradients, isFinite { updater.perform(part) }
  }

  /// A layer's outputs in the last pass, in Float.
  package func activations(of layer: String) -> [[Float]]? { pass.activations(of: layer) }

  /// Where the last pass became non-finite; rows are positions in the batch.
  package func findFault() -> PassFault { pass.findFault().movedRows(by: shardStart) }
}
