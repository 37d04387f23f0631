import Foundation
import Tartine
import Testing

@Suite struct GaussianProcessTests {
  /// Values by mpmath with 60 digits.
  @Test func expectedImprovementInItsLogarithm() {
    for (mean, deviation, threshold, expected) in [
      (0.0, 1.0, 1.0, 0.0800262188493069), (0, 1, -1, -2.48512102571264), (0, 1, -4.9, -16.2128164078977),
      (0, 1, -5.1, -17.2851857747048), (0, 2, -40, -206.224691328865), (3, 0.1, 0, -460.027238853592),
      (0, 1, -1000, -500014.734452091),
    ] {
      let found = LogExpectedImprovement.value(mean: mean, deviation: deviation, threshold: threshold)
      #expect(abs(found.value - expected) < 1e-9 * abs(expected), "\(threshold): \(found.value)")
      // Derivatives by central differences.
      func value(_ m: Double, _ d: Double) -> Double {
        LogExpectedImprovement.value(mean: m, deviation: d, threshold: threshold).value
      }
      let h = 1e-6
      let byMean = (value(mean + h, deviation) - value(mean - h, deviation)) / (2 * h)
      let byDeviation = (value(mean, deviation + h) - value(mean, deviation - h)) / (2 * h)
      #expect(abs(found.byMean - byMean) < 1e-4 * max(1, abs(byMean)))
      #expect(abs(found.byDeviation - byDeviation) < 1e-4 * max(1, abs(byDeviation)))
    }
  }

