import Tartine
import Testing

@Suite struct SpaceTests {
  /// Positions by hand: the middle of 10⁻⁴ to 1 is 10⁻² on a log scale, that of 0.9 to 0.999 is 0.99 on a
  /// reverse-log scale.
  @Test func scales() throws {
    func number(_ domain: Domain, _ unit: Double) -> Double { domain.value(at: unit).number ?? .nan }
    #expect(abs(number(.number(low: 2, high: 6), 0.25) - 3) < 1e-12)
    #expect(abs(number(.number(low: 1e-4, high: 1, scale: .log), 0.5) - 1e-2) < 1e-12)
    #expect(abs(number(.number(low: 0.9, high: 0.999, scale: .reverseLog), 0.5) - 0.99) < 1e-12)
    #expect(number(.number(low: 0, high: 1, step: 0.25), 0.5) == 0.5)
    // In short decimal form, and the ends exactly.
    #expect([0.3, 0.5, 0.9].map { number(.number(low: 0.1, high: 0.7, step: 0.1), $0) } == [0.3, 0.4, 0.7])
    #expect(number(.number(low: 0, high: 0.9, step: 0.3), 1) == 0.9)
    #expect([0, 1.0].map { number(.number(low: 0.01, high: 3, scale: .log), $0) } == [0.01, 3])
    #expect([0, 1.0].map { number(.number(low: 0.3, high: 0.97, scale: .reverseLog), $0) } == [0.3, 0.97])
    let layers = Domain.integer(low: 1, high: 4)
    #expect([0, 0.24, 0.26, 0.99, 1].map { number(layers, $0) } == [1, 1, 2, 4, 4])
    // From 0.5 to 128.5 by orders of magnitude: 8 is in the middle.
    #expect(number(.integer(low: 1, high: 128, scale: .log), 0.5) == 8)
    #expect(Domain.choice(["a", "b", "c"]).value(at: 0.5) == "b")
  }

