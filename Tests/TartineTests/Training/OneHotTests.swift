import Testing

import Tartine

/// Tables of categories with hundreds of levels: products take them as places, and learn what the dense product learns.
@Suite struct OneHotTests {
  /// 2 000 rows of three categories of 400 levels each, a number, and a target that both say.
  private func data() throws -> Dataset {
    var stream = RandomStream(seed: 5, purpose: .test)
    var text = "a,x,b,c,y\n"
    for _ in 0..<2_000 {
      let (a, b, c) = (stream.integer(below: 400), stream.integer(below: 400), stream.integer(below: 400))
      let x = 4 * stream.uniform() - 2
      text += "l\(a),\(x),m\(b),n\(c),\(a % 2 == 0 || x > 1 ? "yes" : "no")\n"
    }
    return try Dataset(
      source: "test.csv", columns: try CSVReader(Array(text.utf8), source: "test.csv").read(), target: "y", task: nil)
  }

  /// The first layer, or two layers that read the same rows.
  @Test(arguments: [false, true]) func learnsAsTheDenseProductDoes(hasTwoReaders: Bool) throws {
    let split = try data().split(seed: 1)
    let preparation = try Preparation(fitting: split.dataset, rows: Array(0..<2_000), bins: 0)
    var warnings: [String] = []
    let rows = try preparation.apply(to: split.dataset, rows: Array(0..<2_000), warnings: &warnings)
    guard case .floats(let arena, let encoding) = rows.elements, let encoding else {
      Issue.record("a table is encoded")
      return
    }
    // Four floats a row, whatever its elements are.
    #expect(encoding.storedWidth == 4 && arena.byteCount < 2_000 * 4 * 4 + 64)
    #expect(rows.width > 1_100)
    let oneHot = try #require(rows.oneHot)
    let graph = try Network {
      if hasTwoReaders {
        Residual {
          Dense(16); Tanh()
        } shortcut: {
          Dense(16)
        }
      } else {
        Dense(16)
      }
      ReLU()
    }.graph(input: [rows.width], outputs: 1)
    let floats = Arena(byteCount: 2_000 * rows.width * 4)
    let dense = rows.floats(width: rows.width)
    dense.withUnsafeBytes { floats.base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    let plain = PreparedRows(width: rows.width, elements: .floats(floats), targets: rows.targets, origin: rows.origin)

    func train(_ rows: PreparedRows, _ oneHot: OneHotLayout?) -> [Float] {
      let weights = graph.makeInitialParameters(.float32, seed: 3)
      let step = TrainingStep(
        graph: graph, output: .sigmoid(labels: 1), optimizer: .adam(), penalty: .none, precision: .float32, batch: 64,
        seed: 1,
        workers: Workers(2), weights: weights, state: graph.makeInitialState(.float32), oneHot: oneHot)
      let order = (0..<Int32(2_000)).map { ($0 * 7) % 2_000 }
      order.withUnsafeBufferPointer { order in
        func batch(_ number: Int) -> UnsafeBufferPointer<Int32> {
          UnsafeBufferPointer(rebasing: order[(number % 31 * 64)..<(number % 31 * 64 + 64)])
        }
        step.begin(batch(0), of: rows)
        for number in 0..<30 { _ = step.run(step: number, rate: 0.01, next: batch(number + 1)) }
      }
      let predictor = Predictor(
        graph: graph, output: .sigmoid(labels: 1), precision: .float32,
        networks: [TrainedWeights(weights: weights, state: graph.makeInitialState(.float32))], workers: Workers(2))
      var all: [Float] = []
      // Again, over what the first run left; then the other part of the rows.
      for source in [rows, rows.subset(Array(0..<1_000))] {
        var logits = [Float](repeating: 0, count: source.rowCount)
        logits.withUnsafeMutableBufferPointer { logits in
          nonisolated(unsafe) let logits = logits
          predictor.run(source) { _, range, values in
            for (index, row) in range.enumerated() { logits[row] = values.assumingMemoryBound(to: Float.self)[index] }
          }
        }
        all += logits
      }
      return all
    }
    let (sparse, expected) = (train(rows, oneHot), train(plain, nil))
    for (a, b) in zip(sparse, expected) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
    #expect(Set(sparse).count > 100)
  }
}
