import Tartine
import Testing

@Suite struct PreparationTests {
  private func dataset(_ text: String, target: String = "y") throws -> Dataset {
    try Dataset(
      source: "test.csv", columns: try CSVReader(Array(text.utf8), source: "test.csv").read(), target: target, task: nil
    )
  }

  /// Rows 0 … 9 of a table; the last ones are held out of the fit.
  private var table: String {
    """
    n,gap,const,kind,y
    1,1,7,red,a
    2,,7,red,b
    3,3,7,blue,a
    4,5,7,blue,b
    100,7,7,green,a
    5,1,7,,b
    6,1,7,red,a
    7,1,7,blue,b
    8,1,7,red,a
    9,1,7,mauve,b

    """
  }

  @Test func fittedOnTrainRowsAlone() throws {
    let data = try dataset(table)
    let preparation = try Preparation(fitting: data, rows: [0, 1, 2, 3], bins: 0)
    var warnings: [String] = []
    let rows = try preparation.apply(to: data, rows: [0, 1, 4, 5], warnings: &warnings)
    let features = try preparation.requireFeatures()
    // n: mean 2.5, standard deviation √1.25; gap: mean 3, standard deviation √(8/3), median 3, flagged;
    // const: 0; kind: two levels.
    #expect(preparation.width == 1 + 2 + 1 + 2)
    let gap = try features[1].requireNumber()
    #expect(gap.mean == 3 && gap.median == 3 && gap.hasMissing)
    let floats = rows.floats(width: rows.width)
    let n = Float((100 - 2.5) / 1.25.squareRoot())
    let high = Float((7 - 3) / (8.0 / 3).squareRoot())
    #expect(Array(floats[0..<6]) == [Float(-1.5 / 1.25.squareRoot()), Float(-2 / (8.0 / 3).squareRoot()), 0, 0, 0, 1])
    // A missing number becomes the median, which equals the mean here, and sets its flag.
    #expect(Array(floats[6..<12]) == [Float(-0.5 / 1.25.squareRoot()), 0, 1, 0, 0, 1])
    // A level that does not occur in train sets no input, and a value far outside the range changes nothing
    // else.
    #expect(Array(floats[12..<18]) == [n, high, 0, 0, 0, 0])
    #expect(Array(floats[22..<24]) == [0, 0])
  }

  @Test func rareAndMissingLevelsHaveAPlace() throws {
    let data = try dataset(table)
    let preparation = try Preparation(fitting: data, rows: Array(0..<10))
    guard case .table(let features) = preparation.inputs, case .category(let kind) = features[3] else {
      Issue.record("kind is a category")
      return
    }
    #expect(kind.levels == ["blue", "red"] && kind.hasMissing && kind.hasUnseen)
    var columns = try CSVReader(Array("n,gap,const,kind\n1,1,7,violet\n1,1,7,NA\n".utf8), source: "new").read()
    columns.reverse()
    let rows = try preparation.apply(to: columns, source: "new")
    let floats = rows.floats(width: rows.width)
    let width = preparation.width
    #expect(Array(floats[(width - 4)..<width]) == [0, 0, 0, 1])
    #expect(Array(floats[(2 * width - 4)..<(2 * width)]) == [0, 0, 1, 0])
  }

  @Test func identifiersAreLeftOutWithANotice() throws {
    let rows = (0..<60).map { "\($0 + 1),name\($0),\($0 % 3),\($0 % 2 == 0 ? "a" : "b")\n" }
    let data = try dataset("id,name,x,y\n" + rows.joined())
    let preparation = try Preparation(fitting: data, rows: Array(0..<60), bins: 0)
    #expect(preparation.width == 1)
    #expect(preparation.notices.count == 2)
    #expect(preparation.notices[0] == "column 'id' is left out: it numbers the rows one by one")
    #expect(preparation.notices[1].contains("60 different texts in 60 train rows are nearly unique"))
    #expect(preparation.isNumeric == ["x": true])
  }

