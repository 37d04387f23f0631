/// A residual block: y = f(x) + s(x), where the shortcut s is x itself, or layers of its own.
///
/// ```swift
/// Residual { BatchNorm(); ReLU(); Dense(128); BatchNorm(); ReLU(); Dense(128) }
/// Residual { Dense(64); ReLU(); Dense(64) } shortcut: { Dense(64) }
/// ```
///
/// **Shapes**: [rows, n] → [rows, m], the shape that both f and s make; m = n without layers in the shortcut.
///
/// **Source**: He et al., *Deep residual learning for image recognition*, 2016, eq. 1 and 2.
public struct Residual: CompositeLayer {
  /// `"residual"`.
  public static let kind = "residual"
  /// f.
  public let block: Network
  /// s; without layers the input itself.
  public let shortcut: Network

  /// Creates a block of the listed layers.
  public init(
    @LayerBuilder _ layers: () -> [any Layer], @LayerBuilder shortcut: () -> [any Layer] = { [any Layer]() }
  ) {
    block = Network(layers: layers())
    self.shortcut = Network(layers: shortcut())
  }
  private enum CodingKeys: String, CodingKey { case layers, shortcut }
  /// Decodes lists of layers; that of the shortcut is optional.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    block = Network(layers: try values.decode([CodedLayer].self, forKey: .layers).map(\.layer))
    shortcut = Network(layers: try values.decodeIfPresent([CodedLayer].self, forKey: .shortcut)?.map(\.layer) ?? [])
  }
  /// Encodes the lists of layers.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(block.layers.map { CodedLayer($0) }, forKey: .layers)
    if !shortcut.layers.isEmpty { try values.encode(shortcut.layers.map { CodedLayer($0) }, forKey: .shortcut) }
  }

  private var inside: [any Layer] { block.layers + shortcut.layers }
  package var lists: [[any Layer]] { [block.layers, shortcut.layers] }
  package func mappingLists(_ change: ([any Layer]) -> [any Layer]) -> any Layer {
    let (block, shortcut) = (change(block.layers), shortcut.layers.isEmpty ? [] : change(shortcut.layers))
    return Residual {
      block
    } shortcut: {
      shortcut
    }
  }

  /// Returns the input shape; the layers inside are checked, and may change it, when the network becomes a graph.
  public func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    return input
  }

  /// Checks that the block has layers, and no members begin in it.
  public var problem: String? {
    if block.layers.isEmpty { return "a residual block needs layers inside" }
    return Network(layers: inside).flattened.contains { ($0 as? any EngineLayer)?.copies ?? 1 > 1 }
      ? "members cannot begin inside a block; put them before it" : nil
  }
  /// Whether the layers inside are linear.
  public var isLinear: Bool { inside.allSatisfy(\.isLinear) }
  /// Whether a layer inside draws.
  public var isRandom: Bool { inside.contains(where: \.isRandom) }
  /// Whether a layer inside does.
  public var mixesRows: Bool { inside.contains(where: \.mixesRows) }

  /// The layers inside, which have their own names, and then the sum.
  package func add(to builder: inout GraphBuilder, named name: String, reading value: Int) throws -> Int {
    let before = builder.shape(of: value)
    do {
      _ = try outputShape(for: before)
    } catch var error as ShapeError {
      error.layer = name
      throw error
    }
    let last = try builder.add(block.layers, reading: value)
    let side = try builder.add(shortcut.layers, reading: value)
    let (after, beside) = (builder.shape(of: last), builder.shape(of: side))
    guard after == beside else {
      throw NetworkError(
        shortcut.layers.isEmpty
          ? "layer \(name): its layers turn \(before) into \(after), which cannot be added; end with a dense layer of "
            + "\(before.count) units."
          : "layer \(name): its layers turn \(before) into \(after), and its shortcut into \(beside), which cannot be "
            + "added; end both with as many units.")
    }
    guard !builder.isSame(last, as: side) else {
      throw NetworkError("layer \(name): it contains no computation, so it would only double its input.")
    }
    return try builder.add(Sum(), named: name, reading: [last, side], before: Successors())
  }
}

/// The sum of two values of one shape.
///
/// **Shapes**: [rows, n], [rows, n] → [rows, n].
struct Sum: EngineLayer {
  static let kind = "sum"
  func outputShape(for input: Shape) throws -> Shape { input }
  var isLinear: Bool { true }

  func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.append(place) { number, inputs in
      SumOperation(name: place.name, number: number, inputs: inputs, width: place.outputShape.count)
    }
  }
}

/// y = a + b, cut by columns.
struct SumOperation: Operation {
  let name: String
  let number: Int
  let inputs: [Int]
  let width: Int
  private var cut = ColumnCut(width: 1, multiplyAdds: 1)

  init(name: String, number: Int, inputs: [Int], width: Int) {
    self.name = name
    self.number = number
    self.inputs = inputs
    self.width = width
  }

  var learns: Bool { false }
  /// Both inputs need it, and what makes one of them changes its gradient in place.
  var inputGradient: InputGradientPlace { .propagated }

  mutating func plan(_ plan: inout OperationPlan) {
    cut = ColumnCut(width: width, multiplyAdds: plan.batch * width * max(1, plan.widthAbove))
  }

  func parts(rows: Int) -> Int { cut.parts }
  func block(_ part: Int, rows: Int) -> Block { cut.block(part, rows: rows) }

  func forward(_ part: Int, _ block: Block, _ frame: borrowing Frame) {
    let output = frame.values[number + 1]
    frame.copy(block, of: frame.values[inputs[0]], to: output, width: width, adding: false)
    frame.copy(block, of: frame.values[inputs[1]], to: output, width: width, adding: true)
  }

  func propagate(to input: Int, _ block: Block, adding: Bool, _ frame: borrowing Frame) {
    guard let gradient = frame.gradients[number + 1], let target = frame.gradients[input] else { return }
    frame.copy(block, of: gradient, to: target, width: width, adding: adding)
  }

  func differentiate(_ part: Int, _ block: Block, _ frame: borrowing Frame) -> Double { 0 }

  func results(_ frame: borrowing Frame) -> [UnsafeMutableRawPointer] { [frame.values[number + 1]] }
}
