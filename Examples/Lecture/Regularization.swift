import Tartine

/// Weight decay, L1, early stopping, augmentation: all on few rows, where there is variance to reduce.
enum Regularization {
  static let all = [weightDecay, l1, earlyStopping, augmentation]

  private static let base = stack([128, 64]).optimizer(.momentum(learningRate: .cosine(from: 0.3))).epochs(60)

  static let weightDecay = Experiment(
    name: "weight-decay",
    claim: "L2 shrinks the weights, and with them the gap between train and dev; biases may be left out.",
    method:
      "Digits, 359 train rows, 128-64 units, momentum, 60 epochs; without a penalty, and with c/2 · Σ w², c the "
      + "best by dev loss of 0.001, 0.003 and 0.01. Biases may be left out if the test error stays within a "
      + "quarter of a point.",
    questions: [
      Question("size of a weight (root mean square)", "none", "L2", .below(0)),
      Question("test loss less train loss", "none", "L2", .below(0)),
      Question("test error, %", "none", "L2", .below(0)),
      Question("test error, %", "weights alone", "biases too", .within(0.25)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let plain = try base.run(split, seed)
    let biases = try bestRun([1e-3, 3e-3, 1e-2], on: split, seed) { base.penalty(Penalty(l2: $0, biases: true)) }
    let decayed = try bestRun([1e-3, 3e-3, 1e-2], on: split, seed) { base.penalty(.l2($0)) }
    return [
      Pair(try plain.model.weightSize(), try decayed.model.weightSize()),
      Pair(try plain.gap(), try decayed.gap()), Pair(try plain.testError(), try decayed.testError()),
      Pair(try decayed.testError(), try biases.testError()),
    ]
  }

  static let l1 = Experiment(
    name: "l1",
    claim: "L1 moves more weights close to 0, and shrinks the gap.",
    method:
      "The network of weight-decay, with c · Σ |w|, c the best by dev loss of 0.0001, 0.0003 and 0.001, also "
      + "against L2. Close to 0 means within 0.001.",
    questions: [
      Question("weights close to 0, %", "none", "L1", .above(0)),
      Question("weights close to 0, %", "L2", "L1", .above(0)),
      Question("test loss less train loss", "none", "L1", .below(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    let plain = try base.run(split, seed)
    let squares = try bestRun([1e-3, 3e-3, 1e-2], on: split, seed) { base.penalty(.l2($0)) }
    let absolute = try bestRun([1e-4, 3e-4, 1e-3], on: split, seed) { base.penalty(.l1($0)) }
    let near = try [plain, squares, absolute].map { try $0.model.weights(below: 1e-3) }
    return [Pair(near[0], near[2]), Pair(near[1], near[2]), Pair(try plain.gap(), try absolute.gap())]
  }

  static let earlyStopping = Experiment(
    name: "early-stopping",
    claim: "Early stopping lowers the variance but raises the bias: it couples the two.",
    method:
      "Overlapping clouds, 300 train rows, 64 units, Adam, 100 epochs: the last epoch's weights against those of "
      + "the epoch with the lowest dev loss.",
    questions: [
      Question("test loss", "last", "best epoch", .below(0)),
      Question("test loss less train loss", "last", "best epoch", .below(0)),
      Question("train error, %", "last", "best epoch", .above(0)),
      Question("size of a weight (root mean square)", "last", "best epoch", .below(0)),
    ]
  ) { _, seed in
    let split = try Tables.clouds(500, seed: seed).split(seed: seed)
    let runs = try [KeptEpoch.last, .best].map { kept in
      try stack([64]).optimizer(.adam(learningRate: 3e-3)).epochs(100).keeping(kept).run(split, seed)
    }
    return [
      Pair(try runs[0].test().loss, try runs[1].test().loss), Pair(try runs[0].gap(), try runs[1].gap()),
      Pair(runs[0].trainError, runs[1].trainError),
      Pair(try runs[0].model.weightSize(), try runs[1].model.weightSize()),
    ]
  }

  static let augmentation = Experiment(
    name: "augmentation",
    claim: "Augmentation that keeps the meaning of images helps; flipping digits does not keep it.",
    method:
      "Digits, 359 train rows, 128 units, Adam, 100 epochs: none, rotated, zoomed and shifted (10°, 0.1, a tenth "
      + "of the width), random crops (one pixel of padding), horizontal flips (half of the images).",
    questions: [
      Question("test error, %", "none", "rotated, zoomed, shifted", .below(0)),
      Question("test error, %", "none", "cropped", .below(0)),
      Question("test error, %", "none", "flipped", .above(0)),
    ]
  ) { lab, seed in
    let split = try lab.split(.few, seed: seed)
    var (mild, cropped, flipped) = (Augmentation.none, Augmentation.none, Augmentation.none)
    (mild.rotation, mild.zoom, mild.shift) = (10, 0.1, 0.1)
    cropped.crop = 1
    flipped.horizontalFlip = 0.5
    let errors = try [.none, mild, cropped, flipped].map { (augmentation: Augmentation) in
      try stack([128]).optimizer(.adam(learningRate: .cosine(from: 3e-3))).epochs(100).augmentation(augmentation)
        .run(split, seed).testError()
    }
    return errors.dropFirst().map { Pair(errors[0], $0) }
  }
}
