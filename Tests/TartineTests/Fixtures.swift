import Tartine

/// The location of fixtures, and reading and writing of tensors in tests.
enum Fixtures {
  /// A folder of `Tests`.
  static func folder(_ name: String) -> String {
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(tests)/\(name)"
  }
}

extension Safetensors.Tensor {
  var doubles: [Double] {
    bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / precision.size).map { index in
        precision == .float64
          ? bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
          : Double(bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
      }
    }
  }
}

extension PlannedTensor {
  func doubles(in arena: Arena, _ precision: Precision) -> [Double] {
    precision == .float64
      ? Array(elements(Double.self, in: arena)) : elements(Float.self, in: arena).map(Double.init)
  }

  func set(_ values: [Double], in arena: Arena, _ precision: Precision) {
    precondition(values.count == count)
    for (index, value) in values.enumerated() {
      switch precision {
      case .float64: elements(Double.self, in: arena)[index] = value
      case .float32: elements(Float.self, in: arena)[index] = Float(value)
      }
    }
  }
}

extension Arena {
  static func of(_ values: [Float]) -> Arena {
    let arena = Arena(byteCount: values.count * 4)
    for (index, value) in values.enumerated() {
      arena.base.assumingMemoryBound(to: Float.self)[index] = value
    }
    return arena
  }

  var floats: [Float] {
    Array(UnsafeBufferPointer(start: base.assumingMemoryBound(to: Float.self), count: byteCount / 4))
  }
}

extension PreparedRows {
  static func of(_ values: [Float], width: Int, targets: Targets) -> PreparedRows {
    PreparedRows(
      width: width, elements: .floats(Arena.of(values)), targets: targets,
      origin: Array(0..<values.count / width))
  }
}

extension RandomStream {
  /// Standard normal numbers that are exact in Float.
  static func normals(_ count: Int, seed: UInt64) -> [Float] {
    var stream = RandomStream(seed: seed, purpose: .test)
    return (0..<count).map { _ in Float(stream.normalPair().0) }
  }
}
