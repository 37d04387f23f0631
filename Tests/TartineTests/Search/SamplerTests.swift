import Foundation
import Tartine
import Testing

@Suite struct SamplerTests {
  private let plane: SearchSpace

  init() throws {
    plane = try SearchSpace([
      Hyperparameter("x", .number(low: -5, high: 10)), Hyperparameter("y", .number(low: 0, high: 15)),
    ])
  }

  /// Branin's function, whose minimum is 0.397887.
  private func branin(_ values: [String: JSONValue]) -> Double {
    let (x, y) = (values["x"]?.number ?? 0, values["y"]?.number ?? 0)
    let bowl = y - 5.1 / (4 * Double.pi * Double.pi) * x * x + 5 / Double.pi * x - 6
    return bowl * bowl + 10 * (1 - 1 / (8 * Double.pi)) * cos(x) + 10
  }

  private func best(_ sampler: any Sampler, trials: Int, seed: UInt64) -> Double {
    var history: [Observation] = []
    for number in 0..<trials {
      let point = sampler.suggest(number, in: plane, after: history, seed: seed)
      history.append(Observation(point: point, value: branin(plane.values(at: point))))
    }
    return history.compactMap(\.value).min() ?? .infinity
  }

  /// The best of 60 random trials is in the best twentieth with probability 1 − 0.95⁶⁰ = 95.4 %.
  @Test func sixtyRandomTrials() throws {
    let space = try SearchSpace([Hyperparameter("x", .number(low: 0, high: 1))])
    let studies = 10_000
    let hits = (0..<studies).count { study in
      (0..<60).contains { RandomSampler().suggest($0, in: space, after: [], seed: UInt64(study))[0] < 0.05 }
    }
    let expected = 1 - (0..<60).reduce(1.0) { product, _ in product * 0.95 }
    let deviation = (expected * (1 - expected) / Double(studies)).squareRoot()
    #expect(abs(Double(hits) / Double(studies) - expected) < 4 * deviation, "\(hits)")
  }

  /// Each half, quarter, eighth … of each dimension holds equally many of the first 2ᵏ points, scrambled or
  /// not; and in two dimensions so does each box of 1/2ᵏ.
  @Test(arguments: [1, 2, 3]) func sobolFillsEvenly(_ seed: Int) {
    let sequence = SobolSequence(dimensions: 12, seed: UInt64(seed))
    let points = (0..<64).map { sequence[$0] }
    for dimension in 0..<12 {
      #expect(Set(points.map { Int($0[dimension] * 64) }).count == 64, "\(dimension)")
    }
    for across in [2, 4, 8, 16, 32] {
      let boxes = Set(points.map { Int($0[0] * Double(across)) * 64 / across + Int($0[1] * Double(64 / across)) })
      #expect(boxes.count == 64, "\(across)")
    }
    #expect(SobolSequence(dimensions: 12, seed: 9)[0] != sequence[0])
    // Beyond the table, points are as good as random.
    #expect(Set((0..<64).map { SobolSequence(dimensions: 30, seed: 1)[$0][29] }).count == 64)
  }

