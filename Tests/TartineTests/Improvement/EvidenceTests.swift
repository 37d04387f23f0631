import Foundation
import Tartine
import Testing

/// The statistics by which an idea is accepted.
@Suite struct EvidenceTests {
  /// Of one difference E = 2 F₁(√g), F₁ of Cauchy: 1 + 2/π arctan √10 for g = 10; and the mean over both signs is 1.
  @Test func ofOneDifference() {
    let up = EValue([0.3]).value
    #expect(abs(up - (1 + 2 / Double.pi * atan(10.0.squareRoot()))) < 1e-9)
    #expect(abs(up + EValue([-0.3]).value - 2) < 1e-9)
    #expect(EValue([0, 0, 0]).value == 1)
    // The scale of the differences is no evidence.
    #expect(abs(EValue([0.01, 0.02, -0.005]).value - EValue([10, 20, -5]).value) < 1e-9)
  }

  /// The closed form is the integral over δ and σ of the likelihoods over that of a mean of 0.
  @Test(arguments: [[0.4, 1.1, 0.7], [1, 2, 1.5, 3, 2.2], [-0.5, 0.2, -1, 0.3]])
  func isTheIntegral(_ x: [Double]) {
    let (n, g) = (Double(x.count), 10.0)
    let (squares, sum) = (x.reduce(0) { $0 + $1 * $1 }, x.reduce(0, +))
    /// ∫ u^(n−1) exp(−½ (u² Σx² − 2 u δ Σx + n δ²)) du, u = 1/σ.
    func likelihood(_ delta: Double) -> Double {
      let step = 0.01
      return stride(from: step / 2, to: 14, by: step).reduce(0) { total, u in
        total + step * pow(u, n - 1) * exp(-0.5 * (u * u * squares - 2 * u * delta * sum + n * delta * delta))
      }
    }
    let step = 0.02
    let above = stride(from: step / 2, to: 24, by: step).reduce(0) { total, delta in
      total + step * 2 / (2 * Double.pi * g).squareRoot() * exp(-delta * delta / (2 * g)) * likelihood(delta)
    }
    #expect(abs(EValue(x).value / (above / likelihood(0)) - 1) < 1e-3)
  }

  /// Of 4 000 sequences without an effect, looked at after each of ten differences, at most 5 % ever reach 20; and with an effect of two
  /// deviations nearly all reach it.
  @Test func isValidWheneverOneLooks() {
    var stream = RandomStream(seed: 5, purpose: .test)
    func share(_ mean: Double) -> Double {
      let count = 4_000
      let reached = (0..<count).count { _ in
        var x: [Double] = []
        return (0..<10).contains { _ in
          x.append(mean + stream.normalPair().0)
          return EValue(x).value >= 20
        }
      }
      return Double(reached) / Double(count)
    }
    let none = share(0)
    #expect(none <= 0.05 && none > 0.005, "\(none)")
    #expect(share(2) > 0.95)
    #expect(EValue.needed(question: 1, accepted: 0) == 40)
    #expect(EValue.needed(question: 3, accepted: 1) == 120)
  }

  /// Two pairs of two rows each, worked by hand: d = 0.5, 0.5; each row's influence (e − ½)/4 = ±⅛, so the variance of the sum is
  /// 4/3 · 4/64.
  @Test func ofClasses() {
    let own = [
      Trained(rows: [0, 1], outcomes: [1, 0], score: 0.5), Trained(rows: [2, 3], outcomes: [1, 1], score: 1),
    ]
    let idea = [
      Trained(rows: [0, 1], outcomes: [0, 0], score: 0), Trained(rows: [2, 3], outcomes: [0, 1], score: 0.5),
    ]
    let gain = PairedGain(of: idea, over: own, isNumber: false, groups: nil, sharesRows: false)
    #expect(gain.differences == [0.5, 0.5])
    #expect(abs(gain.standardError - (4.0 / 3 * 4 / 64).squareRoot()) < 1e-12)
    #expect(gain.estimate.value == 0.5)
    // One row measured twice is one case: its influences are added.
    let twice = PairedGain(
      of: [idea[0], idea[0]], over: [own[0], own[0]], isNumber: false, groups: nil, sharesRows: false)
    #expect(abs(twice.standardError - (2.0 * 2 / 16).squareRoot()) < 1e-12)
  }

