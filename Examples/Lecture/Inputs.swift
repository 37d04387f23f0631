import Foundation
import Tartine

/// Normalized inputs, initialization, vanishing gradients.
enum Inputs {
  static let all = [normalizeInputs, heInitialization, vanishingGradient]

  static let normalizeInputs = Experiment(
    name: "normalize-inputs",
    claim: "Normalized inputs speed up learning, the more so the more their scales differ.",
    method:
      "A ring in the plane, 360 train rows, 16 tanh units, gradient descent, 60 epochs, each arm at the best of "
      + "ten learning rates from 0.0001 to 3. The library standardizes numbers; the raw arms have a first layer "
      + "that undoes this.",
    questions: [
      Question("x₁ in ±1, x₂ in ±100: train loss", "raw", "normalized", .below(0)),
      Question("x₁ in ±1, x₂ in ±100: epochs to a loss of 0.2 (61: never)", "raw", "normalized", .below(0)),
      Question("both in ±1: train loss", "raw", "normalized", .below(0)),
      Question("loss saved by normalizing", "both in ±1", "±1 and ±100", .above(0)),
    ]
  ) { _, seed in
    let split = try Tables.ring(600, seed: seed).split(seed: seed)
    // The standard deviation of a uniform number in ±1 is 1/√3.
    let unit = 1 / 3.0.squareRoot()
    func run(_ factors: [Double]) throws -> Run {
      try bestRun(grid(from: 1e-4, count: 10), on: split, seed) { rate in
        Recipe {
          Scale(factors: factors); Dense(16); Tanh()
        }
        .bins(0).keeping(.last).batchSize(32).epochs(60).optimizer(.gradientDescent(learningRate: .constant(rate)))
      }
    }
    let normalized = try run([1, 1])
    let uneven = try run([unit, 100 * unit])
    let even = try run([unit, unit])
    func epochs(_ run: Run) -> Double { run.epochs(to: 0.2, of: \.train) }
    let loss = normalized.train.loss
    return [
      Pair(uneven.train.loss, loss), Pair(epochs(uneven), epochs(normalized)), Pair(even.train.loss, loss),
      Pair(even.train.loss - loss, uneven.train.loss - loss),
    ]
  }

  static let heInitialization = Experiment(
    name: "he-initialization",
    claim: "He initialization lets a deep ReLU network learn; 0.01 · randn does not.",
    method:
      "Digits, layers of 32 ReLU units, momentum, 15 epochs, each arm at the best of six learning rates from "
      + "0.01 to 3.",
    questions: [
      Question("10 layers: train loss", "0.01 · randn", "He", .below(0)),
      Question("10 layers: test error, %", "0.01 · randn", "He", .below(0)),
      Question("2 layers: train loss", "0.01 · randn", "He", nil),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    func runs(_ depth: Int) throws -> [Run] {
      try [InitializerRule.normal(standardDeviation: 0.01), .he].map { rule in
        try bestRun(descentRates, on: split, seed) { rate in
          stack(Array(repeating: 32, count: depth), initializer: rule).epochs(15)
            .optimizer(.momentum(learningRate: .constant(rate)))
        }
      }
    }
    let (deep, shallow) = (try runs(10), try runs(2))
    return [
      Pair(deep[0].train.loss, deep[1].train.loss), Pair(try deep[0].testError(), try deep[1].testError()),
      Pair(shallow[0].train.loss, shallow[1].train.loss),
    ]
  }

  static let vanishingGradient = Experiment(
    name: "vanishing-gradient",
    claim: "In deep networks gradients vanish on their way down; proper initialization and batch norm prevent this.",
    method:
      "Digits, layers of 32 units. The size of the gradient after the first layer over that after the last, at "
      + "initialization; then the train loss after 15 epochs of momentum, each arm at the best of six learning "
      + "rates.",
    questions: [
      Question("sigmoid: log₁₀ of the ratio", "2 layers", "10 layers", .below(0)),
      Question("10 layers: log₁₀ of the ratio", "sigmoid, 0.01 · randn", "ReLU, He", .above(0)),
      Question("sigmoid: train loss", "2 layers", "10 layers", .above(0)),
      Question("10 layers: train loss", "sigmoid", "sigmoid and batch norm", .below(0)),
      Question("10 layers: train loss", "sigmoid", "ReLU, He", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    func ratio(_ depth: Int, _ activation: any Layer, _ rule: InitializerRule) throws -> Double {
      let (low, high) = (Notebook.page(), Notebook.page())
      _ = try Recipe {
        Flatten()
        for place in 0..<depth {
          Dense(32, initializer: rule)
          activation
          if place == 0 { GradientGauge(id: low) }
          if place == depth - 1 { GradientGauge(id: high) }
        }
      }
      .optimizer(.gradientDescent(learningRate: .constant(1e-6))).batchSize(split.trainCount).epochs(1)
      .run(split, seed)
      return log10(max(Notebook.read(low).reading / Notebook.read(high).reading, 1e-30))
    }
    func loss(_ depth: Int, _ activation: any Layer, norm: Bool = false) throws -> Double {
      try bestRun(descentRates, on: split, seed) { rate in
        stack(Array(repeating: 32, count: depth), norm: norm, activation: activation).epochs(15)
          .optimizer(.momentum(learningRate: .constant(rate)))
      }.train.loss
    }
    let deep = try loss(10, Sigmoid())
    return [
      Pair(try ratio(2, Sigmoid(), .automatic), try ratio(10, Sigmoid(), .automatic)),
      Pair(try ratio(10, Sigmoid(), .normal(standardDeviation: 0.01)), try ratio(10, ReLU(), .he)),
      Pair(try loss(2, Sigmoid()), deep), Pair(deep, try loss(10, Sigmoid(), norm: true)),
      Pair(deep, try loss(10, ReLU())),
    ]
  }
}
