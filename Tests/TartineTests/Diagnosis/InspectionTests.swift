import Tartine
import Testing

@Suite struct InspectionTests {
  /// A healthy table, with planted faults.
  private struct Table {
    var names = ["a", "b", "c", "color"]
    var columns: [Column]
    var labels: [String]

    init(rows: Int = 600, seed: UInt64 = 1) {
      var stream = RandomStream(seed: seed, purpose: .test)
      let numbers = (0..<3).map { _ in (0..<rows).map { _ in stream.normalPair().0 } }
      var coder = LevelCoder()
      for _ in 0..<rows { coder.append(["red", "green", "blue"][stream.integer(below: 3)]) }
      columns = zip(["a", "b", "c"], numbers).map { Column(name: $0, values: .numbers($1), reason: "test") }
      columns.append(Column(name: "color", values: .texts(codes: coder.codes, levels: coder.levels), reason: "test"))
      labels = (0..<rows).map { numbers[0][$0] + numbers[1][$0] + stream.normalPair().0 > 0 ? "yes" : "no" }
    }

    mutating func add(_ name: String, _ values: [Double]) {
      columns.append(Column(name: name, values: .numbers(values), reason: "test"))
    }

    /// Appends copies of these rows.
    mutating func copy(_ rows: [Int], labels: (String) -> String) {
      let all = Array(0..<self.labels.count) + rows
      columns = columns.map { $0.rows(all) }
      self.labels += rows.map { labels(self.labels[$0]) }
    }

    func dataset() throws -> Dataset {
      var coder = LevelCoder()
      for label in labels { coder.append(label) }
      return try Dataset(
        source: "test", inputs: .table(columns),
        targets: [Column(name: "y", values: .texts(codes: coder.codes, levels: coder.levels), reason: "test")])
    }

    func warnings(seed: UInt64 = 0, by method: SplitMethod = .stratified) throws -> [DataWarning] {
      try Inspection(of: try dataset().split(by: method, seed: seed)).warnings
    }
  }

  private func names(_ warnings: [DataWarning]) -> [String] {
    warnings.map { "\($0.name.rawValue) \($0.column ?? "")" }
  }

  @Test(arguments: 1...5) func aHealthyTableGivesNoWarning(_ seed: Int) throws {
    #expect(try names(Table(seed: UInt64(seed)).warnings(seed: UInt64(seed))) == [])
  }

