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
        result.trials[place].reason = "significantly better; a later change took its place"
        continue
      }
      guard let idea = Idea(takingOut: change, of: incumbent.recipe, leaving: without)
      else { continue }
      let arm = Arm(without)
      var trial = IdeaTrial(idea, .ablation, spelling: options.spelling)
      let expected = incumbent.trained[0]?.seconds ?? 0
      do {
        // The first is for the model, should it stay out.
        for pair in 0...5 {
          try addPair(pair, of: arm, to: &trial, expected: expected, for: "without \(idea.what)")
          trial.seconds += arm.trained[pair]?.seconds ?? 0
        }
      } catch let end as End {
        (trial.verdict, trial.reason) = (.undecided, end == .time ? "there was no time for it" : "it was interrupted")
        finish(trial)
        throw end
      }
      let gain = gain(of: arm, over: incumbent, pairs: 1..<6)
      trial.gain = gain.estimate
      // It is missed if the error rises by what counts.
      let isMissed = -gain.estimate.value >= result.worth / 2 || arm.trained[0]?.run == nil
      (trial.verdict, trial.reason) =
        isMissed ? (.refused, "the change is needed") : (.accepted, "the change is not missed")
      finish(trial)
      guard !isMissed else { continue }
      (result.trials[place].isTakenOut, result.trials[place].reason) = (true, "taken out again: not missed")
      incumbent = arm
      result.worth = worth(of: arm)
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

  /// Evaluates the first and the last recipe on the test set: the models of all pairs that both have.
  func prove() throws {
    let hasGain = incumbent !== first
    let pairs = (0...PairSplits.mostPairs).filter { first.trained[$0] != nil && incumbent.trained[$0] != nil }
    let judging = hasGain && pairs.count > 1 ? pairs.filter { $0 > 0 } : [0]
    if let run = incumbent.trained[0]?.run { result.run = run }
    if hasGain {
      result.gain = Improvement.Gain(
        dev: gain(of: incumbent, over: first, pairs: judging[0]..<PairSplits.mostPairs + 1).estimate, test: nil)
    }
    var (before, after): ([Evaluation], [Evaluation]) = ([], [])
    if splits.own.testCount > 0 {
      let (dataset, rows) = splits.own.test.open()
      // A pair of which one side diverged shows nothing on test.
      for pair in hasGain ? pairs : [0] {
        guard let own = first.trained[pair]?.model, let last = incumbent.trained[pair]?.model else { continue }
        before.append(try evaluate(own, dataset, rows))
        after.append(hasGain ? try evaluate(last, dataset, rows) : before[before.count - 1])
      }
    }
    result.first = figure(first, judging, test: before)
    result.last = figure(incumbent, judging, test: after)
    guard hasGain, let dev = result.gain?.dev, let one = before.first else { return }
    func trained(_ list: [Evaluation]) -> [Trained] {
      // The rows by their place, as groups are.
      list.map { Trained(rows: Array($0.outcomes.indices), outcomes: $0.outcomes, score: $0.score) }
    }
    let test = PairedGain(
      of: trained(after), over: trained(before), isNumber: isNumber, groups: one.cases, sharesRows: true)
    result.gain = Improvement.Gain(dev: dev, test: test.estimate)
  }

  /// The mean error over pairs, with the interval of the rows that judged them, each row by its mean.
  private func figure(_ arm: Arm, _ pairs: [Int], test: [Evaluation]) -> Improvement.Figure {
    let trained = pairs.compactMap { arm.trained[$0] }
    let mean = trained.reduce(0) { $0 + $1.score } / Double(max(1, trained.count))
    var sums: [Int: (sum: Double, count: Double)] = [:]
    for one in trained {
      for (row, outcome) in zip(one.rows, one.outcomes) {
        let known = sums[row] ?? (0, 0)
        sums[row] = (known.sum + outcome, known.count + 1)
      }
    }
    let rows = sums.keys.sorted()
    let pooled = SampledFigure(
      outcomes: [rows.map { (sums[$0]?.sum ?? 0) / (sums[$0]?.count ?? 1) }], isNumber: isNumber,
      cases: groups.map { groups in rows.map { groups[$0] } }
    ).rows
    let dev = Estimate(
      mean, low: max(0, mean - (pooled.value - pooled.low)), high: mean + (pooled.high - pooled.value))
    return Improvement.Figure(
      recipe: arm.recipe, dev: dev, test: test.isEmpty ? nil : SampledFigure(test).estimate)
  }

  // MARK: What is for the person

  func advice() -> [Improvement.Advice] {
    var list: [Improvement.Advice] = []
    let split = splits.own
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
