// Prints the number of allocations of 100 training steps, after the first few steps: `allocations N`.
import Tartine
import TartineAllocationCounter

/// - Parameter optimizer: If it clips gradients, it updates in a separate phase; otherwise when the gradients
///   are computed.
func count(_ optimizer: Optimizer, _ network: Network = fused, shards: Int = 1) throws -> Int {
  let rows = 256
  let width = 40
  let graph = try network.graph(input: [width], outputs: 10)
  let workers = Workers(CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 2 : 2)
  let step = TrainingStep(
    graph: graph, output: .softmax(classes: 10), optimizer: optimizer, penalty: .l1L2(1e-4, 1e-4),
    precision: .float32, batch: 128, shards: shards, seed: 1, workers: workers,
    weights: graph.makeInitialParameters(.float32, seed: 1), state: graph.makeInitialState(.float32))
  let encoding = RowEncoding(
    [RowEncoding.Column](repeating: .number, count: width - 3), bins: [(column: 3, edges: [0, 0.25, 0.5, 1])])
  let inputs = Arena(byteCount: rows * encoding.storedWidth * 4)
  var stream = RandomStream(seed: 1, purpose: .test)
  for index in 0..<rows * encoding.storedWidth {
    inputs.base.assumingMemoryBound(to: Float.self)[index] = Float(stream.uniform())
  }
  let data = PreparedRows(
    width: width, elements: .floats(inputs, encoding), targets: .labels((0..<Int32(rows)).map { $0 % 10 }),
    origin: Array(0..<rows))
  let order = (0..<Int32(rows)).map { $0 }

  return order.withUnsafeBufferPointer { order in
    let first = UnsafeBufferPointer(rebasing: order[..<128])
    let second = UnsafeBufferPointer(rebasing: order[128...])
    step.begin(first, of: data)
    func run(_ numbers: Range<Int>) {
      for number in numbers { _ = step.run(step: number, rate: 1e-3, next: number % 2 == 0 ? second : first) }
    }
    run(0..<10)
    let before = tartine_allocation_count()
    run(10..<110)
    let after = tartine_allocation_count()
    return Int(after - before)
  }
}

let fused = Network {
  Dense(300); BatchNorm(); ReLU(); Dropout(keep: 0.8); Dense(64); GELU()
}
/// Rows and blocks; large enough that they are cut.
let rows = Network {
  GaussianNoise(standardDeviation: 0.1); Dense(300); LayerNorm(); PReLU()
  Residual {
    RMSNorm(); Dense(40); Tanh(); Dense(300)
  }
  Residual {
    Dense(20); SiLU()
  } shortcut: {
    Dense(20); LayerNorm()
  }
}
let members = Network {
  Dense(160); Members(5); Dense(160); MemberScale(bias: true); ReLU(); Dropout(keep: 0.9)
}
let allocations =
  try count(.adam().clipped(.globalNorm(1))) + count(.adam()) + count(.adam(), rows)
  + count(.adam(), rows, shards: 3) + count(.adam(), members)
print(tartine_allocations_are_counted() ? "allocations \(allocations)" : "not counted here")
