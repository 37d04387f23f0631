import Tartine
import Testing

@Suite struct SampledFigureTests {
  private func outcomes(_ wrong: Int, of rows: Int) -> [Double] { (0..<rows).map { $0 < wrong ? 1 : 0 } }

  @Test func oneNetworkHasWilsonsInterval() {
    let figure = SampledFigure(outcomes: [outcomes(10, of: 200)], isNumber: false)
    let wilson = Estimate.proportion(0.05, of: 200)
    #expect(abs(figure.estimate.low - wilson.low) < 1e-12 && abs(figure.estimate.high - wilson.high) < 1e-12)
  }

  /// Measured on all rows of the set, there is no sampling error; on three of four, half of that of a sample
  /// of an infinite set.
  @Test func allRowsLeaveNothingOpen() {
    let all = SampledFigure(outcomes: [outcomes(10, of: 200)], isNumber: false, partRows: 200).estimate
    #expect(all == Estimate(0.05, low: 0.05, high: 0.05))
    let most = SampledFigure(outcomes: [outcomes(300, of: 1500)], isNumber: false, partRows: 2000).estimate
    let many = SampledFigure(outcomes: [outcomes(300, of: 1500)], isNumber: false).estimate
    #expect(abs((most.high - most.low) / (many.high - many.low) - 0.5) < 0.01)
    let number = SampledFigure(outcomes: [outcomes(10, of: 200)], isNumber: true, partRows: 200).estimate
    #expect(number.low == number.high && abs(number.value - 0.05.squareRoot()) < 1e-12)
  }

  /// Two seeds with errors of 0.02 and 0.06 on all rows of a set, with c = 0.0193: the posterior's 97.5 %
  /// point on a grid of 100 000 points with the same ends (Tests/Golden/make_seed_deviation.py).
  @Test func seedsAlone() {
    let figure = SampledFigure(outcomes: [outcomes(4, of: 200), outcomes(12, of: 200)], isNumber: false, partRows: 200)
    let estimate = figure.estimate
    #expect(abs(estimate.value - 0.04) < 1e-12)
    #expect(abs(estimate.high - 0.04 - 0.025354) < 1e-4, "\(estimate)")
  }

  /// Two seeds rely on the prior, far below Student's 12.7 standard errors; seeds much farther apart than row
  /// sampling explains rely on it less; seeds close together by chance, or with the same difference on every
  /// row, still leave uncertainty.
  @Test func fewSeedsLeanOnThePrior() {
    let apart = SampledFigure(outcomes: [outcomes(4, of: 200), outcomes(12, of: 200)], isNumber: false, partRows: 200)
    #expect(apart.estimate.high - 0.04 < 12.7 * 0.02 / 3)
    let lost = SampledFigure(outcomes: [outcomes(0, of: 200), outcomes(100, of: 200)], isNumber: false, partRows: 200)
    #expect(abs(lost.estimate.high - 0.25 - 0.74138) < 1e-3, "\(lost.estimate)")
    let shifted = (0..<200).map { $0 >= 8 && $0 < 16 ? 1.0 : 0 }
    let together = SampledFigure(outcomes: [outcomes(8, of: 200), shifted], isNumber: false, partRows: 200).estimate
    #expect(together.value == 0.04 && together.high - together.low > 0.02, "\(together)")
    let always = SampledFigure(
      outcomes: [outcomes(0, of: 50), outcomes(50, of: 50)], isNumber: false, partRows: 50
    ).estimate
    #expect(always.high > 1 && always.low == 0, "\(always)")
  }

  /// Four cases of two rows each with the same error: sums of deviations of ±1, so that the standard error of
  /// the mean is √(4 · 4/3) / 8, and Student's t has three degrees of freedom.
  @Test func rowsOfOneCaseAreOne() {
    let outcomes = [1.0, 1, 0, 0, 1, 1, 0, 0]
    let cases = [4, 4, 7, 7, 1, 1, 2, 2]
    let fall = Estimate.fall(from: outcomes, to: outcomes.map { _ in 0 }, isNumber: false, cases: cases)
    let half = 3.182446305 * (16.0 / 3).squareRoot() / 8
    #expect(abs(fall.low - (0.5 - half)) < 1e-6 && abs(fall.high - (0.5 + half)) < 1e-6, "\(fall)")
    let many = (0..<100).flatMap { [Double]($0 % 4 == 0 ? [1, 1, 1, 1] : [0, 0, 0, 0]) }
    let figure = SampledFigure(outcomes: [many], isNumber: false, cases: many.indices.map { $0 / 4 }).estimate
    let alone = Estimate.proportion(0.25, of: 100)
    // As wide as the interval of 100 rows, except for Student's t, and twice as wide as that of 400.
    #expect(abs((figure.high - figure.low) / (alone.high - alone.low) - 1) < 0.03, "\(figure) \(alone)")
  }

  /// Seeds with the same errors add nothing to the sampling error of rows.
  @Test func likeSeedsAreOneNetwork() {
    let one = outcomes(20, of: 200)
    let figure = SampledFigure(outcomes: [one, one, one], isNumber: false).estimate
    let wilson = Estimate.proportion(0.1, of: 200)
    #expect(abs(figure.low - wilson.low) < 2e-4 && abs(figure.high - wilson.high) < 2e-4)
  }

  /// Seeds with errors on different rows carry more information together than one, except for the variance
  /// between seeds.
  @Test func independentSeedsTellMore() {
    let lists = (0..<4).map { seed in (0..<400).map { ($0 + seed * 100) % 400 < 40 ? 1.0 : 0 } }
    let four = SampledFigure(outcomes: lists, isNumber: false).estimate
    let one = SampledFigure(outcomes: [lists[0]], isNumber: false).estimate
    #expect(four.value == one.value && four.high - four.low < 0.75 * (one.high - one.low))
  }

  /// A seed's effect that both sets share cancels in their difference.
  @Test func differencesPairSeeds() {
    let dev = SampledFigure(outcomes: [outcomes(40, of: 400), outcomes(80, of: 400)], isNumber: false)
    let train = SampledFigure(outcomes: [outcomes(20, of: 400), outcomes(60, of: 400)], isNumber: false)
    let difference = dev.less(train)
    #expect(abs(difference.value - 0.05) < 1e-12)
    #expect(difference.high - difference.low < 0.5 * (dev.estimate.high - dev.estimate.low))
  }

  /// No error of three seeds on 50 rows: Wilson's interval of one network.
  @Test func noErrorsLeaveRowsOpen() {
    let none = [Double](repeating: 0, count: 50)
    let figure = SampledFigure(outcomes: [none, none, none], isNumber: false).estimate
    #expect(figure.value == 0 && figure.low == 0 && abs(figure.high - 0.0713) < 1e-4, "\(figure)")
  }
}
