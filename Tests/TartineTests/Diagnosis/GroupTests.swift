import Tartine
import Testing

/// Rows in groups: every interval and test counts groups.
@Suite struct GroupTests {
  /// 400 rows in 40 groups of ten; in each group all rows have one value of `x` and one target, which `x` predicts in four
  /// of five groups.
  private func table(groups: Int = 40, seed: UInt64 = 1) -> String {
    var stream = RandomStream(seed: seed, purpose: .test)
    var text = "g,x,z,y\n"
    for group in 0..<groups {
      let isYes = group % 2 == 0
      let x = (isYes != (stream.uniform() < 0.2) ? 1.0 : -1) + 0.1 * stream.normalPair().0
      for _ in 0..<10 { text += "p\(group),\(x),\(stream.uniform()),\(isYes ? "yes" : "no")\n" }
    }
    return text
  }

  private func data(_ text: String) throws -> Dataset {
    try Dataset(
      source: "t.csv", columns: try CSVReader(Array(text.utf8), source: "t.csv").read(), target: "y", task: nil)
  }

  @Test func intervalsAreAsWideAsThoseOfTheGroups() throws {
    let split = try data(table()).split(by: .grouped(by: "g"), seed: 1)
    let run = try Recipe.linear(for: split).train(on: split, threads: 1)
    #expect(run.dev.cases?.count == run.dev.rowCount && Set(run.dev.cases ?? []).count == run.dev.rowCount / 10)
    // Ten equal rows tell what one of them does.
    let groups = Double(run.dev.rowCount) / 10
    let alone = Estimate.proportion(run.dev.estimate.value, of: run.dev.rowCount)
    let each = Estimate.proportion(run.dev.estimate.value, of: Int(groups))
    let width = run.dev.estimate.high - run.dev.estimate.low
    #expect(width > 0.9 * (each.high - each.low) && width > 2 * (alone.high - alone.low))
    let metrics = Metrics(run.dev)
    for name in ["accuracy", "f1", "roc-auc", "mcc", "recall"] {
      let figure = try #require(metrics[name])
      #expect(figure.high - figure.low > 0.15, "\(name): \(figure)")
    }
    // Over folds too.
    let folds = try Recipe.linear(for: split).crossValidate(on: split, folds: 4, threads: 1)
    #expect(folds.pooled.cases?.count == folds.pooled.rowCount)
  }

  @Test func modelsKnowTheirGroups() throws {
    let split = try data(table()).split(by: .grouped(by: "g"), seed: 1)
    let model = try Recipe.linear(for: split).train(on: split, threads: 1).model
    let reopened = try Model(file: try model.fileContents(), path: "m")
    #expect(reopened.preparation.groupColumn == "g")
    let new = try data(table(seed: 2))
    let grouped = try new.grouped(by: "g")
    #expect(grouped.columnNames == ["x", "z"])
    let (alone, together) = (try reopened.evaluate(new).estimate, try reopened.evaluate(grouped).estimate)
    #expect(together.high - together.low > 2 * (alone.high - alone.low) && together.value == alone.value)
    #expect(throws: DataError.self) { try new.grouped(by: "h") }
  }

  /// Errors of whole groups: a slice of a quarter of the groups is called worse by chance far less often than row by row.
  @Test func slicesThatAreConstantWithinGroups() throws {
    var alarms = 0
    for seed in 0..<40 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      var text = "g,site,y\n"
      // The target is a coin for each group, and so is the site.
      for group in 0..<40 {
        let (site, y) = (stream.integer(below: 4), stream.integer(below: 2))
        for _ in 0..<25 { text += "g\(group),s\(site),\(y == 0 ? "no" : "yes")\n" }
      }
      let split = try data(text).split(
        .shares(train: 0.5, dev: 0.5, test: nil), by: .grouped(by: "g"), seed: UInt64(seed))
      let run = try Recipe.linear(for: split).train(on: split, threads: 1)
      let slices = Slices(run.dev, of: split.dataset)
      if slices.worst.contains(where: { $0.name.hasPrefix("site") }) { alarms += 1 }
    }
    #expect(alarms <= 6, "\(alarms) of 40")
  }

  /// A data set with groups is split by them, and only by them.
  @Test func groupsAreKeptWhole() throws {
    let split = try data(table()).grouped(by: "g").split(seed: 3)
    #expect(split.method == .grouped(by: "g"))
    let groups = try #require(split.groupByRow)
    let sets = [split.train, split.dev].map { Set($0.map { groups[$0] }) }
    #expect(sets[0].isDisjoint(with: sets[1]))
    for fold in try split.folds(3) {
      #expect(Set(fold.train.map { groups[$0] }).isDisjoint(with: Set(fold.dev.map { groups[$0] })))
    }
    _ = try Inspection(of: split)
  }

  /// One group of 150 rows beside ten of one row is hardly more than one.
  @Test func unequalGroupsCountLess() {
    let outcomes = [Double](repeating: 0, count: 150) + [0, 1, 0, 0, 1, 0, 0, 1, 0, 0]
    let cases = [Int](repeating: 0, count: 150) + (1...10)
    let unequal = SampledFigure(outcomes: [outcomes], isNumber: false, cases: cases).rows
    #expect(unequal.high > 0.3, "\(unequal)")
    let equal = SampledFigure(outcomes: [outcomes], isNumber: false, cases: outcomes.indices.map { $0 / 10 }).rows
    #expect(equal.high < 0.15, "\(equal)")
  }

  /// Copies of rows with few columns are not equal by chance.
  @Test func copiesOfRowsWithThreeColumnsAreFound() throws {
    var stream = RandomStream(seed: 4, purpose: .test)
    let rows = (0..<100).map { _ in
      (0..<3).map { _ in "\((stream.normalPair().0 * 100).rounded() / 100)" }.joined(separator: ",")
        + (stream.uniform() < 0.5 ? ",a" : ",b")
    }
    let text = "x,z,v,y\n" + (0..<4).flatMap { _ in rows }.map { $0 + "\n" }.joined()
    let inspection = try Inspection(of: data(text).split(seed: 1))
    let warning = try #require(inspection.warnings.first { $0.name == .duplicatesAcrossSplit })
    let count = try #require(warning.evidence.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
    #expect(count > 50, "\(warning.evidence)")
  }
}