  /// The position of a value gives the value again.
  @Test(arguments: [
    // 0.3 + (0.9 − 0.3) is above 0.9 in floating point.
    Domain.number(low: -3, high: 7), .number(low: 0.3, high: 0.9), .number(low: 1e-5, high: 10, scale: .log),
    .number(low: 0.5, high: 0.9999, scale: .reverseLog), .number(low: 0, high: 2, step: 0.1),
    .number(low: 0, high: 0.3, step: 0.1), .number(low: 0.1, high: 0.7, step: 0.1),
    .number(low: 1e-300, high: 1e300, scale: .log),
    .integer(low: 16, high: 512, scale: .log), .integer(low: 0, high: 30, step: 5),
    .choice(["relu", 3, true, [64, 32]]),
  ]) func placesGoBothWays(_ domain: Domain) throws {
    var stream = RandomStream(seed: 1, purpose: .test)
    for unit in [0, 1] + (0..<50).map({ _ in stream.uniform() }) {
      let value = domain.value(at: unit)
      let place = try #require(domain.unit(of: value), "\(value)")
      #expect(
        domain.value(at: place).isSame(as: value)
          || abs((domain.value(at: place).number ?? 0) - (value.number ?? 1)) < 1e-9 * abs(value.number ?? 1))
    }
    #expect(domain.unit(of: "nothing of the kind") == nil)
  }

  /// The distribution over equal parts of a scale: each order of magnitude has the same share.
  @Test func logScalesDrawEachOrderOfMagnitudeAlike() throws {
    let space = try SearchSpace([Hyperparameter("rate", .number(low: 1e-4, high: 1, scale: .log))])
    var counts = [0, 0, 0, 0]
    for number in 0..<4000 {
      let point = RandomSampler().suggest(number, in: space, after: [], seed: 3)
      let rate = try #require(space.values(at: point)["rate"]?.number)
      counts[rate < 1e-3 ? 0 : rate < 1e-2 ? 1 : rate < 1e-1 ? 2 : 3] += 1
    }
    // A share of a quarter of 4 000 has a standard deviation of 27.
    #expect(counts.allSatisfy { abs($0 - 1000) < 120 }, "\(counts)")
  }

  @Test(arguments: [
    Domain.integer(low: -5_000_000_000_000_000_000, high: 5_000_000_000_000_000_000),
    .number(low: 0, high: 1, step: 1e-20), .number(low: -1e308, high: 1e308), .number(low: .nan, high: 1),
  ])
  func rangesThatAreTooWide(_ domain: Domain) {
    #expect(throws: SearchError.self) { try SearchSpace([Hyperparameter("x", domain)]) }
  }

  @Test func conditions() throws {
    let space = try SearchSpace([
      Hyperparameter("optimizer", .choice(["adamw", "momentum"])),
      Hyperparameter("decay", .number(low: 0, high: 1), when: .init("optimizer", isOneOf: ["adamw"])),
    ])
    #expect(space.values(at: [0.1, 0.5]) == ["optimizer": "adamw", "decay": 0.5])
    #expect(space.values(at: [0.9, 0.5]) == ["optimizer": "momentum"])
    let point = try #require(space.point(of: ["optimizer": "momentum"]))
    #expect(point[0] == 0.75 && point[1].isNaN)
    #expect(space.point(of: ["optimizer": "adamw"]) == nil)
    #expect(try SearchSpace(json: space.json) == space)
  }

  @Test func files() throws {
    let space = try SearchSpace(
      json: """
        {"optimizer.learningRate": {"low": 1e-4, "high": 0.1, "scale": "log"},
         "network.units": {"low": 32, "high": 512, "scale": "log", "integer": true},
         "a.decay": {"low": 0.01, "high": 10, "scale": "log", "when": {"optimizer.algorithm": ["adamw"]}},
         "optimizer.algorithm": {"choices": ["adamw", "momentum"]},
         "optimizer.beta1": {"low": 0.8, "high": 0.99, "scale": "reverse-log"},
         "epochs": {"low": 10, "high": 50, "step": 10, "integer": true}}
        """)
    #expect(space.count == 6)
    let decay = try #require(space.parameters.first { $0.name == "a.decay" })
    #expect(decay.condition?.name == "optimizer.algorithm" && decay.condition?.values == [.string("adamw")])
    // What a hyperparameter depends on comes before it.
    let names = space.parameters.map(\.name)
    let (own, other) = (names.firstIndex(of: "a.decay"), names.firstIndex(of: "optimizer.algorithm"))
    #expect(try #require(other) < #require(own))
    #expect(try SearchSpace(json: space.json) == space)
  }

  /// Each invalid space is reported with its error.
  @Test(arguments: [
    ("{}", "needs at least one hyperparameter"), ("3", "is an object of hyperparameters"), ("[1]", "has no name"),
    ("{", "cannot be read"),
    (#"{"a": 3}"#, "must be an object"), (#"{"a": {"low": 1}}"#, "needs low and high"),
    (#"{"a": {"low": 2, "high": 1}}"#, "range is empty"), (#"{"a": {"low": 0, "high": 1, "scale": "log"}}"#, "above 0"),
    (#"{"a": {"low": 0.5, "high": 1, "scale": "reverse-log"}}"#, "below 1"),
    (#"{"a": {"low": 0, "high": 1, "scale": "cubic"}}"#, "scale must be"),
    (#"{"a": {"low": 0, "high": 1, "max": 1}}"#, "has a key 'max'"), (#"{"a": {"choices": []}}"#, "nothing to choose"),
    (#"{"a": {"choices": [1, 1]}}"#, "twice"),
    (#"{"a": {"low": 0, "high": 1}, "b": {"choices": ["\"a"]}, "a": {"low": 0, "high": 2}}"#, "'a' twice"),
    (#"{"a": {"low": 0, "high": 1, "low": 0.5}}"#, "'low' twice"),
    (#"{"a": {"choices": [1], "low": 1}}"#, "and so no low"),
    (#"{"a": {"low": 0.5, "high": 2, "integer": true}}"#, "low, high and step must be whole"),
    (#"{"a": {"low": 0, "high": 1, "step": 0}}"#, "step must be above 0"),
    (#"{"a": {"low": "x", "high": 1}}"#, "low must be a number"),
    (#"{"a": {"low": 0, "high": 1, "when": {"b": [1]}}}"#, "must be a hyperparameter listed before it"),
    (#"{"b": {"choices": [1, 2]}, "a": {"low": 0, "high": 1, "when": {"b": [3]}}}"#, "that it never has"),
  ]) func wrongSpaces(_ json: String, _ what: String) {
    #expect(performing: { try SearchSpace(json: json) }, throws: { "\($0)".contains(what) })
  }

  @Test func optunasDistributions() throws {
    let long = #"{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.1, "log": true}}"#
    #expect(Distribution(json: long)?.domain == .number(low: 1e-4, high: 0.1, scale: .log))
    let short = #"{"type": "int", "low": 8, "high": 256, "log": true}"#
    #expect(Distribution(json: short)?.domain == .integer(low: 8, high: 256, scale: .log))
    let choice = #"{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", null, true, 3]}}"#
    let choices = try #require(Distribution(json: choice))
    #expect(
      choices.domain == .choice(["relu", .null, true, 3]) && choices.value(of: 3) == 3
        && choices.number(of: "relu") == 0)
    #expect(choices.value(of: 4) == nil && Distribution(json: "{}") == nil)
    for domain in [Domain.number(low: 0, high: 1, step: 0.1), .integer(low: 1, high: 9, step: 2), choices.domain] {
      #expect(Distribution(json: Distribution(domain).json)?.domain == domain)
    }
  }
}
