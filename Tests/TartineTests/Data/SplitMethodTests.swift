import Tartine
import Testing

@Suite struct SplitMethodTests {
  private struct Visit: Encodable {
    let patient: String?
    let day: Double?
    let part: String
    let x: Double
    let y: String
  }

  /// 60 patients of 1 to 5 visits each; days come in no order.
  private func visits() throws -> Dataset {
    var rows: [Visit] = []
    for patient in 0..<60 {
      for visit in 0...(patient % 5) {
        let number = rows.count
        rows.append(
          Visit(
            patient: patient == 7 ? nil : "p\(patient)", day: patient == 9 ? nil : Double((number * 37) % 90),
            part: ["train", "Validation", "TEST"][number % 3], x: Double(visit), y: number % 2 == 0 ? "a" : "b"))
      }
    }
    return try Dataset(rows: rows, target: "y")
  }

  private func column(_ name: String) throws -> Column {
    guard case .table(let columns) = try visits().inputs else { throw DataError("no table", source: "") }
    return try #require(columns.first { $0.name == name })
  }

  private func parts(_ split: Split) -> [[Int]] { [split.train, split.dev, split.test.open().rows] }

  @Test(arguments: ["group:patient", "time:day", "hash:patient", "fixed:part"])
  func eachRowIsInOnePart(_ text: String) throws {
    let method = try #require(SplitMethod(text))
    #expect(method.description == text)
    let split = try visits().split(by: method, seed: 3)
    #expect(parts(split).joined().sorted() == Array(0..<(try visits().rowCount)))
    #expect(!split.dataset.columnNames.contains(try #require(method.column)))
    #expect(split.dataset.columnNames.count == 3)
  }

  @Test func groupsStayWhole() throws {
    let split = try visits().split(by: .grouped(by: "patient"), seed: 3)
    let patient = try column("patient")
    let sets = parts(split).map { Set($0.compactMap { patient.text($0) }) }
    #expect(sets[0].isDisjoint(with: sets[1]) && sets[0].isDisjoint(with: sets[2]) && sets[1].isDisjoint(with: sets[2]))
    let due = Int((Double(try visits().rowCount) * 0.2).rounded())
    #expect(abs(split.devCount - due) <= 5 && abs(split.testCount - due) <= 5)
    #expect(try visits().split(by: .grouped(by: "patient"), seed: 4).dev != split.dev)
    for fold in try split.folds(4) {
      let sets = parts(fold).map { Set($0.compactMap { patient.text($0) }) }
      #expect(
        sets[0].isDisjoint(with: sets[1]) && sets[0].isDisjoint(with: sets[2]) && sets[1].isDisjoint(with: sets[2]))
    }
  }

  @Test func timeGoesForward() throws {
    let split = try visits().split(by: .time(by: "day"), seed: 3)
    guard case .numbers(let days) = try column("day").values else { return }
    let range = parts(split).map { rows in rows.map { days[$0] }.filter { !$0.isNaN } }
    #expect(range[0].max()! < range[1].min()! && range[1].max()! < range[2].min()!)
    // Rows without a day are no test of the future.
    #expect((split.dev + split.test.open().rows).allSatisfy { !days[$0].isNaN })
    #expect(throws: DataError.self) { try split.folds(3) }
  }

  @Test(arguments: ["31.12.2021", "12/31/2021", "3/4/21 10:00", "2021-3-1"])
  func datesThatTextsOrderWrongly(_ text: String) throws {
    func divide(_ day: (Int) -> String) throws -> Split {
      let rows = (0..<40).map { Visit(patient: day($0), day: 0, part: "a", x: 1, y: $0 % 2 == 0 ? "a" : "b") }
      return try Dataset(rows: rows, target: "y").split(by: .time(by: "patient"))
    }
    let error = #expect(throws: DataError.self) { try divide { _ in text } }
    #expect(error.map { "\($0)".contains("'\(text)'") && "\($0)".contains("2024-03-01") } == true)
    for text in ["2021-12-", "21-12-", "v1.2."] {
      #expect(throws: Never.self) { try divide { "\(text)\(10 + $0 / 2)" } }
    }
  }

  @Test func hashesStay() throws {
    let split = try visits().split(by: .hash(of: "patient"), seed: 3)
    let other = try visits().split(by: .hash(of: "patient"), seed: 4)
    #expect(parts(split) == parts(other))
    // Shares hold in the mean: of 20 000 values, one in five within four deviations.
    let many = try Dataset(
      features: (0..<20_000).map { [Float($0), Float($0 % 3)] }, labels: (0..<20_000).map { $0 % 2 },
      columnNames: ["id", "x"]
    ).split(.shares(train: 0.6, dev: 0.2, test: 0.2), by: .hash(of: "id"))
    #expect(abs(many.devCount - 4000) < 226 && abs(many.testCount - 4000) < 226)
  }

  @Test func fixedIsAsWritten() throws {
    let split = try visits().split(by: .fixed(by: "part"))
    #expect(split.train.allSatisfy { $0 % 3 == 0 } && split.dev.allSatisfy { $0 % 3 == 1 })
    #expect(throws: DataError.self) { try visits().split(by: .fixed(by: "patient")) }
    #expect(throws: DataError.self) { try visits().split(by: .fixed(by: "part"), test: try visits()) }
  }

  @Test func whatIsNoMethod() throws {
    for text in ["", "group", "group:", "stratified:x", "random", "Group:x"] { #expect(SplitMethod(text) == nil) }
    #expect(SplitMethod("group:a:b") == .grouped(by: "a:b"))
    #expect(throws: DataError.self) { try visits().split(by: .grouped(by: "nobody")) }
    #expect(throws: DataError.self) { try Dataset.digits().split(by: .grouped(by: "x")) }
  }
}
