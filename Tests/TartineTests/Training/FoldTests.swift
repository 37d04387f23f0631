import Tartine
import Testing

@Suite struct FoldTests {
  private func data(_ rows: Int = 203) throws -> Dataset {
    var stream = RandomStream(seed: 5, purpose: .test)
    let features = (0..<rows).map { _ in [Float(stream.uniform()), Float(stream.uniform())] }
    return try Dataset(features: features, labels: features.map { $0[0] + 0.2 * $0[1] > 0.8 ? "a" : "b" })
  }

  @Test(arguments: [2, 5, 10]) func eachRowIsLeftOutOnce(_ count: Int) throws {
    let split = try data().split(seed: 1)
    let folds = try split.folds(count)
    #expect(folds.count == count)
    let held = folds.map { $0.test.open().rows }
    #expect(held.joined().sorted() == (split.train + split.dev).sorted())
    #expect(Set(held.map(\.count)).count <= 2)
    for (fold, rows) in zip(folds, held) {
      #expect((fold.train + fold.dev + rows).sorted() == (split.train + split.dev).sorted())
      #expect(abs(fold.devCount * 4 - (fold.devCount + fold.trainCount)) <= 8)
      // As many of each class as there are in all.
      let share = { (rows: [Int]) in
        Double(rows.count { split.dataset.targets[0].text($0) == "a" }) / Double(rows.count)
      }
      #expect(abs(share(rows) - share(split.train + split.dev)) < 0.06)
    }
    #expect(try split.folds(count).map(\.train) == folds.map(\.train))
    #expect(split.test.openCount == 0)
  }

  /// However few rows are left, one of them chooses the epoch.
  @Test(arguments: [15, 21, 31]) func eachFoldHasADevRow(_ rows: Int) throws {
    let split = try data(rows).split(.shares(train: 0.93, dev: 0.07, test: nil), seed: 1)
    for count in [2, 3, rows / 2] {
      #expect(try split.folds(count).allSatisfy { $0.devCount > 0 && $0.trainCount > 1 && $0.testCount > 0 })
    }
  }

  @Test func pooledIsOverAllRows() throws {
    let split = try data().split(seed: 1)
    let recipe = Recipe {
      Dense(8); ReLU()
    }.epochs(15).bins(0).optimizer(.adam(learningRate: .cosine(from: 0.03)))
    let result = try recipe.crossValidate(on: split, folds: 4)
    #expect(result.pooled.rowCount == split.trainCount + split.devCount)
    let wrong = result.folds.reduce(0.0) { $0 + ($1.error ?? 0) * Double($1.rowCount) }
    #expect(abs((result.pooled.error ?? 1) * Double(result.pooled.rowCount) - wrong) < 1e-9)
    #expect((result.pooled.error ?? 1) < 0.15 && split.test.openCount == 0)
    let few = #expect(throws: DataError.self) { try split.folds(900) }
    #expect(few?.description.contains("cannot be split into 900 folds") == true)
  }
}
