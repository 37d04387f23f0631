import TartineEngine
import TartineKernels
import TartinePlatform

/// Draws a tensor's initial values, from its own stream of (seed, index).
struct InitialWeights {
  let precision: Precision
  let seed: UInt64

  func fill(_ elements: UnsafeMutableRawPointer, of tensor: PlacedTensor, place: Int) {
    switch tensor.initializer {
    case .constant(let value): precision.fill(elements, count: tensor.count, with: value)
    case .he, .xavier, .leCun, .normal:
      normals(elements, count: tensor.count, deviation: tensor.initializer.standardDeviation, place: place, precision)
    case .uniform(let deviation):
      each(elements, tensor.count, place, scale: deviation * 3.0.squareRoot()) { $0.uniform() * 2 - 1 }
    case .signs: each(elements, tensor.count, place, scale: 1) { $0.uniform() < 0.5 ? -1 : 1 }
    case .truncated(let deviation):
      each(elements, tensor.count, place, scale: deviation / Self.deviationWithinTwo) { stream in
        // 5 % of the draws lie outside.
        while true {
          let (draw, _) = stream.normalPair()
          if abs(draw) <= 2 { return draw }
        }
      }
    case .orthogonal(let gain):
      let rows = tensor.shape.dimensions.first ?? 1
      orthogonal(elements, rows: rows, columns: tensor.count / max(1, rows), gain: gain, place: place)
    }
  }

  /// The standard deviation of a standard normal distribution truncated to ±2.
  private static let deviationWithinTwo = 0.879_625_661_034_239_8

  private func normals(
    _ elements: UnsafeMutableRawPointer, count: Int, deviation: Double, place: Int, _ precision: Precision
  ) {
    var stream = tartine_stream(seed: seed, purpose: .initialization, layer: 0)
    precision.kernels.pointee.normals(&stream, UInt32(place), count, deviation, elements)
  }

  private func each(
    _ elements: UnsafeMutableRawPointer, _ count: Int, _ place: Int, scale: Double,
    _ draw: (inout RandomStream) -> Double
  ) {
    var stream = RandomStream(seed: seed, purpose: .initialization, index: place)
    write(elements, (0..<count).map { _ in draw(&stream) * scale })
  }

  private func write(_ elements: UnsafeMutableRawPointer, _ values: some Sequence<Double>) {
    switch precision {
    case .float32:
      let target = elements.assumingMemoryBound(to: Float.self)
      for (index, value) in values.enumerated() { target[index] = Float(value) }
    case .float64:
      let target = elements.assumingMemoryBound(to: Double.self)
      for (index, value) in values.enumerated() { target[index] = value }
    }
  }

  /// Orthonormalizes normal vectors block by block: twice against the previous blocks, then within the block
  /// by Gram–Schmidt. The projections are matrix products, so that a wide layer takes no longer than a few
  /// steps.
  private func orthogonal(
    _ elements: UnsafeMutableRawPointer, rows: Int, columns: Int, gain: Double, place: Int
  ) {
    let (count, length) = (min(rows, columns), max(rows, columns))
    let arena = Arena(byteCount: count * (length + Self.block) * Precision.float64.size)
    normals(arena.base, count: count * length, deviation: 1, place: place, .float64)
    let vectors = arena.base.assumingMemoryBound(to: Double.self)
    let shares = vectors + count * length
    let product = Precision.float64.kernels.pointee.product!
    for start in stride(from: 0, to: count, by: Self.block) {
      let size = min(Self.block, count - start)
      let block = vectors + start * length
      for _ in 0..<2 where start > 0 {
        product(false, true, size, start, length, block, length, vectors, length, false, shares, start)
        for index in 0..<size * start { shares[index].negate() }
        product(false, false, size, length, start, shares, start, vectors, length, true, block, length)
      }
      for own in 0..<size {
        let vector = UnsafeMutableBufferPointer(start: block + own * length, count: length)
        for _ in 0..<2 {
          for other in 0..<own {
            let before = UnsafeMutableBufferPointer(start: block + other * length, count: length)
            let share = zip(vector, before).reduce(0) { $0 + $1.0 * $1.1 }
            for index in vector.indices { vector[index] -= share * before[index] }
          }
        }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for index in vector.indices { vector[index] /= norm }
      }
    }
    write(
      elements,
      (0..<rows * columns).lazy.map { index in
        let (row, column) = (index / columns, index % columns)
        return gain * (rows >= columns ? vectors[column * length + row] : vectors[row * length + column])
      })
  }

  private static let block = 32
}
