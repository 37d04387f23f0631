import Tartine
import Testing

/// A batch in shards: one sum, whoever computes it.
@Suite struct ShardTests {
  private static let (rows, width) = (64, 40)

  private let plain = Network {
    Dense(160); Tanh(); Dense(30); GELU()
  }
  private let drawn = Network {
    Dense(160); BatchNorm(); Tanh(); Dropout(keep: 0.7); LayerNorm(); Dense(30); PReLU()
  }
  private let data = PreparedRows.of(
    RandomStream.normals(rows * width, seed: 8), width: width, targets: .labels((0..<Int32(rows)).map { $0 % 3 }))

  private func step(
    _ network: Network, shards: Int = 1, batch: Int = rows, threads: Int = 1, _ precision: Precision = .float32
  ) throws -> TrainingStep {
    let graph = try network.graph(input: [Self.width], outputs: 3)
    return TrainingStep(
      graph: graph, output: .softmax(classes: 3), optimizer: .gradientDescent(), penalty: .none, precision: precision,
      batch: batch, shards: shards, seed: 11, workers: Workers(threads),
      weights: graph.makeInitialParameters(precision, seed: 3), state: graph.makeInitialState(precision))
  }

  /// The gradient of some rows.
  private func gradient(
    _ step: TrainingStep, rows: Range<Int>, number: Int, _ precision: Precision = .float32
  ) -> (all: [Double], loss: Double) {
    let order = rows.map { Int32($0) }
    return order.withUnsafeBufferPointer { order in
      step.begin(order, of: data)
      let result = step.computeGradients(step: number)
      return (step.graph.parameters.flatMap { $0.doubles(in: step.batchGradients, precision) }, result.loss)
    }
  }

  @Test func oneAfterAnotherOrSeveralAtOnce() throws {
    let one = gradient(try step(drawn, shards: 4), rows: 0..<Self.rows, number: 5)
    let two = gradient(try step(drawn, shards: 4, threads: 2), rows: 0..<Self.rows, number: 5)
    #expect(one.all == two.all && one.loss == two.loss)
    // Two processes with two shards each, and the sum of their sums; each shard has its own step, and no memory of another.
    let graph = try drawn.graph(input: [Self.width], outputs: 3)
    func tree(_ shards: Int) -> ShardTree {
      ShardTree(shards: shards, elements: graph.parameterElements, precision: .float32, workers: Workers(1))
    }
    let sums = try [0..<2, 2..<4].map { shards in
      let sum = tree(2)
      sum.begin()
      for shard in shards {
        let own = try step(drawn, batch: 16)
        let loss = gradient(own, rows: shard * 16..<(shard + 1) * 16, number: 5 * 4 + shard).loss
        sum.add(gradients: own.gradients, loss: loss, share: 0.25)
      }
      return (sum, sum.total())
    }
    let all = tree(2)
    all.begin()
    for (sum, loss) in sums { all.add(gradients: sum.sum, loss: loss, share: 1) }
    let loss = all.total()
    #expect(graph.parameters.flatMap { $0.doubles(in: all.sum, .float32) } == one.all && loss == one.loss)
  }

  @Test(arguments: [2, 3, 4, 7]) func withoutDrawsTheyAreOneBatch(shards: Int) throws {
    let whole = gradient(try step(plain), rows: 0..<Self.rows, number: 0)
    let sum = gradient(try step(plain, shards: shards), rows: 0..<Self.rows, number: 0)
    let largest = whole.all.map(abs).max() ?? 0
    #expect(zip(whole.all, sum.all).allSatisfy { abs($0 - $1) <= 1e-6 * largest })
    #expect(abs(whole.loss - sum.loss) <= 1e-6 * whole.loss)
  }

  /// Batch norm takes the statistics of each shard, and its moving averages go through the shards in their order.
  @Test func batchNormSeesAShard() throws {
    let network = Network {
      Dense(20); BatchNorm(); Tanh()
    }
    let sharded = try step(network, shards: 2, .float64)
    let sum = gradient(sharded, rows: 0..<Self.rows, number: 0, .float64)
    let halves = try step(network, batch: 32, .float64)
    let first = gradient(halves, rows: 0..<32, number: 0, .float64)
    let second = gradient(halves, rows: 32..<64, number: 1, .float64)
    #expect(zip(sum.all, zip(first.all, second.all)).allSatisfy { abs($0 - ($1.0 + $1.1) / 2) < 1e-15 })
    for tensor in sharded.graph.state {
      #expect(tensor.doubles(in: sharded.state, .float64) == tensor.doubles(in: halves.state, .float64))
    }
    let whole = gradient(try step(network, .float64), rows: 0..<Self.rows, number: 0, .float64)
    #expect(zip(sum.all, whole.all).contains { abs($0 - $1) > 1e-6 })
  }
}
