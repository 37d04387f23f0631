import Tartine

/// Dropout, and claims about its use.
enum DropoutClaims {
  static let all = [dropout, freshMask, byLayer, onInputs, inPredictions, definedLoss]

  /// The training that all experiments share.
  private static func trained(_ recipe: Recipe) -> Recipe {
    recipe.optimizer(.adam(learningRate: .cosine(from: 3e-3))).bins(0).batchSize(32).epochs(60).keeping(.last)
  }

  static let dropout = Experiment(
    name: "dropout",
    claim: "Dropout lowers the variance, and spreads the weights so that no unit relies on few features.",
    method:
      "Digits, 359 train rows, 256-128 units, Adam, 60 epochs: none, or keep 0.5 and 0.8. The spread is the "
      + "effective number of inputs of a unit (1 / Σ p², p the shares of its squared weights), as a percentage of "
      + "all inputs: in the second layer, whose inputs are dropped, and in the first, whose are not.",
    questions: [
      Question("test loss less train loss", "none", "dropout", .below(0)),
      Question("test error, %", "none", "dropout", .below(0)),
      Question("spread of the second layer's weights, %", "none", "dropout", .above(0)),
      Question("spread of the first layer's weights, %", "none", "dropout", .above(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let plain = try trained(stack([256, 128])).run(split, seed)
    let dropped = try trained(stack([256, 128], keep: [0.5, 0.8])).run(split, seed)
    return [
      Pair(try plain.gap(), try dropped.gap()), Pair(try plain.testError(), try dropped.testError()),
    ]
      + (try ["dense2", "dense1"].map { Pair(try plain.model.spread(of: $0), try dropped.model.spread(of: $0)) })
  }

  static let freshMask = Experiment(
    name: "dropout-fresh-mask",
    claim: "Dropout must draw a new mask in every step.",
    method:
      "The data of dropout, 128 units, keep 0.5: the same half in every step, and all units in prediction; the "
      + "same half in prediction too, which is a network of 64 units; a new half for each row and step.",
    questions: [
      Question("test error, %", "same half, then all units", "new half", .below(0)),
      Question("test error, %", "same half throughout", "new half", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let same = Recipe {
      Flatten(); Dense(128); ReLU(); WrongDropout(inPredictions: false, seed: seed)
    }
    let errors = try [same, stack([64]), stack([128], keep: [0.5])].map { try trained($0).run(split, seed).testError() }
    return [Pair(errors[0], errors[2]), Pair(errors[1], errors[2])]
  }

  static let byLayer = Experiment(
    name: "dropout-by-layer",
    claim: "More units should be dropped in earlier layers than in later ones.",
    method: "The data of dropout, 128-128 units: keep 0.9 and then 0.5 against keep 0.5 and then 0.9.",
    questions: [Question("test error, %", "more in later layers", "more in earlier layers", .below(0))]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let errors = try [[0.9, 0.5], [0.5, 0.9]].map { keep in
      try trained(stack([128, 128], keep: keep)).run(split, seed).testError()
    }
    return [Pair(errors[0], errors[1])]
  }

  static let onInputs = Experiment(
    name: "dropout-on-inputs",
    claim: "Inputs should not be dropped.",
    method: "The data of dropout, 128 units, keep 0.5: all inputs against keep 0.8 of them.",
    questions: [Question("test error, %", "all inputs", "keep 0.8 of them", .above(0))]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let errors = try [1, 0.8].map { keep in
      try trained(
        Recipe {
          Flatten(); Dropout(keep: keep); Dense(128); ReLU(); Dropout(keep: 0.5)
        }
      ).run(split, seed)
        .testError()
    }
    return [Pair(errors[0], errors[1])]
  }

  static let inPredictions = Experiment(
    name: "dropout-in-predictions",
    claim: "Units must not be dropped in prediction.",
    method:
      "The data of dropout, 128 units, keep 0.5: the same network predicts with all units, and with half of them "
      + "dropped.",
    questions: [Question("test error, %", "all units", "with dropout", .above(0))]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let whole = stack([128], keep: [0.5])
    let dropping = Recipe {
      whole.network.layers
      WrongDropout(inPredictions: true, seed: seed)
    }
    return [Pair(try trained(whole).run(split, seed).testError(), try trained(dropping).run(split, seed).testError())]
  }

  static let definedLoss = Experiment(
    name: "dropout-loss",
    claim: "Under dropout the loss is less well defined: it no longer falls in every step.",
    method:
      "Digits, 359 rows, full-batch gradient descent with a learning rate of 0.1, 100 steps, 128 units, no "
      + "dropout against keep 0.5: the share of steps before which the loss had risen.",
    questions: [Question("steps with a rise, %", "none", "dropout", .above(0))]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let rises = try [[], [0.5]].map { keep in
      let losses = try stack([128], keep: keep).optimizer(.gradientDescent(learningRate: 0.1))
        .batchSize(split.trainCount).epochs(100).run(split, seed).history.map(\.batchLoss)
      return 100 * Double(zip(losses, losses.dropFirst()).count { $1 > $0 }) / Double(losses.count - 1)
    }
    return [Pair(rises[0], rises[1])]
  }
}
