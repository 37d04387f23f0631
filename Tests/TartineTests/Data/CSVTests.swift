import Foundation
import Tartine
import Testing

@Suite struct CSVTests {
  private func read(_ text: String, isNumeric: [String: Bool]? = nil) throws -> [Column] {
    try CSVReader(Array(text.utf8), source: "test.csv", isNumeric: isNumeric).read()
  }

  private func numbers(_ column: Column) -> [Double] {
    if case .numbers(let numbers) = column.values { numbers } else { [] }
  }

  private func texts(_ column: Column) -> [String?] { (0..<column.count).map { column.text($0) } }

  @Test func quotesLineEndsAndMark() throws {
    let columns = try read("\u{FEFF}name,note,x\r\n\"Braund, Mr. O\",\"two\r\nlines\",1\r\n\"say \"\"hi\"\"\",plain,2")
    #expect(columns.map(\.name) == ["name", "note", "x"])
    #expect(texts(columns[0]) == ["Braund, Mr. O", "say \"hi\""])
    #expect(texts(columns[1]) == ["two\r\nlines", "plain"])
    #expect(numbers(columns[2]) == [1, 2])
  }

  @Test func blanksAroundFieldsAreDropped() throws {
    let columns = try read("age, job\n39, State-gov\n 50 ,  \"Self-emp\" \n")
    #expect(numbers(columns[0]) == [39, 50])
    #expect(columns[1].name == "job")
    #expect(texts(columns[1]) == ["State-gov", "Self-emp"])
  }

  @Test(arguments: ["?", "NA", "NaN", "nan", "", "N/A", "null", "\"\""])
  func missingMarkers(_ marker: String) throws {
    let columns = try read("x,kind\n1,a\n\(marker),\(marker)\n3,b\n")
    #expect(columns[0].isNumeric && !columns[1].isNumeric)
    #expect(columns[0].isMissing(1) && columns[1].isMissing(1))
    #expect(!columns[0].isMissing(0) && !columns[1].isMissing(2))
  }

  @Test(arguments: [
    ("1", 1.0), ("-2.5", -2.5), ("+3", 3), (".5", 0.5), ("6.", 6), ("1e3", 1000), ("1E-3", 0.001),
    ("123456789012345678901234567890.0", 1.2345678901234568e29), ("0.1", 0.1),
    ("3.14159265358979312", 3.141592653589793),
    ("2.2250738585072014e-308", 2.2250738585072014e-308), ("9007199254740993.", 9007199254740992),
  ]) func numbersAreReadExactly(_ text: String, _ value: Double) throws {
    #expect(numbers(try read("x\n\(text)\n")[0]) == [value])
  }

