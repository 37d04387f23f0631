import Tartine

/// The mean of several networks, whose weights are their own or shared.
enum Ensembles {
  static let all = [ofSeeds, sharedWeights]

  private static let adam = Optimizer.adam(learningRate: .cosine(from: 3e-3))
  private static let base = stack([128, 64]).optimizer(adam).epochs(60)

  /// The same network with members.
  private static let members = Recipe {
    Flatten()
    Members(8)
    Dense(128)
    ReLU()
    Dense(64)
    ReLU()
  }
  .bins(0).keeping(.last).batchSize(32).optimizer(adam).epochs(60)

  static let ofSeeds = Experiment(
    name: "ensemble",
    claim:
      "The mean of networks from several seeds errs less than one of them: it averages out their variance.",
    method:
      "128-64 units, Adam, 60 epochs, on Friedman's function with noise (300 train rows) and the digits (359 train rows): one "
      + "network, and the mean of five from successive seeds, of which it is the first.",
    questions: [
      Question("Friedman: test RMSE", "one", "five", .below(0)),
      Question("digits: test error, %", "one", "five", .below(0)),
      Question("digits: test loss", "one", "five", .below(0)),
    ]
  ) { lab, seed in
    let table = try Tables.friedman(500, seed: seed).split(seed: seed)
    let digits = try lab.split(.few, seed: seed)
    let (one, five) = (try base.run(table, seed), try base.seeds(5).run(table, seed))
    let (first, all) = (try base.run(digits, seed), try base.seeds(5).run(digits, seed))
    return [
      Pair(try one.test().score, try five.test().score),
      Pair(try first.testError(), try all.testError()), Pair(try first.test().loss, try all.test().loss),
    ]
  }

  static let sharedWeights = Experiment(
    name: "shared-weights",
    claim:
      "Members of an ensemble that share their weights regularize each other: the gap and the test error shrink, also against as many "
      + "networks of their own weights.",
    method:
      "The network and data of ensemble, with eight members, each of which only scales the inputs by weights of its own and has its own "
      + "output layer (TabM's mini form); against the plain network, and against the mean of eight from successive seeds.",
    questions: [
      Question("Friedman: test RMSE", "plain", "eight members", .below(0)),
      Question("Friedman: test loss less train loss", "plain", "eight members", .below(0)),
      Question("Friedman: test RMSE", "eight networks", "eight members", .below(0)),
      Question("digits: test error, %", "plain", "eight members", .below(0)),
      Question("digits: test error, %", "eight networks", "eight members", .below(0)),
    ]
  ) { lab, seed in
    let table = try Tables.friedman(500, seed: seed).split(seed: seed)
    let digits = try lab.split(.few, seed: seed)
    let onTable = try [base, base.seeds(8), members].map { try $0.run(table, seed) }
    let onDigits = try [base, base.seeds(8), members].map { try $0.run(digits, seed).testError() }
    let scores = try onTable.map { try $0.test().score }
    return [
      Pair(scores[0], scores[2]), Pair(try onTable[0].gap(), try onTable[2].gap()), Pair(scores[1], scores[2]),
      Pair(onDigits[0], onDigits[2]), Pair(onDigits[1], onDigits[2]),
    ]
  }
}
