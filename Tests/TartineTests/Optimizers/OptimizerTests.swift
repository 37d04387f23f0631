import Tartine
import Testing

@Suite struct OptimizerTests {
  /// Three steps of one weight from 1 with gradient 2w, by hand.
  private func steps(_ optimizer: Optimizer, _ count: Int = 3) throws -> [Double] {
    // Squared error of w · 1 against 0 over one row: ½ w², so that the gradient is w.
    let graph = try Network {}.graph(input: [1], outputs: 1)
    let weights = graph.makeParameterArena(.float64)
    graph.parameters[0].set([1], in: weights, .float64)
    let step = TrainingStep(
      graph: graph, output: .identity(values: 1), optimizer: optimizer, penalty: .none, precision: .float64, batch: 1,
      seed: 0, workers: Workers(1), weights: weights, state: graph.makeInitialState(.float64))
    let data = PreparedRows.of([1], width: 1, targets: .matrix(Arena.of([0]), width: 1))
    return [Int32(0)].withUnsafeBufferPointer { row in
      (0..<count).map { number in
        // The bias learns too: it is held at 0, so that there is only one weight.
        graph.parameters[1].set([0], in: weights, .float64)
        step.begin(row, of: data)
        _ = step.run(step: number, rate: 0.1, next: nil)
        return graph.parameters[0].doubles(in: weights, .float64)[0]
      }
    }
  }

