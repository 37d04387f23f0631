/// The shape of one sample: `[64]` for a row of a table, `[28, 28, 1]` for an image of height, width, channels.
public struct Shape: Hashable, Sendable, Codable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// Sizes, slowest first. The batch is not among them.
  public let dimensions: [Int]

  /// - Parameter dimensions: sizes, each at least 1.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  /// A shape written out, as in `[28, 28, 1]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// Decodes a plain list of sizes.
  public init(from decoder: any Decoder) throws { dimensions = try [Int](from: decoder) }

  /// Encodes as a plain list of sizes.
  public func encode(to encoder: any Encoder) throws { try dimensions.encode(to: encoder) }

  /// Elements in one sample.
  public var count: Int { dimensions.reduce(1, *) }

  /// True for a plain row of features.
  public var isVector: Bool { dimensions.count == 1 }

  /// As in `28 × 28 × 1`.
  public var description: String { dimensions.map(String.init).joined(separator: " × ") }
}

/// A layer was given an input that it cannot take.
public struct ShapeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The layer, as the network's table names it: "dense2".
  public var layer: String
  /// What it was given.
  public var got: Shape
  /// What it takes.
  public var expected: String
  /// What to do.
  public var advice: String

  /// Describes a mismatch; the plan fills in the layer's name.
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
