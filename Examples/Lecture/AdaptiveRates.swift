import Foundation
import Tartine

/// RMSProp, Adam, learning-rate decay.
enum AdaptiveRates {
  static let all = [rmsprop, adam, decay]

  static let rmsprop = Experiment(
    name: "rmsprop",
    claim: "Dividing by the root of the averaged squared gradient (RMSProp) speeds up learning.",
    method:
      "Train loss after 10 epochs against plain gradient descent, each at the best of six constant learning "
      + "rates: from 0.01 to 3, and from 0.0001 to 0.03.",
    questions: [
      Question("digits, 32-32: train loss", "plain", "RMSProp", .below(0)),
      Question("spirals, 32-32: train loss", "plain", "RMSProp", .below(0)),
      Question("Friedman, 32: train loss", "plain", "RMSProp", .below(0)),
    ]
  ) { lab, seed in
    try [
      (try lab.split(seed: seed), [32, 32]), (try Tables.spirals(600, seed: seed).split(seed: seed), [32, 32]),
      (try Tables.friedman(1_000, seed: seed).split(seed: seed), [32]),
    ].map { split, widths in
      let plain = try bestRun(descentRates, on: split, seed) { rate in
        stack(widths).epochs(10).optimizer(.gradientDescent(learningRate: .constant(rate)))
      }
      let scaled = try bestRun(adamRates, on: split, seed) { rate in
        stack(widths).epochs(10).optimizer(.rmsprop(learningRate: .constant(rate)))
      }
      return Pair(plain.train.loss, scaled.train.loss)
    }
  }

  static let adam = Experiment(
    name: "adam",
    claim: "Adam works, and β₁ = 0.9 and β₂ = 0.999 work well.",
    method:
      "Digits, 32-32 units, 10 epochs, each arm at the best of six constant learning rates. Working well means a "
      + "test loss at most a tenth above that of the best alternative by dev loss: β₁ 0, 0.5 and 0.99; β₂ 0.9, "
      + "0.99 and 0.9999.",
    questions: [
      Question("train loss", "gradient descent", "Adam", .below(0)),
      Question("ln of the test loss", "best other β₁", "0.9", .below(0.1)),
      Question("ln of the test loss", "best other β₂", "0.999", .below(0.1)),
      Question("train loss", "momentum", "Adam", nil),
      Question("train loss", "RMSProp", "Adam", nil),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    func run(_ rates: [Double], _ optimizer: (LearningRate) -> Optimizer) throws -> Run {
      try bestRun(rates, on: split, seed) { stack([32, 32]).epochs(10).optimizer(optimizer(.constant($0))) }
    }
    func adam(_ beta1: Double, _ beta2: Double) throws -> Run {
      try run(adamRates) { .adam(learningRate: $0, beta1: beta1, beta2: beta2) }
    }
    func least(_ runs: [Run]) throws -> Double {
      log(try runs.min { $0.dev.loss < $1.dev.loss }?.test().loss ?? .nan)
    }
    let typical = try adam(0.9, 0.999)
    let loss = log(try typical.test().loss)
    return [
      Pair(try run(descentRates) { .gradientDescent(learningRate: $0) }.train.loss, typical.train.loss),
      Pair(try least([0, 0.5, 0.99].map { try adam($0, 0.999) }), loss),
      Pair(try least([0.9, 0.99, 0.9999].map { try adam(0.9, $0) }), loss),
      Pair(try run(descentRates) { .momentum(learningRate: $0) }.train.loss, typical.train.loss),
      Pair(try run(adamRates) { .rmsprop(learningRate: $0) }.train.loss, typical.train.loss),
    ]
  }

  static let decay = Experiment(
    name: "learning-rate-decay",
    claim: "Learning-rate decay makes it easier to converge.",
    method:
      "Train loss after 20 epochs of momentum in batches of 8: a constant learning rate, rate / (1 + epochs), "
      + "0.95 to the power of epochs, and a cosine to 0, each at the best of six initial learning rates from 0.003 "
      + "to 1, and both from 0.1.",
    questions: [
      Question("digits, 32: train loss", "constant", "1 / (1 + epochs)", .below(0)),
      Question("digits, 32: train loss", "constant", "0.95^epochs", .below(0)),
      Question("digits, 32: train loss", "constant", "cosine", .below(0)),
      Question("digits, 32, both from 0.1: train loss", "constant", "cosine", .below(0)),
      Question("Friedman, 32: train loss", "constant", "1 / (1 + epochs)", .below(0)),
      Question("Friedman, 32: train loss", "constant", "0.95^epochs", .below(0)),
      Question("Friedman, 32: train loss", "constant", "cosine", .below(0)),
      Question("Friedman, 32, both from 0.1: train loss", "constant", "cosine", .below(0)),
      Question("clouds, no hidden layer, both from 0.1: train loss", "constant", "cosine", .below(0)),
    ]
  ) { lab, seed in
    func loss(_ rate: LearningRate, _ widths: [Int], _ split: Split) throws -> Double {
      try stack(widths).optimizer(.momentum(learningRate: rate)).batchSize(8).epochs(20).run(split, seed).train.loss
    }
    func alike(_ widths: [Int], _ split: Split) throws -> Pair {
      Pair(try loss(.constant(0.1), widths, split), try loss(.cosine(from: 0.1, warmup: 0), widths, split))
    }
    let schedules: [(Double) -> LearningRate] = [
      { .constant($0) }, { .inverseTime(from: $0, decay: 1) }, { .exponential(from: $0, factor: 0.95) },
      { .cosine(from: $0, warmup: 0) },
    ]
    let splits = [try lab.split(seed: seed), try Tables.friedman(1_000, seed: seed).split(seed: seed)]
    let pairs = try splits.flatMap { split in
      let losses = try schedules.map { schedule in
        try bestRun(grid(from: 3e-3, count: 6), on: split, seed) { rate in
          stack([32]).optimizer(.momentum(learningRate: schedule(rate))).batchSize(8).epochs(20)
        }.train.loss
      }
      return losses.dropFirst().map { Pair(losses[0], $0) } + [try alike([32], split)]
    }
    return pairs + [try alike([], try Tables.clouds(2_000, seed: seed).split(seed: seed))]
  }
}
