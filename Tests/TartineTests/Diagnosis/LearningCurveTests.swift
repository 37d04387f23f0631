import Tartine
import Testing

@Suite struct LearningCurveTests {
  /// Errors of a power law, three seeds each with this much scatter.
  private func points(noise: Double, seed: UInt64 = 1, _ law: (Double) -> Double) -> [LearningCurve.Point] {
    var stream = RandomStream(seed: seed, purpose: .test)
    return [177, 250, 354, 500, 707, 1000].map { rows in
      LearningCurve.Point(
        rows: rows, errors: (0..<3).map { _ in law(Double(rows)) * (1 + noise * stream.normalPair().0) })
    }
  }

  private func law(_ n: Double) -> Double { 0.05 + 2 * 1 / n.squareRoot() }

  @Test func aLawIsContinued() throws {
    let curve = LearningCurve(points(noise: 0.01, law), samplingStandardDeviation: 0)
    guard case .twice(let estimate) = curve.answer else {
      Issue.record("declined: \(curve.answer)")
      return
    }
    let truth = law(2000)
    #expect(estimate.low < truth && truth < estimate.high)
    #expect(abs(estimate.value - truth) < 0.05 * truth && estimate.high - estimate.low < 0.15 * truth)
    #expect(curve.band.count == 7 && curve.band[6].rows == 2000)
  }

  /// Dev's own sampling is part of the uncertainty.
  @Test func fewDevRowsWidenTheBand() throws {
    func width(_ deviation: Double) -> Double {
      guard
        case .twice(let estimate) = LearningCurve(points(noise: 0.01, law), samplingStandardDeviation: deviation).answer
      else { return .nan }
      return (estimate.high - estimate.low) / estimate.value
    }
    let (narrow, wide) = (width(0), width(0.1))
    // 1.645 standard errors to either side, beside what there was.
    #expect(abs(wide - (narrow * narrow + 0.329 * 0.329).squareRoot()) < 0.02, "\(narrow) \(wide)")
  }

  /// The 90 % band covers the law's own value in about nine of ten cases; the standard deviation is estimated
  /// from four trainings.
  @Test func theBandHoldsTheTruth() {
    var (answered, held) = (0, 0)
    for seed in 0..<60 {
      let curve = LearningCurve(points(noise: 0.03, seed: UInt64(seed), law), samplingStandardDeviation: 0)
      guard case .twice(let estimate) = curve.answer else { continue }
      answered += 1
      if estimate.low <= law(2000), law(2000) <= estimate.high { held += 1 }
    }
    #expect(answered >= 40 && Double(held) >= 0.85 * Double(answered), "\(held) of \(answered)")
  }

  @Test func whatIsDeclined() {
    func isDeclined(_ points: [LearningCurve.Point], sampling: Double = 0) -> Bool {
      if case .declined = LearningCurve(points, samplingStandardDeviation: sampling).answer { true } else { false }
    }
    #expect(isDeclined(points(noise: 0.01) { $0 < 600 ? 0.5 : 0.1 }), "a step")
    #expect(isDeclined(points(noise: 0.01) { max(0.02, 0.5 - 0.0004 * $0) }), "ever steeper")
    #expect(isDeclined(points(noise: 0.01, law), sampling: 0.4), "too wide")
    #expect(isDeclined(Array(points(noise: 0.01, law).prefix(3))), "three sizes")
    #expect(isDeclined(points(noise: 0) { _ in 0 }), "no errors")
    #expect(isDeclined(points(noise: 0.01) { 0.4 + 0.0001 * $0 }), "rising")
  }

  @Test func trainingsAtEachSize() throws {
    var stream = RandomStream(seed: 4, purpose: .test)
    let features = (0..<500).map { _ in (0..<3).map { _ in Float(stream.normalPair().0) } }
    let data = try Dataset(features: features, labels: features.map { $0[0] > $0[1] ? "a" : "b" }).split(seed: 1)
    var told: [Int] = []
    let curve = try Recipe(Network(HiddenStack(hidden: [8]))).epochs(3).learningCurve(
      on: data, sizes: 4, seeds: 2, threads: 1
    ) { done, all in told.append(done * 100 + all) }
    #expect(curve.points.map(\.rows) == [106, 150, 212, 300] && curve.points.allSatisfy { $0.errors.count == 2 })
    #expect(told == (1...8).map { $0 * 100 + 8 })
    #expect(data.test.openCount == 0)
  }
}
