import TartineData
import TartineNetworks
import TartineTraining

/// What explains a network and what would help it, once it is known what is wrong, the cheapest first.
extension Examiner {
  func explain(_ run: Run, _ base: Attempt) throws {
    checkCalibration(run)
    checkDrift(run)
    try checkUpdates()
    try checkOneBatch(base)
    try checkLine(base)
    try takeRates(run, base)
    try probe(run, base)
    if case .table = split.dataset.inputs, hasTime(for: 3 * base.seconds) {
      progress("measuring what it takes from each column")
      found.importance = try Importance(of: recipe, on: split, threads: threads)
    }
    try tryPrescriptions(run, base)
    // Nine times the whole, over all sizes and seeds, and a margin.
    if hasTime(for: 12 * base.seconds), split.trainCount >= 100 {
      progress("training on parts of the rows")
      found.learningCurve = try recipe.learningCurve(on: split, threads: threads)
      prescribeRows(run)
    }
    prescribeLast(run)
  }

  // MARK: Checks

  private func checkCalibration(_ run: Run) {
    guard split.task.isClassification, let error = found.metrics?["calibration-error"] else { return }
    let isOff = error.low > 0.05
    found.checks.append(
      Check(
        "calibration", isOff ? .undecided : .fine, interval: error,
        "its probabilities are off by \(unit.text(error.value)) (\(unit.range(error))) on average",
        action: isOff ? "--set decision=temperature" : nil))
  }

  /// Batch norm predicts by averages of what it normalized by in training: those must fit.
  private func checkDrift(_ run: Run) {
    guard run.model.plan.state.count > 0,
      let trainer = try? Trainer(recipe, split: split, threads: threads, observers: [])
    else { return }
    let inBatches = trainer.signals(rows: split.devCount, of: run.model).loss
    let ratio = run.dev.loss / max(inBatches, .leastNormalMagnitude)
    let isOff = ratio > 1.5
    found.checks.append(
      Check(
        "batch-norm-drift", isOff ? .undecided : .fine, statistic: ratio,
        "by batch norm's averages the dev loss is \(Text.significant(run.dev.loss, digits: 3)), by each batch's own statistics "
          + Text.significant(inBatches, digits: 3), action: isOff ? "larger batches, or no batch norm" : nil))
  }

  private static let firstSteps = 10

