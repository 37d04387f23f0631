import Tartine

/// The coverage of the ladder's intervals.
struct Ladders {
  private var lines = [
    "| seeds | dev rows | draws | dev | train | dev minus train | lowest cell | decided at δ + 4 standard deviations |",
    "|---|---|---|---|---|---|---|---|",
  ]

  private struct Count {
    var (draws, dev, train, difference) = (0, 0, 0, 0)
    var (gaps, decided) = (0, 0)

    static func + (a: Count, b: Count) -> Count {
      var sum = a
      sum.draws += b.draws
      sum.dev += b.dev
      sum.train += b.train
      sum.difference += b.difference
      sum.gaps += b.gaps
      sum.decided += b.decided
      return sum
    }

    /// The lowest coverage.
    var lowest: Double { Double(min(dev, train, difference)) / Double(max(1, draws)) }
  }

  /// Networks trained on one train set, with the outcomes of each on fresh rows and on train.
  private struct Pool {
    let fresh, train: [[Double]]
    let errors, trainErrors: [Double]
  }

  private static let freshRows = 200_000

  /// - Parameters:
  ///   - draws: The number for each error, number of seeds and number of dev rows.
  ///   - networks: The number of networks to draw from; the mean of all is the truth for several seeds.
  init(draws: Int, networks: Int) throws {
    var all = Count()
    var lowest = 1.0
    let pools = try Self.problems.map { try Self.pool($0, networks: networks) }
    for seeds in [1, 2, 3, 5] {
      for devRows in [50, 200, 1000, 10_000] {
        let counts = pools.map { Self.count($0, seeds: seeds, devRows: devRows, draws: draws) }
        let count = counts.reduce(Count(), +)
        let rarest = counts.map(\.lowest).min() ?? 1
        (all, lowest) = (all + count, min(lowest, rarest))
        add("| \(seeds) | \(devRows)", count, rarest)
      }
    }
    add("| all |", all, lowest)
    let errors = pools.map { pool in
      Text.fixed(pool.errors.reduce(0, +) / Double(pool.errors.count) * 100, decimals: 1)
    }
    lines.append("\nErrors of about \(errors.joined(separator: ", ")) %.")
  }

  private mutating func add(_ head: String, _ count: Count, _ lowest: Double) {
    func percent(_ part: Int, _ total: Int) -> String {
      total == 0 ? "–" : Text.fixed(Double(part) / Double(total) * 100, decimals: 1)
    }
    lines.append(
      "\(head) | \(count.draws) | \(percent(count.dev, count.draws)) | \(percent(count.train, count.draws)) | "
        + "\(percent(count.difference, count.draws)) | \(Text.fixed(lowest * 100, decimals: 1)) | "
        + "\(percent(count.decided, count.gaps)) |")
  }

  /// The curvature of the class border, and the share of wrong labels.
  private struct Problem {
    let curvature: Float
    let noise: Double
  }

  private static let problems = [
    Problem(curvature: 0, noise: 0.001), Problem(curvature: 0.15, noise: 0.005), Problem(curvature: 0.15, noise: 0.04),
    Problem(curvature: 0.15, noise: 0.12), Problem(curvature: 0.15, noise: 0.35),
  ]

  var table: String { lines.joined(separator: "\n") }

  private static func pool(_ problem: Problem, networks: Int) throws -> Pool {
    let trainRows = 2000
    let dataset = try make(trainRows + 500 + freshRows, problem)
    let split = try dataset.split(.shares(train: 0.5, dev: 0.5, test: nil), seed: 1).with(
      train: Array(0..<trainRows), dev: Array(trainRows..<trainRows + 500))
    let recipe = Recipe(Network(HiddenStack(hidden: [24]))).epochs(30).keeping(.last)
    var (fresh, train) = ([[Double]](), [[Double]]())
    for seed in 0..<networks {
      let model = try recipe.train(on: split, seed: UInt64(seed) + UInt64(problem.noise * 1e6)).model
      var warnings: [String] = []
      func outcomes(_ rows: Range<Int>) throws -> [Double] {
        try model.evaluate(dataset, rows: Array(rows), warnings: &warnings, workers: Workers(1)).outcomes
      }
      fresh.append(try outcomes(trainRows + 500..<dataset.rowCount))
      train.append(try outcomes(0..<trainRows))
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    return Pool(fresh: fresh, train: train, errors: fresh.map(mean), trainErrors: train.map(mean))
  }

  private static func make(_ rows: Int, _ problem: Problem) throws -> Dataset {
    var stream = RandomStream(seed: 5, purpose: .test, index: Int(problem.noise * 1000))
    let features = (0..<rows).map { _ in (0..<6).map { _ in Float(stream.normalPair().0) } }
    return try Dataset(
      features: features,
      labels: features.map { x in
        let sum = x[0] + 0.7 * x[1] - x[2] * 0.5 + problem.curvature * x[3] * x[4]
        return (sum > 0) != (stream.uniform() < problem.noise) ? "a" : "b"
      })
  }

  private static func count(_ pool: Pool, seeds: Int, devRows: Int, draws: Int) -> Count {
    var count = Count()
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    var gaps: [(found: Estimate, truth: Double)] = []
    for draw in 0..<draws {
      var stream = RandomStream(seed: UInt64(draw), purpose: .test, step: devRows, index: seeds)
      var members = Array(pool.errors.indices)
      stream.shuffle(&members)
      let chosen = Array(members.prefix(seeds))
      let truth = seeds == 1 ? pool.errors[chosen[0]] : mean(pool.errors)
      let trainTruth = seeds == 1 ? pool.trainErrors[chosen[0]] : mean(pool.trainErrors)
      let devPlaces = (0..<devRows).map { _ in stream.integer(below: freshRows) }
      var trainPlaces = Array(0..<pool.train[0].count)
      stream.shuffle(&trainPlaces)
      trainPlaces = Array(trainPlaces.prefix(devRows))
      let dev = SampledFigure(outcomes: chosen.map { k in devPlaces.map { pool.fresh[k][$0] } }, isNumber: false)
      let train = SampledFigure(
        outcomes: chosen.map { k in trainPlaces.map { pool.train[k][$0] } }, isNumber: false,
        partRows: pool.train[0].count)
      func holds(_ estimate: Estimate, _ truth: Double) -> Bool {
        estimate.low - 1e-12 <= truth && truth <= estimate.high + 1e-12
      }
      count.draws += 1
      if holds(dev.estimate, truth) { count.dev += 1 }
      if holds(train.estimate, trainTruth) { count.train += 1 }
      let difference = dev.less(train)
      if holds(difference, truth - trainTruth) { count.difference += 1 }
      gaps.append((difference, truth - trainTruth))
    }
    // A δ four standard errors below the true gap, estimated over the draws.
    let deviation = (mean(gaps.map { ($0.found.value - $0.truth) * ($0.found.value - $0.truth) })).squareRoot()
    count.gaps = gaps.count
    count.decided = gaps.count { Reading($0.found, worth: $0.truth - 4 * deviation) == .present }
    return count
  }
}
