import Tartine
import Testing

@Suite struct SelectionBiasTests {
  /// 60 trials that guess: the best of them errs on fewer than half of 200 rows by luck, by as much as is estimated.
  @Test func guessesAreCorrectedToHalf() throws {
    var (corrected, best) = (0.0, 0.0)
    for seed in 0..<20 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      let outcomes = (0..<60).map { _ in (0..<200).map { _ in Float(stream.integer(below: 2)) } }
      let lowest = outcomes.map { $0.reduce(0) { $0 + Double($1) } / 200 }.min() ?? 0
      let bias = try #require(SelectionBias(outcomes, isNumber: false, seed: 0))
      #expect(bias.trials == 60 && bias.rows == 200)
      best += lowest / 20
      corrected += (lowest + bias.value) / 20
    }
    #expect(best < 0.44 && abs(corrected - 0.5) < 0.006, "\(best), \(corrected)")
  }

  /// Trials of different quality whose rows they share: the estimate is the mean distance of the best score from that trial's truth.
  @Test(arguments: [0.0, 0.01, 0.03, 0.1]) func theBiasOfTrialsThatDiffer(_ spread: Double) throws {
    var (truth, estimate) = (0.0, 0.0)
    let runs = 40
    for seed in 0..<runs {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test, index: 5)
      let rates = (0..<40).map { _ in 0.3 + spread * stream.normalPair().0 }
      // Half of each row's luck is the same for all trials.
      let shared = (0..<200).map { _ in stream.uniform() }
      let outcomes = rates.map { rate in
        shared.map { shared in (stream.uniform() < 0.5 ? shared : stream.uniform()) < rate ? Float(1) : 0 }
      }
      let scores = outcomes.map { $0.reduce(0.0) { $0 + Double($1) } / 200 }
      let best = scores.indices.min { scores[$0] < scores[$1] } ?? 0
      truth += (rates[best] - scores[best]) / Double(runs)
      estimate += try #require(SelectionBias(outcomes, isNumber: false, seed: 0)).value / Double(runs)
    }
    #expect(abs(estimate - truth) < 0.012, "\(estimate), not \(truth)")
  }

  /// One trial that is far better than the others would be selected whatever the rows.
  @Test func aClearWinnerHasNoBias() throws {
    var stream = RandomStream(seed: 1, purpose: .test)
    var outcomes = (0..<30).map { _ in (0..<300).map { _ in Float(stream.integer(below: 2)) } }
    outcomes[7] = outcomes[7].indices.map { $0 % 20 == 0 ? 1 : 0 }
    #expect(try #require(SelectionBias(outcomes, isNumber: false, seed: 0)).value < 0.005)
    #expect(SelectionBias([outcomes[0]], isNumber: false, seed: 0) == nil)
  }
}
