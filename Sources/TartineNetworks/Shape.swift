/// The shape of one sample: `[64]` for a row of a table, `[28, 28, 1]` for an image of height, width, channels.
public struct Shape: Hashable, Sendable, Codable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The sizes of the dimensions, slowest first, without the batch.
  public let dimensions: [Int]

  /// - Parameter dimensions: the sizes, each at least 1.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  /// Creates a shape from a literal, such as `[28, 28, 1]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// Decodes a plain list of sizes.
  public init(from decoder: any Decoder) throws { dimensions = try [Int](from: decoder) }

  /// Encodes as a plain list of sizes.
  public func encode(to encoder: any Encoder) throws { try dimensions.encode(to: encoder) }

  /// The number of elements of a sample.
  public var count: Int { dimensions.reduce(1, *) }

  /// A clause that says why no tensor can have this shape, or nil.
  var problem: String? {
    var product = 1
    for size in dimensions {
      if size < 1 { return "each size must be at least 1" }
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow || next > 1 << 40 { return "it has more than 2⁴⁰ elements" }
      product = next
    }
    return nil
  }

  /// Whether it is a plain row of features.
  public var isVector: Bool { dimensions.count == 1 }

  /// - Throws: `ShapeError` if it is not a plain row.
  public func requireVector() throws {
    guard isVector else {
      throw ShapeError(got: self, expected: "n", advice: "insert Flatten() before it.")
    }
  }

  /// The sizes in the form `28 × 28 × 1`.
  public var description: String { dimensions.map(String.init).joined(separator: " × ") }
}

/// An error for a layer with an unsupported input shape.
public struct ShapeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The layer, as the network's table names it: "dense2".
  public var layer: String
  /// The actual shape.
  public var got: Shape
  /// The expected shape.
  public var expected: String
  /// Advice on how to correct it.
  public var advice: String

  /// Creates an error; the graph fills in the layer's name.
  public init(layer: String = "", got: Shape, expected: String, advice: String) {
    self.layer = layer
    self.got = got
    self.expected = expected
    self.advice = advice
  }

  /// One sentence with the layer, both shapes and what to do.
  public var description: String {
    "layer \(layer) takes an input of shape \(expected), but gets \(got): \(advice)"
  }
}
