import Foundation
import Tartine
import Testing

@Suite struct ComparisonTests {
  private func split(rows: Int = 900) throws -> Split {
    var stream = RandomStream(seed: 3, purpose: .test)
    let features = (0..<rows).map { _ in (0..<4).map { _ in Float(stream.normalPair().0) } }
    return try Dataset(features: features, labels: features.map { $0[0] * $0[1] + 0.3 * $0[2] > 0 ? "a" : "b" })
      .split(seed: 1)
  }

  private let weak = Recipe(Network(HiddenStack(hidden: []))).epochs(10)
  private let strong = Recipe(Network(HiddenStack(hidden: [32]))).epochs(40)

  /// McNemar's mid-p of the changed rows, computed here by hand.
  @Test func oneRunEach() throws {
    let data = try split()
    let (a, b) = (try strong.train(on: data, seed: 1), try weak.train(on: data, seed: 1))
    let comparison = try a.compared(to: b)
    let worse = zip(a.dev.outcomes, b.dev.outcomes).count { $0 > $1 }
    let better = zip(a.dev.outcomes, b.dev.outcomes).count { $0 < $1 }
    #expect(abs(comparison.difference.value - Double(worse - better) / Double(data.devCount)) < 1e-12)
    var (coefficient, tail) = (1.0, 0.0)
    let changed = worse + better
    for k in 0...min(worse, better) {
      tail += coefficient * (k == min(worse, better) ? 0.5 : 1)
      coefficient *= Double(changed - k) / Double(k + 1)
    }
    for _ in 0..<changed { tail /= 2 }
    #expect(abs(comparison.p - min(1, 2 * tail)) < 1e-9 * max(1, 2 * tail) + 1e-12)
    #expect(comparison.isDecided == (comparison.difference.high < 0))
  }

  /// Seeds widen the interval by their variance, and rows are averaged over them.
  @Test func severalSeeds() throws {
    let data = try split()
    let some = try (0..<4).map { try strong.train(on: data, seed: $0) }
    let others = try (0..<3).map { try weak.train(on: data, seed: $0) }
    let comparison = try Comparison(of: some, to: others)
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    func squares(_ values: [Double]) -> Double {
      let middle = mean(values)
      return values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    }
    let (mine, theirs) = (some.map(\.dev.score), others.map(\.dev.score))
    #expect(abs(comparison.figure - mean(mine)) < 1e-12 && abs(comparison.otherFigure - mean(theirs)) < 1e-12)
    #expect(abs(comparison.difference.value - (mean(mine) - mean(theirs))) < 1e-12)
    let rows = (0..<data.devCount).map { row in
      mean(some.map { $0.dev.outcomes[row] }) - mean(others.map { $0.dev.outcomes[row] })
    }
    let ofRows = squares(rows) / Double(rows.count - 1) / Double(rows.count)
    // Welch and Satterthwaite.
    let parts = [squares(mine) / 3 / 4, squares(theirs) / 2 / 3]
    let freedom = (parts[0] + parts[1]) * (parts[0] + parts[1]) / (parts[0] * parts[0] / 3 + parts[1] * parts[1] / 2)
    let point = HypothesisTest.studentPoint(upperTail: 0.025, freedom: freedom)
    let half = (3.8415 * ofRows + point * point * (parts[0] + parts[1])).squareRoot()
    #expect(abs(comparison.difference.high - comparison.difference.value - half) < 1e-3 * half)
    // The level at which the interval ends at 0.
    let tail = comparison.p / 2
    let z = HypothesisTest.normalPoint(upperTail: tail)
    let t = HypothesisTest.studentPoint(upperTail: tail, freedom: freedom)
    let reach = (z * z * ofRows + t * t * (parts[0] + parts[1])).squareRoot()
    #expect(abs(reach / abs(comparison.difference.value) - 1) < 1e-3, "\(comparison.p)")
    #expect(comparison.seeds == (4, 3) && comparison.verdict == "better")
  }

  @Test func numbersAreComparedByTheirSquares() throws {
    var stream = RandomStream(seed: 8, purpose: .test)
    let features = (0..<600).map { _ in [Float(stream.normalPair().0), Float(stream.normalPair().0)] }
    let data = try Dataset(features: features, values: features.map { Double($0[0] * $0[1]) }).split(seed: 1)
    let (a, b) = (try strong.train(on: data), try weak.train(on: data))
    let comparison = try a.compared(to: b)
    #expect(abs(comparison.difference.value - (a.dev.score - b.dev.score)) < 1e-12)
    #expect(comparison.verdict == "better" && comparison.p < 1e-4)
    #expect(try b.compared(to: a).verdict == "worse")
  }

  @Test func otherRowsAreNoComparison() throws {
    let (a, b) = (try weak.train(on: split()), try weak.train(on: split(rows: 1000)))
    #expect(throws: DataError.self) { try a.compared(to: b) }
    #expect(throws: RecipeError.self) { try Comparison(of: [a], to: []) }
  }

  /// A run opened from its folder equals the run that was written.
  @Test func aRunIsOpenedAgain() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/tartine-compare-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var source = DataSource(data: DataSource.digits, splitSeed: 4)
    let data = try source.load()
    let run = try RunFolder(creating: folder, named: "digits").train(
      Recipe(Network(HiddenStack(hidden: [16]))).epochs(3), on: data, source: source)
    let written = try RunFolder(opening: folder)
    #expect(throws: FileError.self) { try written.open() }
    try written.write(RunFolder.Description(source: source, status: .finished))
    let opened = try written.open()
    #expect(opened.dev.outcomes == run.dev.outcomes && opened.train.scores == run.train.scores)
    #expect(opened.history == run.history && opened.bestEpoch == run.bestEpoch && opened.steps == run.steps)
    #expect(try opened.model.fileContents() == run.model.fileContents())
    #expect(try opened.compared(to: run).difference.value == 0)
  }
}