  /// 0 to 126 in a random order, and x with few values.
  private func numbered(_ name: String, rows: [Int] = Array(0..<127)) throws -> Preparation {
    let lines = rows.map { "\($0 * 45 % 127),\($0 % 3),\($0 % 2 == 0 ? "a" : "b")\n" }
    return try Preparation(fitting: dataset("\(name),x,y\n" + lines.joined()), rows: Array(0..<rows.count), bins: 0)
  }

  @Test(arguments: ["id", "Unnamed: 0", "", "customer"]) func shuffledRowNumbersAreLeftOut(_ name: String) throws {
    #expect(try numbered(name).isNumeric == ["x": true])
    // A filtered frame lacks some, and a duplicate row has its number twice.
    #expect(try numbered(name, rows: Array(0..<50) + [7, 8] + Array(90..<110)).isNumeric == ["x": true])
  }

  @Test func whatMayBeAQuantityIsAnInput() throws {
    #expect(try numbered("year").isNumeric == ["year": true, "x": true])
    // A number that differs in two rows.
    let lines = (0..<127).map { "\($0 == 3 ? 90 : $0 * 45 % 127),\($0 % 3),\($0 % 2)\n" }
    let data = try dataset("size,x,y\n" + lines.joined())
    #expect(try Preparation(fitting: data, rows: Array(0..<127)).isNumeric["size"] == true)
    // So sparse that no two equal values are expected: 20² / (2 · 20 000) pairs.
    let sparse = (0..<40).map { "\($0 * 997 % 20_011),\($0 % 3),\($0 % 2)\n" }
    let amounts = try dataset("amount,x,y\n" + sparse.joined())
    #expect(try Preparation(fitting: amounts, rows: Array(0..<40)).isNumeric["amount"] == true)
    // The only input.
    let only = (0..<127).map { "\($0 * 45 % 127),\($0 % 2)\n" }
    #expect(try Preparation(fitting: dataset("size,y\n" + only.joined()), rows: Array(0..<127)).width > 0)
  }

