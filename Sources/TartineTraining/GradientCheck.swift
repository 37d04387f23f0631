import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers

/// The gradient of one parameter tensor, compared with central differences.
public struct GradientCheck: Hashable, Sendable {
  /// The name of the tensor, such as `dense1.weight`.
  public let parameter: String
  /// The number of elements that were compared.
  public let elements: Int
  /// The largest difference, as a fraction of the largest gradient of the tensor, which is taken as at least 10⁻³.
  public let largestError: Double
  /// The index of the element with the largest difference.
  public let worstElement: Int
  /// Whether every compared element agrees to 10⁻⁶.
  public var passes: Bool { largestError <= 1e-6 }
}

extension Network {
  /// Compares the gradient of every parameter with (L(w + h) − L(w − h)) / 2h, h = 10⁻⁵, in double precision.
  ///
  /// Use it to test a `RowLayer` or a `CustomLoss`. `input.gamma`, a factor of each input element, checks the gradient with respect
  /// to the input. If a layer's parameters agree and all below it do not, its input gradient is wrong. Random rows and targets are
  /// drawn from the seed. Parameters that are initialized with constants, such as biases, are perturbed, so that no unit is at the
  /// kink of a rectifier and no factor is 1. Activations and gradients hold stale values beforehand, so that a value that a layer
  /// fails to write is detected.
  ///
  /// ```swift
  /// let checks = try Network { Dense(6); Gate(); Tanh(); Gate() }.checkGradients(input: [5])
  /// for check in checks where !check.passes { print(check) }
  /// ```
  ///
  /// - Parameters:
  ///   - shape: the shape of a row.
  ///   - output: the output; three classes by default.
  ///   - loss: the loss; by default that of the output.
  ///   - rows: the number of rows, at least 2.
  ///   - most: the largest number of elements compared per tensor; more are sampled.
  ///   - seed: the seed of rows, parameters and dropout masks.
  /// - Returns: One check for each parameter tensor, in the order of the layers.
  /// - Throws: `ShapeError`, `NetworkError`; also where a row's loss depends on the other rows, and no layer says so with
  ///   `mixesRows`. `RecipeError` for a loss that does not fit the output.
  public func checkGradients(
    input shape: Shape, output: Output = .softmax(classes: 3), loss: Loss = .automatic, rows: Int = 9,
    elementsPerTensor most: Int = 200, seed: UInt64 = 0
  ) throws -> [GradientCheck] {
    precondition(rows > 1 && most > 0, "at least two rows and one element are needed")
    if let problem = loss.problem ?? loss.problem(for: output) { throw RecipeError(problem + ".") }
    let graph = try graph(input: shape, layout: nil, outputs: output.width, scalesInput: true)
    let weights = graph.makeInitialParameters(.float64, seed: seed)
    var stream = RandomStream(seed: seed, purpose: .test)
    for tensor in graph.parameters where !tensor.isPenalized || tensor.initializer.isConstant {
      let elements = tensor.elements(Double.self, in: weights)
      for index in 0..<tensor.count { elements[index] += stream.uniform() }
    }
    let step = TrainingStep(
      graph: graph, output: output, loss: loss, optimizer: .gradientDescent(), penalty: .none, precision: .float64,
      batch: rows,
      seed: seed, workers: Workers(1), weights: weights, state: graph.makeInitialState(.float64))
    let order = (0..<Int32(rows)).map { $0 }
    let data = Self.randomRows(rows, of: shape.count, output, &stream)
    return try order.withUnsafeBufferPointer { order in
      if isRepeatable { try checkRows(step, order, data) }
      step.begin(order, of: data)
      // What is in memory before must not matter.
      let scale = graph.parameters[0].elements(Double.self, in: weights)
      scale[0] += 1
      _ = step.computeGradients(step: 0)
      scale[0] -= 1
      step.gradients.base.assumingMemoryBound(to: Double.self).update(repeating: 1e3, count: graph.parameterElements)
      _ = step.computeGradients(step: 0)
      let gradients = graph.parameters.map { Array($0.elements(Double.self, in: step.gradients)) }
      return zip(graph.parameters, gradients).map { tensor, gradient in
        let elements = tensor.elements(Double.self, in: weights)
        let places =
          tensor.count <= most ? Array(0..<tensor.count) : (0..<most).map { _ in stream.integer(below: tensor.count) }
        let scale = max(gradient.map(abs).max() ?? 0, 1e-3)
        let errors = places.map { place -> Double in
          let h = 1e-5
          let before = elements[place]
          elements[place] = before + h
          let up = step.computeGradients(step: 0).loss
          elements[place] = before - h
          let down = step.computeGradients(step: 0).loss
          elements[place] = before
          let error = abs((up - down) / (2 * h) - gradient[place]) / scale
          return error.isNaN ? .infinity : error
        }
        let worst = errors.indices.max { errors[$0] < errors[$1] } ?? 0
        return GradientCheck(
          parameter: tensor.name, elements: places.count, largestError: errors[worst], worstElement: places[worst])
      }
    }
  }

  /// - Throws: `NetworkError` where the loss of a batch is not the mean of its rows' losses alone.
  private func checkRows(_ step: TrainingStep, _ order: UnsafeBufferPointer<Int32>, _ data: PreparedRows) throws {
    func loss(_ rows: UnsafeBufferPointer<Int32>) -> Double {
      step.begin(rows, of: data)
      return step.computeGradients(step: 0).loss
    }
    let together = loss(order)
    let alone = order.indices.map { loss(UnsafeBufferPointer(rebasing: order[$0..<$0 + 1])) }
    let mean = alone.reduce(0, +) / Double(order.count)
    guard abs(together - mean) <= 1e-9 * max(1, abs(mean)) || !together.isFinite else {
      throw NetworkError(
        "the loss of \(order.count) rows together is \(together), and the mean of each alone is \(mean): a layer depends "
          + "on other rows of the batch; return true from its mixesRows.")
    }
  }

  private static func randomRows(
    _ rows: Int, of width: Int, _ output: Output, _ stream: inout RandomStream
  ) -> PreparedRows {
    func arena(_ count: Int, _ value: (Int) -> Float) -> Arena {
      let arena = Arena(byteCount: count * MemoryLayout<Float>.size)
      for index in 0..<count { arena.base.assumingMemoryBound(to: Float.self)[index] = value(index) }
      return arena
    }
    let inputs = arena(rows * width) { _ in Float(stream.normalPair().0) }
    let targets: PreparedRows.Targets =
      output.takesLabels
      ? .labels((0..<rows).map { Int32($0 % output.width) })
      : .matrix(arena(rows * output.width) { Float($0 % 2) }, width: output.width)
    return PreparedRows(width: width, elements: .floats(inputs), targets: targets, origin: Array(0..<rows))
  }
}
