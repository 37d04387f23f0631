import TartineEngine

/// An error for a network that cannot be built.
public struct NetworkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sentence that says what is wrong, where, and what to do.
  public let description: String

  package init(_ description: String) { self.description = description }
}

extension Network {
  /// Checks all shapes and lays out the parameters.
  ///
  /// - Parameters:
  ///   - input: the shape of a sample.
  ///   - outputs: the number of outputs that the task needs; the output layer is appended here.
  /// - Throws: `ShapeError` with the layer and both shapes; `NetworkError` for a layer with invalid values.
  public func plan(input: Shape, outputs: Int) throws -> NetworkPlan {
    try plan(input: input, layout: nil, outputs: outputs)
  }

  /// - Parameter layout: the meaning of the elements, for a table's rows.
  package func plan(input: Shape, layout: InputLayout?, outputs: Int) throws -> NetworkPlan {
    var planner = NetworkPlanner(input: input, layout: layout)
    try planner.add(layers)
    try planner.addOutput(units: outputs)
    return planner.finish()
  }
}

/// Processes the layers in order, fusing neighbours.
private struct NetworkPlanner {
  private let input: Shape
  private var layout: InputLayout?
  private var shape: Shape
  private var rows: [PlannedLayer] = []
  private var counts: [String: Int] = [:]
  private var parameters = TensorList()
  private var state = TensorList()
  private var nodes: [Node] = []
  private var open: FusedNode?
  private var rank = 0

  init(input: Shape, layout: InputLayout?) {
    self.input = input
    self.layout = layout
    shape = input
  }

  mutating func add(_ layers: [any Layer]) throws {
    for (index, layer) in layers.enumerated() {
      let rest = layers[(index + 1)...]
      try add(layer, next: rest.first, activation: Self.activation(after: rest))
    }
  }

  /// The activation that follows a dense layer, after an optional norm; the identity where another layer
  /// comes first.
  private static func activation(after layers: ArraySlice<any Layer>) -> Activation {
    for layer in layers {
      if layer is PReLU { return .relu }
      if layer is any RowNorm { continue }
      guard let fused = layer as? any FusedLayer else { return .identity }
      switch fused.role {
      case .activation(let activation): return activation
      case .norm, .reshape: continue
      case .dense, .dropout: return .identity
      }
    }
    return .identity
  }

  private mutating func add(_ layer: any Layer, next: (any Layer)?, activation: Activation) throws {
    let kind = type(of: layer).kind
    counts[kind, default: 0] += 1
    let name = kind + String(counts[kind, default: 0])
    try add(layer, named: name, next: next, activation: activation)
  }

  mutating func addOutput(units: Int) throws {
    let layer = Dense(units)
    if !shape.isVector { try add(Flatten(), named: "flatten", next: layer, activation: .identity) }
    try add(layer, named: "output", next: nil, activation: .identity)
  }

  private mutating func add(
    _ layer: any Layer, named name: String, next: (any Layer)?, activation: Activation
  ) throws {
    if let problem = layer.problem { throw NetworkError("layer \(name): \(problem).") }
    var layer = layer
    if let columns = layer as? any ColumnLayer {
      let isFirst =
        open == nil
        && nodes.allSatisfy { if case .custom(let node) = $0 { node.layer is any ColumnLayer } else { false } }
      guard let before = layout, isFirst else {
        throw NetworkError(
          "layer \(name): it processes table columns, so it must be the first layer, and the data must be a table.")
      }
      layer = columns.bound(to: before)
      layout = columns.outputLayout(for: before)
    }
    let output: Shape
    do {
      output = try layer.outputShape(for: shape)
    } catch var error as ShapeError {
      error.layer = name
      throw error
    }
    let before = parameters.count
    if let residual = layer as? Residual {
      try addResidual(residual, named: name)
    } else if let fused = layer as? any FusedLayer {
      addFused(fused.role, named: name, output: output, next: next, activation: activation)
    } else if let custom = layer as? any CustomLayer {
      closeFused()
      let spans = custom.parameters(for: shape).map { parameters.add($0, prefix: name) }
      nodes.append(
        .custom(CustomNode(name: name, layer: custom, input: shape, output: output, parameters: spans)))
    } else {
      throw NetworkError("layer \(name): it must conform to CustomLayer to be computed.")
    }
    shape = output
    let learned = layer is Residual ? 0 : parameters.count - before
    rows.append(PlannedLayer(name: name, outputShape: output, parameterCount: learned))
  }

