import TartineData
import TartineNetworks
import TartineTraining

/// What explains a network and what would help it, once it is known what is wrong, the cheapest first.
extension Examiner {
  func explain(_ run: Run, _ base: Attempt) {
    checkCalibration(run)
    tolerate("batch norm's averages") { try checkDrift(run) }
    checkLine(base)
    probe(base)
    if case .table = split.dataset.inputs, hasTime(for: 2 * base.seconds, to: "measure what each column gives") {
      progress("measuring what it takes from each column")
      tolerate("importance of columns") { found.importance = try Importance(of: recipe, on: split, threads: threads) }
    }
    tryPrescriptions(base)
    confirmFirst(base)
    // Nine times the whole, over all sizes and seeds, and a margin, since it is long.
    if split.trainCount >= 100, hasTime(for: 11 * base.seconds, to: "draw the learning curve") {
      progress("training on parts of the rows")
      tolerate("the learning curve") { found.learningCurve = try recipe.learningCurve(on: split, threads: threads) }
      prescribeRows()
    }
    prescribeLast()
  }

  // MARK: Checks

  private func checkCalibration(_ run: Run) {
    guard let calibration = found.calibration else { return }
    found.checks.append(
      Check(
        "calibration", calibration.isOff ? .undecided : .fine, statistic: calibration.error,
        "its probabilities are off by \(unit.text(calibration.error)) on average, and would be by "
          + "\(unit.text(calibration.errorIfRight.mean)) of so many rows if they were right",
        action: calibration.isOff ? "--calibrate" : nil))
  }

  /// Batch norm predicts by averages of what it normalized by in training: those must fit.
  private func checkDrift(_ run: Run) throws {
    guard run.model.plan.state.count > 0 else { return }
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
    let inBatches = trainer.signals(rows: split.devCount, of: run.model).loss
    // Before any temperature, and each row counting once.
    let byAverages = trainer.devLoss(of: run.model)
    let ratio = byAverages / max(inBatches, .leastNormalMagnitude)
    let isOff = ratio > 1.5
    found.checks.append(
      Check(
        "batch-norm-drift", isOff ? .undecided : .fine, statistic: ratio,
        "by batch norm's averages the dev loss is \(Text.significant(byAverages, digits: 3)), by each batch's own statistics "
          + Text.significant(inBatches, digits: 3), action: isOff ? "larger batches, or no batch norm" : nil))
  }

  private static let firstSteps = 10

  func checkUpdates() throws {
    guard recipe.optimizer.algorithm != .lbfgs else { return }
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
    let ratios = trainer.updateRatios(steps: Self.firstSteps).filter { $0.ratio.isFinite }
    guard let largest = ratios.max(by: { $0.ratio < $1.ratio }), let smallest = ratios.min(by: { $0.ratio < $1.ratio })
    else { return }
    let isUsual = largest.ratio < 0.3 && smallest.ratio > 1e-6
    found.checks.append(
      Check(
        "update-to-weight", isUsual ? .fine : .undecided, statistic: largest.ratio,
        "a first step moves the weights of \(smallest.layer) by \(Text.significant(smallest.ratio, digits: 2)) of their size, "
          + "those of \(largest.layer) by \(Text.significant(largest.ratio, digits: 2)); about 0.001 is usual",
        action: isUsual ? nil : largest.ratio >= 0.3 ? "a lower rate, or a warm-up" : "a higher rate"))
  }

  private static let fewRows = 32

  /// A network that cannot learn a handful of rows by heart is broken.
  func checkOneBatch() {
    let count = min(Self.fewRows, split.trainCount)
    // Of whole groups there may be more.
    let rows = Array(split.sample(count, seed: recipe.seed).prefix(count))
    var learner = Alteration.unregularized(recipe)
    learner.augmentation = .none
    (learner.batchSize, learner.accumulation, learner.epochs, learner.earlyStopping) = (count, 1, 300, nil)
    learner.keeps = .last
    let isNumber = split.task == .regression
    // Rows of one and the same answer are no test.
    guard learner.problem == nil, hasTime(for: 0.01 * budget, to: "learn a few rows by heart"),
      target.differs(in: split.dataset, rows: rows),
      let made = attempt(learner, "a few rows by heart", on: split.with(train: rows, dev: rows))
    else { return }
    guard let run = made.run else {
      found.checks.append(
        Check(
          "one-batch", .fault, "on \(count) rows alone \(made.divergence ?? "it diverged")",
          action: "a lower rate, or smaller initial weights"))
      return
    }
    let isLearned = isNumber ? run.dev.score < 0.2 * run.dev.targetVariance.squareRoot() : run.dev.score == 0
    found.checks.append(
      Check(
        "one-batch", isLearned ? .fine : .fault, statistic: run.dev.score,
        "of \(count) rows alone, learned in 300 steps, the error is \(unit.text(run.dev.score))",
        action: isLearned
          ? nil : "a higher rate, better initial weights or more units: a network that trains learns these by heart"
      ))
  }

