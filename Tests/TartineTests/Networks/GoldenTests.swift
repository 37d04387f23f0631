import Foundation
import Tartine
import Testing

/// Our training steps compared with other frameworks', element by element; see Tests/Golden/make_golden.py.
@Suite struct GoldenTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    var testDescription: String { name }
  }

  static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.folder("Golden"))) ?? [])
    .filter { $0.hasSuffix(".safetensors") }.sorted().map { Case(name: String($0.dropLast(12))) }

  /// A missing folder would mean no cases, and no failure.
  @Test func thereAreCases() { #expect(Self.cases.count >= 76) }

  @Test(arguments: cases) func doubleAgreesWithin1e8(of golden: Case) throws {
    try compare(golden, precision: .float64, tolerance: 1e-8)
  }

  @Test(arguments: cases) func floatAgreesWithin1e4(of golden: Case) throws {
    try compare(golden, precision: .float32, tolerance: 1e-4)
  }

  private func compare(_ golden: Case, precision: Precision, tolerance: Double) throws {
    let path = Fixtures.folder("Golden") + "/\(golden.name).safetensors"
    let file = try Safetensors(try Files.read(path), path: path)
    let network = try JSON.decode(Network.self, from: file.metadata["network"]!)
    let optimizer = try JSON.decode(Optimizer.self, from: file.metadata["optimizer"]!)
    let penalty = try JSON.decode(Penalty.self, from: file.metadata["penalty"]!)
    let tolerance = max(tolerance, Double(file.metadata["tolerance"]!)!)
    let x = file.tensors["x"]!
    let y = file.tensors["y"]!
    let outputs = y.shape.count == 1 ? 3 : y.shape[1]
    let output: Output =
      switch file.metadata["output"]! {
      case "softmax": .softmax(classes: outputs)
      case "values": .identity(values: outputs)
      case "rates": .rate(values: outputs)
      default: .sigmoid(labels: outputs)
      }
    let loss = try JSON.decode(Loss.self, from: file.metadata["loss"]!)
    let graph = try network.graph(input: [x.shape[1]], outputs: outputs)
    let weights = graph.makeParameterArena(precision)
    for tensor in graph.parameters {
      tensor.set(try #require(file.tensors["initial.\(tensor.name)"]).doubles, in: weights, precision)
    }
    let state = graph.makeInitialState(precision)
    let losses = file.tensors["losses"]!.doubles
    let rows = x.shape[0] / losses.count
    let step = TrainingStep(
      graph: graph, output: output, loss: loss, optimizer: optimizer, penalty: penalty, precision: precision,
      batch: rows,
      seed: 0, workers: Workers(1), weights: weights, state: state)
    let data = PreparedRows.of(
      x.doubles.map(Float.init), width: x.shape[1],
      targets: output.takesLabels
        ? .labels(y.doubles.map { Int32($0) })
        : .matrix(Arena.of(y.doubles.map(Float.init)), width: outputs))
    let order = (0..<Int32(x.shape[0])).map { $0 }
    for number in losses.indices {
      let batch = order[(number * rows)..<((number + 1) * rows)]
      let result = batch.withUnsafeBufferPointer { batch in
        step.begin(batch, of: data)
        return step.run(
          step: number,
          rate: optimizer.learningRate.rate(
            at: number, of: losses.count, epochSteps: 1, devLosses: Array(losses[..<number])),
          beta1: optimizer.learningRate.beta1(at: number, of: losses.count), next: nil)
      }
      #expect(abs(result.loss - losses[number]) <= tolerance * abs(losses[0]), "loss of step \(number)")
    }
    func check(_ tensor: PlacedTensor, _ arena: Arena, _ key: String) throws {
      let expected = try #require(file.tensors[key]).doubles
      let actual = tensor.doubles(in: arena, precision)
      let largest = expected.map(abs).max() ?? 0
      #expect(actual.count == expected.count)
      for (index, pair) in zip(actual, expected).enumerated() {
        #expect(abs(pair.0 - pair.1) <= tolerance * largest, "\(tensor.name)[\(index)]")
      }
    }
    for tensor in graph.parameters { try check(tensor, weights, "final.\(tensor.name)") }
    for tensor in graph.state { try check(tensor, state, "state.\(tensor.name)") }
  }
}
