import TartineData
import TartineEngine
import TartineKernels
import TartineNetworks

/// The memory for one batch, reused throughout a run.
package final class BatchBuffer {
  package let parts: Int
  package var count = 0 { didSet { isMixed = false } }
  private var isMixed = false
  package let input: UnsafeMutableRawPointer
  package let targets: UnsafeMutableRawPointer
  package let weights: UnsafeMutableRawPointer
  /// Space for one row.
  private let first: UnsafeMutableRawPointer
  private let arena: Arena
  private let scratch: UnsafeMutablePointer<Int32>
  /// The scratch space of each part's augmentation; empty without augmentation.
  private let room: (start: UnsafeMutablePointer<Float>, size: Int)
  private let capacity, width, targetWidth: Int
  private let precision: Precision
  /// Where the one-hot elements of the rows are 1; nil: not told apart.
  package let ones: OneHotRows?
  /// Kept for `ones`.
  private let oneHot: OneHotLayout?

  /// - Parameters:
  ///   - room: the number of floats that an augmentation needs; 0 without augmentation.
  ///   - oneHot: the layout of the only source of rows, where nothing changes a gathered row.
  package init(
    rows: Int, width: Int, targetWidth: Int, precision: Precision, room: Int = 0, oneHot: OneHotLayout? = nil
  ) {
    // Augmenting an image is more work, and these parts come last in their phase.
    parts = rows * width < 1 << 13 ? 1 : room > 0 ? 16 : 4
    var layout = ArenaLayout()
    let input = layout.reserve(rows * width, size: precision.size)
    // One extra row, since rows are mixed cyclically.
    let targets = layout.reserve(rows * targetWidth + 1, size: max(precision.size, MemoryLayout<Int32>.size))
    let first = layout.reserve(max(width, targetWidth), size: precision.size)
    let weights = layout.reserve(rows + 1, size: precision.size)
    let scratch = layout.reserve(rows, size: MemoryLayout<Int32>.size)
    let roomSize = (room + 15) / 16 * 16
    let ones = layout.reserve(rows * (oneHot?.count ?? 0), size: MemoryLayout<Int32>.size)
    let roomOffset = layout.reserve(parts * roomSize, size: MemoryLayout<Float>.size)
    arena = Arena(layout)
    self.room = (arena[roomOffset].assumingMemoryBound(to: Float.self), roomSize)
    self.input = arena[input]
    self.targets = arena[targets]
    self.weights = arena[weights]
    self.first = arena[first]
    self.scratch = arena[scratch].assumingMemoryBound(to: Int32.self)
    self.oneHot = oneHot
    let places = arena[ones].assumingMemoryBound(to: Int32.self)
    self.ones = oneHot.map { OneHotRows($0, places: places) }
    if let oneHot { places.update(repeating: -1, count: rows * oneHot.count) }
    capacity = rows
    self.width = width
    self.targetWidth = targetWidth
    self.precision = precision
  }

  /// Mixes each row with the next one: `share` of itself and the rest of the next, cyclically. To be called
  /// once for each gathered batch.
  ///
  /// A row's target is weighted by that row's sample weight. Class numbers and their weights stay unmixed,
  /// with the first repeated after the last: the loss uses both rows' separately.
  ///
  /// **Source**: Zhang et al., *mixup: beyond empirical risk minimization*, 2018, eq. 2.
  package func mix(share: Double, labels: Bool, weighs: Bool) {
    guard !isMixed else { return }
    isMixed = true
    let size = precision.size
    mix(input, width: width) { _ in (share, 1 - share) }
    if labels {
      let labels = targets.assumingMemoryBound(to: Int32.self)
      labels[count] = labels[0]
      if weighs { (weights + count * size).copyMemory(from: weights, byteCount: size) }
    } else if weighs {
      // (λ w y + (1 − λ) w' y') / (λ w + (1 − λ) w'), whose denominator is the row's weight.
      mix(targets, width: targetWidth) { row in
        let (own, next) = (share * weight(row), (1 - share) * weight((row + 1) % count))
        return own + next > 0 ? (own / (own + next), next / (own + next)) : (1, 0)
      }
      mix(weights, width: 1) { _ in (share, 1 - share) }
    } else {
      mix(targets, width: targetWidth) { _ in (share, 1 - share) }
    }
  }

  private func weight(_ row: Int) -> Double {
    switch precision {
    case .float32: Double(weights.assumingMemoryBound(to: Float.self)[row])
    case .float64: weights.assumingMemoryBound(to: Double.self)[row]
    }
  }

  private func mix(_ matrix: UnsafeMutableRawPointer, width: Int, _ shares: (Int) -> (keep: Double, gain: Double)) {
    let blend = precision.kernels.pointee.blend!
    let bytes = width * precision.size
    first.copyMemory(from: matrix, byteCount: bytes)
    for row in 0..<count {
      let (keep, gain) = shares(row)
      blend(matrix + row * bytes, row + 1 < count ? matrix + (row + 1) * bytes : first, width, keep, gain)
    }
  }

  /// Gathers one part of the rows, with their targets.
  package func gather(
    _ rows: UnsafeBufferPointer<Int32>, of source: PreparedRows, part: Int, augmentation: tartine_augmentation? = nil
  ) {
    let size = (capacity + parts - 1) / parts
    let first = part * size
    let count = min(size, rows.count - first)
    guard count > 0, let base = rows.baseAddress else { return }
    let kernels = precision.kernels
    source.gather(
      base + first, count: count, to: input + first * width * precision.size, kernels: kernels,
      scratch: scratch + first, ones: ones.map { $0.places + first * $0.count },
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
