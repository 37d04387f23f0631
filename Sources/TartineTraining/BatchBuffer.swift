import TartineData
import TartineEngine
import TartineKernels

/// Room for one batch, reused all through a run.
final class BatchBuffer {
  let parts: Int
  var count = 0
  let input: UnsafeMutableRawPointer
  let targets: UnsafeMutableRawPointer
  let weights: UnsafeMutableRawPointer
  private let arena: Arena
  private let scratch: UnsafeMutablePointer<Int32>
  /// Of an augmentation, each part's own; empty where there is none.
  private let room: (start: UnsafeMutablePointer<Float>, size: Int)
  private let capacity, width, targetWidth: Int
  private let precision: Precision

  /// - Parameter room: Floats that an augmentation needs; 0: there is none.
  init(rows: Int, width: Int, targetWidth: Int, precision: Precision, room: Int = 0) {
    // A changed picture is more work, and the parts are the last of their phase.
    parts = rows * width < 1 << 13 ? 1 : room > 0 ? 16 : 4
    var layout = ArenaLayout()
    let input = layout.reserve(rows * width, size: precision.size)
    let targets = layout.reserve(rows * targetWidth, size: max(precision.size, MemoryLayout<Int32>.size))
    let weights = layout.reserve(rows, size: precision.size)
    let scratch = layout.reserve(rows, size: MemoryLayout<Int32>.size)
    let roomSize = (room + 15) / 16 * 16
    let roomOffset = layout.reserve(parts * roomSize, size: MemoryLayout<Float>.size)
    arena = Arena(layout)
    self.room = (arena[roomOffset].assumingMemoryBound(to: Float.self), roomSize)
    self.input = arena[input]
    self.targets = arena[targets]
    self.weights = arena[weights]
    self.scratch = arena[scratch].assumingMemoryBound(to: Int32.self)
    capacity = rows
    self.width = width
    self.targetWidth = targetWidth
    self.precision = precision
  }

  /// Gathers one part of the rows, with their targets.
  func gather(
    _ rows: UnsafeBufferPointer<Int32>, of source: PreparedRows, part: Int, augmentation: tartine_augmentation? = nil
  ) {
    let size = (capacity + parts - 1) / parts
    let first = part * size
    let count = min(size, rows.count - first)
    guard count > 0, let base = rows.baseAddress else { return }
    let kernels = precision.kernels
    source.gather(
      base + first, count: count, to: input + first * width * precision.size, kernels: kernels,
      scratch: scratch + first,
      augmentation: augmentation.map { AugmentationRoom($0, room: room.start + part * room.size) })
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
