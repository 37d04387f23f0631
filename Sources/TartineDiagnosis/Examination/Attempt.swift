import TartineData
import TartineTraining

/// A training, whether it came to an end or blew up: then it is worth as much as an answer that looks at nothing.
struct Attempt {
  let recipe: Recipe
  let run: Run?
  let divergence: String?
  /// Each dev row's own error.
  let outcomes: [Double]
  let trainScore: Double
  let score: Double
  let seconds: Double
  private let isNumber: Bool

  init(_ recipe: Recipe, on split: Split, dumb: Baseline, threads: Int?) throws {
    self.recipe = recipe
    isNumber = split.task == .regression
    let clock = ContinuousClock()
    let start = clock.now
    do {
      let run = try recipe.train(on: split, threads: threads)
      self.run = run
      divergence = nil
      outcomes = run.dev.outcomes
      (score, trainScore) = (run.dev.score, run.train.score)
    } catch let error as DivergenceError {
      run = nil
      divergence = "training diverged at step \(error.step), in epoch \(error.epoch)"
      outcomes = dumb.outcomes
      (score, trainScore) = (dumb.score, dumb.score)
    }
    seconds = (clock.now - start).inSeconds
  }

  /// By how much another's dev error is lower, row by row.
  func gain(of other: Attempt) -> Estimate {
    if isNumber {
      let spread = Estimate.deviationOfMean(
        zip(outcomes, other.outcomes).map { $0 / (2 * max(score, 1e-300)) - $1 / (2 * max(other.score, 1e-300)) })
      let value = score - other.score
      return Estimate(value, low: value - Estimate.z * spread, high: value + Estimate.z * spread)
    }
    let isWhole = outcomes.allSatisfy { $0 == 0 || $0 == 1 }
    if isWhole { return .pairedProportions(outcomes, other.outcomes) }
    let differences = zip(outcomes, other.outcomes).map { $0 - $1 }
    let mean = differences.reduce(0, +) / Double(differences.count)
    let half = Estimate.z * Estimate.deviationOfMean(differences)
    return Estimate(mean, low: mean - half, high: mean + half)
  }
}

/// The answer that looks at nothing: the most frequent class, or the mean.
struct Baseline {
  /// Each dev row's own error.
  let outcomes: [Double]
  let score: Double

  init(_ split: Split, _ target: TargetPreparation) {
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
