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
  public func graph(input: Shape, outputs: Int) throws -> LayerGraph {
    try graph(input: input, layout: nil, outputs: outputs)
  }

  /// - Parameters:
  ///   - layout: the meaning of the elements, for a table's rows.
  ///   - scalesInput: whether each element of the input has a factor, `input.gamma`, whose gradient is right only if that with
  ///     respect to the input is.
  package func graph(
    input: Shape, layout: InputLayout?, outputs: Int, scalesInput: Bool = false
  ) throws -> LayerGraph {
    if let problem = input.problem { throw NetworkError("invalid input shape \(input): \(problem).") }
    var builder = GraphBuilder(input: input, layout: layout)
    let first =
      scalesInput ? try builder.add(LayerScale(scale: 1), named: "input", reading: [0], before: Successors()) : 0
    var last = try builder.add(layers, reading: first)
    if !builder.shape(of: last).isVector {
      last = try builder.add(Flatten(), named: Flatten.kind, reading: [last], before: Successors())
    }
    let output: any Layer = builder.copies(of: last) > 1 ? MemberDense(units: outputs) : Dense(outputs)
    try builder.add(output, named: "output", reading: [last], before: Successors())
    return builder.graph
  }
}

/// A layer that consists of others.
package protocol CompositeLayer: Layer {
  /// Adds its layers to the graph and returns the value of the last.
  func add(to builder: inout GraphBuilder, named name: String, reading value: Int) throws -> Int
  /// The lists of its layers.
  var lists: [[any Layer]] { get }
  /// Returns it with each of these lists changed.
  func mappingLists(_ change: ([any Layer]) -> [any Layer]) -> any Layer
}

