import Tartine
import Testing

@Suite struct BinTests {
  /// A table of number columns, each a function of the row, and a target.
  private func dataset(rows: Int, _ columns: [@Sendable (Int) -> Double]) throws -> Dataset {
    let header = columns.indices.map { "c\($0)" }.joined(separator: ",")
    let lines = (0..<rows).map { row in columns.map { "\($0(row))" }.joined(separator: ",") + ",\(row % 2)" }
    let text = ([header + ",y"] + lines).joined(separator: "\n") + "\n"
    return try Dataset(
      source: "t", columns: try CSVReader(Array(text.utf8), source: "t").read(), target: "y", task: nil)
  }

  private func edges(_ data: Dataset, bins: Int? = nil) throws -> [[Double]] {
    let preparation = try Preparation(fitting: data, rows: Array(0..<data.rowCount), bins: bins)
    guard case .table(let features) = preparation.inputs else { return [] }
    return features.map { if case .number(let number) = $0 { number.edges } else { [] } }
  }

  private static let normals = RandomStream.normals(4_000, seed: 5)
  @Sendable private static func bell(_ row: Int) -> Double { Double(normals[row]) }
  /// Nine of ten rows are 0, the others 1 … 400.
  @Sendable private static func spike(_ row: Int) -> Double { row % 10 == 0 ? Double(row / 10 + 1) : 0 }

  @Test func edgesAreQuantiles() {
    let hundred = ValueDistribution(sorted: (1...100).map(Double.init))
    #expect(hundred.edges(bins: 4) == [1, 25, 50, 75, 100])
    // Few values: an edge at each.
    #expect(ValueDistribution(sorted: [1, 1, 1, 2, 5, 5, 9]).edges(bins: 4) == [1, 2, 5, 9])
    // 900 zeros among 1000 values count as 31, an eighth of a bin's 250 rows, and so leave bins to the others.
    let spike = ValueDistribution(sorted: [Double](repeating: 0, count: 900) + (1...100).map(Double.init))
    #expect(spike.edges(bins: 4) == [0, 2, 35, 68, 100])
  }

  @Test func distanceFromNormal() {
    // Two clusters at −1 and 1: the distribution function jumps to 1/2 at −1, where a normal one has Φ(−1) =
    // 0.1587.
    let heaps = ValueDistribution(sorted: [-1, -1, 1, 1])
    #expect(abs(heaps.distanceFromNormal(mean: 0, deviation: 1) - (0.5 - 0.158655)) < 1e-5)
    let bell = ValueDistribution(sorted: Self.normals.map(Double.init).sorted())
    #expect(bell.distanceFromNormal(mean: 0, deviation: 1) < 0.03)
  }

  @Test func onlyColumnsFarFromNormalHaveBins() throws {
    let found = try edges(dataset(rows: 4_000, [Self.bell, Self.spike, { Double($0 % 2) }, { _ in 3 }]))
    #expect(found[0].isEmpty && found[2].isEmpty && found[3].isEmpty)
    #expect(found[1].count == 32 && found[1].first == 0 && found[1].last == 400)
  }

  @Test func binsFollowRowsAndColumns() throws {
    func bins(rows: Int, columns: Int) throws -> Int {
      max(0, try edges(dataset(rows: rows, Array(repeating: { Double($0 * $0 * $0) }, count: columns)))[0].count - 1)
    }
    // A bin for 8 rows over all columns, at most 32 a column, at most 512 in all, none where fewer than 4.
    #expect(try bins(rows: 200, columns: 1) == 25)
    #expect(try bins(rows: 400, columns: 1) == 32)
    #expect(try bins(rows: 400, columns: 3) == 16)
    #expect(try bins(rows: 100, columns: 4) == 0)
    #expect(try bins(rows: 4_000, columns: 20) == 25)
    #expect(try bins(rows: 8_000, columns: 20) == 25)
    #expect(try bins(rows: 4_000, columns: 130) == 0)
  }

  @Test func binsFollowAColumnsOwnValues() throws {
    // Cubes in every 40th row: of 4 000 rows 100 values.
    let cubes: @Sendable (Int) -> Double = { $0 % 40 == 0 ? Double($0 * $0 * $0) : .nan }
    let text = (0..<4_000).map { "\($0 % 40 == 0 ? String(cubes($0)) : ""),\($0 % 7).5,\($0 % 2)\n" }.joined()
    let data = try Dataset(
      source: "t", columns: try CSVReader(Array(("c0,c1,y\n" + text).utf8), source: "t").read(), target: "y", task: nil)
    #expect(try edges(data)[0].count - 1 == 12)
  }

