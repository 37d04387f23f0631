import Tartine
import Testing

/// Training again on train and dev.
@Suite struct RefitTests {
  /// The refit is the training on train and dev for as many epochs; the figures are those of the model before.
  @Test func aRefitTrainsOnDevToo() throws {
    let rows = (0..<120).map { [Float($0 * 37 % 101), Float($0 * 61 % 89)] }
    let split = try Dataset(features: rows, values: rows.map { Double($0[0] + 2 * $0[1]) }).split(seed: 3)
    let plain = Recipe {
      Dense(8); ReLU()
    }.epochs(12)
    let before = try plain.train(on: split, threads: 1)
    let after = try plain.refitting().train(on: split, threads: 1)
    #expect(after.dev.loss == before.dev.loss && after.train.loss == before.train.loss)
    #expect(after.model.epoch == before.model.epoch && after.model.recipe.refit)
    let all = try plain.keeping(.last).epochs(12).train(
      on: split.with(train: (split.train + split.dev).sorted()), threads: 1)
    #expect(all.split.trainCount == split.trainCount + split.devCount)
    if before.model.epoch == 12 { #expect(try after.test().loss == all.test().loss) }
    #expect(try after.test().loss != before.test().loss)
    #expect(throws: RecipeError.self) {
      try plain.refitting().optimizer(.adam(learningRate: .plateau(from: 0.01))).train(on: split, threads: 1)
    }
  }

  /// The linear model of few rows is least squares on train and dev.
  @Test func aLinearRefitIsLeastSquaresOnTrainAndDev() throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    let rows = (0..<100).map { _ in [Float(stream.normalPair().0)] }
    let values = rows.map { 3 * Double($0[0]) + stream.normalPair().0 }
    let split = try Dataset(features: rows, values: values).split(seed: 0)
    var recipe = Recipe.linear(for: split, threads: 1).refitting()
    recipe.penalty.l2 = 1e-7
    let run = try recipe.train(on: split, threads: 1)
    let known = split.train + split.dev
    let x = known.map { Double(rows[$0][0]) }
    let y = known.map { values[$0] }
    let (a, b) = (x.reduce(0, +) / 80, y.reduce(0, +) / 80)
    var (products, squares) = (0.0, 0.0)
    for (x, y) in zip(x, y) {
      products += (x - a) * (y - b)
      squares += (x - a) * (x - a)
    }
    let rise = try run.model.predict(row: ["x1": 1.0]).number ?? 0
    let start = try run.model.predict(row: ["x1": 0.0]).number ?? 0
    #expect(abs(rise - start - products / squares) < 1e-3, "\(rise - start), \(products / squares)")
  }
}
