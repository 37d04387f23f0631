import Tartine

/// Complete training steps, with the same loop as the trainer.
struct TrainingBenchmark {
  private let workload: Workload
  private let step: TrainingStep
  private let cut: BatchCut

  init(_ workload: Workload, workers: Workers) throws {
    self.workload = workload
    let graph = try workload.network.graph(input: [workload.inputs], outputs: workload.classes)
    cut = BatchCut(rows: workload.samples, batchSize: workload.batch)
    step = TrainingStep(
      graph: graph, output: .softmax(classes: workload.classes), optimizer: workload.optimizer, penalty: .none,
      precision: .float32, batch: cut.largest, seed: 0, workers: workers,
      weights: graph.makeInitialParameters(.float32, seed: 0), state: graph.makeInitialState(.float32),
      augmentation: workload.augmentation,
      room: workload.image.map { workload.augmentation.room(height: $0.height, width: $0.width, channels: 1) } ?? 0)
  }

  func measure(seconds: Double) -> Measurement {
    let made = ContinuousClock.now
    let data = workload.makeData()
    let making = (ContinuousClock.now - made) / .seconds(1)
    let order = UnsafeMutableBufferPointer<Int32>.allocate(capacity: workload.samples)
    defer { order.deallocate() }
    _ = order.initialize(from: 0..<Int32(workload.samples))
    var number = 0
    func rows(_ batch: Int) -> UnsafeBufferPointer<Int32> {
      UnsafeBufferPointer(rebasing: order[cut[batch]])
    }
    func run() {
      let batch = number % cut.count
      if batch == 0 {
        var stream = RandomStream(seed: 0, purpose: .shuffle, step: number / cut.count)
        stream.shuffle(order)
        step.begin(rows(0), of: data)
      }
      _ = step.run(
        step: number, rate: workload.optimizer.learningRate.rate(at: number, of: 1 << 30, epochSteps: cut.count),
        next: batch + 1 < cut.count ? rows(batch + 1) : nil)
      number += 1
    }
    run()
    let first = ProcessMeasures.secondsSinceStart - making
    // The batches of an epoch have equal sizes, so a step has at most the batch size.
    let rows = Double(workload.samples) / Double(cut.count)
    var result = Measurement(seconds: seconds, samples: rows, run)
    result.secondsPerStep *= Double(workload.batch) / rows
    result.firstStep = first
    return result
  }
}
