import TartineData
import TartineEngine

/// Room for one batch, reused all through a run.
final class BatchBuffer {
  let parts: Int
  var count = 0
  let input: UnsafeMutableRawPointer
  let targets: UnsafeMutableRawPointer
  let weights: UnsafeMutableRawPointer
  private let arena: Arena
  private let scratch: UnsafeMutablePointer<Int32>
  private let capacity, width, targetWidth: Int
  private let precision: Precision

  init(rows: Int, width: Int, targetWidth: Int, precision: Precision) {
    var layout = ArenaLayout()
    let input = layout.reserve(rows * width, size: precision.size)
    let targets = layout.reserve(rows * targetWidth, size: max(precision.size, MemoryLayout<Int32>.size))
    let weights = layout.reserve(rows, size: precision.size)
    let scratch = layout.reserve(rows, size: MemoryLayout<Int32>.size)
    arena = Arena(layout)
    self.input = arena[input]
    self.targets = arena[targets]
    self.weights = arena[weights]
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
    if let weights = source.weights {
      kernels.pointee.gather_floats(
        weights.base.assumingMemoryBound(to: Float.self), base + first, count, 1, self.weights + first * precision.size)
    }
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
