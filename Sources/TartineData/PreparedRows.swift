import TartineEngine
import TartineKernels

/// Prepared rows: floats, or bytes that stay bytes until a batch is gathered.
package final class PreparedRows: RowSource, @unchecked Sendable {
  package enum Elements {
    /// A row-major matrix of Float, plain or compressed by an encoding, so that a table stays as small as its columns.
    case floats(Arena, RowEncoding? = nil)
    /// The images of a block, and the indices of the rows; scaled when gathered.
    case bytes(ImageBlock, rows: [Int32], scale: Double)
  }

  /// The targets of the network.
  package enum Targets {
    /// Class numbers.
    case labels([Int32])
    /// A row-major matrix of Float.
    case matrix(Arena, width: Int)
    case none
  }

  package let rowCount: Int
  /// Elements of a gathered row.
  package let width: Int
  package let elements: Elements
  package let targets: Targets
  /// The sample weight of each row, as Floats; nil: 1.
  package let weights: Arena?
  /// Each row's index in the original data set.
  package let origin: [Int]
  /// Which rows belong together, such as those of one patient; nil: rows are independent.
  package let cases: [Int]?

  package init(
    width: Int, elements: Elements, targets: Targets, weights: Arena? = nil, origin: [Int], cases: [Int]? = nil
  ) {
    self.width = width
    self.elements = elements
    self.targets = targets
    self.weights = weights
    self.origin = origin
    self.cases = cases
    rowCount = origin.count
  }

  /// The kernel's augmentation in an epoch; nil for data that are not images, or without augmentation.
  package func lowered(_ augmentation: Augmentation, seed: UInt64, epoch: Int) -> tartine_augmentation? {
    guard !augmentation.isNone, case .bytes(let block, _, let scale) = elements else { return nil }
    return augmentation.lowered(
      height: block.shape.height, width: block.shape.width, channels: block.shape.channels, scale: scale, seed: seed,
      epoch: epoch)
  }

  /// The number of floats of scratch space for augmenting one image; 0 without augmentation.
  package func room(for augmentation: Augmentation) -> Int {
    guard case .bytes(let block, _, _) = elements else { return 0 }
    return augmentation.room(height: block.shape.height, width: block.shape.width, channels: block.shape.channels)
  }

  /// Writes the rows with the given indices, one after the other.
  ///
  /// - Parameters:
  ///   - scratch: space for as many numbers as rows.
  ///   - ones: the one-hot elements that `output` holds, and on return those of these rows; nil: its contents are unknown.
  ///   - augmentation: the augmentation of each image; the random draw is the row's.
  package func gather(
    _ rows: UnsafePointer<Int32>, count: Int, to output: UnsafeMutableRawPointer,
    kernels: UnsafePointer<tartine_kernels>, scratch: UnsafeMutablePointer<Int32>,
    ones: UnsafeMutablePointer<Int32>? = nil, augmentation: AugmentationRoom? = nil
  ) {
    switch elements {
    case .floats(let arena, let encoding):
      let from = arena.base.assumingMemoryBound(to: Float.self)
      guard let encoding else { return kernels.pointee.gather_floats(from, rows, count, width, output) }
      withUnsafePointer(to: encoding.lowered) { kernels.pointee.gather_encoded(from, rows, count, $0, ones, output) }
    case .bytes(let block, let places, let scale):
      places.withUnsafeBufferPointer { places in
        for index in 0..<count { scratch[index] = places[Int(rows[index])] }
      }
      let bytes = block.bytes.base.assumingMemoryBound(to: UInt8.self)
      if var augmentation {
        kernels.pointee.augment(&augmentation.lowered, bytes, scratch, rows, count, augmentation.room, output)
      } else {
        kernels.pointee.gather_bytes(bytes, scratch, count, width, scale, output)
      }
    }
  }

  /// The one-hot elements, where there are many.
  package var oneHot: OneHotLayout? {
    if case .floats(_, let encoding) = elements { encoding?.oneHot } else { nil }
  }

  /// Writes consecutive rows.
  package func write(
    _ rows: Range<Int>, to output: UnsafeMutableRawPointer, ones: UnsafeMutablePointer<Int32>?, precision: Precision
  ) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: rows.count * 2) { places in
      guard let base = places.baseAddress else { return }
      for (index, row) in rows.enumerated() { places[index] = Int32(row) }
      gather(
        base, count: rows.count, to: output, kernels: precision.kernels, scratch: base + rows.count, ones: ones)
    }
  }

  /// Returns the rows with sample weights.
  package func weighted(_ weights: [Double]) -> PreparedRows {
    let arena = Arena(byteCount: weights.count * MemoryLayout<Float>.size)
    for (row, weight) in weights.enumerated() { arena.base.assumingMemoryBound(to: Float.self)[row] = Float(weight) }
    return PreparedRows(
      width: width, elements: elements, targets: targets, weights: arena, origin: origin, cases: cases)
  }

  /// Returns the rows without sample weights.
  package var unweighted: PreparedRows {
    weights == nil
      ? self : PreparedRows(width: width, elements: elements, targets: targets, origin: origin, cases: cases)
  }

  /// The class of each row; nil where the targets are not classes.
  package func classes(of count: Int) -> [Int]? {
    switch targets {
    case .labels(let labels): return labels.map { Int($0) }
    case .matrix(let arena, 1) where count == 2:
      return (0..<rowCount).map { Int(arena.base.assumingMemoryBound(to: Float.self)[$0]) }
    case .matrix, .none: return nil
    }
  }

  /// A subset of these rows, to measure an error on.
  package func subset(_ rows: [Int]) -> PreparedRows {
    let elements: Elements
    switch self.elements {
    case .floats(let arena, let encoding):
      elements = .floats(Self.copy(rows, of: arena, width: encoding?.storedWidth ?? width), encoding)
    case .bytes(let block, let places, let scale):
      elements = .bytes(block, rows: rows.map { places[$0] }, scale: scale)
    }
    let targets: Targets
    switch self.targets {
    case .labels(let labels): targets = .labels(rows.map { labels[$0] })
    case .matrix(let arena, let width):
      targets = .matrix(Self.copy(rows, of: arena, width: width), width: width)
    case .none: targets = .none
    }
    return PreparedRows(
      width: width, elements: elements, targets: targets,
      weights: weights.map { Self.copy(rows, of: $0, width: 1) }, origin: rows.map { origin[$0] },
      cases: cases.map { cases in rows.map { cases[$0] } })
  }

  private static func copy(_ rows: [Int], of arena: Arena, width: Int) -> Arena {
    let copy = Arena(byteCount: rows.count * width * 4)
    for (index, row) in rows.enumerated() {
      copy[index * width * 4].copyMemory(from: arena[row * width * 4], byteCount: width * 4)
    }
    return copy
  }
}

/// An epoch's augmentation, with scratch space for one image.
package struct AugmentationRoom {
  var lowered: tartine_augmentation
  let room: UnsafeMutablePointer<Float>

  package init(_ lowered: tartine_augmentation, room: UnsafeMutablePointer<Float>) {
    self.lowered = lowered
    self.room = room
  }
}