  /// No setting is repeated while there are others: with 24 settings, 24 trials try each one.
  @Test(arguments: [SamplerChoice.guidedZoom, .gaussianProcess]) func fewSettings(_ choice: SamplerChoice) throws {
    let space = try SearchSpace([
      Hyperparameter("kind", .choice(["a", "b", "c"])), Hyperparameter("units", .integer(low: 1, high: 4)),
      Hyperparameter("norm", .choice([true, false])),
    ])
    var history: [Observation] = []
    for number in 0..<24 {
      let point = choice.sampler.suggest(number, in: space, after: history, seed: 5)
      let values = space.values(at: point)
      let cost = abs((values["units"]?.number ?? 0) - 3) + (values["kind"] == "b" ? 0 : 1)
      history.append(Observation(point: try #require(space.point(of: values)), value: cost))
    }
    // The first four fill the space, wherever they are.
    let after = history.dropFirst(4).map(\.point)
    #expect(Set(after).count == after.count && Set(history.prefix(4).map(\.point)).isDisjoint(with: after))
  }

  /// A suggestion is a function of its arguments.
  @Test(arguments: SamplerChoice.allCases) func suggestionsCanBeMadeAgain(_ choice: SamplerChoice) {
    var stream = RandomStream(seed: 4, purpose: .test)
    let history = (0..<30).map { _ -> Observation in
      let point = [stream.uniform(), stream.uniform()]
      return Observation(point: point, value: branin(plane.values(at: point)))
    }
    let once = choice.sampler.suggest(30, in: plane, after: history, seed: 5)
    #expect(choice.sampler.suggest(30, in: plane, after: history, seed: 5) == once)
    #expect(once.count == 2 && once.allSatisfy { $0 >= 0 && $0 <= 1 })
    #expect(choice.sampler.suggest(30, in: plane, after: history, seed: 6) != once)
  }

  /// Each model-based sampler beats random search on Branin's function: 40 trials, the median of seven seeds.
  @Test(arguments: [SamplerChoice.guidedZoom, .gaussianProcess, .coarseToFine, .tpe])
  func learnersBeatChance(_ choice: SamplerChoice) {
    let seeds: [UInt64] = [1, 2, 3, 4, 5, 6, 7]
    let found = seeds.map { best(choice.sampler, trials: 40, seed: $0) }.sorted()[3]
    let chance = seeds.map { best(RandomSampler(), trials: 40, seed: $0) }.sorted()[3]
    #expect(found < chance, "\(found) against \(chance)")
    if choice == .guidedZoom || choice == .gaussianProcess { #expect(found < 0.41, "\(found)") }
  }

  /// Failed, running and missing values, choices and whole numbers: each sampler suggests a point within the
  /// space.
  @Test(arguments: SamplerChoice.allCases) func anythingMayComeOfATrial(_ choice: SamplerChoice) throws {
    let space = try SearchSpace([
      Hyperparameter("a", .choice(["x", "y", "z"])),
      Hyperparameter("b", .integer(low: 1, high: 5)),
      Hyperparameter("c", .number(low: 1e-3, high: 1, scale: .log), when: .init("a", isOneOf: ["x"])),
    ])
    var history: [Observation] = []
    for number in 0..<40 {
      let point = choice.sampler.suggest(number, in: space, after: history, seed: 2)
      let values = space.values(at: point)
      #expect(space.point(of: values) != nil)
      let value: Double? = number % 7 == 3 ? .infinity : number % 11 == 5 ? nil : number % 2 == 0 ? 1 : Double(number)
      history.append(Observation(point: space.point(of: values) ?? point, value: value))
    }
    // All equal, or all failed: nothing to learn from, and no harm.
    let same = history.map { Observation(point: $0.point, value: 3) }
    #expect(choice.sampler.suggest(40, in: space, after: same, seed: 2).count == 3)
    let failed = history.map { Observation(point: $0.point, value: .infinity) }
    #expect(choice.sampler.suggest(40, in: space, after: failed, seed: 2).count == 3)
  }

  /// Half as wide in each round, around the best; if that is at the edge of its box, the next box is wider by
  /// √2, beyond it.
  @Test func boxesShrinkAndMove() throws {
    let space = try SearchSpace([Hyperparameter("x", .number(low: 0, high: 1))])
    let sampler = CoarseToFineSampler(roundSize: 8)
    func boxes(_ optimum: (Int) -> Double) -> [CoarseToFineSampler.Box] {
      var history: [Observation] = []
      for number in 0..<32 {
        let x = sampler.suggest(number, in: space, after: history, seed: 1)[0]
        history.append(Observation(point: [x], value: abs(x - optimum(number))))
      }
      return sampler.boxes(31, in: space, after: history)
    }
    let fixed = boxes { _ in 0.3 }
    #expect(fixed.map { $0.high[0] - $0.low[0] }.map { ($0 * 1000).rounded() / 1000 } == [1, 0.5, 0.25, 0.125])
    #expect(fixed.allSatisfy { $0.low[0] <= 0.3 && 0.3 <= $0.high[0] })
    // The first round's best are 0.1 and 0.3, the second's 0.48 and 0.49, at the edge of its box: the third
    // is around them.
    let first = [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0].map { Observation(point: [$0], value: 1 + $0) }
    let second = [0.48, 0.49, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3].map { Observation(point: [$0], value: 0.9 - $0) }
    let moving = sampler.boxes(16, in: space, after: first + second)
    #expect(moving[1].low == [0] && moving[1].high == [0.5])
    let half = 0.25 * 2.0.squareRoot()
    #expect(
      abs(moving[2].low[0] - (0.485 - half)) < 1e-9 && abs(moving[2].high[0] - (0.485 + half)) < 1e-9, "\(moving)")
  }

  @Test func theBoxWidensAndNarrows() {
    func observations(_ values: [Double]) -> [Observation] { values.map { Observation(point: [0.5], value: $0) } }
    let start = [5.0, 6, 7, 8]
    #expect(GuidedZoomSampler.sides(observations(start), 2, starts: 4).last == 0.8)
    #expect(GuidedZoomSampler.sides(observations(start + [4, 3, 2]), 2, starts: 4).last == 1.6)
    #expect(GuidedZoomSampler.sides(observations(start + [6, 6, 6, 6]), 2, starts: 4).last == 0.4)
    #expect(GuidedZoomSampler.sides(observations(start + [6, 6, 6, 4, 6, 6, 6]), 2, starts: 4).last == 0.8)
  }
}
