import Foundation
import Tartine

/// The importance of hyperparameters, and how to search for them.
enum Search {
  static let all = [learningRateFirst, logScale, randomBeatsGrid, coarseToFine]

  /// The search space.
  private struct Trial {
    var rate = 1e-3
    var units = 64
    var batch = 32
    var beta = 0.9
    var keep = 1.0

    var recipe: Recipe {
      stack([units], keep: [keep]).optimizer(.adam(learningRate: .constant(rate), beta1: beta)).batchSize(batch)
    }
  }

  /// The dev error in percent of a trial of ten epochs; if it diverges, that of guessing.
  private static func devError(_ trial: Trial, _ split: Split, _ seed: UInt64) throws -> Double {
    do {
      return try trial.recipe.epochs(10).run(split, seed).devError
    } catch is DivergenceError {
      return 90
    }
  }

  /// The trial with the lowest dev loss after ten epochs.
  private static func best(of trials: [Trial], _ split: Split, _ seed: UInt64) throws -> (trial: Trial, run: Run) {
    var best: (trial: Trial, run: Run)?
    for trial in trials {
      guard let run = try? trial.recipe.epochs(10).run(split, seed) else { continue }
      if run.dev.loss < best?.run.dev.loss ?? .infinity { best = (trial, run) }
    }
    guard let best else { throw RecipeFailure() }
    return best
  }

  static let learningRateFirst = Experiment(
    name: "learning-rate-first",
    claim: "The learning rate matters most, more than units, batch size and β.",
    method:
      "Digits, 64 units, Adam with a learning rate of 0.001, batches of 32, β₁ 0.9, 10 epochs; one "
      + "hyperparameter varied at a time: the learning rate from 0.0001 to 1, units from 16 to 256, the batch size "
      + "from 16 to 256, β₁ 0, 0.5, 0.9, 0.95, 0.99. And, since ranges are arbitrary, each but β₁ by a factor of 4 "
      + "down and up. The range of a hyperparameter is its largest dev error less its smallest.",
    questions: [
      Question("range, points", "units", "learning rate", .above(0)),
      Question("range, points", "batch size", "learning rate", .above(0)),
      Question("range, points", "β₁", "learning rate", .above(0)),
      Question("range by a factor of 4, points", "units", "learning rate", .above(0)),
      Question("range by a factor of 4, points", "batch size", "learning rate", .above(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    func range<Value>(_ path: WritableKeyPath<Trial, Value>, _ values: [Value]) throws -> Double {
      let errors = try values.map { value in
        var trial = Trial()
        trial[keyPath: path] = value
        return try devError(trial, split, seed)
      }
      return (errors.max() ?? 0) - (errors.min() ?? 0)
    }
    let rate = try range(\.rate, [1e-4, 1e-3, 1e-2, 1e-1, 1])
    let near = try range(\.rate, [2.5e-4, 1e-3, 4e-3])
    return [
      Pair(try range(\.units, [16, 32, 64, 128, 256]), rate), Pair(try range(\.batch, [16, 32, 64, 128, 256]), rate),
      Pair(try range(\.beta, [0, 0.5, 0.9, 0.95, 0.99]), rate), Pair(try range(\.units, [16, 64, 256]), near),
      Pair(try range(\.batch, [8, 32, 128]), near),
    ]
  }

  static let logScale = Experiment(
    name: "log-scale",
    claim: "A learning rate should be drawn on a log scale.",
    method:
      "Digits, 64 units, 10 epochs, 8 learning rates drawn from 0.0001 to 1, uniformly or log-uniformly: the "
      + "test error of the best by dev loss, with Adam, whose good learning rates are near 0.003, and with "
      + "momentum, whose good ones are near 0.3.",
    questions: [
      Question("Adam: test error, %", "linear", "log", .below(0)),
      Question("momentum: test error, %", "linear", "log", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    var stream = Tables.stream(seed, 6)
    let draws = (0..<8).map { _ in stream.uniform() }
    let rates = [draws.map { 1e-4 + $0 * (1 - 1e-4) }, draws.map { pow(1e-4, 1 - $0) }]
    let optimizers: [(LearningRate) -> Optimizer] = [{ .adam(learningRate: $0) }, { .momentum(learningRate: $0) }]
    return try optimizers.map { optimizer in
      let errors = try rates.map { rates in
        try bestRun(rates, on: split, seed) { stack([64]).optimizer(optimizer(.constant($0))).epochs(10) }
          .testError()
      }
      return Pair(errors[0], errors[1])
    }
  }

  static let randomBeatsGrid = Experiment(
    name: "random-beats-grid",
    claim: "Points should be drawn at random, not taken from a grid.",
    method:
      "Digits, 359 train rows, 64 units, Adam, 10 epochs; the learning rate from 0.0001 to 1 on a log scale and "
      + "keep from 0.3 to 1: nine points of a 3 × 3 grid, shifted as a whole at random, against nine random "
      + "points; the best by dev loss.",
    questions: [
      Question("test error, %", "grid", "random", .below(0)),
      Question("test loss", "grid", "random", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    var stream = Tables.stream(seed, 7)
    func trial(_ x: Double, _ y: Double) -> Trial { Trial(rate: pow(1e-4, 1 - x), keep: 0.3 + 0.7 * y) }
    let (dx, dy) = (stream.uniform(), stream.uniform())
    let grid = (0..<9).map { trial((Double($0 / 3) + dx) / 3, (Double($0 % 3) + dy) / 3) }
    let random = (0..<9).map { _ in trial(stream.uniform(), stream.uniform()) }
    let runs = try [grid, random].map { try best(of: $0, split, seed).run }
    return [
      Pair(try runs[0].testError(), try runs[1].testError()), Pair(try runs[0].test().loss, try runs[1].test().loss),
    ]
  }

  static let coarseToFine = Experiment(
    name: "coarse-to-fine",
    claim: "After a coarse search the good area should be searched more densely.",
    method:
      "The search of random-beats-grid: twelve random points, against the first six of them and then six within "
      + "half a decade of the best one's learning rate and 0.15 of its keep.",
    questions: [
      Question("test error, %", "one search", "coarse, then fine", .below(0)),
      Question("test loss", "one search", "coarse, then fine", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    var stream = Tables.stream(seed, 8)
    let points = (0..<12).map { _ in Trial(rate: stream.logUniform(1e-4, 1), keep: 0.3 + 0.7 * stream.uniform()) }
    let coarse = Array(points.prefix(6))
    let center = try best(of: coarse, split, seed).trial
    let fine = (0..<6).map { _ in
      Trial(
        rate: center.rate * stream.logUniform(pow(10, -0.5), pow(10, 0.5)),
        keep: min(1, max(0.3, center.keep + 0.3 * (stream.uniform() - 0.5))))
    }
    let runs = try [points, coarse + fine].map { try best(of: $0, split, seed).run }
    return [
      Pair(try runs[0].testError(), try runs[1].testError()), Pair(try runs[0].test().loss, try runs[1].test().loss),
    ]
  }
}