  /// The layers inside, which have their own lines, and then the sum.
  private mutating func addResidual(_ residual: Residual, named name: String) throws {
    closeFused()
    let (before, source) = (shape, nodes.count - 1)
    try add(residual.block.layers)
    closeFused()
    guard shape == before else {
      throw NetworkError(
        "layer \(name): its layers turn \(before) into \(shape), which cannot be added; end with a dense layer of "
          + "\(before.count) units.")
    }
    let isShared = nodes.contains { if case .fused(let node) = $0 { node.skipFrom == source } else { false } }
    guard nodes.count > source + 1 else {
      throw NetworkError("layer \(name): it contains no computation, so it would only double its input.")
    }
    guard !isShared else {
      throw NetworkError("layer \(name): a residual block must begin with a layer, not with another block.")
    }
    var sum = FusedNode(name: name, inputWidth: shape.count, width: shape.count)
    sum.skipFrom = source
    nodes.append(.fused(sum))
  }

  private mutating func addFused(
    _ role: Role, named name: String, output: Shape, next: (any Layer)?, activation: Activation
  ) {
    switch role {
    case .reshape:
      return
    case .dense(let dense):
      begin(rank: 0, named: name, width: output.count)
      let followedByNorm = next is BatchNorm
      open?.weight = parameters.add(
        Parameter(
          "weight", shape: [shape.count, dense.units],
          initializer: dense.initializer.initializer(
            fanIn: shape.count, fanOut: dense.units, before: activation), isPenalized: true),
        prefix: name)
      if dense.bias ?? !followedByNorm {
        open?.bias = parameters.add(
          Parameter("bias", shape: [dense.units], initializer: .constant(0), isPenalized: false),
          prefix: name)
        // A biased sum is normalized by a separate node.
        if followedByNorm { closeFused() }
      }
    case .norm(let layer):
      begin(rank: 1, named: name, width: output.count)
      let learned = layer.parameters(for: shape).map { parameters.add($0, prefix: name) }
      let start = layer.averages == .torch || layer.averages == .keras ? 1.0 : 0
      open?.norm = PlannedNorm(
        layer: layer, gamma: learned[0], beta: learned[1],
        movingMean: state.add(
          Parameter("movingMean", shape: shape, initializer: .constant(0), isPenalized: false),
          prefix: name),
        movingVariance: state.add(
          Parameter("movingVariance", shape: shape, initializer: .constant(start), isPenalized: false),
          prefix: name))
    case .activation(let activation):
      begin(rank: 2, named: name, width: output.count)
      open?.activation = activation
    case .dropout(let layer):
      if layer.keep == 1 { return }
      begin(rank: 3, named: name, width: output.count)
      open?.keep = layer.keep
      open?.keepSchedule = layer.schedule
    }
  }

  /// Extends the current node if this role comes after all that it contains, or begins another.
  private mutating func begin(rank newRank: Int, named name: String, width: Int) {
    if open == nil || newRank <= rank {
      closeFused()
      open = FusedNode(name: name, inputWidth: shape.count, width: width)
    }
    rank = newRank
  }

  private mutating func closeFused() {
    if let node = open { nodes.append(.fused(node)) }
    open = nil
  }

  mutating func finish() -> NetworkPlan {
    closeFused()
    return NetworkPlan(
      input: input, layers: rows, parameters: parameters.tensors, state: state.tensors, nodes: nodes,
      parameterElements: parameters.elements, stateElements: state.elements)
  }
}

/// Tensors one after the other in a flat buffer, each aligned to a cache line.
private struct TensorList {
  private(set) var tensors: [PlannedTensor] = []
  private(set) var elements = 0
  private(set) var count = 0

  mutating func add(_ parameter: Parameter, prefix: String) -> TensorSpan {
    let tensor = PlannedTensor(
      name: prefix + "." + parameter.name, shape: parameter.shape, initializer: parameter.initializer,
      isPenalized: parameter.isPenalized, offset: elements)
    tensors.append(tensor)
    count += tensor.count
    // 16 elements fill a cache line in Float and two in Double.
    elements += (tensor.count + 15) / 16 * 16
    return tensor.span
  }
}