  /// Squared errors count by the slope of the root: 1/(2·2) and 1/(2·1); and where pairs share their rows, rows and seeds are added.
  @Test func ofNumbers() {
    let own = [
      Trained(rows: [0, 1], outcomes: [2, 6], score: 2), Trained(rows: [0, 1], outcomes: [2, 6], score: 2),
    ]
    let idea = [
      Trained(rows: [0, 1], outcomes: [1, 1], score: 1), Trained(rows: [0, 1], outcomes: [0, 1], score: 0.5),
    ]
    let gain = PairedGain(of: idea, over: own, isNumber: true, groups: nil, sharesRows: true)
    #expect(gain.differences == [1, 1.5])
    // Effects: 2/4 − 1/2 = 0, 6/4 − 1/2 = 1; 2/4 − 0 = ½, 6/4 − 1 = ½. Influences ∓½/4 and 0.
    let rows = (2.0 * 2 / 64).squareRoot()
    #expect(abs(gain.standardError - (rows * rows + 0.25 * 0.25).squareRoot()) < 1e-12)
  }

  /// Every row of train and dev is dev once in five splits, and test rows never; groups stay whole; time has one split.
  @Test func splitsCoverTheRows() throws {
    let split = try Fixtures.noisy(rows: 200)
    let splits = PairSplits(split)
    #expect(!splits.isFixed)
    #expect(
      splits.rows(ofPair: 0).split.devRows == split.devRows && splits.rows(ofPair: 0).judging == nil)
    for start in [1, 6] {
      let judging = (start..<start + 5).flatMap { splits.rows(ofPair: $0).judging ?? [] }
      #expect(judging.sorted() == (split.trainRows + split.devRows).sorted())
    }
    #expect(splits.rows(ofPair: 1).judging != splits.rows(ofPair: 6).judging)
    for pair in 1...10 {
      // Neither trained on nor chosen by.
      let part = splits.rows(ofPair: pair)
      let used = part.split.trainRows + part.split.devRows
      let judging = try #require(part.judging)
      #expect(Set(used).count == used.count && Set(used).isDisjoint(with: judging))
    }
    let patients = try Fixtures.noisy(rows: 200, by: .grouped(by: "patient"))
    let parts = PairSplits(patients)
    let groups = try #require(patients.groupByRow)
    for pair in 1...5 {
      let part = parts.rows(ofPair: pair)
      let used = Set((part.split.trainRows + part.split.devRows).map { groups[$0] })
      let judging = try #require(part.judging).map { groups[$0] }
      #expect(used.isDisjoint(with: judging))
    }
    let ordered = PairSplits(try Fixtures.noisy(rows: 200, by: .time(by: "day")))
    #expect(ordered.isFixed && ordered.rows(ofPair: 4).split.devRows == ordered.own.devRows)
  }
}

extension Fixtures {
  /// y = sin 2a + b/2 and noise; of groups four rows for each patient, of time a day.
  static func noisy(rows: Int, by method: SplitMethod = .stratified) throws -> Split {
    var stream = RandomStream(seed: 11, purpose: .test)
    var text = "a,b,\(method.column ?? "c"),y\n"
    for row in 0..<rows {
      let (a, b) = stream.normalPair()
      let third =
        switch method {
        case .grouped: "p\(row / 4)"
        case .time: "\(row)"
        default: "\(stream.normalPair().0)"
        }
      text += "\(a),\(b),\(third),\(sin(2 * a) + b / 2 + 0.2 * stream.normalPair().0)\n"
    }
    let path = FileManager.default.temporaryDirectory.path + "/improvement-\(UUID().uuidString).csv"
    try Files.write(text, to: path)
    defer { Files.remove(path) }
    return try Split(Dataset(csv: path, target: "y"), by: method)
  }
}