  private func checkUpdates() throws {
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
  private func checkOneBatch(_ base: Attempt) throws {
    let count = min(Self.fewRows, split.trainCount)
    let rows = split.sample(count, seed: recipe.seed)
    var learner = Alteration.unregularized(recipe)
    learner.augmentation = .none
    (learner.batchSize, learner.accumulation, learner.epochs, learner.earlyStopping) = (count, 1, 300, nil)
    learner.keeps = .last
    guard learner.problem == nil, let run = try attempt(learner, on: split.with(train: rows, dev: rows)).run else {
      return
    }
    let isNumber = split.task == .regression
    let isLearned = isNumber ? run.dev.score < 0.2 * run.dev.targetVariance.squareRoot() : run.dev.score == 0
    found.checks.append(
      Check(
        "one-batch", isLearned ? .fine : .fault, statistic: run.dev.score,
        "of \(count) rows alone, learned in 300 steps, the error is \(unit.text(run.dev.score))",
        action: isLearned ? nil : "a higher rate or better initial weights: a network that trains learns these by heart"
      ))
  }

  /// A network must be better than a line.
  private func checkLine(_ base: Attempt) throws {
    var line = Recipe(Network(HiddenStack(hidden: [])))
    line.seed = recipe.seed
    guard hasTime(for: 2 * base.seconds), recipe.network != line.network else { return }
    let gain = try attempt(line.resolved(trainRows: split.trainCount)).gain(of: base)
    found.checks.append(
      Check(
        "linear-baseline", gain.low > 0 ? .fine : .undecided, interval: gain,
        "against a network without hidden layers it is better by \(unit.difference(gain))",
        action: gain.low > 0 ? nil : "what is learned is a line, or not more: a simpler model may do"))
  }

  /// Sweeps of steps at ever higher rates.
  private static let sweeps = (seeds: 3, steps: 150)

  private func takeRates(_ run: Run, _ base: Attempt) throws {
    guard recipe.optimizer.algorithm != .lbfgs else { return }
    let steps = Double(Self.sweeps.seeds * Self.sweeps.steps)
    guard hasTime(for: 2 * base.seconds * steps / Double(max(1, run.steps))) else { return }
    progress("looking for rates at which it learns")
    let range = try recipe.learningRateRange(
      on: split, seeds: Self.sweeps.seeds, steps: Self.sweeps.steps, threads: threads)
    found.learningRates = range
    let rate = recipe.optimizer.learningRate.initial
    guard let low = range.low, let high = range.high else { return }
    let isWithin = rate >= low.low / 3 && rate <= high.high
    found.checks.append(
      Check(
        "learning-rate-range", isWithin ? .fine : .undecided, statistic: rate,
        "it learns at rates from about \(Text.significant(low.value, digits: 2)) to \(Text.significant(high.value, digits: 2)), "
          + "and has \(Text.significant(rate, digits: 2))",
        action: isWithin ? nil : range.suggestion.map { "--learning-rate \(Text.significant($0, digits: 2))" }))
  }

  // MARK: Prescriptions

  /// Whether a wider network, trained longer, brings the train error down: then there is bias.
  private func probe(_ run: Run, _ base: Attempt) throws {
    guard !hasHumanError, let diagnosis = found.diagnosis, diagnosis.bias.reading == .undecided,
      hasTime(for: 8 * base.seconds), var stack = recipe.network.stack, !stack.hidden.isEmpty,
      let epochs = recipe.epochs
    else { return }
    progress("probing a wider and longer training")
    var wider = recipe
    stack.hidden = stack.hidden.map { 2 * $0 }
    wider.network = Network(stack)
    wider.epochs = 2 * epochs
    let made = try attempt(wider)
    guard let probe = made.run else { return }
    diagnose(probe: probe)
    let units = stack.hidden.map(String.init).joined(separator: ",")
    add(
      Examination.Remedy(
        what: "a network of \(units) units, \(2 * epochs) epochs",
        why: "against bias: it can fit more, and rarely hurts where it is regularized", gain: base.gain(of: made),
        flags: "--hidden \(units) --epochs \(2 * epochs)", recipe: wider))
  }

  /// Trains what the ladder prescribes, so that what each gives is known.
  private func tryPrescriptions(_ run: Run, _ base: Attempt) throws {
    // What a wrong setting costs hides what others would give.
    guard found.faults.allSatisfy({ $0.gain == nil }), let diagnosis = found.diagnosis else { return }
    for idea in diagnosis.prescriptions where idea.recipe.earlyStopping == recipe.earlyStopping {
      guard hasTime(for: 4 * base.seconds), !found.prescriptions.contains(where: { $0.recipe == idea.recipe }) else {
        continue
      }
      progress("trying \(idea.what)")
      add(
        Examination.Remedy(
          what: idea.what, why: idea.why, gain: base.gain(of: try attempt(idea.recipe)), flags: idea.flags,
          recipe: idea.recipe))
    }
  }

  private func prescribeRows(_ run: Run) {
    guard case .twice(let error) = found.learningCurve?.answer else { return }
    let now = run.dev.score
    let gain = Estimate(now - error.value, low: now - error.high, high: now - error.low)
    add(
      Examination.Remedy(
        what: "twice the train rows, \(2 * split.trainCount)", why: "against variance: the learning curve says so",
        gain: gain,
        flags: "", recipe: nil))
  }

  private func prescribeLast(_ run: Run) {
    found.prescriptions.sort { ($0.gain?.value ?? 0) > ($1.gain?.value ?? 0) }
    guard recipe.earlyStopping == nil, found.diagnosis?.variance.reading != .absent else { return }
    found.prescriptions.append(
      Examination.Remedy(
        what: "early stopping", why: "last, since it ties bias and variance to one knob", gain: nil,
        flags: "--early-stopping 10", recipe: recipe.earlyStopping(patience: 10)))
  }

  /// What made it worse is none; it stays among the checks.
  private func add(_ remedy: Examination.Remedy) {
    guard let gain = remedy.gain else { return }
    if gain.value > 0 { found.prescriptions.append(remedy) }
    found.checks.append(
      Check(
        "tried", gain.low > 0 ? .fine : .undecided, interval: gain,
        "with \(remedy.what) dev is better by \(unit.difference(gain))"))
  }
}