  /// A network must be better than a line.
  private func checkLine(_ base: Attempt) {
    guard !recipe.network.isLinear, hasTime(for: base.seconds, to: "train a line") else { return }
    let line = Recipe.linear(for: split, loss: recipe.loss, threads: threads)
    guard let straight = attempt(line.resolved(trainRows: split.trainCount), "a line") else { return }
    let gain = gain(of: base, over: straight)
    found.checks.append(
      Check(
        "linear-baseline", gain.low > 0 ? .fine : gain.high < 0 ? .fault : .undecided, interval: gain,
        "than a network without hidden layers it is \(unit.change(gain))",
        action: gain.low > 0 ? nil : "what is learned is a line, or not more: a simpler model may do"))
  }

  /// Sweeps of steps at ever higher rates.
  private static let sweeps = (seeds: 3, steps: 150)

  func takeRates(_ base: Attempt) {
    guard recipe.optimizer.algorithm != .lbfgs else { return }
    let all = Double(split.trainCount * (recipe.epochs ?? 1)) / Double(max(1, recipe.batchSize ?? 1))
    let steps = Double(Self.sweeps.seeds * Self.sweeps.steps)
    guard hasTime(for: 2 * base.seconds * steps / max(1, all), to: "look for rates at which it learns") else { return }
    progress("looking for rates at which it learns")
    var swept: LearningRateRange?
    tolerate("rates at which it learns") {
      swept = try recipe.learningRateRange(
        on: split, seeds: Self.sweeps.seeds, steps: Self.sweeps.steps, threads: threads)
    }
    guard let range = swept else { return }
    found.learningRates = range
    let rate = recipe.optimizer.learningRate.initial
    guard let low = range.low, let high = range.high else { return }
    let isWithin = rate >= low.low / 3 && rate <= 3 * high.high
    usualRate = range.suggestion
    found.checks.append(
      Check(
        "learning-rate-range", isWithin ? .fine : .undecided, statistic: rate,
        "it learns at rates from about \(Text.significant(low.value, digits: 2)) to \(Text.significant(high.value, digits: 2)), "
          + "and has \(Text.significant(rate, digits: 2))",
        action: isWithin ? nil : range.suggestion.map { "--learning-rate \(Text.significant($0, digits: 2))" }))
  }

  // MARK: Prescriptions

  /// Whether a wider network, trained longer, brings the train error down: then there is bias.
  private func probe(_ base: Attempt) {
    guard !hasHumanError, let diagnosis = found.diagnosis, diagnosis.bias.reading == .undecided,
      hasTime(for: 8 * base.seconds, to: "train a wider network for longer"), var stack = recipe.network.stack,
      !stack.hidden.isEmpty,
      let epochs = recipe.epochs
    else { return }
    progress("probing a wider and longer training")
    var wider = recipe
    stack.hidden = stack.hidden.map { 2 * $0 }
    wider.network = Network(stack)
    wider.epochs = 2 * epochs
    guard let made = attempt(wider, "a wider and longer training") else { return }
    diagnose()
    let units = stack.hidden.map(String.init).joined(separator: ",")
    add(
      Examination.Remedy(
        "a network of \(units) units, \(2 * epochs) epochs",
        why: "against bias: it can fit more, and rarely hurts where it is regularized",
        gain: gain(of: made, over: base),
        recipe: wider))
  }

