import Tartine
import Testing

@Suite struct SplitTests {
  private func classes(_ counts: [Int]) throws -> Dataset {
    let labels = counts.enumerated().flatMap { Array(repeating: "c\($0)", count: $1) }
    return try Dataset(features: labels.indices.map { [Float($0 % 7)] }, labels: labels)
  }

  @Test func sizesFollowTheRule() throws {
    for rows in [10, 57, 1000] {
      let split = try classes([rows - rows / 3, rows / 3]).split(seed: 3)
      let part = Int((Double(rows) * 0.2).rounded())
      #expect(split.devCount == part && split.testCount == part && split.trainCount == rows - 2 * part)
      let (_, test) = split.test.open()
      #expect(Set(split.train + split.dev + test).count == rows)
    }
    let large = try classes([40_000, 30_000]).split()
    #expect(large.devCount == 10_000 && large.testCount == 10_000)
  }

  @Test func eachClassIsSharedOut() throws {
    let data = try classes([500, 100, 50, 1])
    let split = try data.split(seed: 9)
    for (stratum, count) in zip(data.strata(), [500, 100, 50, 1]) {
      let members = Set(stratum)
      let inDev = split.dev.filter(members.contains).count
      #expect(abs(Double(inDev) - 0.2 * Double(count)) <= 1)
      #expect(split.train.contains(where: members.contains))
    }
  }

  @Test func decilesOfANumberAreSharedOut() throws {
    let values = (0..<1000).map { Double($0 * $0) }
    let split = try Dataset(features: values.map { [Float($0)] }, values: values).split(seed: 1)
    for decile in 0..<10 {
      #expect(split.dev.filter { $0 / 100 == decile }.count == 20)
    }
  }

  /// Nearly every combination of labels is unique; the sets have their sizes all the same.
  @Test func rareCombinationsOfLabels() throws {
    let names = (0..<8).map { "l\($0)" }
    var text = "x," + names.joined(separator: ",") + "\n"
    for row in 0..<250 {
      text += "\(row % 17)," + (0..<8).map { (row * 37 + 11) >> $0 & 1 == 1 ? "1" : "0" }.joined(separator: ",") + "\n"
    }
    let columns = try CSVReader(Array(text.utf8), source: "t").read()
    let data = try Dataset(source: "t", columns: columns, target: names.joined(separator: ","), task: nil)
    let split = try data.split(seed: 1)
    #expect(split.devCount == 50 && split.testCount == 50)
  }

  @Test func manySmallClassesMakeUpForEachOther() throws {
    let split = try classes(Array(repeating: 2, count: 60)).split(seed: 1)
    #expect(split.devCount + split.testCount >= 44)
  }

  @Test func seedDecides() throws {
    let data = try classes([60, 40])
    #expect(try data.split(seed: 1).dev == data.split(seed: 1).dev)
    #expect(try data.split(seed: 1).dev != data.split(seed: 2).dev)
  }

  @Test func sharesAndTestFiles() throws {
    let data = try classes([60, 40])
    let two = try data.split(.shares(train: 0.8, dev: 0.2, test: nil))
    #expect(two.trainCount == 80 && two.devCount == 20 && two.testCount == 0)
    let three = try data.split(.shares(train: 0.6, dev: 0.3, test: 0.1))
    #expect(three.trainCount == 60 && three.devCount == 30 && three.testCount == 10)
    let withTest = try data.split(test: data)
    #expect(withTest.trainCount == 80 && withTest.devCount == 20 && withTest.testCount == 100)
    #expect(throws: DataError.self) { try data.split(.shares(train: 0.6, dev: 0.3, test: 0.2)) }
    #expect(throws: DataError.self) { try data.split(.shares(train: 0.6, dev: 0.3, test: 0.1), test: data) }
  }

  @Test func openingTestIsCounted() throws {
    let split = try classes([60, 40]).split()
    let run = try Recipe {
      Dense(4); ReLU()
    }.epochs(2).train(on: split, threads: 1)
    #expect(run.testOpenings == 0)
    _ = run.diagnosis
    #expect(run.testOpenings == 0)
    _ = try run.test()
    _ = try run.test()
    #expect(run.testOpenings == 2)
  }
}
