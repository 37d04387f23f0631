import TartineEngine
import TartineKernels
import TartineNetworks

/// An optimizer at work: its moments, and one sweep a step that clips, penalizes, averages and updates.
///
/// The parameters are cut into parts: first the pieces that the caller names, then the rest in chunks of fixed
/// size, each within one tensor; a part's result depends on nothing but itself.
package final class Updater {
  private static let chunkElements = 1 << 14

  private struct Chunk {
    let offset, count: Int
    let isPenalized: Bool
  }

  private let optimizer: Optimizer
  private let penalty: Penalty
  private let precision: Precision
  private let weights, gradients: Arena
  /// The moving average of the gradient, where the algorithm has one.
  package let first: Arena?
  /// The moving average of its square.
  package let second: Arena?
  /// The arenas' memory, so that a step counts no references.
  private let addresses:
    (
      weights: UnsafeMutableRawPointer, gradients: UnsafeMutableRawPointer, first: UnsafeMutableRawPointer?,
      second: UnsafeMutableRawPointer?
    )
  private let chunks: UnsafeMutableBufferPointer<Chunk>
  /// The first chunk of each part, and the end: a part is some chunks that follow each other, so that a
  /// small network's many small tensors are one piece of work.
  private let starts: UnsafeMutableBufferPointer<Int>
  private let sweep: @convention(c) (UnsafePointer<tartine_update>?) -> Void
  private var update = tartine_update()
  private var rate = 0.0

  package init(
    _ optimizer: Optimizer, penalty: Penalty, plan: NetworkPlan, precision: Precision, pieces: [TensorSpan],
    weights: Arena, gradients: Arena
  ) {
    self.optimizer = optimizer
    self.penalty = penalty
    self.precision = precision
    self.weights = weights
    self.gradients = gradients
    first = optimizer.hasFirstMoment ? plan.makeParameterArena(precision) : nil
    second = optimizer.hasSecondMoment ? plan.makeParameterArena(precision) : nil
    addresses = (weights.base, gradients.base, first?.base, second?.base)
    var list: [Chunk] = []
    var starts: [Int] = []
    var inPieces: Set<Int> = []
    for piece in pieces {
      guard let tensor = plan.parameters.first(where: { $0.contains(piece) }) else { continue }
      inPieces.insert(tensor.offset)
      starts.append(list.count)
      list.append(Chunk(offset: piece.offset, count: piece.count, isPenalized: tensor.isPenalized))
    }
    var elements = Self.chunkElements
    for tensor in plan.parameters where !inPieces.contains(tensor.offset) {
      for start in stride(from: 0, to: tensor.count, by: Self.chunkElements) {
        let count = min(Self.chunkElements, tensor.count - start)
        if elements + count > Self.chunkElements {
          starts.append(list.count)
          elements = 0
        }
        list.append(Chunk(offset: tensor.offset + start, count: count, isPenalized: tensor.isPenalized))
        elements += count
      }
    }
    chunks = .allocate(capacity: list.count)
    _ = chunks.initialize(from: list)
    starts.append(list.count)
    self.starts = .allocate(capacity: starts.count)
    _ = self.starts.initialize(from: starts)
    let kernels = precision.kernels.pointee
    switch optimizer.algorithm {
    case .gradientDescent, .momentum, .nesterov: sweep = kernels.descend
    case .rmsprop: sweep = kernels.rmsprop
    case .adam, .adamW: sweep = kernels.adam
    }
  }

  deinit {
    chunks.deallocate()
    starts.deallocate()
  }

  /// Whether Σ g² must be known before anything is updated.
  package var needsGradientNorm: Bool { optimizer.clip != nil }

  /// Independent pieces of a step.
  package var parts: Int { starts.count - 1 }

  /// Sets the step's coefficients.
  ///
  /// - Parameters:
  ///   - step: from 0.
  ///   - rate: the learning rate of this step.
  ///   - gradientSquares: Σ g² over all gradients, looked at for clipping alone.
  package func prepare(step: Int, rate: Double, gradientSquares: Double) {
    let beta1 = optimizer.beta1
    let beta2 = optimizer.beta2
    let t = step + 1
    self.rate = rate
    update = tartine_update()
    update.rate = rate
    update.gradient_scale = 1
    if let clip = optimizer.clip, gradientSquares > clip * clip {
      update.gradient_scale = clip / gradientSquares.squareRoot()
    }
    update.keep1 = beta1
    update.gain1 = 1 - beta1
    update.use_first = 1
    update.keep2 = beta2
    update.gain2 = 1 - beta2
    update.correct2 = 1
    update.epsilon = optimizer.epsilon
    switch (optimizer.algorithm, optimizer.variant) {
    case (.gradientDescent, _): break
    case (.momentum, .torch): update.gain1 = 1
    case (.momentum, .lecture): break
    case (.momentum, _): update.use_first = 1 / MovingAverage.weight(beta: beta1, after: t)
    case (.nesterov, .torch):
      update.gain1 = 1
      update.use_first = beta1
      update.use_gradient = 1
    case (.nesterov, _):
      update.use_first = beta1
      update.use_gradient = 1 - beta1
    case (.rmsprop, let variant): update.epsilon_inside = variant == .lecture || variant == .keras
    case (.adam, _), (.adamW, _):
      update.use_first = 1 / MovingAverage.weight(beta: beta1, after: t)
      update.correct2 = 1 / MovingAverage.weight(beta: beta2, after: t)
    }
  }

  /// Updates one piece. Allocates nothing.
  package func perform(_ part: Int) {
    for index in starts[part]..<starts[part + 1] { perform(chunks[index]) }
  }

  private func perform(_ chunk: Chunk) {
    let bytes = chunk.offset * precision.size
    var update = update
    update.count = chunk.count
    update.weights = addresses.weights + bytes
    update.gradients = UnsafeRawPointer(addresses.gradients + bytes)
    if let first = addresses.first { update.first = first + bytes }
    if let second = addresses.second { update.second = second + bytes }
    if chunk.isPenalized {
      update.l1 = penalty.l1
      update.l2 = penalty.l2
      update.decay = rate * (optimizer.decay ?? 0)
    }
    sweep(&update)
  }

  /// The penalties' own cost, from the weights as they are.
  package func penaltyCost(plan: NetworkPlan) -> Double {
    guard penalty != .none else { return 0 }
    var absolute = 0.0
    var squares = 0.0
    for tensor in plan.parameters where tensor.isPenalized {
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

extension PlannedTensor {
  fileprivate func contains(_ piece: TensorSpan) -> Bool {
    (offset..<offset + count).contains(piece.offset)
  }
}
