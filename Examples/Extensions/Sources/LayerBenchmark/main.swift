// The time of training steps with a layer of this package among dense layers, on one thread and on two, in turn.
import Extensions
import Tartine

let rows = 8_192

func draw(rows: Int, width: Int) -> [[Float]] {
  var seed: UInt64 = 1
  return (0..<rows).map { _ in
    (0..<width).map { _ in
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(seed >> 40) / Float(1 << 24) * 2 - 1
    }
  }
}

let split = try Dataset(features: draw(rows: rows, width: 256), labels: (0..<rows).map { "\($0 % 10)" }).split(seed: 1)
let recipe = Recipe {
  Dense(256); RowScale(); ReLU(); Dense(256); RowScale(); ReLU(); Dense(256); RowScale(); ReLU()
}.batchSize(256).optimizer(.adam())

/// Times the steps of epochs after the first.
final class Clock: TrainingObserver {
  private var last: ContinuousClock.Instant?
  private(set) var steps: [Double] = []
  func observe(_ step: StepView) -> TrainingDecision {
    let now = ContinuousClock.now
    if let last { steps.append((now - last) / .seconds(1)) }
    last = now
    return .proceed
  }
}

var medians: [Int: [Double]] = [:]
for _ in 0..<5 {
  for threads in [1, 2] {
    let clock = Clock()
    _ = try recipe.epochs(4).train(on: split, threads: threads, observers: [clock])
    medians[threads, default: []].append(clock.steps.sorted()[clock.steps.count / 2])
  }
}
let (one, two) = (medians[1]!.sorted()[2], medians[2]!.sorted()[2])
print(
  "a step of \(Int(one * 1e6)) µs on one thread, \(Int(two * 1e6)) µs on two: gain \((one / two * 100).rounded() / 100)"
)
