import Foundation
import Tartine

/// Batches, moving averages, momentum.
enum Descent {
  static let all = [miniBatch, miniBatchTime, powerOfTwo, movingAverage, biasCorrection, momentum, oscillations]

  private static func descent(_ rate: Double) -> Recipe {
    stack([32]).optimizer(.gradientDescent(learningRate: .constant(rate)))
  }

  static let miniBatch = Experiment(
    name: "mini-batch",
    claim: "Mini-batches learn more per epoch than full batches, and take a more direct route than single rows.",
    method:
      "Digits, 32 units, gradient descent, 5 epochs; train loss of each arm at the best of six learning rates "
      + "from 0.01 to 3. The route is that of 32 parameters in about 359 steps with a learning rate of 0.03: the "
      + "distance from start to end over the length of the path.",
    questions: [
      Question("train loss", "all rows", "64", .below(0)),
      Question("train loss", "1 row", "64", nil),
      Question("directness of the route, %", "1 row", "64", .above(0)),
      Question("directness of the route, %", "64", "all rows", .above(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    let sizes = [1, 64, split.trainCount]
    let losses = try sizes.map { size in
      try bestRun(descentRates, on: split, seed) { descent($0).batchSize(size).epochs(5) }.train.loss
    }
    let few = try lab.split(.few, seed: seed)
    let directness = try [1, 64, few.trainCount].map { size in
      let id = Notebook.page()
      let steps = (few.trainCount + size - 1) / size
      _ = try Recipe {
        Flatten(); Dense(32); Trail(id: id); ReLU()
      }
      .optimizer(.gradientDescent(learningRate: 0.03)).batchSize(size).epochs(few.trainCount / steps).run(few, seed)
      return 100 * Notebook.read(id).directness
    }
    return [
      Pair(losses[2], losses[1]), Pair(losses[0], losses[1]), Pair(directness[0], directness[1]),
      Pair(directness[1], directness[2]),
    ]
  }

  static let miniBatchTime = Experiment(
    name: "mini-batch-time",
    claim: "In the same time, mini-batches learn more than full batches and than single rows.",
    method:
      "The network of mini-batch, with 32 units and 0.1 s of steps instead of 5 epochs, and with 256-128 units "
      + "and 0.2 s; one training at a time, the best of four learning rates from 0.03 to 1. This measures time, so "
      + "the figures differ in each run.",
    questions: [
      Question("32: train loss", "all rows", "64", .below(0)), Question("32: train loss", "1 row", "64", .below(0)),
      Question("256-128: train loss", "all rows", "64", .below(0)),
      Question("256-128: train loss", "1 row", "64", .below(0)),
    ], seeds: 10, isTimed: true
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    return [([32], 0.1), ([256, 128], 0.2)].flatMap { widths, seconds in
      let losses = [split.trainCount, 64, 1].map { size in
        [0.03, 0.1, 0.3, 1].compactMap { rate in
          // Learning rates that diverge are skipped.
          try? stack(widths).optimizer(.gradientDescent(learningRate: .constant(rate))).batchSize(size).epochs(100_000)
            .run(split, seed, observers: [StopWatch(seconds: seconds)])
        }.min { $0.dev.loss < $1.dev.loss }?.train.loss ?? .nan
      }
      return [Pair(losses[0], losses[1]), Pair(losses[2], losses[1])]
    }
  }

  static let powerOfTwo = Experiment(
    name: "batch-power-of-two",
    claim: "Batch sizes that are powers of two run faster.",
    method:
      "Digits, 64-64 units, the time of 20 epochs' steps per row, the least of 5, one training at a time. This "
      + "measures time, so the figures differ in each run.",
    questions: [
      Question("ns a row", "63 rows", "64", .below(0)),
      Question("ns a row", "127 rows", "128", .below(0)),
    ], seeds: 10, isTimed: true
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    let sizes = [63, 64, 127, 128]
    var least = sizes.map { _ in Double.infinity }
    for _ in 0..<5 {
      for (place, size) in sizes.enumerated() {
        let watch = StopWatch(seconds: .infinity)
        // Batch sizes differ by at most one row, so the number of rows is rounded to whole batches of this
        // size.
        let rows = split.trainCount / 128 * 128
        let share = Double(rows / 128 * size) / Double(lab.images.rowCount)
        let cut = try lab.images.split(.shares(train: share, dev: 0.1, test: 0.9 - share), seed: seed)
        _ = try stack([64, 64]).batchSize(size).epochs(20).run(cut, seed, observers: [watch])
        least[place] = min(least[place], 1e9 * watch.seconds / Double(20 * cut.trainCount))
      }
    }
    return [Pair(least[0], least[1]), Pair(least[2], least[3])]
  }

  static let movingAverage = Experiment(
    name: "moving-average",
    claim:
      "An exponentially weighted average is smoother than its values; bias-corrected, it is right from the first "
      + "values on.",
    method:
      "100 values, 10 + sin(t/10) with normal noise, β 0.9: the distance of a value from the one before; the "
      + "distance of the average from 10 + sin(t/10) over the first ten.",
    questions: [
      Question("step from one to the next", "values", "averages", .below(0)),
      Question("distance over the first ten", "uncorrected", "corrected", .below(0)),
    ]
  ) { _, seed in
    var stream = Tables.stream(seed, 5)
    var average = MovingAverage(beta: 0.9)
    var (values, averages, distances) = ([Double](), [Double](), [(Double, Double)]())
    for t in 1...100 {
      let truth = 10 + sin(Double(t) / 10)
      values.append(truth + stream.normal())
      average.add(values[t - 1])
      averages.append(average.value ?? .nan)
      if t <= 10 { distances.append((abs(average.uncorrected - truth), abs(averages[t - 1] - truth))) }
    }
    func roughness(_ values: [Double]) -> Double { mean(zip(values, values.dropFirst()).map { abs($1 - $0) }) }
    return [
      Pair(roughness(values), roughness(averages)), Pair(mean(distances.map(\.0)), mean(distances.map(\.1))),
    ]
  }

  static let biasCorrection = Experiment(
    name: "bias-correction",
    claim: "Bias correction of momentum makes its first steps count.",
    method:
      "Digits, 32 units, momentum, β 0.9, a learning rate of 0.3: the train loss after 10 steps of 108 rows, and "
      + "after 10 such epochs.",
    questions: [
      Question("train loss after 10 steps", "uncorrected", "corrected", .below(0)),
      Question("train loss after 100 steps", "uncorrected", "corrected", nil),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    let histories = try [Optimizer.Variant.lecture, .standard].map { variant in
      try stack([32]).optimizer(.momentum(learningRate: 0.3, variant: variant)).batchSize((split.trainCount + 9) / 10)
        .epochs(10).run(split, seed).history
    }
    return [0, 9].map { Pair(histories[0][$0].train.loss, histories[1][$0].train.loss) }
  }

  static let momentum = Experiment(
    name: "momentum",
    claim: "Things almost always work better with momentum.",
    method:
      "Four tasks, 20 epochs, best epoch, each arm at the best of six constant learning rates from 0.01 to 3. "
      + "Almost always means in more than 80 % of a seed's tasks.",
    questions: [
      Question("digits, 32-32: test loss", "without", "momentum", .below(0)),
      Question("digits, six layers of 32: test loss", "without", "momentum", .below(0)),
      Question("spirals, 32-32: test loss", "without", "momentum", .below(0)),
      Question("Friedman, 32: test loss", "without", "momentum", .below(0)),
      Question("tasks that momentum wins, %", "80", "share", .above(0)),
    ]
  ) { lab, seed in
    let digits = try lab.split(seed: seed)
    let tasks = [
      (digits, [32, 32]), (digits, Array(repeating: 32, count: 6)),
      (try Tables.spirals(600, seed: seed).split(seed: seed), [32, 32]),
      (try Tables.friedman(1_000, seed: seed).split(seed: seed), [32]),
    ]
    let pairs = try tasks.map { split, widths in
      let losses = try [0, 0.9].map { beta in
        try bestRun(descentRates, on: split, seed) { rate in
          stack(widths).optimizer(.momentum(learningRate: .constant(rate), beta: beta)).epochs(20).keeping(.best)
        }.test().loss
      }
      return Pair(losses[0], losses[1])
    }
    return pairs + [Pair(80, 100 * Double(pairs.count { $0.second < $0.first }) / Double(pairs.count))]
  }

  static let oscillations = Experiment(
    name: "momentum-oscillations",
    claim:
      "Oscillations forbid large learning rates; momentum damps them, so that larger ones work, and get further.",
    method:
      "Full batches, 100 steps, each arm at the best of eight constant learning rates from 0.01 to 30: digits, "
      + "359 rows, 32 units, and a ring in the plane whose x₂ is ten times as wide as its x₁, 16 tanh units.",
    questions: [
      Question("digits: train loss", "without", "momentum", .below(0)),
      Question("digits: log₁₀ of the best learning rate", "without", "momentum", .above(0)),
      Question("long ring: train loss", "without", "momentum", .below(0)),
      Question("long ring: log₁₀ of the best learning rate", "without", "momentum", .above(0)),
    ]
  ) { lab, seed in
    let unit = 1 / 3.0.squareRoot()
    let ring = Recipe {
      Scale(factors: [unit, 10 * unit]); Dense(16); Tanh()
    }.bins(0).keeping(.last)
    let tasks = [
      (try lab.split(.few, seed: seed), stack([32])), (try Tables.ring(600, seed: seed).split(seed: seed), ring),
    ]
    return try tasks.flatMap { split, recipe in
      let runs = try [0, 0.9].map { beta in
        try bestRun(grid(from: 1e-2, count: 8), on: split, seed) { rate in
          recipe.optimizer(.momentum(learningRate: .constant(rate), beta: beta)).batchSize(split.trainCount).epochs(100)
        }
      }
      let rates = runs.map { log10($0.recipe.optimizer.learningRate.peak) }
      return [Pair(runs[0].train.loss, runs[1].train.loss), Pair(rates[0], rates[1])]
    }
  }
}

/// Sums the time of the steps, without the measurements between epochs, and stops after enough time.
final class StopWatch: TrainingObserver {
  private let limit: Double
  private var mark = ContinuousClock.now
  private(set) var seconds = 0.0

  init(seconds limit: Double) { self.limit = limit }

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    let now = ContinuousClock.now
    if case .step = event { seconds += (now - mark) / .seconds(1) }
    mark = now
    return seconds >= limit ? .stop(reason: "the time is over") : .proceed
  }
}
