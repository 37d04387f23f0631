/// A dense layer: Z = X W + b.
///
/// **Shapes**: X [rows, inputs], W [inputs, units], b [units] → Z [rows, units].
///
/// Before a ``BatchNorm`` the bias is omitted, since the norm subtracts it again.
///
/// **Differs from**: PyTorch stores W as [units, inputs].
public struct Dense: OneHotReader, UnitLayer, InitializedLayer, StackLayer {
  /// `"dense"`.
  public static let kind = "dense"

  /// The number of outputs.
  public let units: Int
  /// Whether b is learned; nil: yes, unless a batch norm follows.
  public let bias: Bool?
  /// The initialization of W.
  public let initializer: InitializerRule

  /// - Parameters:
  ///   - units: the number of outputs, at least 1.
  ///   - bias: whether b is learned; nil: yes, unless a batch norm follows.
  ///   - initializer: the initialization of W; by default chosen for the activation that follows.
  public init(_ units: Int, bias: Bool? = nil, initializer: InitializerRule = .automatic) {
    self.units = units
    self.bias = bias
    self.initializer = initializer
  }

  private enum CodingKeys: String, CodingKey { case units, bias, initializer }

  /// Decodes; omitted values are automatic.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    units = try values.decode(Int.self, forKey: .units)
    bias = try values.decodeIfPresent(Bool.self, forKey: .bias)
    initializer = try values.decodeIfPresent(InitializerRule.self, forKey: .initializer) ?? .automatic
  }

  /// A vector of `units`.
  public func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    return [units]
  }

  /// Checks that the number of units is at least 1.
  public var problem: String? {
    units >= 1 && units <= 1 << 20 ? nil : "units must be from 1 to 1048576, not \(units)"
  }

  /// The weights W, and b, which is 0 at first.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    let weight = Parameter(
      "weight", shape: [input.count, units],
      initializer: initializer.initializer(fanIn: input.count, fanOut: units, before: next.gain), isPenalized: true)
    guard bias ?? !next.cancelBias else { return [weight] }
    return [weight, Parameter("bias", shape: [units], initializer: .constant(0), isPenalized: false)]
  }

  /// True.
  public var isLinear: Bool { true }

  package func with(units: Int) -> any Layer { Dense(units, bias: bias, initializer: initializer) }
  package func with(initializer: InitializerRule) -> any Layer { Dense(units, bias: bias, initializer: initializer) }

  package func describe(in stack: inout HiddenStack) {
    stack.hidden.append(units)
    stack.initializer = initializer
  }

  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.fuse(place, .dense) {
      $0.weight = place.parameters[0].span
      $0.bias = place.parameters.count > 1 ? place.parameters[1].span : nil
    }
  }
}
