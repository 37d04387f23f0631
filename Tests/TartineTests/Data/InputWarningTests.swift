import Tartine
import Testing

/// Unusual values in the rows given to a model.
@Suite struct InputWarningTests {
  private func columns(_ text: String) throws -> [Column] { try CSVReader(Array(text.utf8), source: "t").read() }

  /// x is 0 to 99 in tenths, kind is red or blue, gap has some missing values.
  private func fitted(_ replaced: [Int: String] = [:]) throws -> (Dataset, Preparation) {
    let rows = (0..<100).map { row in
      let x = replaced[row] ?? "\(Double(row * 37 % 100) / 10)"
      return "\(x),\(row % 3 == 0 ? "red" : "blue"),\(row % 10 == 0 ? "" : "\(row % 7).5"),\(row % 2)\n"
    }
    let data = try Dataset(
      source: "t", columns: columns("x,kind,gap,y\n" + rows.joined()), target: "y", task: .binary)
    return (data, try Preparation(fitting: data, rows: Array(0..<100), bins: 0))
  }

  private func number(_ preparation: Preparation) throws -> NumberFeature {
    guard case .table(let features) = preparation.inputs, case .number(let number) = features[0] else {
      throw DataError("no number", source: "t")
    }
    return number
  }

  @Test func usualRowsHaveNone() throws {
    let (data, preparation) = try fitted()
    #expect(preparation.warnings(for: data, rows: Array(0..<100)).isEmpty)
    #expect(try preparation.warnings(for: columns("x,kind,gap\n5,red,\n4,blue,2\n")).isEmpty)
  }

  @Test func unknownAndMissingValuesAreCounted() throws {
    let (_, preparation) = try fitted()
    let found = try preparation.warnings(for: columns("x,kind,gap\n5,green,\n,blue,\n3,violet,\n"))
    #expect(found.map(\.column) == ["x", "kind", "gap"])
    #expect(found.map(\.rows) == [[1], [0, 2], [0, 1, 2]])
    #expect(found.map(\.kind) == [.missing, .unknownCategory, .missing])
    #expect(found[1].value == "green" && found[1].description.contains("in 2 of 3 rows (67 %)"))
    #expect(found[2].description.contains("in all 3 rows"))
  }

  @Test func warningsOfRowsAddUp() throws {
    let (_, preparation) = try fitted()
    let all = try preparation.warnings(for: columns("x,kind,gap\n5,green,\n,blue,\n3,violet,\n900,red,\n800,red,\n"))
    let ofRows = (0..<5).map { row in
      all.flatMap { warning in
        zip(warning.rows, warning.values).filter { $0.0 == row }.map { warning.ofRow(holding: $0.1) }
      }
    }
    #expect(ofRows[2].map(\.kind) == [.unknownCategory, .missing] && ofRows[2].allSatisfy { $0.rowCount == 1 })
    #expect(ofRows[2][0].value == "violet" && ofRows[4][0].value == "800")
    #expect(Set(InputWarning.sum(of: ofRows)) == Set(all))
  }

  /// The 5 % and 95 % quantiles of 0 to 9.9 are 0.5 and 9.4, so values are clipped to 0.5 − 8.9 and 9.4 +
  /// 8.9; values farther than 13.35 beyond those bounds are clipped to 0 and 9.9.
  @Test func aNumberFarOutsideIsHeld() throws {
    let preparation = try fitted().1
    let number = try number(preparation)
    let bounds = try #require(number.bounds)
    #expect(abs(bounds.held.lowerBound + 8.4) < 1e-12 && abs(bounds.held.upperBound - 18.3) < 1e-12)
    #expect(bounds.credible == 0...9.9)
    #expect(number.standardize(12) < number.standardize(13) && number.standardize(20) == number.standardize(18.3))
    #expect(
      number.standardize(5_000) == number.standardize(9.9) && number.standardize(-5_000) == number.standardize(0))
    let found = try preparation.warnings(for: columns("x,kind,gap\n5000,red,1\n4,blue,2\n"))
    #expect(found.count == 1 && found[0].rows == [0] && found[0].value == "5000")
    #expect(found[0].description.hasPrefix("row 1 of column 'x' holds 5000, far outside"))
  }

  /// Rows in another unit are many, and are told all the same; in train and dev many are a tail.
  @Test func manyNumbersFarOutsideAreTold() throws {
    let (_, preparation) = try fitted()
    let found = try preparation.warnings(
      for: columns("x,kind,gap\n" + (0..<50).map { "\(9_000 + $0),red,1\n" }.joined()))
    #expect(found.count == 1 && found[0].rows.count == 50 && !found[0].isFew)
    #expect(found[0].description.hasSuffix("such values are in all 50 rows"))
  }

  @Test func oneWildTrainRowChangesNoScale() throws {
    let (clean, (data, wild)) = (try fitted().1, try fitted([42: "54000"]))
    let (a, b) = (try number(clean), try number(wild))
    #expect(abs(a.deviation / b.deviation - 1) < 0.1 && abs(a.mean - b.mean) < 0.2 && b.standardize(54_000) < 4)
    let split = try data.split(.shares(train: 0.6, dev: 0.2, test: 0.2), seed: 1)
    #expect(
      split.testCount > 0
        && (split.test.open().rows.contains(42)
          || split.notices.contains { $0.hasPrefix("column 'x': row 43 holds 54000, far outside the other values") })
    )
  }

  @Test func aLongTailIsKept() throws {
    // Nine of ten rows are 0, as in capital gains: the ends of the middle 98 % are used.
    let rows = (0..<200).map { "\($0 % 20 == 0 ? Double($0) * 10 + 0.5 : 0),\($0 % 2)\n" }
    let data = try Dataset(source: "t", columns: columns("x,y\n" + rows.joined()), target: "y", task: .binary)
    let preparation = try Preparation(fitting: data, rows: Array(0..<200), bins: 0)
    #expect(preparation.warnings(for: data, rows: Array(0..<200)).isEmpty)
    let number = try number(preparation)
    #expect(number.standardize(1_800.5) > number.standardize(1_600.5))
  }
}