  /// Rosenbrock's valley, unbounded and with a bound that excludes the minimum.
  @Test func minimizing() {
    func valley(_ x: [Double]) -> (value: Double, gradient: [Double]) {
      let (a, b) = (x[0], x[1])
      return (
        100 * (b - a * a) * (b - a * a) + (1 - a) * (1 - a), [-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)]
      )
    }
    let free = Minimizer.minimize(
      from: [-1.2, 1], lowest: [-5, -5], highest: [5, 5], evaluations: 300, tolerance: 1e-14, valley)
    #expect(abs(free.place[0] - 1) < 1e-4 && abs(free.place[1] - 1) < 1e-4, "\(free)")
    let bound = Minimizer.minimize(
      from: [-1.2, 1], lowest: [-5, -5], highest: [0.5, 5], evaluations: 300, tolerance: 1e-14, valley)
    #expect(bound.place[0] == 0.5 && abs(bound.place[1] - 0.25) < 1e-4 && abs(bound.value - 0.25) < 1e-6, "\(bound)")
  }

  /// Three points by hand: with signal 1, hardly any trend and noise, and ℓ = 1, the mean interpolates the
  /// values, and halfway between two points at 0 and 1 it is k(½) over 1 + k(1) of their sum.
  @Test func predictions() throws {
    let parameters = GaussianProcess.Parameters([0, 0, -60, -60])
    let process = try #require(GaussianProcess([[0], [1]], [2, 4], isOrdered: [true], parameters))
    let at = process.predict([[0], [1], [0.5]])
    #expect(abs(at[0].mean - 2) < 1e-9 && abs(at[1].mean - 4) < 1e-9 && at[0].variance < 1e-9)
    func k(_ r: Double) -> Double {
      let x = 5.0.squareRoot() * r
      return (1 + x + x * x / 3) * exp(-x)
    }
    #expect(abs(at[2].mean - 6 * k(0.5) / (1 + k(1))) < 1e-9)
    #expect(abs(at[2].variance - (1 - 2 * k(0.5) * k(0.5) / (1 + k(1)))) < 1e-9)
    // A fantasized point is in the mean, and reduces the variance.
    let believing = process.believing([[0.5]]).predict([[0.5]])[0]
    #expect(abs(believing.mean - at[2].mean) < 1e-9 && believing.variance < 1e-9)
  }

  /// Derivatives of mean and variance compared with central differences, with a choice and a missing value
  /// among the inputs.
  @Test func slopes() throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    let points = (0..<15).map { k in
      [stream.uniform(), stream.uniform(), k % 2 == 0 ? 0.25 : 0.75, k % 3 == 0 ? .nan : stream.uniform()]
    }
    let values = points.map { sin(5 * $0[0]) + $0[1] * $0[1] + $0[2] }
    let process = try #require(
      GaussianProcess(points, values, isOrdered: [true, true, false, true], evaluations: 40))
    let x = [0.3, 0.6, 0.25, 0.4]
    let found = process.slopes(x)
    let here = process.predict([x])[0]
    #expect(abs(found.mean - here.mean) < 1e-9 && abs(found.variance - here.variance) < 1e-9)
    for place in [0, 1, 3] {
      var (up, down) = (x, x)
      up[place] += 1e-5
      down[place] -= 1e-5
      let (a, b) = (process.predict([up])[0], process.predict([down])[0])
      #expect(abs(found.meanSlope[place] - (a.mean - b.mean) / 2e-5) < 1e-5, "\(place)")
      #expect(abs(found.varianceSlope[place] - (a.variance - b.variance) / 2e-5) < 1e-5, "\(place)")
    }
    #expect(found.meanSlope[2] == 0)
  }

  /// A hyperparameter without effect gets a long length scale; noise is fitted as noise.
  @Test func whatIsFitted() throws {
    var stream = RandomStream(seed: 8, purpose: .test)
    let points = (0..<40).map { _ in [stream.uniform(), stream.uniform()] }
    let clean = try #require(
      GaussianProcess(points, points.map { sin(8 * $0[0]) }, isOrdered: [true, true], evaluations: 60))
    #expect(clean.parameters.lengths[1] > clean.parameters.lengths[0] + 1, "\(clean.parameters)")
    let noisy = try #require(
      GaussianProcess(
        points, points.map { sin(8 * $0[0]) + 0.5 * stream.normalPair().0 }, isOrdered: [true, true], evaluations: 60))
    #expect(exp(noisy.parameters.noise) > 0.05, "\(noisy.parameters)")
    #expect(exp(clean.parameters.noise) < 0.01)
  }

  /// For y = 10 a + b + noise columns, a has nearly all the importance, and c none.
  @Test func importance() throws {
    let space = try SearchSpace(["a", "b", "c"].map { Hyperparameter($0, .number(low: 0, high: 1)) })
    var stream = RandomStream(seed: 5, purpose: .test)
    let history = (0..<50).map { _ -> Observation in
      let point = (0..<3).map { _ in stream.uniform() }
      return Observation(point: point, value: 10 * point[0] + 2 * point[1] + 0.1 * stream.normalPair().0)
    }
    let found = HyperparameterImportance.all(history, in: space)
    #expect(found.map(\.name).prefix(2) == ["a", "b"])
    // Variances of uniform numbers: 100 : 4 : 0.
    #expect(abs(found[0].share.value - 100.0 / 104) < 0.1 && found[2].share.value < 0.05, "\(found)")
    #expect(found.allSatisfy { $0.share.low <= $0.share.value && $0.share.value <= $0.share.high })
    #expect(HyperparameterImportance.all(Array(history.prefix(5)), in: space).isEmpty)
  }

  @Test func edges() throws {
    let space = try SearchSpace([
      Hyperparameter("rate", .number(low: 1e-4, high: 1e-2, scale: .log)),
      Hyperparameter("keep", .number(low: 0.5, high: 1)),
      Hyperparameter("units", .integer(low: 16, high: 256, scale: .log)),
    ])
    func found(_ optimum: [Double]) -> [EdgeOptimum] {
      let sequence = SobolSequence(dimensions: 3, seed: 1)
      let history = (0..<64).map { k -> Observation in
        let point = k < 60 ? sequence[k] : zip(sequence[k], optimum).map { 0.02 * $0 + 0.98 * $1 }
        return Observation(point: point, value: zip(point, optimum).reduce(0) { $0 + abs($1.0 - $1.1) })
      }
      return EdgeOptimum.all(history, in: space)
    }
    #expect(found([0.5, 0.5, 0.5]).isEmpty)
    let low = found([0, 0.5, 0.5])
    #expect(
      low.map(\.name) == ["rate"] && low[0].isLow && abs(low[0].low - 1e-5) < 1e-9 && abs(low[0].high - 1e-3) < 1e-9)
    // Nothing lies beyond a share of 1.
    #expect(found([0.5, 1, 1]).map(\.name) == ["units"])
    #expect(found([0.5, 0.5, 1]).first?.high == 1024)
    // The lowest of few whole numbers is above the margin: its interval is as wide. And β just below 1 is
    // distinguished from 1.
    let few = try SearchSpace([
      Hyperparameter("units", .integer(low: 2, high: 32, scale: .log)),
      Hyperparameter("beta", .number(low: 0.7, high: 0.99, scale: .reverseLog)),
    ])
    let points = (0..<12).map { k in
      [Domain.integer(low: 2, high: 32, scale: .log).unit(of: .integer(2 + k)) ?? 0, 1 - Double(k) / 12]
    }
    let ends = EdgeOptimum.all(points.enumerated().map { Observation(point: $1, value: Double($0)) }, in: few)
    #expect(ends.map(\.name) == ["units", "beta"] && ends[0].isLow && ends[0].low == 1, "\(ends)")
    // 1 − 0.01 · (0.01 / 0.3)^½.
    #expect(abs(ends[1].high - 0.998174) < 1e-6 && ends[1].sentence.hasSuffix("to 0.9982"), "\(ends[1].sentence)")
  }

  /// The few best trials lack what only others have: the winner's own position counts.
  @Test func edgesOfWhatHangsOnAnother() throws {
    let space = try SearchSpace([
      Hyperparameter("kind", .choice(["a", "b"])),
      Hyperparameter("share", .number(low: 0.2, high: 0.6), when: .init("kind", isOneOf: ["a"])),
    ])
    let others = (0..<12).map { Observation(point: [0.75, .nan], value: Double($0)) }
    let found = EdgeOptimum.all(others + [Observation(point: [0.25, 1], value: 20)], in: space, best: [0.25, 1])
    #expect(found.map(\.name) == ["share"] && found.first?.isLow == false)
  }

  /// By hand: of 0, 1 and 5 the last is compressed to 1 + ln(1 + 4), and all are standardized.
  @Test func warpedValues() {
    let drawn = [0, 1, 1 + log(5.0)]
    let mean = drawn.reduce(0, +) / 3
    let deviation = (drawn.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3).squareRoot()
    for (found, expected) in zip(WarpedValues([0, 1, 5]).list, drawn) {
      #expect(abs(found - (expected - mean) / deviation) < 1e-12)
    }
    // If most are the lowest, the others are still distinguished; infinite or huge values leave nothing
    // infinite.
    let tied = WarpedValues([0, 0, 0, 0, 0, 1, 1, 1, 2]).list
    #expect(tied[0] < tied[5] && tied[5] < tied[8] && abs(tied.reduce(0, +)) < 1e-9)
    for strange in [[0, 1, .infinity], [-.infinity, 0, 1], [-1e308, 0, 1e308]] {
      let list = WarpedValues(strange).list
      #expect(list.allSatisfy(\.isFinite) && list[0] <= list[1] && list[1] <= list[2] && list[0] < list[2], "\(list)")
    }
    #expect(WarpedValues([3, 3, 3]).list == [0, 0, 0])
  }

  @Test func stoppingEarly() {
    let others: [[Int: Double]] = (1...6).map { [1: Double($0), 2: Double($0) - 0.5, 3: Double($0) - 0.6] }
    // The median of 0.5 … 5.5 is 3.
    #expect(StoppingRule.median.stops([1: 9, 2: 3.1], after: 2, of: 9, beside: others))
    #expect(!StoppingRule.median.stops([1: 2, 2: 3.1], after: 2, of: 9, beside: others), "it was better before")
    #expect(!StoppingRule.median.stops([1: 9], after: 1, of: 9, beside: others), "too early")
    #expect(!StoppingRule.median.stops([1: 9, 2: 3.1], after: 2, of: 9, beside: Array(others.prefix(4))), "too few")
    // The best third of seven is three.
    #expect(!StoppingRule.halving.stops([1: 2.5], after: 1, of: 9, beside: others))
    #expect(StoppingRule.halving.stops([1: 3.5], after: 1, of: 9, beside: others))
    #expect(!StoppingRule.halving.stops([1: 2.5, 2: 9], after: 2, of: 9, beside: others), "no rung")
    #expect(!StoppingRule.none.stops([9: 1e9], after: 9, of: 10, beside: others))
  }
}