  private func expect(_ actual: [Double], _ expected: [Double], _ place: SourceLocation = #_sourceLocation) {
    for (a, b) in zip(actual, expected) { #expect(abs(a - b) < 1e-12, sourceLocation: place) }
  }

  @Test func gradientDescent() throws { expect(try steps(.gradientDescent()), [0.9, 0.81, 0.729]) }

  @Test func momentumIsCorrected() throws {
    // v₁ = 0.1, v̂₁ = 1; v₂ = 0.09 + 0.09 = 0.18, v̂₂ = 0.18 / 0.19.
    let w2 = 0.9 - 0.1 * 0.18 / 0.19
    let v3 = 0.9 * 0.18 + 0.1 * w2
    expect(try steps(.momentum()), [0.9, w2, w2 - 0.1 * v3 / 0.271])
  }

  @Test func momentumOfTheLectureIsNot() throws {
    // v₁ = 0.1, w₁ = 0.99; v₂ = 0.189, w₂ = 0.9711.
    expect(try steps(.momentum(variant: .lecture)), [0.99, 0.9711, 0.9711 - 0.1 * (0.9 * 0.189 + 0.09711)])
  }

  @Test func momentumOfTorchDoesNotWeighTheGradient() throws {
    expect(try steps(.momentum(variant: .torch)), [0.9, 0.72, 0.72 - 0.1 * (0.9 * 1.8 + 0.72)])
  }

  @Test func nesterovLooksAhead() throws {
    // v₁ = 0.1: step 0.9 · 0.1 + 0.1 = 0.19.
    let w1 = 1 - 0.1 * 0.19
    let v2 = 0.09 + 0.1 * w1
    expect(try steps(.nesterov(), 2), [w1, w1 - 0.1 * (0.9 * v2 + 0.1 * w1)])
  }

  @Test func rmspropAndItsVariants() throws {
    expect(try steps(.rmsprop(epsilon: 1e-3), 1), [1 - 0.1 / (0.1.squareRoot() + 1e-3)])
    expect(try steps(.rmsprop(epsilon: 1e-3, variant: .keras), 1), [1 - 0.1 / (0.1 + 1e-3).squareRoot()])
    // The lecture's first step is 31.6 times the learning rate, less the effect of ε.
    expect(try steps(.rmsprop(variant: .lecture), 1), [1 - 0.1 / (0.001 + 1e-5).squareRoot()])
  }

  @Test func adamsFirstStepIsTheRate() throws {
    expect(try steps(.adam(epsilon: 0), 1), [0.9])
    // Second: g = 0.9, m̂ = (0.09 + 0.09)/0.19, ŝ = (0.000999 + 0.00081)/0.001999.
    let w2 = 0.9 - 0.1 * (0.18 / 0.19) / (0.001809 / 0.001999).squareRoot()
    expect(try steps(.adam(epsilon: 0), 2), [0.9, w2])
  }

  @Test func theLecturesAdamIsNotCorrected() throws {
    // m = 0.1, s = 0.001; then g = w₁, m = 0.09 + 0.1 w₁, s = 0.000999 + 0.001 w₁².
    let w1 = 1 - 0.1 * 0.1 / (0.001 + 1e-5).squareRoot()
    let w2 = w1 - 0.1 * (0.09 + 0.1 * w1) / (0.000999 + 0.001 * w1 * w1 + 1e-5).squareRoot()
    expect(try steps(.adam(variant: .lecture), 2), [w1, w2])
  }

  @Test func decayIsApartFromTheGradient() throws {
    expect(try steps(.adamW(decay: 0.5, epsilon: 0), 1), [1 - 0.1 * 0.5 - 0.1])
  }

  @Test func schedulesByHand() {
    func rates(_ rate: LearningRate) -> [Double] {
      [0, 1, 5, 10, 19].map { rate.rate(at: $0, of: 20, epochSteps: 5) }
    }
    expect(rates(.constant(0.1)), [0.1, 0.1, 0.1, 0.1, 0.1])
    expect(rates(.inverseTime(from: 0.1, decay: 1)), [0.1, 0.1 / 1.2, 0.05, 0.1 / 3, 0.1 / 4.8])
    expect(rates(.staircase(from: 0.8, factor: 0.5, every: 1)), [0.8, 0.8, 0.4, 0.2, 0.1])
    expect(rates(.exponential(from: 0.8, factor: 0.25)).prefix(4).map { $0 }, [0.8, 0.6062866266041593, 0.2, 0.05])
    // A warm-up of a quarter: 5 steps, then half a cosine over 15.
    let cosine = rates(.cosine(from: 0.1, to: 0.02, warmup: 0.25))
    expect(cosine, [0.02, 0.04, 0.1, 0.02 + 0.08 * 0.75, 0.02 + 0.04 * (1 - 0.9781476007338057)])
  }

  @Test func aPlateauIsSeenInTheDevLosses() {
    let rate = LearningRate.plateau(from: 0.8, factor: 0.5, patience: 1)
    func after(_ losses: [Double]) -> Double { rate.rate(at: 0, of: 100, epochSteps: 5, devLosses: losses) }
    // One epoch without a new best is tolerated; the second halves the learning rate, and the count restarts.
    expect([after([]), after([3, 2]), after([3, 2, 2]), after([3, 2, 2, 2])], [0.8, 0.8, 0.8, 0.4])
    expect([after([3, 2, 2, 2, 2]), after([3, 2, 2, 2, 2, 2])], [0.4, 0.2])
    // A decrease below 10⁻⁴ of the best does not count as a new best.
    expect([after([2, 1.9999, 1.9998])], [0.4])
    // A loss may be negative.
    expect([after([-1, -1, -1]), after([-1, -2, -3, -4])], [0.4, 0.8])
  }

  @Test func partsOfAJoinedScheduleCountForThemselves() {
    let rate = LearningRate.joined(
      0.8, [.init(0.25, .polynomial(power: 1, to: 0)), .init(0.75, scale: 0.5, .plateau(factor: 0.5, patience: 0))])
    func at(_ step: Int, _ losses: [Double] = []) -> Double {
      rate.rate(at: step, of: 20, epochSteps: 5, devLosses: losses)
    }
    expect([at(0), at(1), at(4)], [0.8, 0.64, 0.16])
    // The first schedule's epoch does not count for the plateau.
    expect([at(5, [1]), at(10, [1, 9]), at(15, [1, 9, 9])], [0.4, 0.4, 0.2])
  }

  /// β₁ is lowest where the learning rate is highest, after a warm-up and within a joined schedule.
  @Test func momentumOfOneCycleFollowsItsRate() {
    var warm = LearningRate.oneCycle(to: 1)
    warm.warmup = 0.5
    var late = LearningRate.joined(1, [.init(0.5, .constant), .init(0.5, scale: 2, .oneCycle(.init()))])
    late.warmup = 0.2
    for rate in [LearningRate.oneCycle(to: 1), warm, late] {
      let rates = (0..<200).map { rate.rate(at: $0, of: 200, epochSteps: 10) }
      let betas = (0..<200).map { rate.beta1(at: $0, of: 200) ?? 1 }
      let top = rates.indices.max { rates[$0] < rates[$1] }!
      // The warm-up ends at the cycle's maximum.
      let low = betas.indices.min { betas[$0] < betas[$1] }!
      #expect(abs(rates[low] - rates[top]) < 1e-9 && betas[low] < 0.86, "\(low), \(top)")
      #expect(betas[0] > 0.94)
    }
  }

  @Test func averagesOfTheWeights() throws {
    // w = 0.9, 0.81: bias-corrected, with β = 0.5, (0.5 · 0.9 · 0.5 + 0.81 · 0.5) / 0.75.
    #expect(try averaged(.exponential(beta: 0.5), steps: 2) == [(0.25 * 0.9 + 0.5 * 0.81) / 0.75])
    #expect(WeightAverage.stochastic(from: 0.5).epochs(after: 2, of: 4) == nil)
    #expect(WeightAverage.stochastic(from: 0.5).epochs(after: 4, of: 4) == 2)
  }

  private func averaged(_ average: WeightAverage, steps: Int) throws -> [Double] {
    let graph = try Network {}.graph(input: [1], outputs: 1)
    let (weights, gradients) = (graph.makeParameterArena(.float64), graph.makeParameterArena(.float64))
    graph.parameters[0].set([1], in: weights, .float64)
    let updater = Updater(
      .gradientDescent().averaged(average), penalty: .none, graph: graph, precision: .float64, parts: [],
      weights: weights, gradients: gradients)
    for step in 0..<steps {
      graph.parameters[0].set(graph.parameters[0].doubles(in: weights, .float64), in: gradients, .float64)
      updater.prepare(step: step, rate: 0.1, beta1: nil, gradientSquares: 0)
      for part in 0..<updater.parts { updater.perform(part) }
    }
    let result = graph.makeParameterArena(.float64)
    updater.writeAverage(steps: steps, into: result)
    return graph.parameters[0].doubles(in: result, .float64)
  }

  @Test func clippingScalesTheWholeGradient() throws {
    expect(try steps(.gradientDescent().clipped(.globalNorm(0.5)), 1), [1 - 0.1 * 0.5 * 1 / 2.0.squareRoot()])
  }

  @Test func movingAverageIsCorrectedForItsStart() {
    var average = MovingAverage(beta: 0.9)
    #expect(average.value == nil)
    average.add(10)
    #expect(abs((average.value ?? 0) - 10) < 1e-12 && abs(average.uncorrected - 1) < 1e-12)
    average.add(20)
    #expect(abs((average.value ?? 0) - (0.9 + 2) / 0.19) < 1e-12)
  }

  @Test func optimizersSurviveCoding() throws {
    for optimizer in [
      Optimizer.gradientDescent(learningRate: 0.3), .momentum(variant: .lecture), .nesterov(beta: 0.8),
      .rmsprop(variant: .keras),
      .adam(learningRate: .staircase(from: 0.1, factor: 0.5, every: 3)).clipped(.globalNorm(2)),
      .adamW(learningRate: .exponential(from: 1, factor: 0.9, warmup: 0.1), decay: 0.3),
      .nAdam(learningRate: .inverseSquareRoot(from: 1)).averaged(.exponential(beta: 0.99)),
      .rAdam(learningRate: .polynomial(from: 1, power: 2, to: 0.1)).averaged(.stochastic(from: 0.5)),
      .amsGrad(learningRate: .cosineRestarts(from: 1, first: 3)).clipped(GradientClipping(norm: 1, value: 2)),
      .lion(learningRate: .logCosine(from: 1)), .adagrad(learningRate: .stableDecay(from: 1)),
      .momentum(learningRate: .oneCycle(to: 0.1), variant: .torch), .nesterov(learningRate: .plateau(from: 0.2)),
      .adam(
        learningRate: .joined(
          0.1, [.init(0.5, .constant, warmup: 0.1), .init(0.5, .joined([.init(1, scale: 0.1, .cosine(to: 0))]))])),
    ] {
      #expect(try JSON.convert(optimizer, to: Optimizer.self) == optimizer)
    }
  }
}
