import TartineEngine

/// A graph lowered to operations, for passes of at most so many rows: the one place of fusion, and of the memory of a
/// pass.
///
/// Operation i makes value i + 1; value 0 is the input.
package struct Program: Sendable {
  package let operations: [any Operation]
  /// The number of elements of a row of the input.
  let inputWidth: Int
  /// The number of rows of each value for a row of the input.
  let copies: [Int]
  /// The offset of each value in the memory of a pass; the input's is its own buffer in prediction.
  let values: [Int]
  /// Where the gradient of each value lies; nil where nothing below it learns.
  let gradients: [GradientPlace?]
  /// The operation whose output is that of a layer, by the layer's name; a layer that is fused with the next has none.
  let stored: [String: Int]
  /// The operations that propagate to each value, in their order.
  let propagators: [[Int]]
  let memory: ArenaLayout

  enum GradientPlace: Sendable, Equatable {
    case own(offset: Int)
    /// That of the output, or of the logits, which the loss replaces by their gradient.
    case value(Int)
  }

  /// - Parameters:
  ///   - batch: the most rows of a pass.
  ///   - isTraining: whether it has a backward pass.
  ///   - isOneHot: whether the input is mostly one-hot.
  package init(_ graph: LayerGraph, batch: Int, precision: Precision, isTraining: Bool, isOneHot: Bool = false) {
    var builder = ProgramBuilder(graph)
    for layer in graph.layers { builder.add(layer) }
    var operations = builder.operations
    stored = builder.stored
    copies = builder.copies
    let count = operations.count + 1
    inputWidth = graph.input.count
    var readers = [[Int]](repeating: [], count: count)
    for (number, operation) in operations.enumerated() {
      for input in operation.inputs { readers[input].append(number) }
    }
    // A value needs a gradient if anything below it learns.
    var learns = [Bool](repeating: false, count: count)
    for (number, operation) in operations.enumerated() {
      learns[number + 1] = operation.learns || operation.inputs.contains { learns[$0] }
    }
    var layout = ArenaLayout()
    var values = [layout.reserve(isTraining ? 0 : batch * graph.input.count, size: precision.size)]
    for (number, operation) in operations.enumerated() {
      let rows = batch * copies[number + 1]
      values.append(layout.reserve(rows * operation.width, size: precision.size))
      let input = operation.inputs[0]
      var plan = OperationPlan(
        number: number, batch: rows, precision: precision, isTraining: isTraining,
        widthAbove: readers[number + 1].map { operations[$0].width }.max() ?? 0,
        propagates: isTraining && learns[input], isSoleReader: readers[input].count == 1,
        isOneHot: isOneHot && input == 0, layout: layout)
      operations[number].plan(&plan)
      layout = plan.layout
    }
    var gradients = [GradientPlace?](repeating: nil, count: count)
    var propagators = [[Int]](repeating: [], count: count)
    if isTraining { gradients[count - 1] = .value(count - 1) }
    for value in (0..<count - 1).reversed() where isTraining && learns[value] {
      let sole = readers[value].count == 1 ? operations[readers[value][0]].inputGradient : .propagated
      gradients[value] =
        sole == .inOutput
        ? gradients[readers[value][0] + 1]
        : .own(offset: layout.reserve(batch * copies[value] * operations[value - 1].width, size: precision.size))
      if sole == .propagated { propagators[value] = readers[value] }
    }
    self.operations = operations
    self.values = values
    self.gradients = gradients
    self.propagators = propagators
    memory = layout
  }
}

extension LayerGraph {
  /// Whether the first operation's products can take one-hot rows.
  package var takesOneHot: Bool {
    layers.first { !$0.isIdentity }?.layer is any OneHotReader
  }
}

/// A layer that the engine has operations for.
package protocol EngineLayer: Layer {
  /// Whether its output is its input, element by element.
  var isIdentity: Bool { get }
  /// The number of rows that it makes of each.
  var copies: Int { get }
  /// Returns the layer's parameters, where it has some for each of the copies of a row that the network has made.
  func parameters(for input: Shape, copies: Int, before next: Successors) -> [Parameter]
  /// Adds what computes the layer to a program.
  func lower(_ place: PlacedLayer, into program: inout ProgramBuilder)
}

extension EngineLayer {
  package var isIdentity: Bool { false }
  package var copies: Int { 1 }
  package func parameters(for input: Shape, copies: Int, before next: Successors) -> [Parameter] {
    parameters(for: input, before: next)
  }
}

/// A layer whose products can take one-hot rows.
package protocol OneHotReader: EngineLayer {}

/// Lowers layers to operations, first to last, and fuses neighbours.
package struct ProgramBuilder {
  fileprivate var operations: [any Operation] = []
  /// The value of the program that is each value of the graph.
  private var values = [0]
  /// The number of rows of each value of the program for a row of the input.
  fileprivate var copies = [1]
  /// The last layer of each operation.
  private var last: [String] = []
  fileprivate var stored: [String: Int] {
    Dictionary(last.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }
  /// The layers that read each value of the graph, or what is the same, element by element.
  private var readers: [Int]

  fileprivate init(_ graph: LayerGraph) {
    readers = [Int](repeating: 0, count: graph.layers.count + 1)
    var roots = [0]
    for (number, place) in graph.layers.enumerated() {
      roots.append(place.isIdentity ? roots[place.inputs[0]] : number + 1)
      for input in place.inputs where !place.isIdentity { readers[roots[input]] += 1 }
    }
    for value in roots.indices { readers[value] = readers[roots[value]] }
  }

  fileprivate mutating func add(_ place: PlacedLayer) {
    if place.isIdentity {
      values.append(values[place.inputs[0]])
    } else if let layer = place.layer as? any EngineLayer {
      layer.lower(place, into: &self)
    } else if let layer = place.layer as? any RowLayer {
      append(RowOperation(layer, place, number: operations.count, input: values[place.inputs[0]]), of: place)
    } else {
      preconditionFailure("the graph has checked that \(place.name) can be computed")
    }
  }

  /// Adds an operation of a layer; `make` gets its number and the values that it reads.
  mutating func append(_ place: PlacedLayer, _ make: (_ number: Int, _ inputs: [Int]) -> any Operation) {
    append(make(operations.count, place.inputs.map { values[$0] }), of: place)
  }

  private mutating func append(_ operation: any Operation, of place: PlacedLayer) {
    operations.append(operation)
    copies.append(place.copies)
    last.append(place.name)
    values.append(operations.count)
  }

  /// Extends the dense operation that makes a layer's input by a stage, or begins another.
  ///
  /// A stage joins if it comes after all that the operation has, and nothing else reads what lies between.
  mutating func fuse(_ place: PlacedLayer, _ stage: DenseOperation.Stage, _ change: (inout DenseOperation) -> Void) {
    let input = values[place.inputs[0]]
    if input > 0, readers[place.inputs[0]] == 1,
      var operation = operations[input - 1] as? DenseOperation, operation.takes(stage)
    {
      operation.stage = stage
      change(&operation)
      operations[input - 1] = operation
      last[input - 1] = place.name
      values.append(input)
    } else {
      var operation = DenseOperation(
        name: place.name, number: operations.count, input: input, inputWidth: place.inputShape.count,
        width: place.outputShape.count, stage: stage)
      change(&operation)
      append(operation, of: place)
    }
  }
}
