/// A residual block: y = x + f(x), where the layers f preserve the width.
///
/// ```swift
/// Residual { BatchNorm(); ReLU(); Dense(128); BatchNorm(); ReLU(); Dense(128) }
/// ```
///
/// **Shapes**: [rows, n] → [rows, n].
///
/// **Source**: He et al., *Deep residual learning for image recognition*, 2016, eq. 1.
public struct Residual: Layer {
  /// `"residual"`.
  public static let kind = "residual"
  /// f.
  public let block: Network

  /// Creates a block of the listed layers.
  public init(@LayerBuilder _ layers: () -> [any Layer]) { block = Network(layers: layers()) }
  private enum CodingKeys: String, CodingKey { case layers }
  /// Decodes a list of layers.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    block = Network(layers: try values.decode([CodedLayer].self, forKey: .layers).map(\.layer))
  }
  /// Encodes the list of layers.
  public func encode(to encoder: any Encoder) throws { try Network(layers: block.layers).encode(to: encoder) }

  /// Returns the input shape; the layers inside are checked when the network is planned.
  public func outputShape(for input: Shape) throws -> Shape {
    guard input.isVector else {
      throw ShapeError(got: input, expected: "n", advice: "insert Flatten() before it.")
    }
    return input
  }

  /// Checks that the block has layers.
  public var problem: String? { block.layers.isEmpty ? "a residual block needs layers inside" : nil }
}
