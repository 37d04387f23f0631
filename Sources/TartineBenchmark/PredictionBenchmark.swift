import Tartine

/// Predictions of all rows of a workload, or of the first few.
struct PredictionBenchmark {
  private let workload: Workload
  private let predictor: Predictor
  private let rows: Int?

  init(_ workload: Workload, workers: Workers, rows: Int? = nil) throws {
    self.workload = workload
    self.rows = rows
    let graph = try workload.network.graph(input: [workload.inputs], outputs: workload.classes)
    predictor = Predictor(
      graph: graph, output: .softmax(classes: workload.classes), precision: .float32,
      networks: [
        TrainedWeights(
          weights: graph.makeInitialParameters(.float32, seed: 0), state: graph.makeInitialState(.float32))
      ],
      workers: workers, rows: rows ?? .max)
  }

  func measure(seconds: Double) -> Measurement {
    let all = workload.makeData()
    let data = rows.map { all.subset(Array(0..<$0)) } ?? all
    let output = Output.softmax(classes: workload.classes)
    let kernels = Precision.float32.kernels
    return Measurement(seconds: seconds, samples: Double(data.rowCount)) {
      predictor.run(data) { _, range, logits in output.activate(logits, rows: range.count, kernels: kernels) }
    }
  }
}