  /// Texts long enough to be read eight digits at a time, and numbers of every length.
  @Test func randomNumbersAreReadExactly() throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    func digits(_ count: Int) -> String { (0..<count).map { _ in String(stream.integer(below: 10)) }.joined() }
    var written = ["007", "-0", "-.5", "1.", "00000000.00000001", "12345678901234567890123.", "." + digits(30) + "1"]
    for _ in 0..<3_000 {
      let whole = digits(stream.integer(below: 12))
      let part = digits(stream.integer(below: 12))
      let point = whole.isEmpty || stream.integer(below: 3) > 0 ? "." : ""
      let exponent = stream.integer(below: 6) == 0 ? "e" + String(stream.integer(below: 60) - 40) : ""
      let number = whole + point + (point.isEmpty ? "" : part)
      if number != "." { written.append((stream.integer(below: 2) == 0 ? "-" : "") + number + exponent) }
    }
    let read = numbers(try read("x,tail\n" + written.map { $0 + ",a text that is as long as a number\n" }.joined())[0])
    for (number, text) in zip(read, written) {
      #expect(number.bitPattern == Double(text)?.bitPattern, "\(text)")
    }
    #expect(read.count == written.count)
  }

  /// The rows 0 to 59.
  private static func rows(_ row: (Int) -> String) -> String { (0..<60).map(row).joined() }

  /// Lines of every kind.
  static let chunked: [String] = [
    "\u{FEFF}x,kind\r\n" + rows { "\($0).25," + ($0 % 7 == 3 ? "" : "level \($0 % 11)") + "\r\n" } + "1,last",
    "x\n" + rows { $0 % 5 == 2 ? "\n" : "\($0)\n" },
    "x,y\r" + rows { "\($0),b\r" },
    String(repeating: "\n", count: 100) + "x,y\n1,2\n",
    "x,y\n" + rows { $0 == 55 ? "\"a,\n\",2\n" : "\($0),é\n" },
  ]

  /// Chunks end anywhere, in several rounds, without any effect on the result.
  @Test(arguments: chunked) func chunksDoNotShow(_ text: String) throws {
    let whole = try read(text)
    for size in [1, 2, 3, 7, 16, 64, 200] {
      let columns = try CSVReader(Array(text.utf8), source: "test.csv", chunkSize: size).read()
      #expect(columns.map(\.name) == whole.map(\.name) && columns.map(\.reason) == whole.map(\.reason))
      for (column, expected) in zip(columns, whole) {
        #expect(numbers(column).map(\.bitPattern) == numbers(expected).map(\.bitPattern))
        #expect(texts(column) == texts(expected))
      }
    }
  }

  @Test func aFaultInALateChunkHasItsLine() {
    let text = "x,y\r\n" + (0..<60).map { $0 == 50 ? "1\r\n" : "\($0),2\r\n" }.joined()
    for size in [1, 5, 64, 1 << 20] {
      let error = #expect(throws: DataError.self) {
        try CSVReader(Array(text.utf8), source: "t", chunkSize: size).read()
      }
      #expect(error?.line == 52)
    }
  }

  @Test(arguments: ["1_000", "0x10", "--1", "1e", "e5", "1 2", "abc", "."])
  func whatIsNoNumberIsText(_ text: String) throws {
    #expect(!(try read("x\n\"\(text)\"\n")[0].isNumeric))
  }

  @Test func typeKeepsItsReason() throws {
    let column = try read("x\n1\n2\nmany\n")[0]
    #expect(column.reason == "text: line 4 holds 'many'")
    #expect(texts(column) == ["1", "2", "many"])
  }

  @Test func numbersAsTheyAreWritten() throws {
    for (written, byPoint, byComma) in [
      ("$3,679.62", 3679.62, nil), ("3.679,62 €", nil, 3679.62), ("-1,234,567", -1_234_567, nil),
      ("1,234", 1234, 1.234),
      ("0,125", nil, 0.125), ("12345,678", nil, 12345.678), ("12 000", 12_000, 12_000), ("45 %", 45, 45),
      ("(1,200)", -1200, -1.2), ("$-5", -5, -5), ("−7", -7, -7), ("1'000.5", 1000.5, nil), (".5", 0.5, nil),
      ("12.12.2021", nil, nil), ("555-1234", nil, nil), ("1,2,3", nil, nil), ("a1", nil, nil), ("$", nil, nil),
      ("1.234,5,6", nil, nil), ("0,", nil, nil), ("--1", nil, nil), ("1 2", nil, nil), ("12 lb", 12, 12),
      ("9,23E+01", nil, 92.3), ("1.5e-3", 0.0015, nil), ("<0.5", 0.5, nil), ("80+", 80, 80), ("≥ 3", 3, 3),
      ("7.2 km/h", 7.2, nil), ("120 m²", 120, 120), ("1,5e-9223372036854775808", nil, nil),
      ("lb 12", nil, nil), ("1e", nil, nil),
    ] as [(String, Double?, Double?)] {
      let number = WrittenNumber(written)
      #expect(number?.byPoint == byPoint && number?.byComma == byComma, "\(written): \(String(describing: number))")
    }
  }

  @Test func aSlipAmongNumbersIsMissing() throws {
    let rows = (0..<60).map { $0 == 30 ? "oops\n" : "\($0)\n" }.joined()
    let column = try read("x\n" + rows)[0]
    #expect(column.isNumeric && column.isMissing(30) && !column.isMissing(31))
    #expect(column.notice == "column 'x' holds numbers, but 'oops' in line 32 is not; treated as missing")
    // Too few numbers, or too many other values: text.
    #expect(!(try read("x\n1\n2\noops\n")[0].isNumeric))
    #expect(!(try read("x\n" + (0..<60).map { $0 % 10 == 3 ? "a\($0)\n" : "\($0)\n" }.joined())[0].isNumeric))
  }

  @Test(arguments: ["-", ".", "unknown", "N.A.", "a"]) func oneTextAmongManyNumbersIsAMissingMarker(_ marker: String)
    throws
  {
    let rows = (0..<60).map { $0 % 4 == 3 ? "\(marker)\n" : "\($0)\n" }.joined()
    for size in [1 << 20, 16] {
      let column = try CSVReader(Array(("x\n" + rows).utf8), source: "t", chunkSize: size).read()[0]
      #expect(column.isNumeric && column.isMissing(3) && !column.isMissing(4))
      #expect(column.notice == "column 'x' holds numbers, and '\(marker)' in 15 of 60 rows; treated as missing")
    }
  }

  @Test func aCategoryIsNoMissingMarker() throws {
    #expect(!(try read("x\n" + (0..<60).map { $0 % 4 == 3 ? "none at all\n" : "\($0 % 4)\n" }.joined())[0].isNumeric))
  }

  @Test func aBoundIsReadAsItsNumber() throws {
    let column = try read("x\n" + (0..<60).map { $0 % 4 == 3 ? "52+\n" : "\($0)\n" }.joined())[0]
    #expect(numbers(column)[3] == 52 && numbers(column)[4] == 4)
    #expect(column.notice == "column 'x': '52+' is read as 52")
    // Bounds alone are categories, and a target is no bound.
    #expect(!(try read("x\n" + (0..<60).map { "\($0 % 12)+\n" }.joined())[0].isNumeric))
    let target = try CSVReader(
      Array(("x\n" + (0..<60).map { $0 % 4 == 3 ? "52+\n" : "\($0)\n" }.joined()).utf8), source: "t", targets: ["x"]
    ).read()[0]
    #expect(!target.isNumeric)
  }

  @Test func aNumberOfAnotherNotationAmongPlainOnesIsRead() throws {
    let column = try read("x,y\n" + (0..<60).map { $0 == 5 ? "\"1,234.5\",0\n" : "\($0).25,0\n" }.joined())[0]
    #expect(numbers(column)[5] == 1234.5 && numbers(column)[6] == 6.25)
    #expect(column.notice == "column 'x': '1,234.5' is read as 1234.5")
  }

  @Test func unitsAreReadAndDifferentOnesAreNot() throws {
    let column = try read("x\n" + (0..<60).map { "\($0).5 kg\n" }.joined())[0]
    #expect(numbers(column)[7] == 7.5 && column.notice == "column 'x': '0.5 kg' is read as 0.5")
    #expect(!(try read("x\n" + (0..<60).map { "\($0).5 \($0 % 2 == 0 ? "kg" : "g")\n" }.joined())[0].isNumeric))
    // Few of them are categories.
    #expect(!(try read("x\n" + (0..<60).map { "\($0 % 3) kg\n" }.joined())[0].isNumeric))
    let shares = try read("x\n" + (0..<60).map { $0 % 3 == 0 ? "0.\($0 + 10)\n" : "\($0).5 %\n" }.joined())[0]
    #expect(
      shares.notice == "column 'x': '1.5 %' is read as 1.5, and '0.10' is read as 0.1, with the unit of the others")
  }

  @Test func spreadsheetErrorsAreMissing() throws {
    for marker in ["#DIV/0!", "#VALUE!", "#N/A", "\\N", "NaT"] {
      let column = try read("x\n" + (0..<60).map { $0 % 4 == 3 ? "\(marker)\n" : "\($0)\n" }.joined())[0]
      #expect(column.isNumeric && column.isMissing(3) && !column.isMissing(4), "\(marker)")
    }
  }

  @Test func codesWithLeadingZerosStayText() throws {
    let zips = try read("zip\n" + (0..<60).map { ["02139", "94105", "10001"][$0 % 3] + "\n" }.joined())[0]
    #expect(texts(zips)[0] == "02139")
    #expect(zips.notice == "column 'zip' holds codes with leading zeros, such as '02139', and is read as text")
    // Another width, decimals, or times of day are numbers.
    for values in [["007", "12", "100"], ["01", "02", "10"], ["0.5", "00.5", "100"]] {
      #expect(try read("x\n" + (0..<60).map { values[$0 % 3] + "\n" }.joined())[0].isNumeric, "\(values)")
    }
    let times = (0..<60).map { "\($0 % 10 < 5 ? "0" : "1")\($0 % 10)\(10 + $0 / 2)\n" }.joined()
    #expect(try read("x\n" + times)[0].isNumeric)
  }

  @Test func aModelTakesMarkersOfMissingValues() throws {
    let bytes = Array("x\n1\n-\n2\n-\n".utf8)
    let column = try CSVReader(bytes, source: "t", isNumeric: ["x": true]).read()[0]
    #expect(column.isMissing(1) && column.isMissing(3) && column.notice?.contains("'-' in 2 of 4 rows") == true)
  }

  @Test func slipsDoNotDependOnTheOrderOfRows() throws {
    let rows = (0..<101).map { "text\($0)\n" } + (0..<5_000).map { "\($0)\n" }
    for rows in [rows, rows.reversed()] { #expect(try read("x\n" + rows.joined())[0].isNumeric) }
  }

  @Test func aTextAmongTheTargetsClassesIsAClass() throws {
    let rows = (0..<200).map { $0 % 40 == 7 ? "\($0 * 7 % 90).5,other\n" : "\($0 * 7 % 90).5,\($0 % 3)\n" }.joined()
    let columns = try CSVReader(Array(("x,y\n" + rows).utf8), source: "t", targets: ["y"]).read()
    #expect(!columns[1].isNumeric && columns[1].notice == nil)
    let data = try Dataset(source: "t", columns: columns, target: "y", task: nil)
    #expect(data.rowCount == 200 && data.task.task == .multiclass)
  }

  @Test func aSlipAmongTheTargetsNumbersIsAnError() throws {
    let rows = (0..<60).map { $0 == 30 ? "1,oops\n" : "1,\($0).5\n" }.joined()
    let error = #expect(throws: DataError.self) {
      try CSVReader(Array(("x,y\n" + rows).utf8), source: "t", targets: ["y"]).read()
    }
    #expect(error?.line == 32 && error?.column == "y" && error?.message.contains("'oops' is not a number") == true)
  }

  @Test func whatWasASlipInTrainingIsOneWhereTheModelIsMeasured() throws {
    let text = "x\n" + (0..<60).map { $0 == 30 ? "oops\n" : "\($0)\n" }.joined()
    let bytes = Array(text.utf8)
    let column = try CSVReader(bytes, source: "t", isNumeric: ["x": true], takesSlips: true).read()[0]
    #expect(column.isMissing(30) && column.notice != nil)
    // In prediction it is an error, and many of them are an error anywhere.
    #expect(throws: DataError.self) { try CSVReader(bytes, source: "t", isNumeric: ["x": true]).read() }
    let texts = Array(("x\n" + String(repeating: "a\n1\n", count: 40)).utf8)
    #expect(throws: DataError.self) {
      try CSVReader(texts, source: "t", isNumeric: ["x": true], takesSlips: true).read()
    }
  }

  @Test func anEmptyLineOfOneColumnIsAMissingValue() throws {
    let column = try read("x\n\n1\n\n2\n")[0]
    #expect((0..<4).map(column.isMissing) == [true, false, true, false])
  }

  @Test func otherEncodingsAreNamed() {
    for (bytes, message) in [([0x78, 0x0A, 0xE9, 0x0A], "not UTF-8"), ([0x78, 0x0A, 0x00], "zero byte")]
      as [([UInt8], String)]
    {
      let error = #expect(throws: DataError.self) { try CSVReader(bytes, source: "t").read() }
      #expect(error?.line == 2 && error?.message.contains(message) == true)
    }
  }

  @Test func semicolonsTabsAndEmptyLines() throws {
    #expect(try read("a;b\n1;2\n\n3;4\n").map(numbers) == [[1, 3], [2, 4]])
    #expect(try read("a\tb\n1\t2\n").map(numbers) == [[1], [2]])
    #expect(try read("a|b\n1|2\n").map(numbers) == [[1], [2]])
  }

  @Test func rowNamesWithoutAHeader() throws {
    let columns = try read("\"a\" \"b\"\n".replacing(" ", with: ",") + "\"1\",5,6\n\"2\",7,8\n")
    #expect(columns.map(\.name) == ["row.names", "a", "b"])
    #expect(columns.map(numbers) == [[1, 2], [5, 7], [6, 8]])
  }

  @Test func aSeparatorAtTheEndOfRowsOnly() throws {
    let columns = try read("a,b\n1,2,\n3,4,\n")
    #expect(columns.map(numbers) == [[1, 3], [2, 4]])
    #expect(columns[0].notice?.contains("the empty last field is ignored") == true)
    let error = #expect(throws: DataError.self) {
      try read("a,b\n" + String(repeating: "1,2,\n", count: 30) + "3,4,5\n")
    }
    #expect(error?.line == 32)
  }

  @Test func anEmptyNameIsNumbered() throws {
    #expect(try read(",x\n0,1\n").map(\.name) == ["column1", "x"])
  }

  @Test(arguments: [
    (String(repeating: "long", count: 251) + ",b\n1,2\n", "the name of column 1 has 1004 characters"),
    ("", "it is empty"), ("a,b\n", "a header and no rows"), ("a,b\n1,2\n3\n", "line 3: it has 1 fields"),
    ("a,b\n1,2,3\n", "line 2: it has 3 fields"), ("a,a\n1,2\n", "two columns have the name 'a'"),
    ("1,2\n3,4\n", "is the header missing"), ("a\n\"open\n", "a quote is opened here and never closed"),
    ("a\n\"x\" y\n", "text follows a closing quote"),
    ("a\n1\ninf\n", "line 3, column 'a': 'inf' is infinite or out of the range"),
    ("a\n1e39\n", "line 2, column 'a': '1e39' is infinite or out of the range"),
    ("a\n-1e999\n", "'-1e999' is infinite or out of the range"),
  ]) func whatIsWrongIsSaid(_ text: String, _ message: String) {
    let error = #expect(throws: DataError.self) { try read(text) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func aModelsTypesAreHeld() throws {
    let error = #expect(throws: DataError.self) { try read("x,y\n1,2\nlots,3\n", isNumeric: ["x": true]) }
    #expect(error?.line == 3 && error?.column == "x")
    #expect(error?.message.contains("'lots' is not a number") == true)
    #expect(!(try read("x\n1\n2\n", isNumeric: ["x": false])[0].isNumeric))
  }

  @Test func utf16IsNamed() {
    let error = #expect(throws: DataError.self) {
      try CSVReader([0xFF, 0xFE, 0x61, 0x00], source: "wide.csv").read()
    }
    #expect(error?.description == "wide.csv: it is in UTF-16; save it as UTF-8.")
  }

  /// Three megabytes: several chunks, read in parallel.
  private func manyRows(_ change: (Int) -> String? = { _ in nil }) -> String {
    "x,kind,y\n"
      + (0..<60_000).map {
        change($0) ?? "\(Double($0) / 8),kind of level \($0 % 7 * ($0 / 30_000)) and more text,\(-$0)\n"
      }
      .joined()
  }

  private func check(_ columns: [Column]) {
    #expect(numbers(columns[0]) == (0..<60_000).map { Double($0) / 8 })
    #expect(numbers(columns[2]) == (0..<60_000).map { Double(-$0) })
    guard case .texts(let codes, let levels) = columns[1].values else { return #expect(Bool(false), "no text") }
    // In the order of their first row, whichever chunk it is in.
    #expect(levels == [0, 5, 6, 1, 2, 3, 4].map { "kind of level \($0) and more text" })
    #expect(codes.count == 60_000 && codes[29_999] == 0 && codes[59_999] == codes[59_999 - 7])
  }

  @Test func chunksAreOneTable() throws {
    check(try read(manyRows()))
    // Quotes, late: whether the middle is inside quotes cannot be known from the middle.
    check(try read(manyRows { $0 == 50_000 ? "6250,\"kind of level 6 and more text\",-50000\n" : nil }))
    check(
      try read(
        manyRows {
          $0 % 10_000 == 5
            ? "\n\r\n\(Double($0) / 8),kind of level \($0 % 7 * ($0 / 30_000)) and more text,\(-$0)\r\n" : nil
        }))
  }

  @Test func aFileIsReadAsMemoryIs() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tartine-csv-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "rows.csv")
    try manyRows().write(to: file, atomically: true, encoding: .utf8)
    check(try Dataset.readTable(file.path).columns)
    try manyRows { $0 == 55_000 ? "1,2\n" : nil }.write(to: file, atomically: true, encoding: .utf8)
    let error = #expect(throws: DataError.self) { try Dataset.readTable(file.path).columns }
    #expect(error?.line == 55_002)
    try Data().write(to: file)
    #expect(throws: DataError.self) { try Dataset.readTable(file.path).columns }
  }

  /// The checksum is of the bytes that were read, whatever of them are no rows and in however many chunks.
  @Test func theChecksumIsTakenWhileReading() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tartine-sum-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "rows.csv")
    let quoted = manyRows { $0 == 50_000 ? "6250,\"kind of level 6 and more text\",-50000\n" : nil }
    for text in [manyRows(), manyRows() + "Source: a survey\n", manyRows() + "\u{1A}\r\n", quoted + "\u{1A}"] {
      try text.write(to: file, atomically: true, encoding: .utf8)
      let sum = try Dataset.readTable(file.path).checksum
      #expect(sum == [file.path: Checksum(of: Array(text.utf8)).text])
    }
    // CRC-32 of "123456789", the check value of its definition, in two parts.
    var parts = Checksum(of: Array("1234".utf8))
    parts.append(Checksum(of: Array("56789".utf8)))
    #expect(parts.text == "cbf43926" && parts.count == 9)
  }

  @Test func faultsInLateChunksHaveTheirLines() throws {
    for (row, text, message) in [
      (55_000, "1,a\n", "it has 2 fields"), (41_000, "1e39,a,1\n", "'1e39' is infinite"),
      (59_000, "1,\u{0},1\n", "zero byte"), (59_000, "1,\"open,1\n", "never closed"),
    ] {
      let error = #expect(throws: DataError.self) { try read(manyRows { $0 == row ? text : nil }) }
      #expect(error?.line == row + 2 && error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
    // The first of several errors is reported.
    let error = #expect(throws: DataError.self) {
      try read(manyRows { $0 == 30_000 || $0 == 50_000 ? "1\n" : nil })
    }
    #expect(error?.line == 30_002)
    // An error far down, with its line.
    let slips = try read(manyRows { $0 == 58_000 ? "oops,a,-58000\n" : nil })
    #expect(slips[0].isMissing(58_000) && slips[0].notice?.contains("line 58002") == true)
  }
}