  @Test func aSmallSampleMayBeNormalByChance() throws {
    // Forty values of a normal distribution lie up to 0.14 from it.
    var withBins = 0
    for start in 0..<40 {
      let normal: @Sendable (Int) -> Double = { Self.bell(start * 40 + $0) }
      if try !edges(dataset(rows: 40, [normal]))[0].isEmpty { withBins += 1 }
    }
    #expect(withBins <= 5)
  }

  @Test func askedBinsAreGivenAndNoneAreToo() throws {
    let data = try dataset(rows: 400, [Self.bell, Self.spike])
    // The many zeros fill a bin of their own, which has no length.
    #expect(try edges(data, bins: 6).map(\.count) == [7, 6])
    #expect(try edges(data, bins: 0) == [[], []])
  }

  @Test func preparedRowsHoldNumbersAndThenBins() throws {
    // A number with a missing value, a category, and then a number: four places, two bins of each number.
    let text =
      "gap,kind,x,y\n"
      + (0..<10).map { "\($0 == 3 ? "" : String($0 * $0)),\($0 % 2 == 0 ? "a" : "b"),\($0),\($0 % 2)\n" }.joined()
    let data = try Dataset(
      source: "t", columns: try CSVReader(Array(text.utf8), source: "t").read(), target: "y", task: nil)
    let preparation = try Preparation(fitting: data, rows: Array(0..<9), bins: 2)
    #expect(preparation.width == 9)
    var warnings: [String] = []
    let prepared = try preparation.apply(to: data, rows: [1, 6, 3], warnings: &warnings)
    var rows = [Float](repeating: .nan, count: 27)
    rows.withUnsafeMutableBytes { prepared.write(0..<3, to: $0.baseAddress!, ones: nil, precision: .float32) }
    // The gap's edges are 0, 16, 64 and its median 20.5; those of x are 0, 4, 8, its mean 4, its standard
    // deviation √(20/3).
    let deviation = Float((20.0 / 3).squareRoot())
    let expected: [[Float]] = [
      [0, 0, 1, -3 / deviation, 0.0625, 0, 0.25, 0],
      [0, 1, 0, 2 / deviation, 1, 20.0 / 48, 1, 0.5],
      [1, 0, 1, -1 / deviation, 1, 4.5 / 48, 0.75, 0],
    ]
    for row in 0..<3 {
      let found = rows[(row * 9 + 1)..<(row * 9 + 9)]
      #expect(zip(found, expected[row]).allSatisfy { abs($0 - $1) < 1e-6 }, "row \(row): \(found)")
    }
    // A subset is prepared in the same way.
    var last = [Float](repeating: .nan, count: 9)
    last.withUnsafeMutableBytes {
      prepared.subset([2]).write(0..<1, to: $0.baseAddress!, ones: nil, precision: .float32)
    }
    #expect(last == Array(rows[18...]))
  }

  @Test func edgesThatAFloatCannotTellApartAreOne() throws {
    // Some outliers are so far out that the others lie within 10⁻⁴³ standard deviations; a single one would
    // be clipped.
    let found = try edges(dataset(rows: 60, [{ $0 % 10 == 9 ? 3e38 : Double($0 % 7) * 1e-6 }]), bins: 8)
    #expect(found == [[]])
  }

  @Test func aFilesBinsMustAscend() throws {
    let data = try dataset(rows: 400, [Self.spike])
    var preparation = try Preparation(fitting: data, rows: Array(0..<400))
    #expect(preparation.problem == nil)
    for edges in [[0, 2, 1], [0, 1, 1], [0, .nan, 1]] as [[Double]] {
      preparation.inputs = .table([
        .number(
          NumberFeature(
            name: "c0", mean: 0, deviation: 1, median: 0, hasMissing: false, edges: edges))
      ])
      #expect(preparation.problem == "the bins of a column do not ascend")
    }
  }

  @Test func linearNetworksAreKnown() {
    #expect(Network(HiddenStack(hidden: [])).isLinear)
    #expect(Network(HiddenStack(hidden: [16], activation: .identity, keepProb: [0.9])).isLinear)
    #expect(
      Network {
        Flatten(); Dense(4); BatchNorm()
      }.isLinear)
    #expect(!Network(HiddenStack(hidden: [16])).isLinear && !Recipe.automatic.network.isLinear)
  }
}
