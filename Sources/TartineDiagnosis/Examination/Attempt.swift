import TartineData
import TartineTraining
import TartinePlatform

/// A training that finished or diverged; if it diverged, its error is that of the constant baseline.
struct Attempt {
  let recipe: Recipe
  let run: Run?
  let divergence: String?
  /// Each dev row's own error.
  let outcomes: [Double]
  let score: Double
  let seconds: Double
  /// The number of trainings averaged.
  let seeds: Int
  private let isNumber: Bool

  /// - Parameter afterEpoch: Called after each epoch.
  init(
    _ recipe: Recipe, on split: Split, prepared: PreparedSplits? = nil, dumb: Baseline, threads: Int?,
    afterEpoch: (Trainer, EpochRecord) -> Void = { _, _ in }
  ) throws {
    self.recipe = recipe
    seeds = 1
    isNumber = split.task == .regression
    let clock = ContinuousClock()
    let start = clock.now
    do {
      let trainer = try Trainer(recipe, split: split, prepared: prepared, threads: threads, observers: [])
      try trainer.run(afterEpoch: afterEpoch)
      let run = trainer.finish(seconds: (clock.now - start).inSeconds)
      self.run = run
      divergence = nil
      outcomes = run.dev.outcomes
      score = run.dev.score
    } catch let error as DivergenceError {
      run = nil
      divergence = "training diverged at step \(error.step), in epoch \(error.epoch)"
      outcomes = dumb.outcomes
      score = dumb.score
    }
    seconds = (clock.now - start).inSeconds
  }

  /// Wraps a finished run.
  init(_ run: Run) {
    recipe = run.recipe
    seeds = 1
    isNumber = run.model.task == .regression
    self.run = run
    divergence = nil
    outcomes = run.dev.outcomes
    score = run.dev.score
    seconds = run.seconds
  }

  /// The mean of several seeds' trainings, row by row.
  init(mean attempts: [Attempt]) {
    let count = Double(attempts.count)
    recipe = attempts[0].recipe
    seeds = attempts.count
    run = attempts[0].run
    divergence = attempts.compactMap(\.divergence).first
    isNumber = attempts[0].isNumber
    outcomes = attempts[0].outcomes.indices.map { row in attempts.reduce(0) { $0 + $1.outcomes[row] } / count }
    let mean = outcomes.reduce(0, +) / Double(max(1, outcomes.count))
    score = isNumber ? mean.squareRoot() : mean
    seconds = attempts.reduce(0) { $0 + $1.seconds } / count
  }

  /// The amount by which another training's dev error is lower, paired by row.
  ///
  /// - Parameters:
  ///   - seedVariance: The variance over seeds of the difference.
  ///   - cases: Which dev rows belong together; nil if rows are independent.
  func gain(of other: Attempt, seedVariance: Double, cases: [Int]?) -> Estimate {
    let rows = Estimate.fall(from: outcomes, to: other.outcomes, isNumber: isNumber, cases: cases)
    let half = Estimate.z * seedVariance.squareRoot()
    return Estimate(
      rows.value, low: rows.value - hypot(rows.value - rows.low, half),
      high: rows.value + hypot(rows.high - rows.value, half))
  }
}

/// The constant baseline: the most frequent class, or the mean.
package struct Baseline {
  /// Each row's own error by the best constant prediction for these very rows.
  package static func outcomes(of judged: Evaluation) -> [Double] {
    if judged.task == .multilabel {
      let labels = judged.outputNames.count
      let yes = (0..<labels).map { label in
        stride(from: label, to: judged.truths.count, by: labels).reduce(0.0) { $0 + judged.truths[$1] }
          > Double(judged.rowCount) / 2
      }
      return (0..<judged.rowCount).map { row in
        (0..<labels).reduce(0.0) { $0 + ((judged.truths[row * labels + $1] == 1) == yes[$1] ? 0 : 1) } / Double(labels)
      }
    }
    guard judged.task.isClassification else {
      let mean = judged.truths.reduce(0, +) / Double(max(1, judged.truths.count))
      return judged.truths.map { ($0 - mean) * ($0 - mean) }
    }
    let counts = Dictionary(grouping: judged.truths) { $0 }.mapValues(\.count)
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    return judged.truths.map { $0 == most ? 0 : 1 }
  }

  /// Each dev row's own error.
  package let outcomes: [Double]
  package let score: Double

  package init(_ split: Split, _ target: TargetPreparation) {
    let train = target.truths(of: split.dataset, rows: split.train)
    let dev = target.truths(of: split.dataset, rows: split.dev)
    var outcomes = [Double](repeating: 0, count: split.devCount)
    var isNumber = false
    for (known, asked) in zip(train, dev) {
      guard let classes = known.classes else {
        isNumber = true
        let mean = known.values.reduce(0, +) / Double(max(1, known.values.count))
        for (row, value) in asked.values.enumerated() { outcomes[row] += (value - mean) * (value - mean) }
        continue
      }
      var counts = [Int](repeating: 0, count: classes)
      for value in known.values { counts[Int(value)] += 1 }
      let most = counts.indices.max { (counts[$0], -$0) < (counts[$1], -$1) } ?? 0
      for (row, value) in asked.values.enumerated() where Int(value) != most {
        outcomes[row] += 1 / Double(train.count)
      }
    }
    self.outcomes = outcomes
    let mean = outcomes.reduce(0, +) / Double(max(1, outcomes.count))
    score = isNumber ? mean.squareRoot() : mean
  }
}
