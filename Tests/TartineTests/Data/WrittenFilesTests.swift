import Foundation
import Tartine
import Testing

/// Files as written by spreadsheets, R and people.
@Suite struct WrittenFilesTests {
  private func read(_ text: String, targets: [String] = [], format: CSVFormat = CSVFormat()) throws -> [Column] {
    try CSVReader(Array(text.utf8), source: "t.csv", targets: targets, format: format).read()
  }

  private func numbers(_ column: Column) -> [Double] {
    if case .numbers(let numbers) = column.values { numbers } else { [] }
  }

  private func texts(_ column: Column) -> [String?] { (0..<column.count).map { column.text($0) } }

  private func file(_ text: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("written-\(UUID().uuidString).csv").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test func pointsOfThousandsBesideDecimalCommas() throws {
    let german = try read("a;b;y\n59,42;4.206;215,09\n7,5;816;1,25\n")
    #expect(numbers(german[1]) == [4_206, 816] && numbers(german[0]) == [59.42, 7.5])
    #expect(german[1].notice?.contains("is read as 4206") == true)
    // Points elsewhere show that the comma separates thousands.
    let english = try read("a;b;y\n59.42;4,206;215.09\n7.5;816;1.25\n")
    #expect(numbers(english[1]) == [4_206, 816] && numbers(english[0]) == [59.42, 7.5])
    // Without proof it is told.
    let unknown = try read("a;b;y\n59;4.206;2\n7;816;1\n")
    #expect(numbers(unknown[1]) == [4.206, 816] && unknown[1].notice?.contains("three decimals") == true)
  }

  @Test func aNumberSpelledInTwoWaysIsTold() throws {
    let versions = "grade;b;y\n" + (0..<40).map { "5.\($0 % 10 + 1);\($0 % 2 == 0 ? "5" : "5.0");\($0)\n" }.joined()
    let columns = try read(versions)
    #expect(numbers(columns[0])[9] == 5.1)
    #expect(columns[0].notice?.contains("holds '5.1' and '5.10', which are one number") == true)
    #expect(columns[1].notice == nil && columns[2].notice == nil)
    let commas = try read(versions.replacingOccurrences(of: ".", with: ","))
    #expect(numbers(commas[0])[9] == 5.1 && commas[0].notice?.contains("holds '5,1' and '5,10'") == true)
    // One number of decimals, as programs write them.
    let fixed = try read("a,y\n" + (0..<40).map { "5.\($0 % 10)0,\($0)\n" }.joined())
    #expect(fixed[0].notice == nil)
    // Texts that look alike stay two.
    let texts = try read("a,y\n" + (0..<40).map { "v5.\($0 % 10 + 1),\($0)\n" }.joined())
    #expect(!texts[0].isNumeric)
  }

  @Test func aRepeatedMarkerInATargetOfNumbers() throws {
    var text = "a,y\n"
    for row in 0..<200 { text += "\(row % 17),\(row % 9 == 0 ? "unknown" : "\(Double(row) * 1.25)")\n" }
    let path = try file(text)
    let data = try Dataset(csv: path, target: "y")
    #expect(data.task.task == .regression && data.rowCount == 177)
    #expect(data.notices.contains { $0.contains("23 rows have no target ('unknown')") }, "\(data.notices)")
  }

  @Test func fractionsAreNoDates() throws {
    let text = "a,b,y\n" + (0..<60).map { "\(10 + $0 % 20) 1/2,\($0 % 7),\($0 % 2)\n" }.joined()
    let data = try Dataset(csv: try file(text), target: "y")
    let preparation = try Preparation(fitting: data, rows: Array(0..<60), bins: 0)
    #expect(try !preparation.requireFeatures().contains { if case .time = $0 { true } else { false } })
  }

  @Test func rowsWithoutATimeAreRefused() throws {
    var text = "t,a,y\n"
    for row in 0..<40 { text += "\(row % 4 == 0 ? "" : "2024-01-\(10 + row % 20)"),\(row),\(Double(row) * 0.7)\n" }
    let data = try Dataset(csv: try file(text), target: "y")
    #expect(throws: DataError.self) { try data.split(by: .time(by: "t")) }
    #expect(throws: DataError.self) { try data.split(by: .hash(of: "t")) }
  }

  @Test func decimalCommasOfAFile() throws {
    let columns = try read("a;b;y\n6,0;1,234;8,25\n-5,3;2,500;7\n")
    #expect(numbers(columns[0]) == [6, -5.3])
    // In a file with decimal commas a comma is a decimal one, whatever follows.
    #expect(numbers(columns[1]) == [1.234, 2.5])
    #expect(numbers(columns[2]) == [8.25, 7])
    #expect(columns.allSatisfy { $0.notice?.contains("is read as") == true })
  }

  @Test func thousandsCurrenciesAndPercent() throws {
    let columns = try read(
      "a,b,c,d,e\n\"$1,200\",45%,\"1,234,567\",1 000,(3)\n$950.50,4.5 %,\"999\",25 000,4\n")
    #expect(columns.map(numbers) == [[1200, 950.5], [45, 4.5], [1_234_567, 999], [1000, 25_000], [-3, 4]])
    let amounts = try read("a,b\n12.50-,\"1,23,456.50\"\n3.25,\"12,34,567\"\n")
    #expect(amounts.map(numbers) == [[-12.5, 3.25], [123_456.5, 1_234_567]])
    // Grades, two signs, versions.
    let none = try read("a,b,c\n5.10-,-1.00-,1.10.100\n5.10+,2.00,2.11.103\n5.11,3.00,3.1.101\n")
    #expect(none.allSatisfy { !$0.isNumeric })
    let euros = try read("a;b\n3.679,62 €;1,5\n12,00 €;2,5\n")
    #expect(numbers(euros[0]) == [3679.62, 12])
  }

  @Test func notNumbers() throws {
    // Dates, versions, two currencies, phone numbers.
    let columns = try read("a,b,c,d\n1.2.2020,1.10.2,$5,06 12 34 56\n2.3.2021,1.9.3,€7,07 12 34 57\n")
    #expect(columns.allSatisfy { !$0.isNumeric })
    // Decimal commas and decimal points in one file: columns with both readings stay text.
    let mixed = try read("a;b;c\n1,5;$2.25;1,250\n2,5;$3.5;2,125\n")
    #expect(!mixed[0].isNumeric && !mixed[1].isNumeric && mixed[2].notice?.contains("write all of them alike") == true)
  }

  @Test func aTargetWithDecimalCommasIsARegression() throws {
    let rows = (0..<60).map { "\($0);\(3 + $0 % 30),\($0 % 10)\n" }.joined()
    let path = try file("x;y\n" + rows)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let data = try Dataset(csv: path, target: "y")
    #expect(data.task.task == .regression)
  }

  @Test func wholeNumbersThatADoubleMerges() throws {
    let columns = try read("id,x\n1234567890123456000,1\n1234567890123456001,2\n1234567890123456002,3\n")
    #expect(texts(columns[0]) == ["1234567890123456000", "1234567890123456001", "1234567890123456002"])
    #expect(columns[0].reason.contains("above 2⁵³"))
    // The first two that a Double cannot distinguish, and the last that it can.
    #expect(
      try texts(read("id,x\n9007199254740992,1\n9007199254740993,2\n")[0]) == ["9007199254740992", "9007199254740993"])
    #expect(
      try numbers(read("id,x\n9007199254740991,1\n9007199254740990,2\n")[0]) == [
        9_007_199_254_740_991, 9_007_199_254_740_990,
      ])
  }

  @Test func labelsComeBackAsTheyWereWritten() throws {
    let columns = try read("x,y\n1,01\n2,02\n3,01\n", targets: ["y"])
    #expect(texts(columns[1]) == ["01", "02", "01"])
    // Not a target: a quantity.
    #expect(numbers(try read("x,y\n1,01\n2,02\n")[1]) == [1, 2])
  }

  @Test func commentsTitlesAndBlanks() throws {
    #expect(try read("# made by x\n#, y\na,b\n1,2\n# note\n3,4\n").map(numbers) == [[1, 3], [2, 4]])
    #expect(try read("a,b\n1,2\n# a, b, c\n3,4\n").map(numbers) == [[1, 3], [2, 4]])
    // A row that begins with the comment mark and has the width of the table is a row.
    #expect(texts(try read("a,b\nx,2\n#1,4\n")[0]) == ["x", "#1"])
    #expect(try read("#id,b\n1,2\n3,4\n").map(\.name) == ["#id", "b"])
    #expect(try read("# a b\n1 2\n3 4\n5 6\n7 8\n").map(\.name) == ["a", "b"])
    #expect(try read("  a  b\n 1   2.5 \n3\t4\n 5 6\n").map(numbers) == [[1, 3, 5], [2.5, 4, 6]])
    let titled = try read("Report\nof May, all\n\na;b\n1;2\n3;4\n5;6\n")
    #expect(titled.map(\.name) == ["a", "b"] && titled[0].notice?.hasPrefix("2 lines above the header") == true)
    #expect(try read("Report,,\na,b,c\n1,2,3\n4,5,6\n").map(\.name) == ["a", "b", "c"])
    #expect(try read("one\ntwo\na,b\n1,2\n", format: CSVFormat(skipLines: 2)).map(\.name) == ["a", "b"])
    for end in ["\n\u{1A}", "\u{1A}", "\u{1A}\r\n", "\u{1A}\n"] {
      #expect(try read("a,b\n1,2\n3,4" + end).map(numbers) == [[1, 3], [2, 4]], "\(end.debugDescription)")
    }
  }

  @Test func whatIsNoTitleIsRefusedWithItsCause() throws {
    let error = #expect(throws: DataError.self) { try read("Report\n1,2\n3,4\n5,6\n7,8\n") }
    #expect(error?.line == 2 && error?.message.contains("skipLines") == true)
    let control = #expect(throws: DataError.self) {
      try read("a,b\n" + (0..<30).map { "\($0),\($0)\n" }.joined() + "1,x\u{7}\n", targets: ["b"])
    }
    #expect(control?.description.contains("x\\u{7}") == true)
  }

  @Test func markersInATargetAreClassesUnlessFieldsAreEmpty() throws {
    func labels(_ text: (Int) -> String, _ format: CSVFormat = CSVFormat()) throws -> (Set<String?>, [String]) {
      let path = try file("x,y\n" + (0..<60).map { "\($0 * 7 % 11).5,\(text($0))\n" }.joined())
      defer { try? FileManager.default.removeItem(atPath: path) }
      let data = try Dataset(csv: path, target: "y", format: format)
      return (Set((0..<data.rowCount).map { data.targets[0].text($0) }), data.notices)
    }
    let classes = ["None", "Minor", "Severe"]
    let kept = try labels { classes[$0 % 3] }
    #expect(kept.0 == Set(classes) && kept.1[0].contains("'None' in the target 'y' is treated as a class"))
    let dropped = try labels { $0 == 7 ? "" : classes[$0 % 3] }
    #expect(dropped.0 == ["Minor", "Severe"] && dropped.1[0] == "21 rows have no target ('None') and are left out")
    let named = try labels({ classes[$0 % 3] }, CSVFormat(missing: ["Minor"]))
    #expect(named.0 == ["None", "Severe"])
    // Among numbers to predict it is not a missing value.
    let number = try labels { $0 % 3 == 0 ? "NA" : "\($0).5" }
    #expect(number.0.count == 40 && number.1[0] == "20 rows have no target ('NA') and are left out")
  }

  @Test func namedMarkersAreMissingInEveryColumn() throws {
    let columns = try read(
      "x,k\n-999,a\n1.5,unknown\n2,b\n", format: CSVFormat(missing: ["-999", "unknown"]))
    #expect(columns.allSatisfy { $0.hasMissing })
    #expect(columns[0].isMissing(0) && columns[1].isMissing(1) && columns[0].isNumeric)
  }

  @Test func trueIsTrueHoweverItIsWritten() throws {
    func path(_ yes: String, _ no: String) throws -> String {
      try file("x,f,y\n" + (0..<80).map { "\($0 % 9),\($0 % 2 == 0 ? yes : no),\($0 % 9 > 4 ? yes : no)\n" }.joined())
    }
    let files = try [path("True", "False"), path("TRUE", "FALSE")]
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    let model = try Recipe {
      Dense(4); ReLU()
    }.epochs(20).train(on: Dataset(csv: files[0], target: "y").split(seed: 1), threads: 1).model
    let own = try model.evaluate(Dataset(csv: files[0], for: model))
    #expect(try model.evaluate(Dataset(csv: files[1], for: model)).loss == own.loss)
    #expect(try model.predict(csv: files[1]).allSatisfy { $0.warnings.isEmpty && ["True", "False"].contains($0.text) })
    let mixed = try file("x,y\n1,True\n2,TRUE\n3,false\n4,False\n")
    defer { try? FileManager.default.removeItem(atPath: mixed) }
    #expect(try texts(Dataset.readTable(mixed).columns[1]) == ["True", "True", "false", "false"])
  }

  // MARK: Times as inputs

  private func dated(_ text: (Int) -> String) throws -> (Dataset, Preparation) {
    let columns = try read("when,y\n" + (0..<900).map { "\(text($0)),\($0 % 2)\n" }.joined())
    let data = try Dataset(source: "t", columns: columns, target: "y", task: .binary)
    return (data, try Preparation(fitting: data, rows: Array(0..<900), bins: 0))
  }

  /// Day number → `day/month/year` from 1 January 2021, a Friday.
  private func date(_ day: Int) -> (Int, Int, Int) {
    var (day, month, year) = (day, 0, 2021)
    while true {
      let lengths = [31, year % 4 == 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      if day < lengths[month] { return (day + 1, month + 1, year) }
      day -= lengths[month]
      month += 1
      if month == 12 { (month, year) = (0, year + 1) }
    }
  }

  @Test func datesAreANumberAYearAndAWeek() throws {
    let (data, preparation) = try dated { day in
      let (d, m, y) = date(day)
      return "\(m)/\(d)/\(y)"
    }
    // The number, sine and cosine of the year, seven days of the week.
    #expect(preparation.width == 10)
    #expect(preparation.notices == ["the dates of column 'when' are read with the month first"])
    var warnings: [String] = []
    let rows = try preparation.apply(to: data, rows: Array(0..<900), warnings: &warnings)
    func row(_ row: Int) -> [Float] {
      guard case .floats(let arena, _) = rows.elements else { return [] }
      let elements = arena.base.assumingMemoryBound(to: Float.self)
      return (0..<10).map { elements[row * 10 + $0] }
    }
    // Days 0 to 899 have the mean 449.5 and the standard deviation √((900² − 1) / 12).
    #expect(abs(row(0)[0] + Float(449.5 / ((900.0 * 900 - 1) / 12).squareRoot())) < 1e-5)
    #expect(Array(row(0)[3...]) == [0, 0, 0, 0, 1, 0, 0] && Array(row(3)[3...]) == [1, 0, 0, 0, 0, 0, 0])
    #expect(abs(row(10)[1] * row(10)[1] + row(10)[2] * row(10)[2] - 1) < 1e-5)
    // A year and a quarter of a day later is the same time of the year.
    #expect(abs(row(0)[1] - row(365)[1]) < 0.01 && abs(row(0)[1] - row(180)[1]) < 0.2 && row(0)[2] * row(180)[2] < 0)
    let coded = try JSONDecoder().decode(Preparation.self, from: JSONEncoder().encode(preparation))
    #expect(coded == preparation)
    #expect(try preparation.warnings(for: read("when,y\n2021-03-04,1\nsoon,0\n")).map(\.kind) == [.unreadTime])
  }

  @Test func timesOfDayAndWhatHasTwoReadings() throws {
    let (_, clock) = try dated { "\(String(format: "%02d:%02d", $0 % 24, $0 % 60))" }
    #expect(clock.width == 3)
    let (_, ambiguous) = try { () -> (Dataset, Preparation) in
      let columns = try read(
        "when,x,y\n"
          + (0..<900).map { "\($0 % 12 + 1)/\($0 / 12 % 12 + 1)/20\(20 + $0 / 144),\($0 * 7 % 31),\($0 % 2)\n" }
          .joined())
      let data = try Dataset(source: "t", columns: columns, target: "y", task: .binary)
      return (data, try Preparation(fitting: data, rows: Array(0..<900), bins: 0))
    }()
    #expect(ambiguous.notices.first?.contains("may be written with the day first or with the month first") == true)
  }

  private func time(_ preparation: Preparation) throws -> TimeFeature {
    guard case .table(let features) = preparation.inputs, case .time(let time) = features[0] else {
      throw DataError("no time: \(preparation.notices)", source: "t")
    }
    return time
  }

  @Test func aFewTextsThatAreNoDatesAreMissing() throws {
    let (data, preparation) = try dated { day in
      let (d, m, y) = date(day)
      return day == 5 ? "soon" : day % 90 == 1 ? "0000-00-00" : day % 90 == 2 ? "NaT" : "\(y)-\(m)-\(d)"
    }
    let time = try time(preparation)
    let times = time.times(of: data.inputColumns[0])
    #expect(times.count(where: \.isNaN) == 21 && times[7] - times[6] == 86_400)
    #expect(
      preparation.notices.first?.contains("in 11 rows texts that are none, such as") == true, "\(preparation.notices)")
    #expect(time.number.hasMissing)
  }

  @Test(arguments: [["Mrz", "Okt"], ["mrt", "okt"], ["mar.", "ott."], ["Jänner", "Mai"]])
  func monthsOfManyLanguages(_ months: [String]) throws {
    let preparation = try dated { "\($0 % 20 + 1). \(months[$0 / 20 % 2]) \($0 / 40 % 10 + 2010)" }.1
    #expect(try time(preparation).cycles.contains(.year))
  }

  @Test(arguments: [("Set ", ""), ("Out ", ""), ("\"[10, 11, ", "]\"")])
  func whatIsNoDate(_ front: String, _ back: String) throws {
    let preparation = try dated { "\(front)\($0 % 24 + 1)\(back)" }.1
    #expect(try !preparation.requireFeatures().contains { if case .time = $0 { true } else { false } })
  }

  @Test func placeholderDatesAreMissing() throws {
    let (data, preparation) = try dated { day in
      let (d, m, y) = date(day)
      return day % 3 == 1 ? "9999-12-31" : day % 50 == 2 ? "1900-01-01" : "\(y)-\(m)-\(d)"
    }
    let time = try time(preparation)
    let times = time.times(of: data.inputColumns[0])
    #expect(times[1].isNaN && times[2].isNaN && !times[0].isNaN)
    // The range is that of the true dates, so that they span less than three years.
    #expect(
      (time.number.bounds?.credible.upperBound ?? 0) - (time.number.bounds?.credible.lowerBound ?? 0) < 3 * 366 * 86_400
    )
    let coded = try JSONDecoder().decode(Preparation.self, from: JSONEncoder().encode(preparation))
    #expect(coded == preparation)
    // In new rows they are as in train.
    #expect(try preparation.warnings(for: read("when,y\n2021-03-04,1\n9999-12-31,0\n1900-01-01,0\n")).isEmpty)
  }

  @Test(arguments: [
    (first: 45, last: 99, year: 1945), (first: 95, last: 123, year: 1995), (first: 5, last: 25, year: 2005),
    (first: 60, last: 75, year: 1960), (first: 28, last: 98, year: 1928),
  ]) func twoDigitYearsAreOfOneCentury(_ years: (first: Int, last: Int, year: Int)) throws {
    let (data, preparation) = try dated { row in
      let year = years.first + row % (years.last - years.first + 1)
      return "\(row % 28 + 1)-Jan-\(String(format: "%02d", year % 100))"
    }
    let time = try time(preparation)
    let times = time.times(of: data.inputColumns[0])
    let seconds = (times.max() ?? 0) - (times.min() ?? 0)
    #expect(abs(seconds / 86_400 / 365.25 - Double(years.last - years.first)) < 0.1)
    #expect(preparation.notices.first?.contains("read as years from \(years.year) to \(years.year + 99)") == true)
  }

  @Test func timesOutsideTheTrainRowsAreTold() throws {
    let (_, preparation) = try dated { day in
      let (d, m, y) = date(day)
      return "\(y)-\(m)-\(d)"
    }
    let found = try preparation.warnings(for: read("when,y\n2021-05-04,1\n2031-05-04,0\n2019-01-01,0\n"))
    #expect(found.map(\.kind) == [.outsideTimes(first: "2021-01-01", last: "2023-06-19")])
    #expect(found[0].rows == [1, 2] && found[0].value == "2031-05-04")
  }

  @Test func datesWithPointsHaveTheDayFirst() throws {
    let (data, preparation) = try dated { row in "0\(row % 9 + 1).0\(row / 9 % 9 + 1).\(10 + row / 81)" }
    let time = try time(preparation)
    let times = time.times(of: data.inputColumns[0])
    #expect(times[1] - times[0] == 86_400 && times[9] - times[0] == 31 * 86_400)
  }

  @Test func anotherOrderOfDayAndMonthIsRefused() throws {
    let (_, preparation) = try dated { day in
      let (d, m, y) = date(day)
      return "\(m)/\(d)/\(y)"
    }
    let error = #expect(throws: DataError.self) {
      try preparation.apply(to: read("when\n03/12/2021\n25/12/2021\n"), source: "t")
    }
    #expect(error?.description.contains("'25/12/2021' has day and month in another order") == true)
    // With another mark, dates of both readings show no order.
    let dotted = #expect(throws: DataError.self) {
      try preparation.apply(to: read("when\n03-12-2021\n05-12-2021\n"), source: "t")
    }
    #expect(dotted?.description.contains("may have the day or the month first") == true)
    _ = try preparation.apply(to: read("when\n03/12/2021\n05/12/2021\n"), source: "t")
  }

  @Test(arguments: [("kg", "lb", true), ("kg", "kg", false), ("kg", "", false), ("", "lb", true)])
  func anotherUnitThanTheTrainSetsIsRefused(_ units: (own: String, other: String, isRefused: Bool)) throws {
    func text(_ unit: String, _ count: Int) -> String {
      "x,y\n" + (0..<count).map { "\($0 * 7 % 41).5\(unit.isEmpty ? "" : " " + unit),\($0 % 2)\n" }.joined()
    }
    let data = try Dataset(source: "t", columns: read(text(units.own, 40)), target: "y", task: .binary)
    let preparation = try Preparation(fitting: data, rows: Array(0..<40))
    let coded = try JSONDecoder().decode(Preparation.self, from: JSONEncoder().encode(preparation))
    let columns = try CSVReader(Array(text(units.other, 3).utf8), source: "t", isNumeric: ["x": true]).read()
    var isRefused = false
    do { _ = try coded.apply(to: columns, source: "t") } catch is DataError { isRefused = true }
    #expect(isRefused == units.isRefused)
  }

  @Test func aSlipInTheOrderOfDayAndMonthIsMissing() throws {
    let (_, preparation) = try dated { day in
      let (d, m, y) = date(day)
      return "\(m)/\(d)/\(y)"
    }
    let columns = try read("when\n03/22/2021\n05/23/2021\n25/12/2021\n")
    #expect(throws: Never.self) { try preparation.apply(to: columns, source: "t") }
    #expect(preparation.warnings(for: columns).map(\.kind) == [.unreadTime])
  }

  @Test func wordsOfRowsAreNoHeaders() throws {
    // A misspelled target, and a header with the letters of a format.
    let words = "Price,text\n" + (0..<40).map { _ in "red,nice for the price of it\n" }.joined()
    #expect(try read(words, targets: ["price"]).map(\.name) == ["Price", "text"])
    #expect(try read("PAR1,b,y\n" + table).map(\.name) == ["PAR1", "b", "y"])
  }

  @Test(arguments: ["20240103", "202403", "3.2024", "20240103123000", "31.12"]) func numbersThatLookLikeDatesAreTold(
    _ first: String
  ) throws {
    let values = (0..<120).map { row -> String in
      switch first {
      case "20240103": "2024010\(row % 8 + 1)"
      case "202403": "20240\(row % 9 + 1)"
      case "20240103123000": "202401\(row % 9 + 10)1\(row % 9)3000"
      case "31.12": "\(row % 28 + 1).\(row % 3 + 10)"
      default: "\(row % 12 + 1).20\(10 + row % 7)"
      }
    }
    let column = try read("x,y\n" + values.map { "\($0),1\n" }.joined())[0]
    #expect(column.isNumeric && column.notice?.contains("look like dates") == true)
    #expect(try read("x,y\n" + (0..<40).map { "\($0 * 7 % 31).\($0 % 10)5,1\n" }.joined())[0].notice == nil)
  }

  @Test func aTargetOfUnreadNumbersIsRefused() throws {
    for value in ["<%d.5", "%d.25*", "2024-01-%d x"] {
      let text =
        "a,y\n" + (0..<60).map { "\($0 * 7 % 60),\(value.replacingOccurrences(of: "%d", with: "\($0)"))\n" }.joined()
      let path = try file(text)
      defer { try? FileManager.default.removeItem(atPath: path) }
      let error = #expect(throws: DataError.self) { try Dataset(csv: path, target: "y") }
      #expect(error?.description.contains("look like numbers or times") == true, "\(value)")
    }
  }

  @Test func unitsOfSomeRowsAloneAndMixedMarksAreNotRead() throws {
    #expect(!(try read("x\n" + (0..<60).map { $0 % 3 == 0 ? "\($0).5k\n" : "\($0 * 100)\n" }.joined())[0].isNumeric))
    let mixed = try read(
      "x,y\n" + (0..<60).map { $0 % 2 == 0 ? "\($0 + 10).481,1\n" : "\"\($0 + 10),209\",1\n" }.joined())[0]
    #expect(!mixed.isNumeric && mixed.notice?.contains("write all of them alike") == true)
  }

  @Test func aMarkerInMostRowsIsMissing() throws {
    let column = try read("x\n" + (0..<90).map { $0 % 3 == 0 ? "\($0)\n" : "-\n" }.joined())[0]
    #expect(column.isNumeric && column.isMissing(1) && numbers(column)[3] == 3)
  }

  @Test func aModelRemembersDecimalCommas() throws {
    let path = try file("a;y\n" + (0..<80).map { "\(1_000 + $0 * 211 % 997),5;\($0 * 211 % 997)\n" }.joined())
    let few = try file("a;b\n1.345;1\n")
    defer { for path in [path, few] { try? FileManager.default.removeItem(atPath: path) } }
    let model = try Recipe {
      Dense(4); ReLU()
    }.epochs(2).train(on: Dataset(csv: path, target: "y", task: .regression).split(seed: 1), threads: 1).model
    #expect(model.preparation.notation.hasDecimalCommas)
    #expect(numbers(try model.columns(csv: few, format: CSVFormat())[0]) == [1345])
    let coded = try JSONDecoder().decode(Preparation.self, from: JSONEncoder().encode(model.preparation))
    #expect(coded == model.preparation)
  }

  // MARK: Lines that are no rows

  private let table = (0..<40).map { "\($0).5,\($0 % 3),\($0 % 7)\n" }.joined()

  @Test func linesAroundATableAreLeftOut() throws {
    for text in [
      "Report, March 2024\na,b,y\n" + table, "Sales, all regions, final\na,b,y\n" + table, "sep=,\na,b,y\n" + table,
      "a,b,y\n" + table + "Source: Ministry of Labour\n", "a,b,y\n" + table + "\nNote: revised\nSource: ours",
      "a,b,y\n" + table.prefix(table.count / 2).split(separator: "\n").dropLast().joined(separator: "\n") + "\na,b,y\n"
        + table.split(separator: "\n").dropFirst((table.prefix(table.count / 2).split(separator: "\n").count) - 1)
        .joined(
          separator: "\n"),
    ] {
      // The first chunk tells the layout.
      for size in [1 << 20, 100] {
        let columns = try CSVReader(Array(text.utf8), source: "t", targets: ["y"], chunkSize: size).read()
        #expect(columns.map(\.name) == ["a", "b", "y"], "\(text.prefix(30))")
        #expect(numbers(columns[0]) == (0..<40).map { Double($0) + 0.5 }, "\(text.prefix(30)), \(size)")
      }
    }
  }

  @Test func aCutOffRowIsNoFooter() {
    #expect(throws: DataError.self) { try read("a,b,y\n" + table + "12.5\n") }
    #expect(throws: DataError.self) { try read("a,b,y\n" + table + "cut\n") }
  }

  @Test func rowsWithinStrayQuotesAreTold() throws {
    func notice(_ last: String) throws -> String? {
      try read("a,b,c\n1,x,y\n2,\"5 in,z\n3,u,v\n4,\(last),w\n5,x,y\n")[1].notice
    }
    #expect(try notice("7\"")?.contains("as 2 rows; if its quotes are stray") == true)
    // As many commas in all, and not in each line; and prose.
    let list = "red, blue, and grey\nthen\nnothing"
    #expect(try read("a,b,c\n1,x,y\n2,\"\(list)\",z\n3,u,v\n")[1].notice == nil)
    #expect(try read("a,b,c\n1,\"x,\n7,y\",z\n2,\"t,\n8,u\",w\n")[1].notice == nil)
    #expect(try read("a,b,c\n1,x,y\n2,\"5 in\nhigh, and\nwide\",z\n")[1].notice == nil)
  }

  /// Rows whose first field is made by a function, beside a number and a class.
  private func rows(_ count: Int = 400, header: String = "d,x,y\n", _ text: (Int) -> String) -> String {
    header + (0..<count).map { "\(text($0)),\($0 * 7 % 31),\($0 % 2 == 0 ? "a" : "b")\n" }.joined()
  }

  @Test func severalMarkersAmongNumbersAreMissing() throws {
    let column = try read(rows { $0 % 10 == 0 ? ["refused", "n.d.", "absent"][$0 / 10 % 3] : "\($0 * 13 % 97)" })[0]
    #expect(column.isNumeric && numbers(column).count { $0.isNaN } == 40)
    #expect(column.notice?.contains("'refused', 'n.d.', 'absent' in 40 of 400 rows") == true)
    // Several codes that are no known markers may each mean something, and so do texts among few numbers.
    #expect(try !read(rows { $0 % 10 == 0 ? ["DNF", "DQ"][$0 / 10 % 2] : "\($0 * 13 % 97)" })[0].isNumeric)
    #expect(try !read(rows { $0 % 10 == 0 ? ["A", "B"][$0 / 10 % 2] : "\($0 % 9)" })[0].isNumeric)
  }

  @Test func aModelKnowsItsMarkers() throws {
    let train = try file(rows { $0 % 10 == 0 ? "keine Antwort" : "\($0 * 13 % 97)" })
    defer { try? FileManager.default.removeItem(atPath: train) }
    let split = try Dataset(csv: train, target: "y").split(seed: 0)
    let model = try Recipe(Network(HiddenStack(hidden: []))).epochs(1).train(on: split, threads: 1).model
    let copy = try JSON.convert(model.preparation, to: Preparation.self)
    #expect(copy == model.preparation && copy.notation.markers == ["d": ["keine Antwort"]])
    let new = try file("d,x\n5,1\nkeine Antwort,2\n")
    defer { try? FileManager.default.removeItem(atPath: new) }
    #expect(try model.predict(csv: new).count == 2)
    let other = try file("d,x\n5,1\nvielleicht,2\n")
    defer { try? FileManager.default.removeItem(atPath: other) }
    #expect(throws: DataError.self) { try model.predict(csv: other) }
  }

  @Test(arguments: [
    ("17*", true), ("'17", true), ("ca. 17", true), ("17 [1]", true), ("store_17", false),
    ("P17", false),
  ])
  func decoratedNumbersAreTold(_ example: String, _ isTold: Bool) throws {
    let path = try file(
      rows { $0 % 3 == 0 || !isTold ? example.replacing("17", with: "\($0 * 13 % 59)") : "\($0 * 13 % 59)" })
    defer { try? FileManager.default.removeItem(atPath: path) }
    let notices = try Dataset(csv: path, target: "y").split(seed: 0).notices
    #expect(notices.contains { $0.contains("most of its texts hold numbers") } == isTold, "\(notices)")
  }

  @Test func spellingsOfAUnitAreOne() throws {
    let column = try read(rows { "\($0 * 13 % 59) \(["kg", "KG", "kg."][$0 % 3])" })[0]
    #expect(column.isNumeric && column.unit == "kg")
    #expect(try read(rows { "\($0 * 13 % 59 + 1) \($0 * 13 % 59 == 0 ? "day" : "days")" })[0].isNumeric)
    #expect(try !read(rows { "\($0 * 13 % 59) \(["kg", "lb"][$0 % 2])" })[0].isNumeric)
  }

  @Test func unitsBelowTheHeaderAreLeftOut() throws {
    let columns = try read(rows(header: "d,x,y\ncm,EUR,[-]\n") { "\($0 * 13 % 59)" })
    #expect(columns[0].isNumeric && columns[0].count == 400)
    #expect(columns[0].notice?.contains("holds units or types ('cm', 'EUR')") == true)
    // Missing values in the first row are a row, and rows to predict all count.
    for missing in ["NA,NA,a", "unknown,unknown,a", "NaN,null,a"] {
      #expect(try read(rows(header: "d,x,y\n\(missing)\n") { "\($0 * 13 % 59)" })[0].count == 401)
    }
    #expect(
      throws: DataError.self
    ) {
      try CSVReader(
        Array("d,x\ncm,EUR\n1,2\n2,3\n3,4\n4,5\n5,6\n6,7\n".utf8), source: "t", isNumeric: ["d": true, "x": true]
      )
      .read()
    }
    // One column of numbers may begin with a text.
    let one = try read("d,c,y\nlow,u,v\n" + (0..<30).map { "\($0),u,v\n" }.joined())
    #expect(one[0].count == 31)
  }

  @Test func printedTablesAndQuotedLinesAreRefused() {
    func message(_ text: String) -> String {
      do { _ = try read(text) } catch { return "\(error)" }
      return ""
    }
    let lines = (0..<20).map { " \($0) | \($0 * 2) \n" }.joined()
    #expect(message(" a | y \n---+---\n" + lines).contains("as a program prints it"))
    #expect(message("\"a,y\"\n\"1,2\"\n\"3,4\"\n").contains("in quotes as a whole"))
    #expect(message("a,y\n\"1,2\"\n\"3,4\"\n").contains("in quotes as a whole"))
  }

  @Test func addressesAndVersionsDecideNoDecimalMark() throws {
    let columns = try read("w,ip,y\n7.6,192.168.156.181,22.877\n8.1,192.168.101.200,24.105\n")
    #expect(!columns[1].isNumeric && numbers(columns[0]) == [7.6, 8.1] && numbers(columns[2]) == [22.877, 24.105])
  }

  @Test func pointsThatMaySeparateThousandsAreTold() throws {
    let mixed = try read(rows { $0 % 2 == 0 ? "1.\($0 % 89 + 101)" : "\($0 % 800 + 100)" })[0]
    #expect(mixed.notice?.contains("if the point separates thousands") == true)
    #expect(try read(rows { "\($0 % 9).\($0 % 89 + 101)" })[0].notice == nil)
  }

  @Test func wholeAmountsWithTheSignBehind() throws {
    let column = try read(rows { $0 % 3 == 0 ? "\($0 + 30)-" : "\($0 + 30)" })[0]
    #expect(column.isNumeric && numbers(column)[0] == -30 && numbers(column)[1] == 31)
    #expect(try !read(rows { $0 % 3 == 0 ? "\($0 % 20)-" : "\($0 % 20)" })[0].isNumeric)
  }

  @Test func targetsOnAnotherScaleAreTold() throws {
    func table(_ scale: Int) -> String {
      "x,y\n" + (0..<200).map { "\($0 % 17),\(($0 % 17 * 3 + $0 % 5 + 100) * scale)\n" }.joined()
    }
    let (train, other) = (try file(table(1)), try file(table(100)))
    defer { for path in [train, other] { try? FileManager.default.removeItem(atPath: path) } }
    let split = try Dataset(csv: train, target: "y", task: .regression).split(seed: 0)
    let model = try Recipe(Network(HiddenStack(hidden: []))).epochs(1).train(on: split, threads: 1).model
    func warnings(_ path: String) throws -> [String] {
      var warnings: [String] = []
      _ = try model.evaluate(Dataset(csv: path, for: model), warnings: &warnings, threads: 1)
      return warnings
    }
    #expect(try warnings(other).contains { $0.contains("check that both have one unit") })
    #expect(try !warnings(train).contains { $0.contains("check that both") })
  }

  @Test func aRowOfTotalsIsTold() throws {
    let columns = try read("name,v\n" + (0..<30).map { "n\($0 % 4),\($0)\n" }.joined() + "Total,435\n")
    #expect(columns[0].notice == "the last row holds 'Total'; if it is a total and not a case, remove it")
    let figures = try read("name,v\n" + (0..<30).map { "n\($0 % 4),\($0)\n" }.joined() + "Average,14\nStd,8\n")
    #expect(figures[0].notice?.hasPrefix("the last row holds 'Std'") == true)
    #expect(try read("name,v\n" + (0..<30).map { $0 % 2 == 0 ? "Total,1\n" : "Part,2\n" }.joined())[0].notice == nil)
  }

  @Test(arguments: [
    ("[{\"a\": 1}]", "JSON"), ("\n{\"a\": [1, 2]}", "JSON"), ("<!DOCTYPE html>\n<html>", "web page"),
    ("PK\u{3}\u{4}x", "Excel"),
    ("PAR1\u{15}x", "Parquet"), ("%PDF-1.4", "PDF"), ("% iris\n@RELATION iris\n", "ARFF"),
    ("'a','b'\n'1','2'\n", "single quotes"),
  ]) func otherFormatsAreNamed(_ text: String, _ name: String) {
    let error = #expect(throws: DataError.self) { try read(text) }
    #expect(error?.description.contains(name) == true, "\(error?.description ?? "")")
  }

  @Test func namesThatHoldCommas() {
    #expect(Dataset.names(in: ["a", "b", "c"], among: ["a", "b,c"]) == ["a", "b,c"])
    #expect(Dataset.names(in: ["a", "b", "c"], among: ["a, b", "c"]) == ["a, b", "c"])
    #expect(Dataset.names(in: ["x", "y"], among: ["a"]) == ["x", "y"])
  }

  @Test func theAffirmativeIsThePositiveClass() throws {
    for (values, names) in [
      (["ja", "nein"], ["nein", "ja"]), (["Yes", "no"], ["no", "Yes"]), (["a", "b"], ["a", "b"]),
    ] {
      let columns = try read("x,y\n" + (0..<40).map { "\($0 * 7 % 40),\(values[$0 % 2])\n" }.joined())
      let data = try Dataset(source: "t", columns: columns, target: "y", task: nil)
      #expect(try Preparation(fitting: data, rows: Array(0..<40)).target.outputNames == names)
    }
  }
}

extension Dataset {
  fileprivate var inputColumns: [Column] { if case .table(let columns) = inputs { columns } else { [] } }
}
