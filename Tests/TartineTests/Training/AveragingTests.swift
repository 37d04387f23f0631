import Tartine
import Testing

/// Weight averaging, recomputed batch norm statistics, and gradient accumulation.
@Suite struct AveragingTests {
  /// Rows of three numbers, the third on another scale, and a label that follows the first.
  private func data(_ rows: Int) throws -> Split {
    var stream = RandomStream(seed: 3, purpose: .test)
    let rows = (0..<rows).map { _ in (0..<3).map { Float(stream.uniform()) * ($0 == 2 ? 5 : 1) } }
    return try Dataset(features: rows, labels: rows.map { $0[0] > 0.5 ? "a" : "b" })
      .split(.shares(train: 0.5, dev: 0.25, test: 0.25), seed: 1)
  }

  private func weights(_ model: Model) -> [Double] {
    model.graph.parameters.flatMap { $0.doubles(in: model.networks[0].weights, .float32) }
  }

  @Test func gradientsOfPiecesAreThoseOfTheBatch() throws {
    let split = try data(200)
    let recipe = Recipe {
      Dense(9); Tanh()
    }.batchSize(50).epochs(5).bins(0).penalty(.l2(0.01))
      .optimizer(.momentum(learningRate: .constant(0.1)).clipped(.globalNorm(0.5)))
    let whole = weights(try recipe.train(on: split, seed: 2).model)
    // 50 rows in micro-batches of 17, 17 and 16.
    let pieces = weights(try recipe.accumulation(3).train(on: split, seed: 2).model)
    for (a, b) in zip(whole, pieces) { #expect(abs(a - b) < 1e-5) }
    #expect(whole != pieces)
  }

  /// Its inputs are standardized columns, whatever the weights, so that the statistics of the norm are known.
  @Test(arguments: [WeightAverage.exponential(beta: 0.9), .stochastic(from: 0)])
  func theNormsAveragesAreThoseOfAllTrainRows(_ average: WeightAverage) throws {
    let split = try data(200)
    let recipe = Recipe {
      BatchNorm(); Dense(4); ReLU(); Dropout(keep: 0.5)
    }.batchSize(25).epochs(3).bins(0)
      .optimizer(.adam().averaged(average))
    let model = try recipe.train(on: split, seed: 2).model
    // Four batches of 25 rows: the mean of their means is that of all; variances are within the batches.
    for value in model.graph.state[0].doubles(in: model.networks[0].state, .float32) { #expect(abs(value) < 1e-5) }
    for value in model.graph.state[1].doubles(in: model.networks[0].state, .float32) { #expect(abs(value - 1) < 0.1) }
  }

  /// The predictor uses the average of the recorded weights.
  @Test func theAverageIsOfWeightsWithinTheLargestNorm() throws {
    let model = try Recipe {
      Dense(20); ReLU()
    }.epochs(10).bins(0).optimizer(.adam(learningRate: .constant(0.1)).averaged(.exponential(beta: 0.9)))
      .penalty(.maxNorm(0.5)).train(on: try data(200), seed: 2).model
    let weight = model.graph.parameters[0].doubles(in: model.networks[0].weights, .float32)
    for unit in 0..<20 {
      let norm = (0..<3).reduce(0.0) { $0 + weight[$1 * 20 + unit] * weight[$1 * 20 + unit] }.squareRoot()
      #expect(norm < 0.5 + 1e-5)
    }
  }

  @Test func aShortRunHasItsPlainMeanToo() throws {
    let recipe = Recipe {
      Dense(4); ReLU()
    }.epochs(2).bins(0).optimizer(.adam(learningRate: .constant(0.1)))
    let split = try data(200)
    var averaged = recipe
    averaged.optimizer.average = .stochastic(from: 0.75)
    #expect(WeightAverage.stochastic(from: 0.75).epochs(after: 2, of: 2) == 1)
    // The mean over one epoch's weights is those weights.
    #expect(
      weights(try averaged.train(on: split, seed: 2).model) == weights(try recipe.train(on: split, seed: 2).model))
  }

  /// Two steps of four micro-batches count as eight updates in the bias correction of the averages.
  @Test func theNormsAveragesCountPieces() throws {
    let model = try Recipe {
      BatchNorm(); Dense(4); ReLU()
    }.batchSize(50).accumulation(4).epochs(1).bins(0).keeping(.last).train(on: try data(200), seed: 2).model
    for value in model.graph.state[1].doubles(in: model.networks[0].state, .float32) {
      #expect(abs(value - 1) < 0.25, "\(value)")
    }
  }

  /// Averaging over all steps removes the noise of a learning rate that is too high.
  @Test func averagesAreCloserToTheMinimum() throws {
    let split = try data(400)
    let recipe = Recipe {
      Dense(4); Tanh()
    }.batchSize(4).epochs(12).bins(0)
    let noisy = Optimizer.momentum(learningRate: .constant(0.3))
    /// The mean over seeds: a single one may end near the minimum by luck.
    func loss(_ optimizer: Optimizer) throws -> Double {
      let recipe = recipe.optimizer(optimizer)
      return try (0..<8).map { try #require(try recipe.train(on: split, seed: $0).history.last).train.loss }.reduce(
        0, +) / 8
    }
    let last = try loss(noisy)
    for average in [WeightAverage.exponential(beta: 0.99), .stochastic(from: 0.5)] {
      let averaged = try loss(noisy.averaged(average))
      #expect(averaged < last, "\(averaged) against \(last)")
    }
  }
}
