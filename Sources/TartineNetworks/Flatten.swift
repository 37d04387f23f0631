/// A reshape of a sample of any shape into a vector, in row-major order, without copying.
///
/// **Shapes**: [rows, h, w, c] → [rows, h · w · c].
public struct Flatten: EngineLayer, StackLayer {
  /// `"flatten"`.
  public static let kind = "flatten"

  /// Creates a flatten layer.
  public init() {}

  /// Returns a vector of all elements.
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }

  /// True.
  public var isLinear: Bool { true }
  /// That of the next layer.
  public var precedingGain: Activation? { nil }

  package func describe(in stack: inout HiddenStack) {}
  package var isIdentity: Bool { true }
  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {}
}
