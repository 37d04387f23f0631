import TartineData
import TartineDiagnosis
import TartineEngine
import TartineTraining

extension Improver {
  // MARK: Ablation

  /// Takes each accepted change out of the last recipe again, the oldest first; one that is not missed stays out.
  func ablate() throws {
    let places = result.trials.indices.filter {
      result.trials[$0].verdict == .accepted && result.trials[$0].subject == .idea
    }
    guard places.count > 1 else { return }
    // The last one has just been measured against the recipe without it.
    for place in places.dropLast() {
      let change = result.trials[place]
      guard let without = recipe(without: place) else { continue }
      if without == incumbent.recipe {
        result.trials[place].reason = "surely better; a later change took its place"
        continue
      }
      guard let idea = Idea(takingOut: change, of: incumbent.recipe, leaving: without)
      else { continue }
      let arm = Arm(without)
      var trial = IdeaTrial(idea, .ablation, spelling: options.spelling)
      let expected = incumbent.trained[0]?.seconds ?? 0
      for pair in 1...5 {
        try train(incumbent, pair: pair, expected: expected, for: "without \(idea.what): pair \(pair)")
        try train(arm, pair: pair, expected: expected, for: "without \(idea.what): pair \(pair)")
        guard let own = incumbent.trained[pair], let other = arm.trained[pair] else { continue }
        trial.seconds += other.seconds
        trial.pairs.append(
          IdeaTrial.Pair(
            division: divisions.isFixed ? 0 : pair, seed: seed &+ UInt64(pair), incumbent: own.score, idea: other.score)
        )
      }
      let gain = gain(of: arm, over: incumbent, pairs: 1..<6)
      trial.gain = gain.estimate
      // It is missed if the error rises by what counts.
      let isMissed = -gain.estimate.value >= result.worth / 2
      (trial.verdict, trial.reason) =
        isMissed ? (.refused, "the change is needed") : (.accepted, "the change is not missed")
      finish(trial)
      guard !isMissed else { continue }
      (result.trials[place].isTakenOut, result.trials[place].reason) = (true, "taken out again: not missed")
      try train(arm, pair: 0, expected: expected, for: "training the recipe without it")
      incumbent = arm
    }
  }

  /// The first recipe with all changes that are part of the last, but one; nil if that is no recipe.
  private func recipe(without place: Int) -> Recipe? {
    var recipe = first.recipe
    for (other, settings) in changes.sorted(by: { $0.key < $1.key })
    where other != place && !result.trials[other].isTakenOut {
      guard let next = try? settings.apply(to: recipe) else { return nil }
      recipe = next
    }
    return recipe.problem == nil ? recipe : nil
  }

  // MARK: Proof

  /// Opens the test set once: the first and the last recipe, all pairs that both have.
  func prove() throws {
    let pairs = Array(0...Divisions.mostPairs).filter {
      first.trained[$0]?.run != nil && incumbent.trained[$0]?.run != nil
    }
    let later = pairs.filter { $0 > 0 }
    let hasGain = incumbent !== first && !later.isEmpty
    result.last = Improvement.Figure(
      recipe: incumbent.recipe, dev: incumbent.trained[0]?.run?.dev.estimate ?? result.first.dev, test: nil)
    if let run = incumbent.trained[0]?.run { result.run = run }
    if hasGain {
      let gain = gain(of: incumbent, over: first, pairs: 1..<Divisions.mostPairs + 1).estimate
      result.gain = Improvement.Gain(dev: gain, test: nil)
      // The mean over the pairs, on all rows that were dev in one of them.
      result.first = figure(first, later, test: nil)
      result.last = figure(incumbent, later, test: nil)
    }
    guard divisions.own.testCount > 0 else { return }
    let (dataset, rows) = divisions.own.test.open()
    func evaluations(_ arm: Arm) throws -> [Evaluation] {
      try (hasGain ? pairs : [0]).compactMap { pair in
        var warnings: [String] = []
        return try arm.trained[pair]?.run?.model.evaluate(
          dataset, rows: rows, warnings: &warnings, workers: Workers(options.threads ?? Workers.processorCount))
      }
    }
    let before = try evaluations(first)
    result.first = figure(first, hasGain ? later : [0], test: SampledFigure(before).estimate)
    guard hasGain else {
      result.last = result.first
      return
    }
    let after = try evaluations(incumbent)
    result.last = figure(incumbent, later, test: SampledFigure(after).estimate)
    func trained(_ list: [Evaluation]) -> [Trained] {
      list.map { Trained(rows: $0.origin, outcomes: $0.outcomes, score: $0.score) }
    }
    let cases = before[0].cases.map { cases in
      Dictionary(zip(before[0].origin, cases), uniquingKeysWith: { one, _ in one })
    }
    let gain = PairedGain(
      of: trained(after), over: trained(before), isNumber: isNumber,
      groups: cases.map { cases in (0...(before[0].origin.max() ?? 0)).map { cases[$0] ?? $0 } }, sharesRows: true)
    result.gain = Improvement.Gain(dev: result.gain?.dev ?? gain.estimate, test: gain.estimate)
  }

  /// The mean error over pairs, with the interval of the rows and seeds.
  private func figure(_ arm: Arm, _ pairs: [Int], test: Estimate?) -> Improvement.Figure {
    let runs = pairs.compactMap { arm.trained[$0]?.run?.dev }
    let scores = runs.map(\.score)
    let mean = scores.reduce(0, +) / Double(max(1, scores.count))
    let rows = runs.map(\.estimate)
    let half = { (side: (Estimate) -> Double) in
      let width = rows.reduce(0) { $0 + side($1) } / Double(max(1, rows.count))
      // Rows that are dev in one pair only count together.
      let ofRows = self.divisions.isFixed ? width : width / Double(max(1, rows.count)).squareRoot()
      let ofPairs =
        scores.count > 1 ? Estimate.studentT(Double(scores.count - 1)) * Estimate.deviationOfMean(scores) : 0
      return max(ofRows, ofPairs)
    }
    let dev = Estimate(mean, low: max(0, mean - half { $0.value - $0.low }), high: mean + half { $0.high - $0.value })
    return Improvement.Figure(recipe: arm.recipe, dev: dev, test: test)
  }

  // MARK: What is for the person

  func advice() -> [Improvement.Advice] {
    var list: [Improvement.Advice] = []
    let split = divisions.own
    let some = split.trainCount > 50_000 ? split.with(train: split.sample(50_000, seed: 0)) : split
    if let inspection = try? Inspection(of: some, comparesSets: false, threads: options.threads) {
      list = inspection.warnings.map {
        Improvement.Advice(
          name: $0.name.rawValue, evidence: ($0.column.map { "'\($0)': " } ?? "") + $0.evidence, action: $0.action)
      }
    }
    if let run = incumbent.trained[0]?.run, run.dev.score - run.train.score > 0.3 * run.dev.score {
      let unit = result.unit
      list.append(
        Improvement.Advice(
          name: "more-data",
          evidence:
            "the error is \(unit.text(run.train.score)) on train and \(unit.text(run.dev.score)) on dev, so the network has more to learn from new rows than from these",
          action: "collect more rows; 'tartine diagnose' predicts the error with twice as many"))
    }
    return list
  }
}
