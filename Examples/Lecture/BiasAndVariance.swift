import Tartine

/// Splits, bias and variance.
enum BiasAndVariance {
  static let all = [sameDistribution, largerTrainShare, biggerNetwork, trainLonger, moreData]

  private static func adam(_ rate: Double) -> Optimizer { .adam(learningRate: .cosine(from: rate)) }

  static let sameDistribution = Experiment(
    name: "same-distribution",
    claim: "Dev predicts the test error only if both come from one distribution.",
    method:
      "Friedman's function, 1 000 rows, 64 units, Adam, 30 epochs; test rows from the same distribution, or with "
      + "every input higher by 0.1: the distance of the test RMSE from the dev RMSE.",
    questions: [Question("distance of test from dev", "one distribution", "another", .above(0))]
  ) { _, seed in
    let table = try Tables.friedman(1_000, seed: seed)
    let distances = try [0, 0.1].map { offset in
      let test = try Tables.friedman(1_000, seed: seed + 1_000, offset: offset)
      let run = try stack([64]).optimizer(adam(3e-3)).epochs(30).run(try table.split(seed: seed, test: test), seed)
      return abs(try run.test().score - run.dev.score)
    }
    return [Pair(distances[0], distances[1])]
  }

  static let largerTrainShare = Experiment(
    name: "larger-train-share",
    claim: "With many rows it is better to train on most of them than to hold out 40 %.",
    method:
      "Friedman's function, 20 000 rows: 60 % for training, 20 % each for dev and test, against 90, 5 and 5 %; "
      + "64-64 units, Adam, 15 epochs.",
    questions: [Question("test RMSE", "60 %", "90 %", .below(0))]
  ) { _, seed in
    let table = try Tables.friedman(20_000, seed: seed)
    let errors = try [(0.6, 0.2), (0.9, 0.05)].map { train, other in
      let split = try table.split(.shares(train: train, dev: other, test: other), seed: seed)
      return try stack([64, 64]).optimizer(adam(3e-3)).batchSize(128).epochs(15).run(split, seed).test().score
    }
    return [Pair(errors[0], errors[1])]
  }

  static let biggerNetwork = Experiment(
    name: "bigger-network",
    claim: "A bigger network lowers the bias, and almost never hurts.",
    method:
      "One hidden layer of 8, 64 and 512 units, Adam, each at the best of three learning rates, best epoch of "
      + "30. Not hurting means at most half a point more error, or 0.05 more RMSE, where the noise alone is 1.",
    questions: [
      Question("digits: train error, %", "8 units", "64", .below(0)),
      Question("digits: test error, %", "64 units", "512", .below(0.5)),
      Question("Friedman: test RMSE", "64 units", "512", .below(0.05)),
      Question("overlapping clouds: test error, %", "64 units", "512", .below(0.5)),
    ]
  ) { lab, seed in
    func run(_ units: Int, _ split: Split) throws -> Run {
      try bestRun([1e-3, 3e-3, 1e-2], on: split, seed) {
        stack([units]).optimizer(adam($0)).epochs(30).keeping(.best)
      }
    }
    let digits = try lab.split(seed: seed)
    let medium = try run(64, digits)
    let friedman = try Tables.friedman(1_000, seed: seed).split(seed: seed)
    let clouds = try Tables.clouds(1_000, seed: seed).split(seed: seed)
    return [
      Pair(try run(8, digits).trainError, medium.trainError),
      Pair(try medium.testError(), try run(512, digits).testError()),
      Pair(try run(64, friedman).test().score, try run(512, friedman).test().score),
      Pair(try run(64, clouds).testError(), try run(512, clouds).testError()),
    ]
  }

  static let trainLonger = Experiment(
    name: "train-longer",
    claim: "Training for longer lowers the bias.",
    method: "Digits, 16 units, momentum with a learning rate of 0.1: 5 epochs against 50.",
    questions: [
      Question("train error, %", "5 epochs", "50", .below(0)),
      Question("train loss", "5 epochs", "50", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    let runs = try [5, 50].map { epochs in
      try stack([16]).optimizer(.momentum(learningRate: 0.1)).epochs(epochs).run(split, seed)
    }
    return [Pair(runs[0].trainError, runs[1].trainError), Pair(runs[0].train.loss, runs[1].train.loss)]
  }

  static let moreData = Experiment(
    name: "more-data",
    claim: "More training data lower the variance.",
    method: "Digits, the same dev rows, 180 train rows against 1 078; 64 units, Adam, about 600 steps each.",
    questions: [
      Question("dev error less train error, points", "a sixth", "all", .below(0)),
      Question("dev error, %", "a sixth", "all", .below(0)),
    ]
  ) { lab, seed in
    let shares: [(train: Double, test: Double, epochs: Int)] =
      lab.isMNIST ? [(0.02, 0.88, 16), (0.12, 0.78, 3)] : [(0.1, 0.6, 100), (0.6, 0.1, 18)]
    let dev = lab.isMNIST ? 0.1 : 0.3
    let runs = try shares.map { share in
      let split = try lab.images.split(.shares(train: share.train, dev: dev, test: share.test), seed: seed)
      return try stack([64]).optimizer(adam(3e-3)).epochs(share.epochs).run(split, seed)
    }
    return [
      Pair(runs[0].devError - runs[0].trainError, runs[1].devError - runs[1].trainError),
      Pair(runs[0].devError, runs[1].devError),
    ]
  }
}
