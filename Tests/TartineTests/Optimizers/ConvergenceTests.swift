import Tartine
import Testing

/// Every optimizer reaches the minimum of a parabola, of Rosenbrock's valley, and of a small network's loss.
@Suite struct ConvergenceTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let optimizer: Optimizer
    /// The highest learning rates that suit a parabola, the valley and a network.
    let rates: (Double, Double, Double)

    var testDescription: String { "\(optimizer.algorithm.rawValue), \(optimizer.variant.rawValue)" }
  }

  /// Each algorithm in each variant that changes it.
  static let cases = (try? makeCases()) ?? []

  private static func makeCases() throws -> [Case] {
    try Optimizer.Algorithm.allCases.filter { $0 != .lbfgs }.flatMap { try cases(of: $0) }
  }

  private static func cases(of algorithm: Optimizer.Algorithm) throws -> [Case] {
    let rates: (Double, Double, Double) =
      switch algorithm {
      case .gradientDescent: (0.1, 1e-3, 0.5)
      case .momentum, .nesterov: (0.1, 1e-3, 0.5)
      case .adagrad: (0.5, 0.5, 0.3)
      case .rmsprop: (0.05, 0.01, 0.02)
      case .adam, .adamW, .amsGrad, .nAdam: (0.1, 0.02, 0.05)
      // Its first steps are not divided by anything.
      case .rAdam: (0.1, 1e-3, 0.05)
      case .lion: (0.05, 3e-3, 0.01)
      // See LBFGSTests; a rule of the program's own is tested in Examples/Extensions.
      case .lbfgs, .other: (1, 1, 1)
      }
    return try variants(of: algorithm).map { variant in
      var optimizer = try JSON.decode(
        Optimizer.self,
        from: #"{"algorithm": "\#(algorithm.rawValue)", "variant": "\#(variant.rawValue)", "learningRate": 0.1}"#)
      optimizer.decay = 0
      // PyTorch's and Keras' moments sum about ten gradients.
      let long = (algorithm == .momentum || algorithm == .nesterov) && variant != .standard && variant != .lecture
      let scale = long ? 0.1 : 1
      return Case(optimizer: optimizer, rates: (rates.0 * scale, rates.1 * scale, rates.2 * scale))
    }
  }

  private static func variants(of algorithm: Optimizer.Algorithm) -> [Optimizer.Variant] {
    switch algorithm {
    case .gradientDescent, .rAdam, .lion, .lbfgs, .other: [.standard]
    case .momentum: [.standard, .lecture, .torch, .keras]
    case .nesterov: [.standard, .torch, .keras]
    case .adagrad, .nAdam: [.standard, .keras]
    case .rmsprop: [.standard, .lecture, .torch, .keras]
    case .adam: [.standard, .lecture, .keras, .sklearn]
    case .adamW, .amsGrad: [.standard, .keras, .sklearn]
    }
  }

  @Test func thereAreCases() { #expect(Self.cases.count == 28) }

  /// Follows the gradient of a function of two numbers with half a cosine of learning rates, and returns the
  /// final point.
  private func minimize(
    _ optimizer: Optimizer, rate: Double, steps: Int, from start: [Double], _ gradient: (Double, Double) -> [Double]
  ) throws -> [Double] {
    let graph = try Network {}.graph(input: [1], outputs: 2)
    let (weights, gradients) = (graph.makeParameterArena(.float64), graph.makeParameterArena(.float64))
    let tensor = graph.parameters[0]
    tensor.set(start, in: weights, .float64)
    let updater = Updater(
      optimizer, penalty: .none, graph: graph, precision: .float64, parts: [], weights: weights, gradients: gradients)
    let schedule = LearningRate.cosine(from: rate, warmup: 0)
    for step in 0..<steps {
      let place = tensor.doubles(in: weights, .float64)
      tensor.set(gradient(place[0], place[1]), in: gradients, .float64)
      updater.prepare(
        step: step, rate: schedule.rate(at: step, of: steps, epochSteps: 1), beta1: nil, gradientSquares: 0)
      for part in 0..<updater.parts { updater.perform(part) }
    }
    return tensor.doubles(in: weights, .float64)
  }

  @Test(arguments: cases) func reachesTheMinimumOfAParabola(_ one: Case) throws {
    let end = try minimize(one.optimizer, rate: one.rates.0, steps: 1000, from: [3, -2]) { [$0 - 1, 10 * ($1 - 2)] }
    #expect(abs(end[0] - 1) < 1e-2 && abs(end[1] - 2) < 1e-2, "at \(end)")
  }

  @Test(arguments: cases) func goesAlongRosenbrocksValley(_ one: Case) throws {
    let end = try minimize(one.optimizer, rate: one.rates.1, steps: 30_000, from: [-1.2, 1]) { x, y in
      [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    }
    #expect(abs(end[0] - 1) < 0.1 && abs(end[1] - 1) < 0.2, "at \(end)")
  }

  /// A simpler version of two spirals: exclusive or with noise.
  @Test(arguments: cases) func learnsExclusiveOr(_ one: Case) throws {
    var stream = RandomStream(seed: 9, purpose: .test)
    let rows = (0..<400).map { _ in [Float(stream.uniform() * 2 - 1), Float(stream.uniform() * 2 - 1)] }
    let data = try Dataset(features: rows, labels: rows.map { $0[0] * $0[1] > 0 ? "same" : "other" })
    var recipe = Recipe {
      Dense(16); Tanh()
    }.batchSize(32).epochs(60).bins(0)
    recipe.optimizer = one.optimizer
    recipe.optimizer.learningRate = .cosine(from: one.rates.2)
    let run = try recipe.train(on: try data.split(seed: 1), seed: 3)
    #expect(run.history.last.map { $0.train.loss < 0.25 } ?? false, "\(run.history.last?.train.loss ?? .nan)")
  }
}
