import Foundation
import Synchronization
import Tartine

/// Networks to tune on real data: small samples of them, so that a trial takes well below a second, and the
/// rest for judging.
enum TrainingTask {
  /// The rows of a task: those a tuner sees, and those that none sees.
  private struct Rows: Sendable {
    let tuned: Split
    let untouched: Dataset
    let judged: [Int]
    let prepared: PreparedSplits
  }

  private static let cache = Mutex<[String: Rows]>([:])

  /// Tasks with odd indices chose the sampler, those with even ones judge it.
  static func all(data: String) throws -> [TuningTask] {
    let adam = Recipe(Network(HiddenStack(hidden: [64, 64]))).optimizer(
      .adamW(learningRate: .cosine(from: 3e-3), decay: 0.1))
    let momentum = Recipe(Network(HiddenStack(hidden: [64]))).optimizer(.momentum(learningRate: .cosine(from: 0.1)))
    return [
      try task("titanic", adam.epochs(20), adamSpace, rows: 500, isTuned: true) {
        try Dataset(csv: "\(data)/titanic.csv", target: "Survived")
      },
      try task("digits", momentum.epochs(8), momentumSpace, rows: 900, isTuned: false) {
        try Dataset(csv: "\(data)/digits.csv", target: "digit", task: .multiclass)
      },
      try task("housing", momentum.epochs(10), momentumSpace, rows: 2500, isTuned: true) {
        try Dataset(csv: "\(data)/housing-train.csv", target: "median_house_value")
      },
      try task("adult", adam.epochs(8), adamSpace, rows: 3000, isTuned: false) {
        try Dataset(csv: "\(data)/adult-train.csv", target: "income")
      },
      try task("mnist", adam.epochs(5), imageSpace, rows: 5000, isTuned: true) {
        try ImageFolder(idx: "\(data)/mnist").train
      },
      try task("housing-prices-by-adam", adam.epochs(10), adamSpace, rows: 2500, isTuned: false) {
        try Dataset(csv: "\(data)/housing-train.csv", target: "median_house_value")
      },
      try task("adult-hours", adam.epochs(8), adamSpace, rows: 3000, isTuned: true) {
        try Dataset(csv: "\(data)/adult-train.csv", target: "hours-per-week", task: .regression)
      },
      try task("mnist-by-momentum", momentum.epochs(5), imageMomentumSpace, rows: 5000, isTuned: false) {
        try ImageFolder(idx: "\(data)/mnist").train
      },
    ]
  }

  // MARK: Spaces

  private static let adamSpace = [
    Hyperparameter("optimizer.learningRate", .number(low: 1e-4, high: 0.1, scale: .log)),
    Hyperparameter("network.units", .integer(low: 8, high: 128, scale: .log)),
    Hyperparameter("batchSize", .integer(low: 16, high: 256, scale: .log)),
    Hyperparameter("optimizer.beta1", .number(low: 0.5, high: 0.99, scale: .reverseLog)),
    Hyperparameter("network.depth", .integer(low: 1, high: 3)),
    Hyperparameter("optimizer.decay", .number(low: 0.01, high: 30, scale: .log)),
    Hyperparameter("network.keepProb", .number(low: 0.3, high: 1)),
    Hyperparameter("network.activation", .choice(["relu", "tanh", "silu", "selu"])),
  ]

  private static let momentumSpace = [
    Hyperparameter("optimizer.learningRate", .number(low: 1e-3, high: 10, scale: .log)),
    Hyperparameter("network.units", .integer(low: 8, high: 128, scale: .log)),
    Hyperparameter("batchSize", .integer(low: 16, high: 256, scale: .log)),
    Hyperparameter("optimizer.beta1", .number(low: 0.3, high: 0.99, scale: .reverseLog)),
    Hyperparameter("penalty.l2", .number(low: 1e-6, high: 0.1, scale: .log)),
    Hyperparameter("network.batchNorm", .choice([true, false])),
  ]

