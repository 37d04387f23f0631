import TartineData
import TartineFiles
import TartineNetworks
import TartineTraining

/// Explains the network and looks for improvements once the faults are known, cheapest first.
extension Examiner {
  func explain(_ run: Run, _ base: Attempt) {
    checkCalibration(run)
    tolerate("batch norm's moving averages") { try checkDrift(run) }
    checkLine(base)
    probe(base)
    if case .table = split.dataset.inputs, hasTime(for: 2 * base.seconds, to: "measure the importance of columns") {
      progress("measuring the importance of columns")
      tolerate("importance of columns") { found.importance = try Importance(of: recipe, on: split, threads: threads) }
    }
    tryPrescriptions(base)
    confirmFirst(base)
    // Nine times the whole, over all sizes and seeds, and a margin, since it is long.
    if split.trainCount >= 100, hasTime(for: 11 * base.seconds, to: "draw the learning curve") {
      progress("training on subsets of the rows")
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
        "the calibration error is \(unit.text(calibration.error)), and \(unit.text(calibration.errorIfRight.mean)) is "
          + "expected for perfectly calibrated probabilities on as many rows",
        action: calibration.isOff ? "\(OptionName.calibrate)" : nil))
  }

  /// Compares batch norm's moving averages, used in prediction, with batch statistics: they must fit.
  private func checkDrift(_ run: Run) throws {
    guard run.model.graph.state.count > 0 else { return }
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
    let inBatches = trainer.signals(rows: split.devCount, of: run.model).loss
    // Before temperature scaling, with each row counting once.
    let byAverages = trainer.devLoss(of: run.model)
    let ratio = byAverages / max(inBatches, .leastNormalMagnitude)
    let isOff = ratio > 1.5
    found.checks.append(
      Check(
        "batch-norm-drift", isOff ? .undecided : .fine, statistic: ratio,
        "with batch norm's moving averages the dev loss is \(Text.significant(byAverages, digits: 3)), with batch statistics "
          + Text.significant(inBatches, digits: 3), action: isOff ? "larger batches, or no batch norm" : nil))
  }

  private static let firstSteps = 10

  func checkUpdates() throws {
    guard recipe.optimizer.algorithm != .lbfgs else { return }
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
    let ratios = trainer.updateRatios(steps: Self.firstSteps).filter { $0.ratio.isFinite }
    guard let largest = ratios.max(by: { $0.ratio < $1.ratio }), let smallest = ratios.min(by: { $0.ratio < $1.ratio })
    else { return }
    let isTypical = largest.ratio < 0.3 && smallest.ratio > 1e-6
    found.checks.append(
      Check(
        "update-to-weight", isTypical ? .fine : .undecided, statistic: largest.ratio,
        "the first step changes the weights of \(smallest.layer) by \(Text.significant(smallest.ratio, digits: 2)) of their norm, "
          + "those of \(largest.layer) by \(Text.significant(largest.ratio, digits: 2)); about 0.001 is typical",
        action: isTypical
          ? nil : largest.ratio >= 0.3 ? "a lower learning rate, or a warm-up" : "a higher learning rate")
    )
  }

  private static let fewRows = 32

  /// A network that cannot overfit a few rows is broken.
  func checkOneBatch() {
    let count = min(Self.fewRows, split.trainCount)
    // With whole groups there may be more.
    let rows = Array(split.sample(count, seed: recipe.seed).prefix(count))
    var learner = Alteration.unregularized(recipe)
    learner.augmentation = .none
    (learner.batchSize, learner.accumulation, learner.epochs, learner.earlyStopping) = (count, 1, 300, nil)
    learner.keeps = .last
    let isNumber = split.task == .regression
    // Rows with the same target are no test.
    guard learner.problem == nil, hasTime(for: 0.01 * budget, to: "overfit a few rows"),
      target.differs(in: split.dataset, rows: rows),
      let made = attempt(learner, "overfitting a few rows", on: split.with(train: rows, dev: rows))
    else { return }
    guard let run = made.run else {
      found.checks.append(
        Check(
          "one-batch", .fault, "on \(count) rows alone \(made.divergence ?? "it diverged")",
          action: "a lower learning rate, or smaller initial weights"))
      return
    }
    let isLearned = isNumber ? run.dev.score < 0.2 * run.dev.targetVariance.squareRoot() : run.dev.score == 0
    found.checks.append(
      Check(
        "one-batch", isLearned ? .fine : .fault, statistic: run.dev.score,
        "trained on \(count) rows alone for 300 steps, the train error is \(unit.text(run.dev.score))",
        action: isLearned
          ? nil
          : "a higher learning rate, better initial weights or more units: a working network memorizes this few rows"
      ))
  }

  /// Compares the network with a linear model, which it must beat.
  private func checkLine(_ base: Attempt) {
    guard !recipe.network.isLinear, hasTime(for: base.seconds, to: "train a linear model") else { return }
    let line = Recipe.linear(for: split, loss: recipe.loss, threads: threads)
    guard let straight = attempt(line.resolved(trainRows: split.trainCount), "a linear model") else { return }
    let gain = gain(of: base, over: straight)
    found.checks.append(
      Check(
        "linear-baseline", gain.low > 0 ? .fine : gain.high < 0 ? .fault : .undecided, interval: gain,
        "compared with a linear model it is \(unit.change(gain))",
        action: gain.low > 0 ? nil : "the network learns no more than a linear model: a simpler model may do"))
  }

  /// Runs learning-rate sweeps.
  private static let sweeps = (seeds: 3, steps: 150)

  func takeRates(_ base: Attempt) {
    guard recipe.optimizer.algorithm != .lbfgs else { return }
    let all = Double(split.trainCount * (recipe.epochs ?? 1)) / Double(max(1, recipe.batchSize ?? 1))
    let steps = Double(Self.sweeps.seeds * Self.sweeps.steps)
    guard hasTime(for: 2 * base.seconds * steps / max(1, all), to: "find the range of learning rates") else { return }
    progress("finding the range of learning rates")
    var swept: LearningRateRange?
    tolerate("the range of learning rates") {
      swept = try recipe.learningRateRange(
        on: split, seeds: Self.sweeps.seeds, steps: Self.sweeps.steps, threads: threads)
    }
    guard let range = swept else { return }
    found.learningRates = range
    let rate = recipe.optimizer.learningRate.peak
    guard let low = range.low, let high = range.high else { return }
    let isWithin = rate >= low.low / 3 && rate <= 3 * high.high
    defaultRate = range.suggestion
    found.checks.append(
      Check(
        "learning-rate-range", isWithin ? .fine : .undecided, statistic: rate,
        "it learns at learning rates from about \(Text.significant(low.value, digits: 2)) to \(Text.significant(high.value, digits: 2)), "
          + "and its learning rate is \(Text.significant(rate, digits: 2))",
        action: isWithin
          ? nil : range.suggestion.map { "\(OptionName.learningRate) \(Text.significant($0, digits: 2))" },
        suspects: [(range.suggestion ?? rate) < rate ? .learningRateTooHigh : .learningRateTooLow]))
  }

  // MARK: Prescriptions

  /// Probes for bias: whether a wider network, trained for longer, has a lower train error.
  private func probe(_ base: Attempt) {
    guard !hasHumanError, let diagnosis = found.diagnosis, diagnosis.bias.reading == .undecided,
      hasTime(for: 8 * base.seconds, to: "train a wider network for longer"), !recipe.network.hiddenUnits.isEmpty,
      let epochs = recipe.epochs
    else { return }
    progress("training a wider network for longer")
    var wider = recipe
    wider.network = recipe.network.scalingUnits(by: 2)
    wider.epochs = 2 * epochs
    guard let made = attempt(wider, "a wider network, trained for longer") else { return }
    diagnose()
    let units = wider.network.hiddenUnits.map(String.init).joined(separator: ",")
    add(
      Examination.Remedy(
        "a network of \(units) units, \(2 * epochs) epochs",
        why: "against bias: it can fit more, and rarely hurts where it is regularized",
        gain: gain(of: made, over: base),
        recipe: wider))
  }

  /// Trains the prescriptions of the ladder to measure their effect.
  private func tryPrescriptions(_ base: Attempt) {
    // A wrong setting hides the effect of others.
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

  /// The best of several is selected by chance as well: it is trained again with new seeds, and that gain is
  /// reported.
  private func confirmFirst(_ base: Attempt) {
    found.prescriptions.sort { ($0.gain?.value ?? 0) > ($1.gain?.value ?? 0) }
    guard found.faults.allSatisfy({ $0.gain == nil }), let first = found.prescriptions.first, let recipe = first.recipe,
      found.runs.count > 1
    else { return }
    let fresh = Array(found.runs.dropFirst())
    guard
      hasTime(
        for: Double(fresh.count) * seconds(of: recipe, base), to: "measure the best of these with new seeds")
    else { return }
    progress("trying \(first.what) with new seeds")
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
        first.what, why: "\(first.why); measured with \(again.count) new seeds", gain: gain,
        recipe: recipe))
  }

  private func prescribeRows() {
    guard let fall = found.learningCurve?.fall, fall.value > 0 else { return }
    found.prescriptions.append(
      Examination.Remedy(
        "twice the train rows, \(2 * split.trainCount)",
        why:
          "against variance: expected by the learning curve, with its 90 % band (in tests \(LearningCurve.measuredCoverage) % "
          + "contained the truth)", gain: fall, recipe: nil))
  }

  private func prescribeLast() {
    found.prescriptions.sort { ($0.gain?.value ?? 0) > ($1.gain?.value ?? 0) }
    // Without a signal, the network can only memorize.
    guard !found.faults.contains(where: { $0.name == .noSignal }) else { return }
    if found.diagnosis?.variance.reading == .present, !found.prescriptions.contains(where: { $0.gain?.low ?? 0 > 0 }) {
      found.prescriptions.append(
        Examination.Remedy(
          "more train rows",
          why: "against variance"
            + (hasTried ? ": nothing that was tried here significantly reduces it" : ", which they reduce"),
          gain: nil, recipe: nil))
    }
    guard recipe.earlyStopping == nil, found.diagnosis?.variance.reading != .absent else { return }
    let kept = recipe.keeps == .best ? "; the best epoch is kept already, so that it only saves time" : ""
    found.prescriptions.append(
      Examination.Remedy(
        "early stopping", why: "last, since it couples bias and variance\(kept)", gain: nil,
        recipe: recipe.earlyStopping(patience: 10)))
  }

  /// Adds a remedy that lowered the error; one that did not stays among the checks.
  private func add(_ remedy: Examination.Remedy) {
    guard let gain = remedy.gain else { return }
    hasTried = true
    if gain.value > 0 { found.prescriptions.append(remedy) }
    found.checks.append(
      Check(
        "tried", gain.low > 0 || gain.high < 0 ? .fine : .undecided, interval: gain,
        "with \(remedy.what) dev is \(unit.change(gain))"))
  }
}

extension TargetPreparation {
  /// Whether these rows have more than one target.
  fileprivate func differs(in dataset: Dataset, rows: [Int]) -> Bool {
    truths(of: dataset, rows: rows).allSatisfy { Set($0.values).count > 1 }
  }
}
