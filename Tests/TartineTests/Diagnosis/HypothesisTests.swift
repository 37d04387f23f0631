import Tartine
import Testing

/// Reference values of SciPy 1.17.1: `ks_2samp`, `chi2_contingency(correction=False)`, `false_discovery_control`, `norm.isf`,
/// `mannwhitneyu`.
@Suite struct HypothesisTests {
  @Test func kolmogorovAndSmirnov() {
    let a = [0.1, 0.4, 0.7, 1.1, 1.3, 1.9, 2.2, 2.4, 3.1, 3.3]
    let b = [0.9, 1.5, 1.6, 2.0, 2.5, 2.9, 3.4, 3.6, 4.0, 4.4, 4.9, 5.2]
    let result = HypothesisTest.kolmogorovSmirnov(a, b)
    #expect(abs(result.distance - 0.5) < 1e-12)
    // The exact value is 0.0927; SciPy's own asymptotic one 0.112.
    #expect(abs(result.p - 0.0927) < 0.012, "\(result.p)")
    #expect(HypothesisTest.kolmogorovSmirnov(a, a).p == 1)
    #expect(HypothesisTest.kolmogorovSmirnov(a, []).p == 1)
  }

  /// By hand: differences of 2, 0 and 2 have a mean of 4/3 with a standard error of 2/3, and Student's t with
  /// two degrees of freedom is 4.302653. One row gives no variance.
  @Test func fallOfFewRows() {
    let fall = Estimate.fall(from: [4, 1, 3], to: [2, 1, 1], isNumber: false)
    #expect(abs(fall.value - 4.0 / 3) < 1e-12)
    let half = 4.302653 * 2 / 3
    #expect(abs(fall.value - fall.low - half) < 1e-5 && abs(fall.high - fall.value - half) < 1e-5)
    let one = Estimate.fall(from: [4], to: [2], isNumber: true)
    #expect(one.low == -.infinity && one.high == .infinity)
  }

  @Test func pearsonsChiSquared() {
    let three = HypothesisTest.chiSquared([(30, 45), (50, 35), (20, 40)])
    #expect(abs(three.statistic - 10.583006535947717) < 1e-9)
    #expect(abs(three.p - 0.0050341868368289425) < 2e-4, "\(three.p)")
    let two = HypothesisTest.chiSquared([(12, 25), (30, 28)])
    #expect(abs(two.statistic - 3.408547966127667) < 1e-9)
    #expect(abs(two.p - 0.06485949463987599) < 1e-9)
    #expect(HypothesisTest.chiSquared([(5, 0)]).p == 1)
    // Rare levels are merged: one degree of freedom, not eleven.
    let rare = HypothesisTest.chiSquared([(100, 100)] + (0..<10).map { ($0 % 2, 1 - $0 % 2) })
    #expect(abs(rare.statistic) < 1e-9)
  }

  @Test func severalAtOnce() {
    let adjusted = HypothesisTest.falseDiscoveryRate([0.01, 0.04, 0.03, 0.5, 0.2])
    for (value, expected) in zip(adjusted, [0.05, 0.0666666666666667, 0.0666666666666667, 0.5, 0.25]) {
      #expect(abs(value - expected) < 1e-12)
    }
    #expect(HypothesisTest.familyWise([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06])
  }

  @Test func normalTails() {
    for (p, z) in [(0.025, 1.95996398454), (0.2, 0.841621233573), (1e-6, 4.75342430882)] {
      #expect(abs(HypothesisTest.normalPoint(upperTail: p) - z) < 1e-8)
      #expect(abs(HypothesisTest.normalTail(z) - p) < p * 1e-8)
    }
  }

  /// SciPy's `t.sf` and `t.isf`.
  @Test func studentsTails() {
    for (freedom, t, tail) in [
      (1.0, 2.0, 0.14758361765043326), (2.5, 3.1, 0.033894189162460155), (7, 1.2, 0.1345859684136033),
      (30, -0.4, 0.654004741742904), (400, 2.3, 0.01098116153241283),
    ] {
      #expect(abs(HypothesisTest.studentTail(t, freedom: freedom) - tail) < 1e-12, "\(freedom)")
    }
    for (freedom, point) in [
      (1.0, 12.706204736174705), (1.5, 6.016663104427933), (2, 4.302652729749464), (5, 2.5705818356363155),
      (30, 2.042272456301238),
    ] {
      #expect(abs(HypothesisTest.studentPoint(upperTail: 0.025, freedom: freedom) - point) < 1e-6, "\(freedom)")
    }
  }

  /// SciPy's `hypergeom.sf`; and the share of 400 000 draws of the fourth powers of 0.01, 0.02 … 1 with a sum
  /// at least as large.
  @Test func drawsWithoutRepetition() {
    for (hits, drawn, marked, rows, tail) in [
      (2, 20, 10, 1000, 0.015542413798215285), (1, 20, 10, 1000, 0.18368205277375493),
      (5, 40, 50, 200, 0.9910668737892997), (0, 5, 3, 10, 1.0), (3, 9, 3, 10, 0.7), (4, 9, 3, 10, 0),
    ] {
      let found = HypothesisTest.hypergeometricTail(hits: hits, drawn: drawn, marked: marked, of: rows)
      #expect(abs(found - tail) < 1e-9, "\(hits) of \(drawn)")
    }
    let values = (1...100).map { i in
      let x = Double(i) / 100
      return x * x * x * x
    }
    for (drawn, sum, tail) in [(20, 5.8, 0.0659), (20, 6.7, 0.0119), (60, 15.2, 0.0137)] {
      let found = HypothesisTest.drawnSumTail(sum, drawn: drawn, of: values)
      #expect(abs(found - tail) < 0.1 * tail, "\(drawn): \(found)")
    }
    #expect(HypothesisTest.drawnSumTail(3, drawn: 3, of: [1, 1, 1, 1]) == 1)
  }

  @Test func ranksWithTies() {
    let values: [Double] = [3, 1, 4, 1, 5, 9, 2, 6, 1]
    let ranks = HypothesisTest.ranks(values)
    #expect(ranks == [5, 2, 6, 2, 7, 9, 4, 8, 2])
    let isFirst = [true, true, true, true, false, false, false, false, false]
    #expect(abs(HypothesisTest.area(ranks, isFirst: isFirst) - 0.25) < 1e-12)
  }
}
