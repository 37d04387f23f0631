import Tartine

/// The accuracy of the prediction for twice the data.
struct LearningCurves {
  private var lines = [
    "| data | cases | predicted, % | coverage of the 90 % band, % | median width of the band, % of the error |",
    "|---|---|---|---|---|",
  ]

  /// A generator of rows, and the task.
  private struct Source {
    let name: String
    let make: (_ rows: Int, _ seed: UInt64) throws -> Dataset
    let sizes: [Int]
  }

  /// - Parameters:
  ///   - cases: The number for each source.
  ///   - first: The seed of the first case.
  ///   - data: The folder of the real data sets; nil: without them.
  init(cases: Int, first: Int, data: String?) throws {
    var sources = [
      Source(name: "ring in a square, labels with 5 % noise", make: Self.ring, sizes: [200, 400, 800]),
      Source(name: "checkerboard with noise columns", make: Self.board, sizes: [300, 600, 1200]),
      Source(name: "regression on a product and a wave", make: Self.wave, sizes: [200, 400, 800]),
    ]
    if let data {
      let adult = try Dataset(csv: data + "/adult-train.csv", target: "income")
      let housing = try Dataset(csv: data + "/housing-train.csv", target: "median_house_value")
      sources.append(Source(name: "Adult", make: { try Self.sample(adult, $0, $1) }, sizes: [300, 600, 1200]))
      sources.append(Source(name: "housing", make: { try Self.sample(housing, $0, $1) }, sizes: [300, 600, 1200]))
    }
    var all: [(answered: Bool, held: Bool, width: Double)] = []
    for source in sources {
      let results = try (0..<cases).map { number in
        try Self.run(source, rows: source.sizes[number % source.sizes.count], seed: UInt64(first + number))
      }
      add(source.name, results)
      all += results
    }
    add("all", all)
  }

  private mutating func add(_ name: String, _ results: [(answered: Bool, held: Bool, width: Double)]) {
    let answered = results.filter(\.answered)
    func percent(_ count: Int, of total: Int) -> String {
      Text.fixed(Double(count) / Double(max(1, total)) * 100, decimals: 1)
    }
    let widths = answered.map(\.width).sorted()
    let median = widths.isEmpty ? "–" : Text.fixed(widths[widths.count / 2] * 100, decimals: 1)
    lines.append(
      "| \(name) | \(results.count) | \(percent(answered.count, of: results.count)) | "
        + "\(percent(answered.count(where: \.held), of: answered.count)) | \(median) |")
  }

  var table: String { lines.joined(separator: "\n") }

  /// Epochs, batch size and decay are chosen automatically, as in a default training.
  private static let recipe = Recipe(Network(HiddenStack(hidden: [64, 32], activation: .relu, batchNorm: true)))

  /// A curve for this number of rows, and the mean error of networks trained on twice as many, on fresh rows.
  private static func run(
    _ source: Source, rows: Int, seed: UInt64
  ) throws -> (answered: Bool, held: Bool, width: Double) {
    let (dev, fresh) = (1000, 4000)
    let dataset = try source.make(2 * rows + dev + fresh, seed)
    let places = Array(0..<dataset.rowCount)
    let whole = try dataset.split(.shares(train: 0.5, dev: 0.25, test: 0.25), seed: seed)
      .with(train: Array(places[0..<2 * rows]), dev: Array(places[2 * rows..<2 * rows + dev]))
    let curve = try recipe.learningCurve(on: whole.with(train: Array(places[0..<rows])), threads: 1)
    guard case .twice(let estimate) = curve.answer else { return (false, false, 0) }
    let test = whole.with(dev: Array(places[(2 * rows + dev)...]))
    let truth =
      try (0..<4).map { run in
        // Dev chooses the epoch, as in the curve; the error is measured on fresh rows.
        let trained = try recipe.train(on: whole, seed: 100 + UInt64(run), threads: 1)
        var warnings: [String] = []
        return try trained.model.evaluate(dataset, rows: test.dev, warnings: &warnings, workers: Workers(1)).score
      }.reduce(0, +) / 4
    let last = curve.points[curve.points.count - 1].errors
    let error = last.reduce(0, +) / Double(last.count)
    if Verbose.isOn {
      print(
        source.name, rows, curve.points.map { Text.significant($0.errors.reduce(0, +) / 3, digits: 3) }, estimate.low,
        estimate.value, estimate.high, "truth", truth, whole.devCount)
    }
    return (true, estimate.low <= truth && truth <= estimate.high, (estimate.high - estimate.low) / error)
  }

  // MARK: Data

  private static func ring(_ rows: Int, _ seed: UInt64) throws -> Dataset {
    var stream = RandomStream(seed: seed, purpose: .test, index: 1)
    let features = (0..<rows).map { _ in (0..<4).map { _ in Float(stream.uniform() * 2 - 1) } }
    let labels = features.map { row in
      let isIn = row[0] * row[0] + row[1] * row[1] < 0.6
      return isIn != (stream.uniform() < 0.05) ? "in" : "out"
    }
    return try Dataset(features: features, labels: labels)
  }

  private static func board(_ rows: Int, _ seed: UInt64) throws -> Dataset {
    var stream = RandomStream(seed: seed, purpose: .test, index: 2)
    let features = (0..<rows).map { _ in (0..<6).map { _ in Float(stream.uniform() * 2 - 1) } }
    return try Dataset(
      features: features,
      labels: features.map { "\(Int(($0[0] + 1) * 1.5) % 2 ^ Int(($0[1] + 1) * 1.5) % 2)\($0[2] > 0.3 ? "a" : "b")" })
  }

  private static func wave(_ rows: Int, _ seed: UInt64) throws -> Dataset {
    var stream = RandomStream(seed: seed, purpose: .test, index: 3)
    let features = (0..<rows).map { _ in (0..<5).map { _ in Float(stream.normalPair().0) } }
    let values = features.map { row -> Double in
      let x = row.map(Double.init)
      return x[0] * x[1] + 2 * max(0, x[2]) - abs(x[3]) + 0.5 * stream.normalPair().0
    }
    return try Dataset(features: features, values: values)
  }

  /// Rows of a real table, shuffled by the seed.
  private static func sample(_ dataset: Dataset, _ rows: Int, _ seed: UInt64) throws -> Dataset {
    var stream = RandomStream(seed: seed, purpose: .test, index: 4)
    var places = Array(0..<dataset.rowCount)
    stream.shuffle(&places)
    guard case .table(let columns) = dataset.inputs else { return dataset }
    let kept = Array(places.prefix(rows))
    return try Dataset(
      source: "sample", inputs: .table(columns.map { $0.rows(kept) }), targets: dataset.targets.map { $0.rows(kept) },
      task: dataset.task.task)
  }
}

enum Verbose { static let isOn = CommandLine.arguments.contains("--verbose") }
