import Tartine
import Testing

@Suite struct DiagnosisTests {
  /// Newcombe, *Two-sided confidence intervals for the single proportion*, 1998, table I, method 3.
  @Test func wilsonIntervals() {
    func check(_ hits: Double, _ count: Int, _ low: Double, _ high: Double) {
      let estimate = Estimate.proportion(hits / Double(count), of: count)
      #expect(abs(estimate.low - low) < 5e-5 && abs(estimate.high - high) < 5e-5)
    }
    check(81, 263, 0.2553, 0.3662)
    check(15, 148, 0.0624, 0.1605)
    check(0, 20, 0, 0.1611)
    check(1, 29, 0.0061, 0.1718)
  }

  /// Newcombe 1998, table II, method 10: 56/70 − 48/80 and 10/10 − 0/20.
  @Test func differencesOfProportions() {
    func check(_ a: (Double, Int), _ b: (Double, Int), _ low: Double, _ high: Double) {
      let difference = Estimate.proportion(a.0 / Double(a.1), of: a.1) - .proportion(b.0 / Double(b.1), of: b.1)
      #expect(abs(difference.low - low) < 5e-5 && abs(difference.high - high) < 5e-5)
    }
    check((56, 70), (48, 80), 0.0524, 0.3339)
    check((9, 10), (3, 10), 0.1705, 0.8090)
    check((10, 10), (0, 20), 0.6791, 1)
  }

  @Test func readingsHoldTheIntervalAgainstWorth() {
    #expect(Reading(Estimate(0.05, low: 0.02, high: 0.08), worth: 0.01) == .present)
    #expect(Reading(Estimate(0.005, low: -0.002, high: 0.008), worth: 0.01) == .absent)
    #expect(Reading(Estimate(0.02, low: 0.005, high: 0.03), worth: 0.01) == .undecided)
  }

  private func run(_ recipe: Recipe, noise: Double = 0, rows: Int = 1500, seed: UInt64 = 1) throws -> Run {
    var stream = RandomStream(seed: 3, purpose: .test)
    let x = (0..<rows).map { _ in (0..<6).map { _ in Float(stream.normalPair().0) } }
    let y = x.map { row in (row[0] * row[1] + row[2] > 0 ? 1 : 0) ^ (stream.uniform() < noise ? 1 : 0) }
    return try recipe.train(on: try Dataset(features: x, labels: y).split(seed: 1), seed: seed, threads: 2)
  }

  /// One column in 400 is informative, and the network memorizes 1 200 rows: the gap is far above δ.
  @Test func variance() throws {
    var stream = RandomStream(seed: 8, purpose: .test)
    let x = (0..<2000).map { _ in (0..<400).map { _ in Float(stream.normalPair().0) } }
    let y = x.map { (row: [Float]) -> Int in row[0] > 0 ? 1 : 0 }
    let recipe = Recipe(Network(HiddenStack(hidden: [256]))).optimizer(.adam(learningRate: 0.01)).batchSize(8).epochs(3)
    let trained = try recipe.train(on: try Dataset(features: x, labels: y).split(seed: 1), seed: 1, threads: 2)
    let diagnosis = trained.diagnosis
    #expect(diagnosis.ladder.map(\.name) == ["train", "dev"])
    #expect(diagnosis.worth == max(0.005, 0.1 * trained.dev.score))
    #expect(diagnosis.variance.difference?.value == trained.dev.score - trained.train.score)
    #expect(diagnosis.variance.reading == .present, "\(diagnosis)")
    #expect(diagnosis.prescriptions.first?.settings.description.hasPrefix("network.keepProb") == true)
  }

  @Test func biasNeedsAReference() throws {
    let linear = try run(Recipe(Network(HiddenStack(hidden: []))).epochs(20), noise: 0)
    #expect(linear.diagnosis.bias.reading == .undecided)
    #expect(linear.diagnosis.bias.sentence.contains("humanError"))
    let known = Diagnosis(of: linear, humanError: 0)
    #expect(known.bias.reading == .present && known.verdict.hasPrefix("Mostly bias."))
    #expect(known.prescriptions.allSatisfy { !$0.settings.isEmpty })
    #expect(Diagnosis(of: linear, humanError: linear.train.score, worth: 0.2).bias.reading == .absent)
  }

  @Test func comparisonsArePaired() throws {
    let weak = try run(Recipe(Network(HiddenStack(hidden: []))).epochs(10))
    let strong = try run(Recipe(Network(HiddenStack(hidden: [64, 64]))).epochs(30))
    let comparison = try strong.compared(to: weak)
    #expect(comparison.isDecided && comparison.difference.value < 0 && comparison.description.hasSuffix("better"))
    let same = try strong.compared(to: strong)
    #expect(same.difference.value == 0 && !same.isDecided)
    let elsewhere = try run(Recipe(Network(HiddenStack(hidden: []))).epochs(1), rows: 1400)
    #expect(throws: DataError.self) { try strong.compared(to: elsewhere) }
  }

  @Test func figuresAreWrittenForPeople() {
    #expect(Text.fixed(-0.004, decimals: 2) == "0.00" && Text.fixed(-1.255, decimals: 1) == "−1.3")
    #expect(Text.fixed(2.999, decimals: 2) == "3.00" && Text.fixed(.nan, decimals: 1) == "–")
    #expect(Text.significant(51832.33, digits: 4) == "51832" && Text.significant(0.012345, digits: 3) == "0.0123")
    #expect(Text.significant(-1.2345e12, digits: 3) == "−1.23e12" && Text.significant(1.5e-9, digits: 2) == "1.5e-9")
    #expect(1_234_567.grouped == "1 234 567")
  }
}
