import TartineEngine
import TartineKernels

/// Images as augmented in one epoch.
package struct AugmentedRows: RowSource {
  private let rows: PreparedRows
  private let lowered: tartine_augmentation
  private let room: Int

  /// Returns nil for data that are not images, or without augmentation.
  package init?(_ rows: PreparedRows, by augmentation: Augmentation, seed: UInt64, epoch: Int) {
    guard let lowered = rows.lowered(augmentation, seed: seed, epoch: epoch) else { return nil }
    self.rows = rows
    self.lowered = lowered
    room = rows.room(for: augmentation)
  }

  package var rowCount: Int { rows.rowCount }

  package func write(
    _ range: Range<Int>, to output: UnsafeMutableRawPointer, ones: UnsafeMutablePointer<Int32>?, precision: Precision
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: room) { room in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: range.count * 2) { places in
        guard let base = places.baseAddress, let start = room.baseAddress else { return }
        for (index, row) in range.enumerated() { places[index] = Int32(row) }
        rows.gather(
          base, count: range.count, to: output, kernels: precision.kernels, scratch: base + range.count,
          augmentation: AugmentationRoom(lowered, room: start))
      }
    }
  }
}

extension RowSource {
  /// All rows as numbers, row-major.
  package func floats(width: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: rowCount * width) { buffer, count in
      count = rowCount * width
      if let base = buffer.baseAddress { write(0..<rowCount, to: base, ones: nil, precision: .float32) }
    }
  }
}