  private static let imageSpace = [
    Hyperparameter("optimizer.learningRate", .number(low: 1e-4, high: 0.1, scale: .log)),
    Hyperparameter("network.units", .integer(low: 8, high: 96, scale: .log)),
    Hyperparameter("batchSize", .integer(low: 32, high: 256, scale: .log)),
    Hyperparameter("optimizer.decay", .number(low: 0.01, high: 30, scale: .log)),
    Hyperparameter("network.keepProb", .number(low: 0.3, high: 1)),
    Hyperparameter("network.batchNorm", .choice([true, false])),
  ]

  private static let imageMomentumSpace = [
    Hyperparameter("optimizer.learningRate", .number(low: 1e-3, high: 10, scale: .log)),
    Hyperparameter("network.units", .integer(low: 8, high: 96, scale: .log)),
    Hyperparameter("batchSize", .integer(low: 32, high: 256, scale: .log)),
    Hyperparameter("optimizer.beta1", .number(low: 0.3, high: 0.99, scale: .reverseLog)),
    Hyperparameter("penalty.l2", .number(low: 1e-6, high: 0.1, scale: .log)),
  ]

  // MARK: Construction

  private static func task(
    _ name: String, _ recipe: Recipe, _ parameters: [Hyperparameter], rows: Int, isTuned: Bool,
    _ read: @escaping @Sendable () throws -> Dataset
  ) throws -> TuningTask {
    let load: @Sendable (UInt64) throws -> Rows = { seed in
      let key = "\(name) \(seed)"
      if let known = cache.withLock({ $0[key] }) { return known }
      let made = try draw(read(), rows: rows, seed: seed)
      cache.withLock { $0[key] = made }
      return made
    }
    return TuningTask(
      name: name, space: try SearchSpace(parameters),
      objective: { values, seed in
        let rows = try load(seed)
        return try run(try recipe.with(values), rows, seed: seed)?.dev.score ?? .infinity
      },
      verdict: { values, seed in
        // Over fresh seeds, on rows that no tuner saw.
        let rows = try load(seed)
        let scores = try (1...5).map { fresh -> Double in
          guard let run = try run(try recipe.with(values), rows, seed: seed &+ 1000 &* UInt64(fresh)) else {
            return .infinity
          }
          var warnings: [String] = []
          return try run.model.evaluate(rows.untouched, rows: rows.judged, warnings: &warnings, workers: Workers(1))
            .score
        }
        return scores.reduce(0, +) / Double(scores.count)
      }, isTuned: isTuned)
  }

  /// Two thirds of some rows for training, a third for choosing, and at most 10 000 others.
  private static func draw(_ dataset: Dataset, rows: Int, seed: UInt64) throws -> Rows {
    var order = Array(0..<dataset.rowCount)
    var stream = RandomStream(seed: seed, purpose: .test, index: 77)
    stream.shuffle(&order)
    let seen = order.prefix(rows)
    let whole = try dataset.split(.shares(train: 0.5, dev: 0.5, test: nil), seed: 0)
    let split = whole.with(train: seen.prefix(rows * 2 / 3).sorted(), dev: seen.dropFirst(rows * 2 / 3).sorted())
    return Rows(
      tuned: split, untouched: split.dataset, judged: order.dropFirst(rows).prefix(10_000).sorted(),
      prepared: PreparedSplits(split))
  }

  /// - Returns: Nil if it diverged.
  private static func run(_ recipe: Recipe, _ rows: Rows, seed: UInt64) throws -> Run? {
    var recipe = recipe
    recipe.seed = seed
    do {
      let trainer = try Trainer(recipe, split: rows.tuned, prepared: rows.prepared, threads: 1, observers: [])
      try trainer.run { _, _ in }
      return trainer.finish(seconds: 0)
    } catch is DivergenceError {
      return nil
    }
  }
}
