import Tartine

/// Batch norm.
enum Normalization {
  static let all = [speed, onZ, regularizes, cancels, covariateShift]

  static let speed = Experiment(
    name: "batch-norm-speed",
    claim: "Batch norm speeds up learning.",
    method:
      "Digits, 64-64-64 units, momentum, 10 epochs, each arm at the best of six constant learning rates from "
      + "0.01 to 3.",
    questions: [
      Question("epochs to a train loss of 0.05 (11: never)", "without", "batch norm", .below(0)),
      Question("train loss after 2 epochs", "without", "batch norm", .below(0)),
      Question("train loss after 10 epochs", "without", "batch norm", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    let runs = try [false, true].map { norm in
      try bestRun(descentRates, on: split, seed) { rate in
        stack([64, 64, 64], norm: norm).optimizer(.momentum(learningRate: .constant(rate))).epochs(10)
      }
    }
    func pair(_ figure: (Run) -> Double) -> Pair { Pair(figure(runs[0]), figure(runs[1])) }
    return [
      pair { $0.epochs(to: 0.05, of: \.train) }, pair { $0.history[1].train.loss }, pair { $0.train.loss },
    ]
  }

  static let onZ = Experiment(
    name: "batch-norm-on-z",
    claim: "Normalizing Z has the same effect as normalizing A.",
    method:
      "Digits, 64-64 units, Adam, 20 epochs, batch norm before each ReLU or after it. The same effect means a "
      + "test error within half a point.",
    questions: [Question("test error, %", "after (A)", "before (Z)", .within(0.5))]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    let errors = try [false, true].map { before in
      try Recipe {
        Flatten()
        for _ in 0..<2 {
          Dense(64)
          if before { BatchNorm() }
          ReLU()
          if !before { BatchNorm() }
        }
      }
      .optimizer(.adam(learningRate: .cosine(from: 3e-3))).batchSize(32).epochs(20).keeping(.last).run(split, seed)
      .testError()
    }
    return [Pair(errors[0], errors[1])]
  }

  static let regularizes = Experiment(
    name: "batch-norm-regularizes",
    claim: "Batch norm regularizes slightly, and less with larger batches.",
    method:
      "Digits, 359 train rows, 128-64 units, Adam, about 600 steps in batches of 16 or 128, without and with "
      + "batch norm. The effect is the gap without it less the gap with it. The noise is the standard deviation of "
      + "one row's Znorm over 200 random batches that contain it.",
    questions: [
      Question("batches of 16: test loss less train loss", "without", "batch norm", .below(0)),
      Question("batches of 16: test error, %", "without", "batch norm", .below(0)),
      Question("batches of 128: test loss less train loss", "without", "batch norm", nil),
      Question("effect on the gap", "batches of 16", "of 128", .below(0)),
      Question("noise of Znorm", "batches of 16", "of 128", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let runs = try [(16, 26), (128, 200)].map { batch, epochs in
      try [false, true].map { norm in
        try stack([128, 64], norm: norm).optimizer(.adam(learningRate: .cosine(from: 3e-3))).batchSize(batch)
          .epochs(epochs).run(split, seed)
      }
    }
    var stream = Tables.stream(seed, 14)
    let noises = [16, 128].map { size in
      deviation(
        (0..<200).map { _ in
          let z = [1] + (1..<size).map { _ in stream.normal() }
          return (1 - mean(z)) / deviation(z)
        })
    }
    let effects = try runs.map { try $0[0].gap() - $0[1].gap() }
    return [
      Pair(try runs[0][0].gap(), try runs[0][1].gap()), Pair(try runs[0][0].testError(), try runs[0][1].testError()),
      Pair(try runs[1][0].gap(), try runs[1][1].gap()), Pair(effects[0], effects[1]), Pair(noises[0], noises[1]),
    ]
  }

  static let cancels = Experiment(
    name: "batch-norm-cancel",
    claim: "γ and β can undo the normalization, and the normalization cancels the scale of W.",
    method:
      "64 × 8 numbers of differing scale, in Double, ε 10⁻⁵: the largest distance of γ Znorm + β from Z with γ = "
      + "√(σ² + ε) and β = μ; the largest distance between Znorm and that of 1 000 Z.",
    questions: [
      Question("distance of Znew from Z, as a share of σ", "exact", "computed", .within(1e-12)),
      Question("distance of Znorm of 1 000 Z from that of Z", "exact", "computed", .within(1e-3)),
    ]
  ) { _, seed in
    var stream = Tables.stream(seed, 9)
    var (undone, scaled) = (0.0, 0.0)
    for _ in 0..<8 {
      let (middle, size) = (10 * stream.normal(), stream.logUniform(0.1, 10))
      let z = (0..<64).map { _ in middle + size * stream.normal() }
      let (mu, sigma) = (mean(z), deviation(z))
      let large = z.map { 1_000 * $0 }
      for (one, other) in zip(z, large) {
        let norm = (one - mu) / (sigma * sigma + 1e-5).squareRoot()
        let again = (sigma * sigma + 1e-5).squareRoot() * norm + mu
        undone = max(undone, abs(again - one) / sigma)
        let sigmaOfLarge = deviation(large)
        scaled = max(scaled, abs((other - mean(large)) / (sigmaOfLarge * sigmaOfLarge + 1e-5).squareRoot() - norm))
      }
    }
    return [Pair(0, undone), Pair(0, scaled)]
  }

  static let covariateShift = Experiment(
    name: "covariate-shift",
    claim: "Batch norm makes a model more robust to a shift of the inputs' distribution.",
    method:
      "Digits, 64-64 units, Adam, 20 epochs; predictions on the images unchanged, at half the contrast, and a "
      + "quarter brighter. The harm is the test error on shifted images less that on unchanged images.",
    questions: [
      Question("half the contrast: harm, points", "without", "batch norm", .below(0)),
      Question("a quarter brighter: harm, points", "without", "batch norm", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(seed: seed)
    // The same training each time; only the prediction inputs differ.
    func error(norm: Bool, _ factor: Double, _ offset: Double) throws -> Double {
      try Recipe {
        Shifted(factor: factor, offset: offset)
        stack([64, 64], norm: norm).network.layers
      }
      .optimizer(.adam(learningRate: .cosine(from: 3e-3))).batchSize(32).epochs(20).keeping(.last).run(split, seed)
      .testError()
    }
    let clean = try [false, true].map { try error(norm: $0, 1, 0) }
    return try [(0.5, 0), (1, 0.25)].map { factor, offset in
      Pair(
        try error(norm: false, factor, offset) - clean[0], try error(norm: true, factor, offset) - clean[1])
    }
  }
}
