import Tartine
import Testing

@Suite struct LBFGSTests {
  /// Minimizes a function of the two output biases of a linear model, and returns the final point and the
  /// number of evaluations.
  private func minimize(
    steps: Int, from start: [Double], l2: Double = 0, _ function: ([Double]) -> (cost: Double, gradient: [Double])
  ) throws -> (end: [Double], evaluations: Int, isDone: Bool) {
    let graph = try Network {}.graph(input: [1], outputs: start.count)
    let (weights, gradients) = (graph.makeParameterArena(.float64), graph.makeParameterArena(.float64))
    let tensor = graph.parameters[0]
    tensor.set(start, in: weights, .float64)
    let search = LBFGS(
      .lbfgs(), penalty: .l2(l2), graph: graph, precision: .float64, weights: weights, gradients: gradients)
    var evaluations = 0
    for _ in 0..<steps where !search.isDone {
      _ = search.step(rate: 1) {
        evaluations += 1
        let (cost, gradient) = function(tensor.doubles(in: weights, .float64))
        tensor.set(gradient, in: gradients, .float64)
        return cost
      }
    }
    return (tensor.doubles(in: weights, .float64), evaluations, search.isDone)
  }

  private func rosenbrock(_ x: [Double]) -> (Double, [Double]) {
    let (a, b) = (1 - x[0], x[1] - x[0] * x[0])
    return (a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b])
  }

  @Test func endsAtTheMinimumOfAParabola() throws {
    let result = try minimize(steps: 50, from: [3, -2, 7]) { x in
      let d = [x[0] - 1, x[1] - 2, x[2] - 3]
      return (d[0] * d[0] / 2 + 5 * d[1] * d[1] + 50 * d[2] * d[2], [d[0], 10 * d[1], 100 * d[2]])
    }
    #expect(zip(result.end, [1, 2, 3]).allSatisfy { abs($0 - $1) < 1e-8 }, "\(result.end)")
    #expect(result.isDone)
  }

  /// SciPy's takes 38 steps and 46 evaluations to 3e-22 (1.17.1, `minimize(method="L-BFGS-B")`).
  @Test func goesAlongRosenbrocksValley() throws {
    let result = try minimize(steps: 60, from: [-1.2, 1], rosenbrock)
    #expect(abs(result.end[0] - 1) < 1e-7 && abs(result.end[1] - 1) < 1e-7, "\(result.end)")
    #expect(result.evaluations < 90, "\(result.evaluations)")
  }

  /// x²/2 + c x²/2 with a shifted minimum: (x − 3)² / 2 + x² / 2 is lowest at 1.5.
  @Test func thePenaltyIsPartOfTheCost() throws {
    let result = try minimize(steps: 20, from: [9], l2: 1) { x in ((x[0] - 3) * (x[0] - 3) / 2, [x[0] - 3]) }
    #expect(abs(result.end[0] - 1.5) < 1e-8)
  }

  /// The line search steps back from non-finite values; if nothing lowers the cost, it stays.
  @Test func endsWhereNoStepHelps() throws {
    let wall = try minimize(steps: 30, from: [1]) { x in
      x[0] < 0.5 ? (.nan, [.nan]) : (x[0] * x[0], [2 * x[0]])
    }
    #expect(wall.end[0] >= 0.5 && wall.end[0] < 0.51, "\(wall.end)")
    let flat = try minimize(steps: 3, from: [4]) { _ in (1, [0]) }
    #expect(flat.end == [4] && flat.isDone)
  }

  private func data() throws -> Dataset {
    var stream = RandomStream(seed: 9, purpose: .test)
    let rows = (0..<400).map { _ in [Float(stream.uniform() * 2 - 1), Float(stream.uniform() * 2 - 1)] }
    return try Dataset(features: rows, labels: rows.map { $0[0] * $0[1] > 0 ? "same" : "other" })
  }

  private var recipe: Recipe {
    Recipe {
      Dense(16); Tanh()
    }.epochs(60).bins(0).optimizer(.lbfgs()).penalty(.l2(1e-4))
  }

  @Test func learnsExclusiveOr() throws {
    let run = try recipe.train(on: try data().split(seed: 1), seed: 3)
    #expect(run.history.last.map { $0.train.loss < 0.1 } ?? false, "\(run.history.last?.train.loss ?? .nan)")
    let losses = run.history.map(\.batchLoss)
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 >= $1 - 2e-3 }, "each step lowers the cost")
    // Micro-batches give the same step up to rounding.
    let pieces = try recipe.accumulation(7).train(on: try data().split(seed: 1), seed: 3)
    #expect(abs(pieces.history[3].batchLoss - run.history[3].batchLoss) < 1e-4)
  }

  @Test func goesOnAfterAnInterruptionAsIfThereWereNone() throws {
    let split = try data().split(seed: 1)
    let whole = try Trainer(recipe.epochs(12), split: split, threads: 1, observers: [])
    var middle: Checkpoint?
    try whole.run { trainer, record in if record.epoch == 5 { middle = trainer.checkpoint() } }
    let resumed = try Trainer(recipe.epochs(12), split: split, threads: 2, observers: [])
    try resumed.restore(try #require(middle), path: "memory")
    try resumed.run { _, _ in }
    #expect(try resumed.keptModel().fileContents() == whole.keptModel().fileContents())
  }

  @Test func whatChangesTheLossIsRefused() throws {
    func problem(_ recipe: Recipe) -> String { recipe.problem ?? "" }
    let drops = Recipe {
      Dense(4); Dropout(keep: 0.5)
    }.optimizer(.lbfgs())
    #expect(problem(drops).contains("lbfgs needs the same loss each time"))
    #expect(problem(recipe.mixup(alpha: 0.2)).contains("lbfgs needs the same loss"))
    #expect(problem(recipe.penalty(.l1(0.1))).contains("not support l1"))
    #expect(problem(recipe.optimizer(.lbfgs().clipped(.globalNorm(1)))).contains("not support clipping"))
    let error = #expect(throws: RecipeError.self) { try recipe.batchSize(32).train(on: try data().split(seed: 1)) }
    #expect(error?.description.contains("in one batch") == true)
  }
}
