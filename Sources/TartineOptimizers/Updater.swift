import TartineEngine
import TartineKernels
import TartineNetworks

/// The state of an optimizer: its moments, and one sweep per step that clips, penalizes, averages and
/// updates, and then adds the weights to their average.
///
/// The parameters are partitioned: first the parts that the caller specifies, then the rest in chunks of
/// fixed size, each within one tensor; the result of a part depends on nothing else.
package final class Updater {
  private static let chunkElements = 1 << 14

  private struct Chunk {
    let offset, count: Int
    /// The index of its tensor in the graph.
    let tensor: Int
    let isPenalized: Bool
  }

  private let optimizer: Optimizer
  private let penalty: Penalty
  private let precision: Precision
  private let weights, gradients: Arena
  private let tensors: [PlacedTensor]
  private let elements: Int
  /// The first moment, if the algorithm has one.
  package let first: Arena?
  /// The second moment.
  package let second: Arena?
  /// The largest second moment so far, or RMSProp's momentum buffer.
  package let third: Arena?
  /// The moving average of the weights, if any.
  package let average: Arena?
  private let averageBeta: Double?
  /// Whether the weights change again after their update.
  package let averagesLater: Bool
  /// The memory of the arenas, so that a step does no reference counting.
  private let addresses:
    (
      weights: UnsafeMutableRawPointer, gradients: UnsafeMutableRawPointer, first: UnsafeMutableRawPointer?,
      second: UnsafeMutableRawPointer?, third: UnsafeMutableRawPointer?
    )
  private let chunks: UnsafeMutableBufferPointer<Chunk>
  /// The first chunk of each part, and the end: a part consists of consecutive chunks, so that a small
  /// network's many small tensors form one part.
  private let starts: UnsafeMutableBufferPointer<Int>
  private let sweep: @convention(c) (UnsafePointer<tartine_update>?) -> Void
  private var rule: UpdateRule
  private var update = tartine_update()
  private var rate = 0.0
  private var step = 0
  /// The scale factor of each tensor's gradient.
  private let scales: UnsafeMutableBufferPointer<Double>

  package init(
    _ optimizer: Optimizer, penalty: Penalty, graph: LayerGraph, precision: Precision, parts: [TensorSpan],
    weights: Arena, gradients: Arena
  ) {
    self.optimizer = optimizer
    self.penalty = penalty
    self.precision = precision
    self.weights = weights
    self.gradients = gradients
    first = optimizer.hasFirstMoment ? graph.makeParameterArena(precision) : nil
    second = optimizer.hasSecondMoment ? graph.makeParameterArena(precision) : nil
    third = optimizer.hasThirdMoment ? graph.makeParameterArena(precision) : nil
    average = optimizer.average == nil ? nil : graph.makeParameterArena(precision)
    if case .exponential(let beta)? = optimizer.average { averageBeta = beta } else { averageBeta = nil }
    averagesLater = averageBeta != nil && penalty.maxNorm != nil
    addresses = (weights.base, gradients.base, first?.base, second?.base, third?.base)
    tensors = graph.parameters
    elements = graph.parameterElements
    scales = .allocate(capacity: tensors.count)
    scales.initialize(repeating: 1)
    rule = UpdateRule(optimizer)
    if let second, rule.initialSecondMoment != 0 {
      precision.fill(second.base, count: graph.parameterElements, with: rule.initialSecondMoment)
    }
    let (list, starts) = Self.chunks(
      of: tensors, parts: optimizer.custom == nil ? parts : [], areWhole: optimizer.custom != nil,
      biases: penalty.biases)
    chunks = .allocate(capacity: list.count)
    _ = chunks.initialize(from: list)
    self.starts = .allocate(capacity: starts.count)
    _ = self.starts.initialize(from: starts)
    sweep = rule.sweep(in: precision.kernels.pointee)
  }

  /// Cuts tensors into chunks: the parts by themselves, the rest by size.
  ///
  /// - Parameter areWhole: whether a chunk is a whole tensor, as a program's own rule gets it.
  /// - Returns: the chunks, and where those of one task begin; the last start is the end.
  private static func chunks(
    of tensors: [PlacedTensor], parts: [TensorSpan], areWhole: Bool, biases: Bool
  ) -> (list: [Chunk], starts: [Int]) {
    var list: [Chunk] = []
    var starts: [Int] = []
    var inParts: Set<Int> = []
    let most = areWhole ? .max : chunkElements
    for part in parts {
      guard let index = tensors.firstIndex(where: { $0.contains(part) }) else { continue }
      inParts.insert(tensors[index].offset)
      starts.append(list.count)
      list.append(
        Chunk(
          offset: part.offset, count: part.count, tensor: index,
          isPenalized: tensors[index].isPenalized || biases))
    }
    var elements = most
    for (index, tensor) in tensors.enumerated() where !inParts.contains(tensor.offset) {
      for start in stride(from: 0, to: tensor.count, by: most) {
        let count = min(most, tensor.count - start)
        if areWhole || elements + count > most {
          starts.append(list.count)
          elements = 0
        }
        list.append(
          Chunk(
            offset: tensor.offset + start, count: count, tensor: index,
            isPenalized: tensor.isPenalized || biases))
        elements += count
      }
    }
    starts.append(list.count)
    return (list, starts)
  }

  deinit {
    chunks.deallocate()
    starts.deallocate()
    scales.deallocate()
  }

  /// Whether all gradients must be known before the first update.
  package var needsAllGradients: Bool {
    optimizer.clipping.globalNorm != nil || optimizer.clipping.norm != nil || optimizer.custom != nil
  }

  /// The number of independent parts of a step.
  package var parts: Int { starts.count - 1 }

  /// Sets the step's coefficients.
  ///
  /// - Parameters:
  ///   - step: the index of the step, from 0.
  ///   - rate: the learning rate of this step.
  ///   - beta1: replaces the optimizer's β₁; nil: the optimizer's.
  ///   - gradientSquares: Σ g² over all gradients, used for clipping only.
  package func prepare(step: Int, rate: Double, beta1: Double?, gradientSquares: Double) {
    self.rate = rate
    self.step = step + 1
    update = rule.coefficients(step: step + 1, rate: rate, beta1: beta1)
    update.gradient_bound = optimizer.clipping.value ?? .infinity
    guard needsAllGradients else { return }
    var together = 1.0
    if let bound = optimizer.clipping.globalNorm, gradientSquares > bound * bound {
      together = bound / gradientSquares.squareRoot()
    }
    for index in tensors.indices {
      scales[index] = together
      guard let bound = optimizer.clipping.norm else { continue }
      let (offset, count) = (tensors[index].offset, tensors[index].count)
      let squares = precision.kernels.pointee.sum_of_squares(
        addresses.gradients + offset * precision.size, 1, count, count)
      let norm = together * squares.squareRoot()
      if norm > bound { scales[index] *= bound / norm }
    }
  }

  /// Updates one part. Allocates nothing.
  package func perform(_ part: Int) {
    for index in starts[part]..<starts[part + 1] { perform(chunks[index]) }
  }

  private func perform(_ chunk: Chunk) {
    if let rule = optimizer.custom?.value {
      switch precision {
      case .float32: rule._perform(tensor(Float.self, chunk))
      case .float64: rule._perform(tensor(Double.self, chunk))
      }
      if !averagesLater { takeIntoAverage(chunk) }
      return
    }
    let bytes = chunk.offset * precision.size
    var update = update
    update.count = chunk.count
    update.weights = addresses.weights + bytes
    update.gradients = UnsafeRawPointer(addresses.gradients + bytes)
    if let first = addresses.first { update.first = first + bytes }
    if let second = addresses.second { update.second = second + bytes }
    if let third = addresses.third { update.third = third + bytes }
    update.gradient_scale = scales[chunk.tensor]
    if chunk.isPenalized {
      update.l1 = penalty.l1
      update.l2 = penalty.l2
      update.decay = rate * (optimizer.decay ?? 0)
    }
    sweep(&update)
    if !averagesLater { takeIntoAverage(chunk) }
  }

  /// A tensor for a program's own rule, with its gradient clipped and penalized, and its weights decayed.
  private func tensor<Scalar: EngineScalar>(_: Scalar.Type, _ chunk: Chunk) -> TensorUpdate<Scalar> {
    func elements(_ base: UnsafeMutableRawPointer?) -> UnsafeMutableBufferPointer<Scalar> {
      UnsafeMutableBufferPointer(
        start: base.map { $0.assumingMemoryBound(to: Scalar.self) + chunk.offset }, count: base == nil ? 0 : chunk.count
      )
    }
    let (weights, gradient) = (elements(addresses.weights), elements(addresses.gradients))
    let (scale, bound) = (Scalar(scales[chunk.tensor]), Scalar(optimizer.clipping.value ?? .infinity))
    let (l1, l2) = chunk.isPenalized ? (Scalar(penalty.l1), Scalar(penalty.l2)) : (0, 0)
    let kept = 1 - (chunk.isPenalized ? Scalar(rate * (optimizer.decay ?? 0)) : 0)
    for index in 0..<chunk.count {
      let weight = weights[index]
      gradient[index] =
        max(-bound, min(bound, scale * gradient[index])) + l2 * weight + (weight > 0 ? l1 : weight < 0 ? -l1 : 0)
      weights[index] = kept * weight
    }
    return TensorUpdate(
      weights: weights, gradient: gradient,
      moments: (elements(addresses.first), elements(addresses.second), elements(addresses.third)), step: step,
      learningRate: rate)
  }

  /// Adds one part's weights to their moving average, if that follows the update.
  package func takeIntoAverage(_ part: Int) {
    for index in starts[part]..<starts[part + 1] { takeIntoAverage(chunks[index]) }
  }

  private func takeIntoAverage(_ chunk: Chunk) {
    guard let average, let averageBeta else { return }
    let bytes = chunk.offset * precision.size
    precision.kernels.pointee.blend(
      average[bytes], addresses.weights + bytes, chunk.count, averageBeta, 1 - averageBeta)
  }

  /// Adds the weights at the end of an epoch to their mean; `count` includes this time.
  package func takeIntoMean(count: Int) {
    guard let average, averageBeta == nil else { return }
    let gain = 1 / Double(count)
    precision.kernels.pointee.blend(average.base, weights.base, elements, 1 - gain, gain)
  }

  /// Writes the average of the weights after a number of steps.
  package func writeAverage(steps: Int, into target: Arena) {
    guard let average else { return }
    let weight = averageBeta.map { MovingAverage.weight(beta: $0, after: steps) } ?? 1
    precision.fill(target.base, count: elements, with: 0)
    precision.kernels.pointee.blend(target.base, average.base, elements, 0, 1 / weight)
  }

  /// The cost of the penalties for the current weights.
  package func penaltyCost(graph: LayerGraph) -> Double {
    guard penalty.l1 > 0 || penalty.l2 > 0 else { return 0 }
    var absolute = 0.0
    var squares = 0.0
    for tensor in graph.parameters where tensor.isPenalized || penalty.biases {
      squares += precision.kernels.pointee.sum_of_squares(
        weights[tensor.offset * precision.size], 1, tensor.count, tensor.count)
      guard penalty.l1 > 0 else { continue }
      switch precision {
      case .float32:
        for w in tensor.elements(Float.self, in: weights) { absolute += Double(abs(w)) }
      case .float64:
        for w in tensor.elements(Double.self, in: weights) { absolute += abs(w) }
      }
    }
    return penalty.l1 * absolute + penalty.l2 / 2 * squares
  }
}

extension PlacedTensor {
  fileprivate func contains(_ part: TensorSpan) -> Bool {
    (offset..<offset + count).contains(part.offset)
  }
}
