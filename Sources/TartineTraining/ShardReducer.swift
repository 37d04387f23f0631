import TartineEngine

/// Sums what the shards of a batch leave, in a fixed order, whoever computes them.
///
/// The order is a binary tree over the numbers of the shards: the sum of n shards is that of the first 2ᵏ, the largest
/// power of two below n, plus that of the rest. A process that computes the shards of a subtree can thus send one sum.
package protocol ShardReducer: AnyObject {
  /// The sum of the gradients after `total`.
  var sum: Arena { get }
  /// Begins a batch.
  func begin()
  /// Adds a shard's mean gradient and mean loss, as this share of the batch; in the order of the shards. Scales the gradient in
  /// place.
  func add(gradients: Arena, loss: Double, share: Double)
  /// Completes the sum, and returns the loss.
  func total() -> Double
}

/// The shards of one process, one after the other: a binary counter, of which level k holds the sum of 2ᵏ shards.
package final class ShardTree: ShardReducer {
  private var levels: [Arena]
  private var losses: [Double]
  private let elements: Int
  private let precision: Precision
  private let workers: Workers
  private var count = 0

  // The current addition: target = keep · target + gain · source.
  private var (keep, gain) = (0.0, 0.0)
  private var target, source: UnsafeMutableRawPointer

  /// The elements of a part of an addition.
  private static let partElements = 1 << 16

  /// - Parameter shards: the most shards of a batch.
  package init(shards: Int, elements: Int, precision: Precision, workers: Workers) {
    let depth = Int.bitWidth - max(1, shards).leadingZeroBitCount
    levels = (0..<depth).map { _ in Arena(byteCount: elements * precision.size) }
    losses = [Double](repeating: 0, count: depth)
    self.elements = elements
    self.precision = precision
    self.workers = workers
    target = levels[0].base
    source = levels[0].base
    sum = Arena(byteCount: elements * precision.size)
  }

  package let sum: Arena

  package func begin() { count = 0 }

  package func add(gradients: Arena, loss: Double, share: Double) {
    // Scaled before it is added, so that a shard is rounded alike wherever it is computed.
    blend(gradients, gradients, keep: 0, gain: share)
    var (carry, carriedLoss) = (gradients, share * loss)
    var level = 0
    while count >> level & 1 == 1 {
      blend(levels[level], carry, keep: 1, gain: 1)
      (carry, carriedLoss) = (levels[level], losses[level] + carriedLoss)
      level += 1
    }
    blend(levels[level], carry, keep: 0, gain: 1)
    losses[level] = carriedLoss
    count += 1
  }

  package func total() -> Double {
    var loss = 0.0
    var isFirst = true
    for level in levels.indices where count >> level & 1 == 1 {
      blend(sum, levels[level], keep: isFirst ? 0 : 1, gain: 1)
      loss = isFirst ? losses[level] : losses[level] + loss
      isFirst = false
    }
    return loss
  }

  private func blend(_ target: Arena, _ source: Arena, keep: Double, gain: Double) {
    (self.target, self.source, self.keep, self.gain) = (target.base, source.base, keep, gain)
    workers.perform(
      (elements + Self.partElements - 1) / Self.partElements, context: Unmanaged.passUnretained(self).toOpaque()
    ) { context, part, _ in
      guard let context else { return }
      Unmanaged<ShardTree>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.blend(part: Int(part)) }
    }
  }

  private func blend(part: Int) {
    let first = part * Self.partElements
    let bytes = first * precision.size
    let count = min(Self.partElements, elements - first)
    // 0 times what was not finite is not 0.
    if keep == 0, target != source {
      (target + bytes).copyMemory(from: source + bytes, byteCount: count * precision.size)
    }
    guard keep != 0 || gain != 1 else { return }
    precision.kernels.pointee.blend(target + bytes, source + bytes, count, keep, gain)
  }
}
