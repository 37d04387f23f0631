import Tartine
import Testing

/// Sample and class weights.
@Suite struct WeightTests {
  /// A row that counts twice has the gradient of two rows.
  @Test(arguments: [Output.softmax(classes: 3), .sigmoid(labels: 2), .identity(values: 2)])
  func twiceIsTwoRows(_ output: Output) throws {
    let graph = try Network {
      Dense(5); Tanh()
    }.graph(input: [2], outputs: output.width)
    let values: [Float] = [0.3, -1, 2, 0.5, -0.7, 1.5]
    func gradients(_ places: [Int], _ weights: [Double]?) -> [Double] {
      let targets: PreparedRows.Targets =
        output.takesLabels
        ? .labels(places.map { Int32($0) })
        : .matrix(Arena.of(places.flatMap { [$0 == 1 ? 1 : 0, $0 == 2 ? 1 : 0] }), width: 2)
      var rows = PreparedRows.of(places.flatMap { values[(2 * $0)..<(2 * $0 + 2)] }, width: 2, targets: targets)
      if let weights { rows = rows.weighted(weights) }
      let step = TrainingStep(
        graph: graph, output: output, optimizer: .gradientDescent(), penalty: .none, precision: .float64,
        batch: places.count, seed: 0, workers: Workers(1),
        weights: graph.makeInitialParameters(.float64, seed: 1), state: graph.makeInitialState(.float64))
      let order = places.indices.map { Int32($0) }
      order.withUnsafeBufferPointer { step.begin($0, of: rows) }
      _ = step.computeGradients(step: 0)
      return graph.parameters.flatMap { $0.doubles(in: step.gradients, .float64) }
    }
    let weighted = gradients([0, 1, 2], [0.75, 1.5, 0.75])
    for (a, b) in zip(weighted, gradients([0, 1, 1, 2], nil)) { #expect(abs(a - b) < 1e-6) }
    #expect(zip(weighted, gradients([0, 1, 2], nil)).contains { abs($0 - $1) > 1e-3 })
  }

  /// One in ten is rare; with balanced weights, its recall is far higher.
  @Test func balancedClassesFindTheRare() throws {
    var stream = RandomStream(seed: 6, purpose: .test)
    let rows = (0..<3000).map { _ in [Float(stream.uniform()), Float(stream.uniform())] }
    let labels = rows.map { row in
      stream.uniform() < 0.22 * Double(row[0]) ? "rare" : "typical"
    }
    let split = try Dataset(features: rows, labels: labels).split(seed: 1)
    let recipe = Recipe {
      Dense(8); Tanh()
    }.epochs(10).bins(0)
    func recall(_ loss: Loss) throws -> Double {
      let metrics = Metrics(try recipe.loss(loss).train(on: split, seed: 2).test())
      return zip(metrics.classes, metrics.byClass).first { $0.0 == "rare" }!.1.recall
    }
    #expect(try recall(.automatic) < 0.1)
    #expect(try recall(.automatic.weighted(.balanced)) > 0.4)
    #expect(try recall(.focal().weighted(.named(["rare": 20, "typical": 1]))) > 0.4)
    #expect(throws: NetworkError.self) { try recall(.automatic.weighted(.named(["rarely": 2]))) }
  }

  @Test func aColumnOfWeightsIsNoInput() throws {
    struct Row: Encodable {
      let x, weight: Double
      let y: String
    }
    // The rows with weight 0 have the opposite label.
    let table = (0..<400).map { number in
      let x = Double(number % 20)
      let counts = number % 3 != 0
      return Row(x: x, weight: counts ? 2 : 0, y: (x > 9.5) == counts ? "high" : "low")
    }
    let dataset = try Dataset(rows: table, target: "y").weighted(by: "weight")
    #expect(dataset.columnNames == ["x"])
    let model = try Recipe {
      Dense(8); ReLU()
    }.epochs(40).optimizer(.adam(learningRate: 0.03)).train(on: try dataset.split(seed: 1), seed: 1).model
    #expect(try model.predict(["x": 19]).text == "high" && model.predict(["x": 0]).text == "low")
    #expect(try model.predict(["x": 19]).probabilities[0] > 0.9)
    #expect(throws: DataError.self) { try dataset.weighted(by: "weight") }
    #expect(throws: DataError.self) { try Dataset(rows: table, target: "weight").weighted(by: "y") }
  }
}