  /// Trains what the ladder prescribes, so that what each gives is known.
  private func tryPrescriptions(_ base: Attempt) {
    // What a wrong setting costs hides what others would give.
    guard found.faults.allSatisfy({ $0.gain == nil && $0.name != .noSignal }), let diagnosis = found.diagnosis else {
      return
    }
    for idea in diagnosis.prescriptions where idea.recipe.earlyStopping == recipe.earlyStopping {
      guard hasTime(for: seconds(of: idea.recipe, base), to: "try \(idea.what)"),
        !found.prescriptions.contains(where: { $0.recipe == idea.recipe })
      else { continue }
      progress("trying \(idea.what)")
      guard let tried = attempt(idea.recipe, idea.what) else { continue }
      add(
        Examination.Remedy(idea.what, why: idea.why, gain: gain(of: tried, over: base), recipe: idea.recipe))
    }
  }

  /// The best of several looks better than it is: it is trained again, with the other seeds, and what it gives there is what
  /// is said of it.
  private func confirmFirst(_ base: Attempt) {
    found.prescriptions.sort { ($0.gain?.value ?? 0) > ($1.gain?.value ?? 0) }
    guard found.faults.allSatisfy({ $0.gain == nil }), let first = found.prescriptions.first, let recipe = first.recipe,
      found.runs.count > 1
    else { return }
    let fresh = Array(found.runs.dropFirst())
    guard
      hasTime(
        for: Double(fresh.count) * seconds(of: recipe, base), to: "measure the best of these with other seeds")
    else { return }
    progress("trying \(first.what) with other seeds")
    let again = fresh.compactMap { run -> Run? in
      var other = recipe
      other.seed = run.recipe.seed
      return attempt(other, first.what)?.run
    }
    guard again.count == fresh.count, let comparison = try? Comparison(of: again, to: fresh) else { return }
    let difference = comparison.difference
    let gain = Estimate(-difference.value, low: -difference.high, high: -difference.low)
    found.prescriptions.removeFirst()
    add(
      Examination.Remedy(
        first.what, why: "\(first.why); measured with \(again.count) seeds that did not choose it", gain: gain,
        recipe: recipe))
  }

  private func prescribeRows() {
    guard let fall = found.learningCurve?.fall, fall.value > 0 else { return }
    found.prescriptions.append(
      Examination.Remedy(
        "twice the train rows, \(2 * split.trainCount)",
        why: "against variance: expected of them by the learning curve, in nine of ten cases", gain: fall, recipe: nil))
  }

  private func prescribeLast() {
    found.prescriptions.sort { ($0.gain?.value ?? 0) > ($1.gain?.value ?? 0) }
    // By heart is all that can be learned there.
    guard !found.faults.contains(where: { $0.name == .noSignal }) else { return }
    if found.diagnosis?.variance.reading == .present, !found.prescriptions.contains(where: { $0.gain?.low ?? 0 > 0 }) {
      let isTried = found.checks.contains { $0.name == "tried" }
      found.prescriptions.append(
        Examination.Remedy(
          "more train rows",
          why: "against variance" + (isTried ? ": nothing that was tried here surely lowers it" : ", which they lower"),
          gain: nil, recipe: nil))
    }
    guard recipe.earlyStopping == nil, found.diagnosis?.variance.reading != .absent else { return }
    let kept = recipe.keeps == .best ? "; the best epoch is kept already, so that it saves time alone" : ""
    found.prescriptions.append(
      Examination.Remedy(
        "early stopping", why: "last, since it ties bias and variance to one knob\(kept)", gain: nil,
        recipe: recipe.earlyStopping(patience: 10)))
  }

  /// What made it worse is none; it stays among the checks.
  private func add(_ remedy: Examination.Remedy) {
    guard let gain = remedy.gain else { return }
    if gain.value > 0 { found.prescriptions.append(remedy) }
    found.checks.append(
      Check(
        "tried", gain.low > 0 || gain.high < 0 ? .fine : .undecided, interval: gain,
        "with \(remedy.what) dev is \(unit.change(gain))"))
  }
}

extension TargetPreparation {
  /// Whether these rows have more than one answer.
  fileprivate func differs(in dataset: Dataset, rows: [Int]) -> Bool {
    truths(of: dataset, rows: rows).allSatisfy { Set($0.values).count > 1 }
  }
}
