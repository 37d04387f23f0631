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

extension PlacedTensor {
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

/// A value of another case than the test needs: the test fails.
struct UnexpectedCase: Error, CustomStringConvertible {
  let description: String

  init(_ value: Any) { description = "unexpected case: \(String(describing: value).prefix(200))" }
}

extension Column {
  /// The numbers; a column of texts fails the test.
  func requireNumbers() throws -> [Double] {
    guard case .numbers(let numbers) = values else { throw UnexpectedCase(values) }
    return numbers
  }
}

extension Dataset {
  /// The columns; images fail the test.
  func requireColumns() throws -> [Column] {
    guard case .table(let columns) = inputs else { throw UnexpectedCase(inputs) }
    return columns
  }

  /// The images; a table fails the test.
  func requireImages() throws -> ImageBlock {
    guard case .images(let block) = inputs else { throw UnexpectedCase(inputs) }
    return block
  }
}

extension Preparation {
  /// The features; images fail the test.
  func requireFeatures() throws -> [Feature] {
    guard case .table(let features) = inputs else { throw UnexpectedCase(inputs) }
    return features
  }
}

extension Feature {
  /// The feature of a number; another one fails the test.
  func requireNumber() throws -> NumberFeature {
    guard case .number(let number) = self else { throw UnexpectedCase(self) }
    return number
  }
}
