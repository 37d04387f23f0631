/// A reshape of a sample of any shape into a vector, in row-major order, without copying.
///
/// **Shapes**: [rows, h, w, c] → [rows, h · w · c].
public struct Flatten: FusedLayer {
  /// `"flatten"`.
  public static let kind = "flatten"

  /// Creates a flatten layer.
  public init() {}

  /// Returns a vector of all elements.
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }

  package var role: Role { .reshape }
}