  @Test func aTargetThatIsCapped() throws {
    func data(_ target: (Int) -> Double) throws -> Inspection {
      let x = Column(name: "x", values: .numbers((0..<400).map { Double($0 * 37 % 101) }), reason: "test")
      let y = Column(name: "y", values: .numbers((0..<400).map(target)), reason: "test")
      return try Inspection(of: Dataset(source: "test", inputs: .table([x]), targets: [y]).split(seed: 1))
    }
    let capped = try data { min(350, Double($0)) }
    // 50 of 400, and three quarters of them among 300 in train and dev.
    #expect(
      capped.warnings.contains {
        $0.name == .cappedTarget && $0.evidence.contains("are exactly 350, the largest of all") && $0.isSerious
      })
    #expect(capped.targetQuartiles.count == 5 && capped.targetQuartiles[4] == 350)
    // Zeros mostly are not, and a long tail is not a cap.
    #expect(try !data { max(0, Double($0) - 50) }.warnings.contains { $0.name == .cappedTarget })
    #expect(try !data { Double($0) }.warnings.contains { $0.name == .cappedTarget })
  }

  @Test func aValueInAnotherUnitIsNamedWithItsRow() throws {
    var table = Table()
    table.add("height", (0..<600).map { $0 == 40 ? 171_000 : 150 + Double($0 * 7 % 50) })
    let found = try Inspection(of: table.dataset().split(seed: 0)).warnings
    let value = found.first { $0.name == .outlyingValue }
    #expect(value?.column == "height" && value?.evidence.hasPrefix("row 41 holds 171000") == true)
  }

  @Test func datesThatAreInputsAreNoIdentifiers() throws {
    var table = Table()
    var coder = LevelCoder()
    for row in 0..<600 {
      coder.append("\(2000 + row / 300)-\(10 + row / 28 % 3)-\(10 + row % 18) \(10 + row / 60):\(10 + row % 50)")
    }
    table.columns.append(Column(name: "when", values: .texts(codes: coder.codes, levels: coder.levels), reason: "test"))
    let inspection = try Inspection(of: table.dataset().split(seed: 0))
    #expect(inspection.columns.last?.use.hasPrefix("a number in time") == true)
    #expect(!inspection.warnings.contains { $0.column == "when" })
  }

  @Test func severalRowsOfAPatientAreTold() throws {
    for (name, isTold) in [
      ("patient", true), ("Subject id", true), ("customerId", true), ("grid", false), ("dose", false),
    ] {
      var table = Table()
      table.add(name, (0..<600).map { Double($0 * 7 % 60) })
      let found = try table.warnings()
      #expect(
        found.contains { $0.name == .repeatedIdentifier && $0.column == name && $0.isSerious } == isTold, "\(name)")
    }
    var table = Table()
    table.add("patient", (0..<600).map { Double($0 * 7 % 60) })
    let split = try table.dataset().split(by: .grouped(by: "patient"), seed: 0)
    #expect(try !Inspection(of: split).warnings.contains { $0.name == .repeatedIdentifier })
  }

  @Test func identifiersHaveManyNames() throws {
    for (name, isTold) in [
      ("Kundennr", true), ("order_num", true), ("customerId", true), ("president", false), ("price", false),
    ] {
      var table = Table()
      table.add(name, (0..<600).map { Double(100_000 + $0 * 7919 % 899_981) })
      #expect(try table.warnings().contains { $0.name == .identifierColumn && $0.column == name } == isTold, "\(name)")
    }
  }

  @Test func aCounterInStepsNumbersTheRows() throws {
    var table = Table()
    table.add("row_id", (0..<600).map { Double(100 + 5 * $0) })
    table.add("depth", (0..<600).map { Double(100 + 5 * $0) })
    let columns = try Inspection(of: table.dataset().split(seed: 0)).columns
    #expect(columns[columns.count - 2].use == "left out: it numbers the rows: from row to row it changes by 5")
    // A depth in equal steps is a quantity.
    #expect(columns.last?.use.hasPrefix("left out") == false)
  }

  @Test func classesOfSeveralSpellingsAndPlaceholdersInTargets() throws {
    func target(_ levels: [String]) -> Column {
      var coder = LevelCoder()
      for row in 0..<400 { coder.append(levels[row % levels.count]) }
      return Column(name: "y", values: .texts(codes: coder.codes, levels: coder.levels), reason: "test")
    }
    let x = Column(name: "x", values: .numbers((0..<400).map { Double($0 * 37 % 101) }), reason: "test")
    func warnings(_ target: Column) throws -> [DataWarning] {
      try Inspection(
        of: Dataset(source: "t", columns: [x, target], target: "y", task: nil).split(seed: 0), comparesSets: false
      ).warnings
    }
    for (levels, evidence) in [
      (["Yes", "yes", "No"], "'Yes' and 'yes' are different classes of it"),
      (["1", "true", "0"], "'1' and 'true' are different classes of it"), (["1", "0", "2"], nil), (["Y", "O"], nil),
      (["N", "S", "O"], nil), (["present", "absent", "positive"], nil),
    ] {
      let found = try warnings(target(levels)).first { $0.column == "y" && $0.isSerious }
      #expect(found?.evidence == evidence)
    }
    let numbers = (0..<400).map { row -> Double in
      let value = Double(row * 53 % 397)
      return row % 20 == 3 ? -999 : value / 7
    }
    let placed = try warnings(Column(name: "y", values: .numbers(numbers), reason: "test"))
    #expect(
      placed.contains { $0.name == .placeholderValue && $0.column == "y" && $0.action.contains("missing=-999") })
    #expect(!placed.contains { $0.name == .cappedTarget })
  }

  @Test func aSetWithoutAClassIsTold() throws {
    var table = Table()
    table.labels = (0..<600).map { $0 < 10 ? "rare" : $0 % 2 == 0 ? "a" : "b" }
    table.add("patient", (0..<600).map { Double($0 / 10) })
    let notices = try table.dataset().split(by: .grouped(by: "patient"), seed: 0).notices
    #expect(notices.count { $0.contains("set has no row of the class 'rare'") } == 2, "\(notices)")
  }

  @Test func aRowNumberThatTellsIsALeak() throws {
    var table = Table()
    let places = table.labels.indices.sorted { (table.labels[$0], $0) < (table.labels[$1], $1) }
    var numbers = [Double](repeating: 0, count: places.count)
    for (number, row) in places.enumerated() { numbers[row] = Double(number) }
    table.add("column1", numbers)
    let found = try table.warnings()
    #expect(
      found.contains {
        $0.name == .leakingColumn && $0.column == "column1" && $0.evidence.hasPrefix("it numbers the rows")
      })
  }

  @Test func aColumnThatGivesTheTargetAway() throws {
    var table = Table()
    var stream = RandomStream(seed: 9, purpose: .test)
    // Wrong in one of 30 rows.
    table.add("paid", table.labels.map { ($0 == "yes") != (stream.uniform() < 1.0 / 30) ? 1 : 0 })
    #expect(try names(table.warnings()) == ["leaking-column paid"])
  }

  /// Two leaks that hide each other, and a single column, which cannot be called one.
  @Test func severalLeaks() throws {
    var table = Table()
    var stream = RandomStream(seed: 9, purpose: .test)
    for name in ["paid", "paid again"] {
      table.add(name, table.labels.map { ($0 == "yes") != (stream.uniform() < 0.005) ? 1 : 0 })
    }
    #expect(try names(table.warnings()).filter { $0.hasPrefix("leaking") }.count == 2)
    table.columns = [table.columns[4]]
    #expect(try names(table.warnings()).filter { $0.hasPrefix("leaking") }.isEmpty)
  }

  /// Duplicates within dev alone are as likely by chance as in train.
  @Test(arguments: 1...3) func twinsOutsideOfTrain(_ seed: Int) throws {
    var table = Table(rows: 1000)
    var stream = RandomStream(seed: UInt64(seed), purpose: .test)
    table.columns = (1...3).map { number in
      Column(
        name: "c\(number)", values: .numbers((0..<1000).map { _ in Double(stream.integer(below: 10)) }), reason: "")
    }
    let found = try names(table.warnings(seed: UInt64(seed)))
    #expect(!found.contains { $0.hasPrefix("duplicate") }, "\(found)")
  }

  /// Fifty patients of twenty rows each, who can be recognized: sets of whole patients come from one
  /// distribution.
  @Test func groupsAreExchangedAsAWhole() throws {
    var different = 0
    for seed in UInt64(1)...12 {
      var stream = RandomStream(seed: seed, purpose: .test)
      var (patients, columns) = ([Double](), [[Double]](repeating: [], count: 4))
      for patient in 0..<50 {
        let centre = (0..<4).map { _ in 2 * stream.normalPair().0 }
        for _ in 0..<20 {
          patients.append(Double(patient))
          for column in 0..<4 { columns[column].append(centre[column] + stream.normalPair().0) }
        }
      }
      var table = Table(rows: 1000, seed: seed)
      table.columns = columns.enumerated().map { Column(name: "c\($0)", values: .numbers($1), reason: "") }
      table.add("patient", patients)
      let split = try table.dataset().split(by: .grouped(by: "patient"), seed: seed)
      let pairs = PartComparison.all(of: split)
      #expect(pairs.allSatisfy { $0.smallestVisibleShift > 0.5 })
      if pairs.contains(where: \.isDifferent) { different += 1 }
      #expect(Set(split.sample(200, seed: 1)).isSubset(of: Set(split.train)))
    }
    // One in twenty; four of twelve happens once in 500 cases.
    #expect(different < 4, "\(different)")
  }

  @Test func rowsThatAreTwice() throws {
    var table = Table()
    table.copy(Array(0..<200)) { $0 }
    let found = try table.warnings()
    #expect(names(found) == ["duplicates-across-split ", "duplicates-across-split ", "duplicate-rows "])
    // Each of 200 pairs is split between train and dev with probability 2 · 0.6 · 0.2; within four standard
    // deviations.
    let rows = try #require(Int(found[0].evidence.split(separator: " ")[0]))
    #expect(abs(Double(rows) - 48) < 25)
    #expect(found[2].evidence.hasPrefix("200 rows") == false, "test's rows are not counted")
  }

  @Test func rowsThatContradictEachOther() throws {
    var table = Table()
    table.copy(Array(0..<60)) { $0 == "yes" ? "no" : "yes" }
    #expect(try names(table.warnings()).contains("conflicting-labels "))
  }

  /// Two categories: many rows are equal by chance, which is not a fault.
  @Test func rowsThatAreAlikeByChance() throws {
    var table = Table()
    table.columns = [
      table.columns[3], Column(name: "d", values: .numbers((0..<600).map { Double($0 % 7) }), reason: ""),
    ]
    let found = try names(table.warnings())
    #expect(!found.contains { $0.hasPrefix("duplicate") }, "\(found)")
  }

  @Test func columnsThatTellNothing() throws {
    var table = Table()
    table.add("constant", table.labels.map { _ in 4 })
    table.add("row", table.labels.indices.map { Double($0) })
    var ids = table.labels.indices.map { Double($0 * 7 + 100_000) }
    var stream = RandomStream(seed: 4, purpose: .test)
    stream.shuffle(&ids)
    table.add("customer_id", ids)
    let a = try table.columns[0].requireNumbers()
    table.add("again", a.map { $0 * 2 + 1 })
    #expect(
      try names(table.warnings()) == [
        "identifier-column customer_id", "identifier-column row", "constant-column constant", "duplicate-column again",
      ])
  }

  @Test func gapsAndPlaceholders() throws {
    var table = Table()
    let (a, b) = (try table.columns[0].requireNumbers(), try table.columns[1].requireNumbers())
    table.columns[0].values = .numbers(a.indices.map { $0 % 3 == 0 ? .nan : a[$0] })
    table.columns[1].values = .numbers(b.indices.map { $0 % 20 == 0 ? -999 : b[$0] })
    let found = try table.warnings()
    #expect(names(found) == ["placeholder-value b", "missing-values a"])
    #expect(found[0].evidence.hasPrefix("-999 occurs"))
    func codes(_ last: Double) throws -> [String] {
      var table = Table()
      table.add("code", table.labels.indices.map { $0 % 40 == 7 ? last : Double($0 * 7 % 11 % 5 + 1) })
      return try names(table.warnings()).filter { $0.hasSuffix("code") }
    }
    #expect(try codes(99) == ["placeholder-value code"])
    #expect(try codes(20) == [] && codes(-1) == [])
  }

  /// A column of one value and gaps carries information; a unique key in each row carries none, and neither
  /// does a name in most rows.
  @Test func whatIsAFaultAndWhatIsToBeKnown() throws {
    var table = Table()
    let rows = table.labels.count
    table.add("smoker", (0..<rows).map { $0 % 3 == 0 ? 1 : .nan })
    table.add("version", (0..<rows).map { _ in 7 })
    var coder = LevelCoder()
    for row in 0..<rows { coder.append("k\(row * 7919)") }
    table.columns.append(
      Column(name: "token", values: .texts(codes: coder.codes, levels: coder.levels), reason: "test"))
    let warnings = try table.warnings()
    let faults = warnings.filter { [.constantColumn, .identifierColumn].contains($0.name) && $0.isFault }
    #expect(Set(names(faults)) == ["constant-column version", "identifier-column token"])
    #expect(!names(warnings).contains("constant-column smoker"))
  }

  /// Train has equal classes, dev has one of them in a tenth of its rows.
  @Test(arguments: [0.1, 0.5]) func targetsOfTrainAndDev(_ share: Double) throws {
    var table = Table()
    var coder = LevelCoder()
    var stream = RandomStream(seed: 3, purpose: .test)
    for row in table.labels.indices {
      let isDev = row % 3 == 0
      coder.append(row % 9 == 1 ? "test" : isDev ? "dev" : "train")
      table.labels[row] = stream.uniform() < (isDev ? share : 0.5) ? "yes" : "no"
    }
    table.columns.append(
      Column(name: "part", values: .texts(codes: coder.codes, levels: coder.levels), reason: "test"))
    let told = try table.warnings(by: .fixed(by: "part")).filter {
      $0.name == .differentDistribution && $0.column == "y"
    }
    #expect(told.count == (share < 0.5 ? 1 : 0))
    #expect(told.allSatisfy { $0.isFault && $0.evidence.contains("of dev's") })
  }

  @Test func rareClassesAndSortedRows() throws {
    var table = Table(rows: 2000)
    table.labels = table.labels.indices.map { $0 % 80 == 0 ? "yes" : "no" }
    #expect(try names(table.warnings()) == ["class-imbalance "])
    table.labels = table.labels.indices.map { $0 < 900 ? "yes" : "no" }
    #expect(try names(table.warnings()) == ["ordered-rows "])
    #expect(try names(Table(rows: 300).warnings()) == ["few-rows "])
  }

  @Test func partsOfTwoDistributions() throws {
    var table = Table(rows: 1500)
    // The last 500 rows are shifted in one column, and are the test set.
    let c = try table.columns[2].requireNumbers()
    table.columns[2].values = .numbers(c.indices.map { c[$0] + ($0 < 1000 ? 0 : 0.7) })
    var coder = LevelCoder()
    for row in c.indices { coder.append(row >= 1000 ? "test" : row % 4 == 0 ? "dev" : "train") }
    table.columns.append(Column(name: "part", values: .texts(codes: coder.codes, levels: coder.levels), reason: ""))
    let split = try table.dataset().split(by: .fixed(by: "part"))
    let inspection = try Inspection(of: split)
    let pairs = inspection.sameDistribution.map { "\($0.first) \($0.second) \($0.isDifferent)" }
    #expect(pairs == ["dev test true", "train dev false", "train test true"])
    let shift = inspection.sameDistribution[0].columns[0]
    #expect(shift.name == "c" && shift.isShifted && abs(shift.effect - 0.7) < 0.25)
    #expect(inspection.sameDistribution[0].columns.dropFirst().allSatisfy { !$0.isShifted })
    #expect(names(inspection.warnings) == ["different-distribution c", "different-distribution c"])
    #expect(split.test.openCount == 0)
  }

  /// Blurred images are distinguished from sharp ones, and sharpness is named.
  @Test func blurredImages() throws {
    let digits = try Dataset.digits()
    let block = try digits.requireImages()
    let (height, width, _) = block.shape
    var blurred: [UInt8] = []
    for row in 0..<block.count {
      let pixels = block.pixels(row)
      for y in 0..<height {
        for x in 0..<width {
          let around = [(0, 0), (0, 1), (1, 0), (1, 1)].map {
            pixels[min(height - 1, y + $0.0) * width + min(width - 1, x + $0.1)]
          }
          blurred.append(UInt8(around.reduce(0) { $0 + Int($1) } / 4))
        }
      }
    }
    let soft = try Dataset.of(
      ImageBlock(shape: block.shape, fullScale: block.fullScale, pixels: blurred[...]), digits)
    let made = PartComparison(
      PartComparison.Part("dev", digits, Array(0..<400)), PartComparison.Part("test", soft, Array(400..<800)), seed: 1)
    let pair = try #require(made)
    #expect(pair.isDifferent && pair.area > 0.8)
    #expect(pair.columns.map(\.name).sorted() == ["brightness", "contrast", "sharpness"])
    #expect(pair.columns.first { $0.name == "sharpness" }?.isShifted == true)
  }

  @Test func howMuchAColumnTells() {
    var stream = RandomStream(seed: 2, purpose: .test)
    let rows = Array(0..<2000)
    let x = rows.map { _ in stream.normalPair().0 }
    let column = Column(name: "x", values: .numbers(x), reason: "")
    let noise = rows.map { _ in stream.normalPair().0 }
    // The line explains 0.8 of the variance; bins of 64 lose a little.
    let told = ColumnScore.score(column, rows: rows, truths: rows.map { 2 * x[$0] + noise[$0] }, classes: nil)
    #expect(abs(told - 0.8) < 0.05, "\(told)")
    #expect(ColumnScore.score(column, rows: rows, truths: noise, classes: nil) < 0.02)
    #expect(ColumnScore.score(column, rows: rows, truths: x.map { $0 > 0 ? 1 : 0 }, classes: 2) > 0.93)
    #expect(ColumnScore.score(column, rows: rows, truths: noise.map { $0 > 0 ? 1 : 0 }, classes: 2) < 0.02)
  }
}

extension Dataset {
  /// Other images with the classes of a data set.
  static func of(_ block: ImageBlock, _ other: Dataset) throws -> Dataset {
    try Dataset(source: "test", inputs: .images(block), targets: other.targets, task: .multiclass)
  }
}