  @Test func tinyNumbersHaveAScale() throws {
    let lines = (0..<60).map { "\($0 % 7)e-170,\($0 % 2)\n" }
    let preparation = try Preparation(fitting: dataset("x,y\n" + lines.joined()), rows: Array(0..<60), bins: 0)
    let number = try preparation.requireFeatures()[0].requireNumber()
    let values = (0..<60).map { Double($0 % 7) }
    let mean = values.reduce(0, +) / 60
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 60).squareRoot()
    #expect(abs(number.deviation / (deviation * 1e-170) - 1) < 1e-12)
  }

  @Test func aConstantTargetIsRefusedWhateverItsMeanIsRoundedTo() throws {
    let lines = (0..<60).map { "\($0 % 7),\($0 < 40 ? "0.1" : "0.3")\n" }
    let columns = try CSVReader(Array(("x,y\n" + lines.joined()).utf8), source: "t").read()
    let data = try Dataset(source: "t", columns: columns, target: "y", task: .regression)
    let error = #expect(throws: DataError.self) { try Preparation(fitting: data, rows: Array(0..<40)) }
    #expect(error?.message == "the target is the same in all train rows.")
  }

  @Test func outliersDoNotWidenARobustScale() throws {
    let lines = (0..<60).map { "\($0 % 7),\($0 == 3 ? 1e9 : Double($0) + 0.5)\n" }
    let columns = try CSVReader(Array(("x,y\n" + lines.joined()).utf8), source: "t").read()
    let data = try Dataset(source: "t", columns: columns, target: "y", task: .regression)
    guard
      case .number(_, let middle, let scale) = try Preparation(
        fitting: data, rows: Array(0..<60), targetScale: .robust
      ).target
    else { return }
    // 0.5, 1.5, 2.5, 4.5 … 59.5 and one beyond: the 30th and 31st are 30.5 and 31.5, and the 30th and 31st of
    // the distances from 31 are 14.5 and 15.5.
    #expect(middle == 31 && abs(scale - 1.4826 * 15) < 1e-9)
  }

  @Test func numbersTooLargeToCountAreNoCounter() throws {
    let rows = (0..<60).map { "9007199254740992000,\($0 * 7 % 5),\($0 % 2)\n" }
    let data = try dataset("id,x,y\n" + rows.joined())
    // All of them are one number, stored as text.
    #expect(
      try Preparation(fitting: data, rows: Array(0..<60)).notices == [
        "column 'id' is left out: it is the same in all train rows"
      ])
  }

  @Test func whatMayNotBeReadAsMeantIsSaid() throws {
    let dates = (0..<60).map { "2024-01-\($0 % 28 + 10),c\($0 % 3),\($0 % 2)\n" }
    let found = try Preparation(fitting: dataset("day,kind,y\n" + dates.joined()), rows: Array(0..<60)).notices
    #expect(found.count == 1 && found[0].hasPrefix("column 'day' is read as text"))
    let many = (0..<1_200).map { "level\($0 % 600),\($0 * 7 % 5),\($0 % 2)\n" }
    let cut = try Preparation(fitting: dataset("kind,x,y\n" + many.joined()), rows: Array(0..<1_200), bins: 0)
    #expect(cut.notices == ["column 'kind': the 100 rarest of its 600 texts are treated as one"])
    #expect(cut.width == 501 + 1)
  }

  @Test func labelsLoseOneFullStopTogetherOrNotAtAll() throws {
    let train = try dataset(table)
    let preparation = try Preparation(fitting: train, rows: Array(0..<10))
    func labels(_ y: [String]) throws -> [String] {
      let text = "n,gap,const,kind,y\n" + y.map { "1,1,7,red,\($0)\n" }.joined()
      let test = try Dataset(
        source: "t", columns: try CSVReader(Array(text.utf8), source: "t").read(), targetNames: ["y"],
        measuredAs: .binary)
      var warnings: [String] = []
      _ = try preparation.apply(to: test, rows: Array(0..<y.count), warnings: &warnings)
      return warnings
    }
    #expect(try labels(["a.", "b.", "a."]).first?.contains("end in a full stop") == true)
    #expect(try labels(["a", "b"]).isEmpty)
    #expect(try labels(["a", "b."]).count == 1)
    for bad in [["a.", "c."], ["a", "c"], ["a.."]] {
      let error = #expect(throws: DataError.self) { try labels(bad) }
      #expect(error?.message.contains("is not one of the model's classes: a, b") == true)
    }
  }

  @Test func taskFollowsTheRule() throws {
    func task(_ values: [String]) throws -> LearningTask {
      try dataset("x,y\n" + values.enumerated().map { "\($0 * 7 % 5),\($1)\n" }.joined()).task.task
    }
    let ten = 0..<10
    #expect(try task(ten.map { $0 % 2 == 0 ? "yes" : "no" }) == .binary)
    #expect(try task(ten.map { ["a", "b", "c"][$0 % 3] }) == .multiclass)
    #expect(try task(ten.map { "\($0 % 2)" }) == .binary)
    #expect(try task(ten.map { "\($0 % 2).5" }) == .binary)
    #expect(try task(ten.map { "\($0)" }) == .multiclass)
    #expect(try task((0..<30).map { "\($0)" }) == .regression)
    #expect(try task(ten.map { "\($0).5" }) == .regression)
  }

  @Test func encodableRowsBecomeColumns() throws {
    struct Passenger: Encodable {
      var age: Double?
      var sex: String
      var cabin: Int
      var survived: Bool
    }
    let rows = (0..<12).map {
      Passenger(age: $0 == 3 ? nil : Double($0), sex: $0 % 2 == 0 ? "f" : "m", cabin: $0, survived: $0 % 3 == 0)
    }
    let data = try Dataset(rows: rows, target: "survived")
    #expect(data.columnNames == ["age", "sex", "cabin"])
    #expect(data.task.task == .binary && data.rowCount == 12)
    let columns = try data.requireColumns()
    #expect(columns[0].isMissing(3) && columns[0].text(4) == "4" && columns[1].text(1) == "m")
    struct Nested: Encodable { var inner: [Int] }
    #expect(throws: DataError.self) { try Dataset(rows: [Nested(inner: [1])], target: "inner") }
  }
}