/// Adds layers to a graph, first to last.
package struct GraphBuilder {
  private let input: Shape
  private var layout: InputLayout?
  private var layers: [PlacedLayer] = []
  private var counts: [String: Int] = [:]
  private var parameters = TensorList()
  private var state = TensorList()

  init(input: Shape, layout: InputLayout?) {
    self.input = input
    self.layout = layout
  }

  var graph: LayerGraph {
    LayerGraph(
      input: input, layers: layers, parameters: parameters.tensors, state: state.tensors,
      parameterElements: parameters.elements, stateElements: state.elements)
  }

  /// Whether a value is another, element by element.
  func isSame(_ value: Int, as other: Int) -> Bool {
    value == other || value > 0 && layers[value - 1].isIdentity && isSame(layers[value - 1].inputs[0], as: other)
  }

  /// The shape of a value.
  func shape(of value: Int) -> Shape { value == 0 ? input : layers[value - 1].outputShape }

  /// The number of rows of a value for a row of the batch.
  func copies(of value: Int) -> Int { value == 0 ? 1 : layers[value - 1].copies }

  /// Adds a list of layers, each reading the one before, and returns the value of the last.
  mutating func add(_ list: [any Layer], reading value: Int) throws -> Int {
    var value = value
    for (index, layer) in list.enumerated() {
      let kind = type(of: layer).kind
      counts[kind, default: 0] += 1
      let name = kind + String(counts[kind, default: 0])
      if let problem = layer.problem ?? LayerRegistry.problem(of: layer) {
        throw NetworkError("layer \(name): \(problem).")
      }
      if let composite = layer as? any CompositeLayer {
        value = try composite.add(to: &self, named: name, reading: value)
      } else {
        value = try add(layer, named: name, reading: [value], before: Successors(list[(index + 1)...]))
      }
    }
    return value
  }

  /// Adds a layer, and returns the value that it makes.
  @discardableResult
  mutating func add(
    _ layer: any Layer, named name: String, reading values: [Int], before next: Successors
  ) throws -> Int {
    let layer = try bound(layer, named: name)
    let shape = shape(of: values[0])
    let output = try outputShape(of: layer, named: name, for: shape)
    guard layer is any EngineLayer || layer is any RowLayer else {
      throw NetworkError("layer \(name): it must conform to RowLayer to be computed.")
    }
    let own = layer as? any EngineLayer
    let copies = copies(of: values[0])
    precondition(values.allSatisfy { self.copies(of: $0) == copies }, "members begin outside of blocks")
    if let own, own.copies > 1, copies > 1 {
      throw NetworkError("layer \(name): the members begin at an earlier layer; for further scales use memberScale.")
    }
    let made = copies * (own?.copies ?? 1)
    let parameters =
      own?.parameters(for: shape, copies: made, before: next) ?? layer.parameters(for: shape, before: next)
    try check(parameters.map { ($0.name, $0.shape) } + layer.state(for: shape).map { ($0.name, $0.shape) }, of: name)
    layers.append(
      PlacedLayer(
        name: name, layer: layer, inputs: values, inputShape: shape, outputShape: output, inputCopies: copies,
        copies: made,
        parameters: parameters.map {
          self.parameters.add(
            name + "." + $0.name, $0.shape, initializer: $0.initializer, isPenalized: $0.isPenalized)
        },
        state: layer.state(for: shape).map {
          state.add(
            name + "." + $0.name, $0.shape, initializer: .constant($0.initial), isPenalized: false,
            correctedMomentum: $0.correctedMomentum)
        }))
    return layers.count
  }

  private func outputShape(of layer: any Layer, named name: String, for input: Shape) throws -> Shape {
    let output: Shape
    do {
      output = try layer.outputShape(for: input)
    } catch var error as ShapeError {
      error.layer = name
      throw error
    } catch {
      throw NetworkError("layer \(name): \(error)")
    }
    if let problem = output.problem { throw NetworkError("layer \(name): invalid output shape \(output): \(problem).") }
    if let row = layer as? any RowLayer, row.scratchWidth(for: input) < 0 {
      throw NetworkError("layer \(name): its scratch width must be at least 0, not \(row.scratchWidth(for: input)).")
    }
    return output
  }

  /// Checks the names and shapes of a layer's tensors.
  private func check(_ tensors: [(name: String, shape: Shape)], of layer: String) throws {
    for (tensor, shape) in tensors {
      if let problem = shape.problem {
        throw NetworkError("layer \(layer): invalid shape \(shape) of its tensor '\(tensor)': \(problem).")
      }
    }
    for (place, tensor) in tensors.enumerated() where tensors[..<place].contains(where: { $0.name == tensor.name }) {
      throw NetworkError("layer \(layer): two of its tensors are named '\(tensor.name)'; each needs a name of its own.")
    }
  }

  /// A layer that treats the columns of a table individually, bound to these columns.
  private mutating func bound(_ layer: any Layer, named name: String) throws -> any Layer {
    guard let columns = layer as? any ColumnLayer else { return layer }
    guard let before = layout, layers.allSatisfy({ $0.layer is any ColumnLayer || $0.isIdentity })
    else {
      throw NetworkError(
        "layer \(name): it processes table columns, so it must be the first layer, and the data must be a table.")
    }
    layout = columns.outputLayout(for: before)
    return columns.bound(to: before)
  }
}

/// Tensors one after the other in a flat buffer, each aligned to a cache line.
private struct TensorList {
  private(set) var tensors: [PlacedTensor] = []
  private(set) var elements = 0

  mutating func add(
    _ name: String, _ shape: Shape, initializer: Initializer, isPenalized: Bool, correctedMomentum: Double? = nil
  ) -> PlacedTensor {
    let tensor = PlacedTensor(
      name: name, shape: shape, initializer: initializer, isPenalized: isPenalized,
      correctedMomentum: correctedMomentum, offset: elements)
    tensors.append(tensor)
    // 16 elements fill a cache line in Float and two in Double.
    elements += (tensor.count + 15) / 16 * 16
    return tensor
  }
}
