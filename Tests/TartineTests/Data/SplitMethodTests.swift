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

  /// 60 patients with 1 to 5 visits each; days come in random order.
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
    let days = try column("day").requireNumbers()
    let range = parts(split).map { rows in rows.map { days[$0] }.filter { !$0.isNaN } }
    #expect(range[0].max()! < range[1].min()! && range[1].max()! < range[2].min()!)
    // Rows without a day cannot test a prediction of the future.
    #expect((split.dev + split.test.open().rows).allSatisfy { !days[$0].isNaN })
    #expect(throws: DataError.self) { try split.folds(3) }
  }

  /// Rows in random order, each with the text of its time.
  private func divide(_ texts: [String]) throws -> (Split, [Int]) {
    let order = texts.indices.map { ($0 * 7 + 3) % texts.count }
    let rows = order.map { Visit(patient: texts[$0], day: 0, part: "a", x: Double($0 % 3), y: $0 % 2 == 0 ? "a" : "b") }
    return (try Dataset(rows: rows, target: "y").split(by: .time(by: "patient")), order)
  }

  @Test(arguments: [
    (0..<40).map { "2021-12-\($0 / 2 + 10)" }, (0..<40).map { "2023/\($0 / 20 + 1)/\($0 % 20 + 1)" },
    (0..<40).map { "\($0 % 20 + 1).\($0 / 20 + 9).2021" }, (0..<40).map { "\($0 / 20 + 9)/\($0 % 20 + 1)/21 10:00" },
    (0..<40).map { "\(["Sep", "Oct", "Nov", "Dec"][$0 / 10]) \($0 % 10 + 1) 2000" },
    (0..<40).map { "\($0 % 10 + 1)-\(["Sep", "Oct", "Nov", "Dec"][$0 / 10])-99" },
    (0..<40).map { "Monday, \($0 % 10 + 1) \(["September", "October", "November", "December"][$0 / 10]) 2020" },
    (0..<40).map { "\(["Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug"][$0 % 8]) \($0 / 8 + 1999)" },
    (0..<40).map { "Q\($0 % 4 + 1) \($0 / 4 + 2000)" }, (0..<40).map { "\($0 / 4 + 2000)Q\($0 % 4 + 1)" },
    (0..<40).map { "KW \($0 % 20 + 5)/\(2019 + $0 / 20)" }, (0..<40).map { "\($0 % 20 + 5)/\(2019 + $0 / 20)" },
    (0..<40).map { "\($0 % 20 + 1).\($0 / 20 + 9)." },
    (0..<40).map { "week \($0 + 1)" }, (0..<40).map { "\(2019 + $0 / 20)-W\($0 % 20 + 5)" },
    (0..<40).map { "v1.2.\($0)" },
    (0..<40).map { "\($0 % 10 + 1). \(["März", "Mai", "Okt.", "Dezember"][$0 / 10]) 2020" },
    (0..<40).map { "\($0 % 10 + 1) \(["févr.", "avril", "juil.", "août"][$0 / 10]) 2020" },
    (0..<40).map { "\($0 % 10 + 1) de \(["enero", "abril", "septiembre", "dic"][$0 / 10]) de 2020" },
    // `mar.` is a weekday here, and March below.
    (0..<40).map {
      "\($0 % 2 == 0 ? "mar." : "jeu.") \($0 % 10 + 1) \(["janv.", "févr.", "mars", "avril"][$0 / 10]) 2020"
    },
    (0..<40).map { "[11/\(["Sep", "Oct", "Nov", "Dec"][$0 / 10])/2000:13:\($0 % 10 + 10):36 -0700]" },
    // An hour later each, in two zones.
    (0..<12).map { "20220310T\($0 % 2 == 0 ? "\($0 + 10)0000Z" : "\($0 + 12)0000+0200")" },
    (5..<17).map { "2024-03-01 \($0 % 2 == 0 ? "\($0):00:00 GMT" : "\($0 - 5):00:00 EST")" },
    (0..<40).map { "\(($0 / 3 + 11) % 12 + 1):\($0 % 3 + 1)0 \($0 < 36 ? "AM" : "PM")" },
    (0..<40).map { "\($0 / 4 + 5):\($0 % 4 + 1)0" },
    // One hour later each, in a zone that is one hour further ahead each.
    (0..<12).map { "2024-03-01T\($0 * 2 < 10 ? "0" : "")\($0 * 2):00:00+0\(min($0, 9)):00" },
  ]) func timesInTheirForms(_ texts: [String]) throws {
    let (split, order) = try divide(texts)
    let range = parts(split).map { rows in rows.map { order[$0] } }
    #expect(range[0].max()! < range[1].min()! && range[1].max()! < range[2].min()!, "\(range)")
  }

  @Test func placeholdersAreNotTheLatestTimes() throws {
    let texts = (0..<40).map { $0 == 3 ? "9999-12-31" : "2021-0\($0 / 20 + 1)-\($0 % 20 + 1)" }
    let (split, order) = try divide(texts)
    #expect(split.train.contains { order[$0] == 3 })
  }

  /// Numbers, one a row, in the column of times.
  private func latest(_ days: [Double]) throws -> Split {
    let rows = days.enumerated().map {
      Visit(patient: "p", day: $1, part: "a", x: Double($0 % 7), y: $0 % 2 == 0 ? "a" : "b")
    }
    return try Dataset(rows: rows, target: "y").split(by: .time(by: "day"))
  }

  @Test func numbersThatStandForNoTimeAreNotTheLatest() throws {
    let split = try latest((0..<60).map { $0 % 20 == 3 ? 99_991_231 : 20_240_101 + Double($0 % 28) })
    #expect(split.train.contains(3) && split.train.contains(23) && split.train.contains(43))
    #expect(split.notices.contains { $0.contains("3 rows have no value in 'day'") })
  }

  @Test func monthsOfYearsAreInOrder() throws {
    let months = (0..<60).map { (row: Int) -> Double in
      let year = Double(2019 + row / 12)
      return Double(row % 12 + 1) + year / 10_000
    }
    let split = try latest(months)
    #expect(split.train.max()! < split.dev.min()! && split.dev.max()! < split.test.open().rows.min()!)
  }

  @Test func aYearAtTheEndOfOtherNumbersIsNoOrder() {
    #expect(throws: DataError.self) { try divide((0..<40).map { "part \($0 % 7 + 55)-\(2000 + $0 / 7)" }) }
  }

  @Test func aTimeOfTwoReadingsIsRefusedWithBoth() {
    for text in ["/2023", "-2023", ".2023"] {
      let error = #expect(throws: DataError.self) { try divide((0..<36).map { "\($0 % 6 + 1)/\($0 / 6 + 1)\(text)" }) }
      #expect(error?.message.contains("the day first or with the month first") == true)
    }
    let error = #expect(throws: DataError.self) { try divide((0..<40).map { "\($0 % 5 + 10)-12-\($0 / 5 + 13)" }) }
    #expect(error?.message.contains("the year first or with the day first") == true)
  }

  @Test func whatIsNoTimeIsRefused() {
    for texts in [["red", "green"], ["2024-01-01", "soon"], ["2024-02-30", "2024-02-28"], ["10:00", "2024-01-01"]] {
      #expect(throws: DataError.self) { try divide((0..<40).map { texts[$0 % 2] }) }
    }
  }

  @Test func hashesStayWhenRowsCome() throws {
    func split(_ count: Int) throws -> Split {
      try Dataset(
        features: (0..<count).map { [Float($0) + 0.5, Float($0 % 3)] }, labels: (0..<count).map { $0 % 2 },
        columnNames: ["id", "x"]
      ).split(by: .hash(of: "id"))
    }
    let all = try split(400)
    for count in 380..<400 {
      let some = parts(try split(count))
      #expect(some == parts(all).map { $0.filter { $0 < count } })
    }
  }

  @Test func hashesStay() throws {
    let split = try visits().split(by: .hash(of: "patient"), seed: 3)
    let other = try visits().split(by: .hash(of: "patient"), seed: 4)
    #expect(parts(split) == parts(other))
    // The shares hold on average: of 20 000 values, one in five within four standard deviations.
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
