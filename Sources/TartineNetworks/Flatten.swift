/// Turns a sample of any shape into a vector, row by row. Moves nothing.
///
/// **Shapes**: [rows, h, w, c] → [rows, h · w · c].
public struct Flatten: FusedLayer {
  /// `"flatten"`.
  public static let kind = "flatten"

  /// Flattens.
  public init() {}

  /// A vector of all elements.
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }

  package var role: Role { .reshape }
}
