import Tartine

/// Whether the ladder's intervals hold the truth as often as they say.
struct Ladders {
  private var lines = [
    "| seeds | dev rows | error about, % | draws | dev | train | dev less train | decided at δ + 4 deviations |",
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
  }

  /// Networks of one train set, with each one's outcomes on fresh rows and on train's.
  private struct Pool {
    let fresh, train: [[Double]]
    let errors, trainErrors: [Double]
  }

  private static let freshRows = 200_000

  /// - Parameters:
  ///   - draws: for each error, number of seeds and number of dev rows.
  ///   - networks: that are drawn from; the mean of all is the truth for several seeds.
  init(draws: Int, networks: Int) throws {
    var all = Count()
    for noise in [0.005, 0.04, 0.12, 0.35] {
      let pool = try Self.pool(noise: noise, networks: networks)
      for seeds in [1, 2, 3, 5] {
        for devRows in [50, 200, 1000, 10_000] {
          let count = Self.count(pool, seeds: seeds, devRows: devRows, draws: draws)
          all = all + count
          let mean = pool.errors.reduce(0, +) / Double(pool.errors.count)
          add("| \(seeds) | \(devRows) | \(Text.fixed(mean * 100, decimals: 1))", count)
        }
      }
    }
    add("| all | |", all)
  }

  private mutating func add(_ head: String, _ count: Count) {
    func percent(_ part: Int, _ total: Int) -> String {
      total == 0 ? "–" : Text.fixed(Double(part) / Double(total) * 100, decimals: 1)
    }
    lines.append(
      "\(head) | \(count.draws) | \(percent(count.dev, count.draws)) | \(percent(count.train, count.draws)) | "
        + "\(percent(count.difference, count.draws)) | \(percent(count.decided, count.gaps)) |")
  }

  var table: String { lines.joined(separator: "\n") }

  private static func pool(noise: Double, networks: Int) throws -> Pool {
    let trainRows = 2000
    let dataset = try make(trainRows + 500 + freshRows, noise: noise)
    let split = try dataset.split(.shares(train: 0.5, dev: 0.5, test: nil), seed: 1).with(
      train: Array(0..<trainRows), dev: Array(trainRows..<trainRows + 500))
    let recipe = Recipe(Network(HiddenStack(hidden: [24]))).epochs(30).keeping(.last)
    var (fresh, train) = ([[Double]](), [[Double]]())
    for seed in 0..<networks {
      let model = try recipe.train(on: split, seed: UInt64(seed) + UInt64(noise * 1e6)).model
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

  private static func make(_ rows: Int, noise: Double) throws -> Dataset {
    var stream = RandomStream(seed: 5, purpose: .test, index: Int(noise * 1000))
    let features = (0..<rows).map { _ in (0..<6).map { _ in Float(stream.normalPair().0) } }
    return try Dataset(
      features: features,
      labels: features.map { x in
        let sum = x[0] + 0.7 * x[1] - x[2] * 0.5 + 0.15 * x[3] * x[4]
        return (sum > 0) != (stream.uniform() < noise) ? "a" : "b"
      })
  }

  private static func count(_ pool: Pool, seeds: Int, devRows: Int, draws: Int) -> Count {
    var count = Count()
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
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
      // A δ that the true gap lies four deviations above.
      let deviation = (difference.high - difference.low) / (2 * 1.96)
      let delta = truth - trainTruth - 4 * deviation
      count.gaps += 1
      if Reading(difference, worth: delta) == .present { count.decided += 1 }
    }
    return count
  }
}
