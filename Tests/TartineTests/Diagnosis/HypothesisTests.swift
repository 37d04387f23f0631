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

  @Test func pearsonsChiSquared() {
    let three = HypothesisTest.chiSquared([(30, 45), (50, 35), (20, 40)])
    #expect(abs(three.statistic - 10.583006535947717) < 1e-9)
    #expect(abs(three.p - 0.0050341868368289425) < 2e-4, "\(three.p)")
    let two = HypothesisTest.chiSquared([(12, 25), (30, 28)])
    #expect(abs(two.statistic - 3.408547966127667) < 1e-9)
    #expect(abs(two.p - 0.06485949463987599) < 1e-9)
    #expect(HypothesisTest.chiSquared([(5, 0)]).p == 1)
    // Rare levels together: one degree of freedom, not eleven.
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

  @Test func ranksWithTies() {
    let values: [Double] = [3, 1, 4, 1, 5, 9, 2, 6, 1]
    let ranks = HypothesisTest.ranks(values)
    #expect(ranks == [5, 2, 6, 2, 7, 9, 4, 8, 2])
    let isFirst = [true, true, true, true, false, false, false, false, false]
    #expect(abs(HypothesisTest.area(ranks, isFirst: isFirst) - 0.25) < 1e-12)
  }
}
