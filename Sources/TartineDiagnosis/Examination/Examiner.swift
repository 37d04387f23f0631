import TartineData
import TartineEngine
import TartineNetworks
import TartineTraining

/// Examines one recipe on one split, cheapest steps first, and collects the findings.
///
/// If the recipe's own training throws, so does the examination; a failure of any other step is recorded as
/// not tried.
final class Examiner {
  let recipe: Recipe
  let split: Split
  let threads: Int?
  let progress: (String) -> Void
  let target: TargetPreparation
  let baseline: Baseline
  let unit: Unit
  var found: Examination
  /// Whether a remedy was tried.
  var hasTried = false
  var signals: SignalSummary?
  /// The signals of the layers after some of the epochs.
  private(set) var watched: [(epoch: Int, layers: [LayerSignals])] = []
  /// The variance over seeds of one training's dev figure; 0 if unknown.
  private var seedDeviation = 0.0
  /// The recipe's training with its own seed.
  private var own: Attempt?
  /// The mean figure of the recipe's seeds.
  private var seedMean = 0.0

  private var sources: Diagnosis.Sources?
  /// Whether a finished run is examined: the ladder is that of the run, and other seeds only estimate the
  /// variance over seeds.
  private var isOfRun = false
  /// A learning rate at which the network learns.
  var defaultRate: Double?
  /// The training with the lowest train error among those no worse on dev: the reference for bias.
  private var lowest: Run?
  private let humanError, worth: Double?
  let budget: Double
  private let isStopped: () -> Bool
  private let prepared: PreparedSplits
  /// Which dev rows belong together; nil if rows are independent.
  let cases: [Int]?
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now

  init(
    _ recipe: Recipe, _ split: Split, humanError: Double?, worth: Double?, budget: Double,
    isStopped: @escaping () -> Bool, threads: Int?, progress: @escaping (String) -> Void
  ) throws {
    self.recipe = recipe
    self.humanError = humanError
    self.worth = worth
    self.budget = budget
    self.isStopped = isStopped
    self.threads = threads
    self.progress = progress
    progress("inspecting the data")
    let inspection = try Inspection(of: split, threads: threads)
    found = Examination(inspection, recipe)
    // An unfit test file is reported, and the rest is inspected without it.
    self.split = inspection.warnings.contains { $0.name == .unfitTest } ? split.withoutTest : split
    prepared = PreparedSplits(self.split)
    cases = split.groupByRow.map { groups in split.dev.map { groups[$0] } }
    target = try Preparation(fitting: split.dataset, rows: split.train).target
    baseline = Baseline(split, target)
    unit = Unit(task: split.task, target: "")
  }

  private var seconds: Double { (clock.now - start).inSeconds }

  /// Whether a step of about this duration may still be begun; if not, it is recorded as not done.
  func hasTime(for seconds: Double, to what: String) -> Bool {
    if isStopped(), self.seconds < budget { found.isStopped = true }
    let has = seconds < budget - self.seconds && !found.isStopped
    if !has, !found.notDone.contains(what) { found.notDone.append(what) }
    return has
  }

  // MARK: The order of steps

  /// - Parameters:
  ///   - finished: The recipe's first run, if it was trained already.
  ///   - test: The evaluation of that run on the test set, if the test set was used.
  ///   - explains: Whether to add explanations once the faults are known.
  func examine(_ finished: Run? = nil, test: Evaluation? = nil, explains: Bool = true) throws -> Examination {
    found.test = [test].compactMap { $0 }
    isOfRun = finished != nil
    checkData()
    progress("training the recipe")
    let base = try finished.map { Attempt($0) } ?? watchedAttempt()
    if let run = base.run { found.runs = [run] }
    tolerate("signals") { try takeSignals(base) }
    tolerate("first steps") { try checkUpdates() }
    checkOneBatch()
    takeRates(base)
    let typical = addSeeds(base)
    own = base
    takeSources(base)
    diagnose()
    let reference = trainReference(base)
    checkBaseline(base, reference)
    let better = reference.flatMap { base.score < $0.score ? nil : $0 } ?? base
    let delta = worth ?? Diagnosis.worth(error: better.score, constant: baseline.score, unit)
    if let reference { findTrouble(typical, reference, delta) }
    nameDivergence(typical)
    findDataFaults(better, delta)
    if let dev = found.runs.first?.dev {
      found.metrics = Metrics(dev)
      found.calibration = Calibration(dev)
      found.slices = Slices(dev, of: split.dataset)
      found.worstRows = WorstRows(dev, of: split.dataset)
    }
    if explains, let run = found.runs.first { explain(run, base) }
    diagnose()
    settle()
    found.seconds = seconds
    return found
  }

  /// Orders the faults. A suspected fault without a significant effect is dropped.
  private func settle() {
    found.faults.sort { Self.rank($0) < Self.rank($1) }
    // Several settings that each fix it are one fault, as are their side effects.
    let mended = found.faults.filter { $0.gain != nil }
    for fault in mended.dropFirst(2) { found.faults.removeAll { $0.name == fault.name } }
    guard found.faults.isEmpty else { return }
    for place in found.checks.indices
    where found.checks[place].verdict == .fault && found.checks[place].interval == nil {
      found.checks[place] = found.checks[place].with(.undecided)
    }
  }

  /// A divergence is a fault, whether or not a change fixes it.
  private func nameDivergence(_ typical: Attempt) {
    guard let divergence = typical.divergence, !found.faults.contains(where: { $0.gain != nil }) else { return }
    found.faults.append(
      Fault(
        name: .learningRateTooHigh, evidence: divergence,
        action: "a lower learning rate, a warm-up, or gradient clipping",
        size: typical.score))
  }

  /// Does a step that may fail, and records a failure.
  func tolerate(_ name: String, _ body: () throws -> Void) {
    do {
      try body()
    } catch {
      found.checks.append(Check("not-tried", .undecided, "\(name) could not be tried: \(error)"))
    }
  }

  /// Builds the ladder from what is known so far.
  func diagnose() {
    guard !found.runs.isEmpty else { return }
    let runs = isOfRun ? [found.runs[0]] : found.runs
    found.ladderSeeds = sources == nil ? runs.count : 1
    found.diagnosis = Diagnosis(
      of: runs, test: found.test, humanError: humanError, probe: lowest, sources: sources, worth: worth)
  }

  /// If train and dev come from different sources, trains without some of the train rows and evaluates on
  /// them: the difference between those and dev is the data mismatch.
  private func takeSources(_ base: Attempt) {
    guard base.run != nil, isDifferent("train", "dev"),
      hasTime(for: 4 * base.seconds, to: "separate variance from data mismatch")
    else { return }
    progress("training without some of train's rows")
    let held = Set(split.sample(max(1, min(split.devCount, split.trainCount / 5)), seed: recipe.seed))
    let part = split.with(train: split.train.filter { !held.contains($0) }, dev: held.sorted())
    tolerate("a train-dev set") {
      guard !part.train.isEmpty, let run = attempt(recipe, "without some of train's rows", on: part)?.run else {
        return
      }
      var warnings: [String] = []
      sources = Diagnosis.Sources(
        run: run,
        dev: try run.model.evaluate(
          split.dataset, rows: split.dev, warnings: &warnings, workers: Workers(threads ?? Workers.processorCount)))
    }
  }

  var hasHumanError: Bool { humanError != nil }

  /// Trains beside the recipe's own training; nil if that fails.
  ///
  /// - Parameter what: A description, for the message if it fails.
  func attempt(_ recipe: Recipe, _ what: String, on split: Split? = nil) -> Attempt? {
    var made: Attempt?
    tolerate(what) {
      made = try Attempt(
        recipe, on: split ?? self.split, prepared: split == nil ? prepared : nil, dumb: baseline, threads: threads)
    }
    // A network that memorizes the training set is no evidence on bias, and neither is another seed of the
    // same recipe.
    var same = recipe
    same.seed = self.recipe.seed
    if split == nil, same != self.recipe, let run = made?.run, let base = found.runs.first,
      run.dev.score <= base.dev.score, run.train.score < lowest?.train.score ?? .infinity
    {
      lowest = run
    }
    return made
  }

  /// The gain of another training over the recipe's own, with the variance over seeds.
  func gain(of other: Attempt, over base: Attempt) -> Estimate {
    base.gain(of: other, seedVariance: seedVariance(of: base) + seedVariance(of: other), cases: cases)
  }

  /// The gain of a change that may fix a fault: the smaller of that over the mean of the recipe's seeds and
  /// that over its training with the same seed, which begins at the same weights. The interval is over rows.
  func leastGain(of other: Attempt, over typical: Attempt) -> Estimate {
    let gains = [typical, own ?? typical].map { $0.gain(of: other, seedVariance: 0, cases: cases) }
    return gains[0].low < gains[1].low ? gains[0] : gains[1]
  }

  /// The variance over seeds of a training's figure. Only that of the recipe is known; a lower error is
  /// assumed to have a proportionally smaller standard deviation.
  private func seedVariance(of attempt: Attempt) -> Double {
    let deviation = seedDeviation * min(1, attempt.score / max(seedMean, .leastNormalMagnitude))
    return deviation * deviation / Double(attempt.seeds)
  }

  /// The approximate duration of another recipe, by its epochs and weights.
  func seconds(of other: Recipe, _ base: Attempt) -> Double {
    func work(_ recipe: Recipe) -> Double {
      let widths = [100] + recipe.network.hiddenUnits + [10]
      return zip(widths, widths.dropFirst()).reduce(1) { $0 + Double($1.0 * $1.1) }
    }
    let epochs = Double(other.epochs ?? 1) / Double(max(1, recipe.epochs ?? 1))
    let steps = Double(max(1, recipe.batchSize ?? 1)) / Double(max(1, other.batchSize ?? 1))
    return max(base.seconds, 0.01) * max(0.1, epochs) * max(1, work(other) / work(recipe), 0.5 * steps)
  }

  /// The maximum number of epochs after which the layers are measured.
  private static let watchedEpochs = 12

  private func trainReference(_ base: Attempt) -> Attempt? {
    let recipe = Self.reference(for: recipe, rows: split.trainCount)
    guard hasTime(for: min(base.seconds, 0.5 * budget), to: "train the reference recipe") else { return nil }
    progress("training the reference recipe")
    let made = attempt(recipe, "the reference recipe")
    found.isCompared = made != nil
    return made
  }

  /// Trains the recipe, and measures its layers on the way.
  private func watchedAttempt() throws -> Attempt {
    let every = max(1, ((recipe.epochs ?? 1) + Self.watchedEpochs - 1) / Self.watchedEpochs)
    return try Attempt(recipe, on: split, dumb: baseline, threads: threads) { trainer, record in
      guard record.epoch % every == 0 || record.epoch == 1 || record.epoch == recipe.epochs else { return }
      watched.append((record.epoch, trainer.signals(rows: 500).layers))
    }
  }

  /// Faults that make the measurement itself wrong come first, then those that were fixed, by their gain.
  private static func rank(_ fault: Fault) -> (Int, Double) {
    let kinds: [Fault.Name: Int] = [
      .leakingColumn: 0, .duplicatesAcrossSplit: 0, .differentDistribution: 1, .identifierColumn: 4, .constantColumn: 4,
      .tooLittleData: 3, .noSignal: 3,
    ]
    return (kinds[fault.name] ?? 2, -fault.size * weight(of: fault.name))
  }

  /// The reference recipe: one that trains on most data, with this recipe's loss and seed.
  private static func reference(for recipe: Recipe, rows: Int) -> Recipe {
    var reference = Recipe.automatic(members: recipe.network.members)
    // A loss for something else than the mean or the likeliest class, such as a quantile loss, is intended.
    if case .quantile = recipe.loss.kind { reference.loss = recipe.loss }
    if recipe.loss.kind == .poisson { reference.loss = recipe.loss }
    // A network that is meant to find a rare class, or is judged by another metric than its error, is not
    // worse for it.
    if recipe.loss.classWeights == .balanced { reference.loss.classWeights = .balanced }
    reference.decision = recipe.decision
    reference.loss.smoothing = 0
    reference.seed = recipe.seed
    return reference.resolved(trainRows: rows)
  }

  // MARK: Seeds

  /// - Returns: The mean over the seeds, so that one unlucky seed is not a fault.
  private func addSeeds(_ base: Attempt) -> Attempt {
    guard base.run != nil else { return base }
    var all = [base]
    for seed in Self.moreSeeds where hasTime(for: base.seconds * 8, to: "train with more seeds") {
      progress("training with another seed")
      guard let next = attempt(seeded(recipe, seed), "another seed") else { continue }
      if let run = next.run { found.runs.append(run) }
      all.append(next)
      if let divergence = next.divergence {
        found.checks.append(
          Check(
            "seeds", .fault, "with seed \(recipe.seed &+ seed) \(divergence); the ladder uses the others",
            action: "a lower learning rate, a warm-up, or gradient clipping", suspects: [.learningRateTooHigh]))
      }
    }
    let scores = found.runs.map(\.dev.score)
    guard scores.count > 1 else { return Attempt(mean: all) }
    let deviation = Estimate.deviationOfMean(scores) * Double(scores.count).squareRoot()
    (seedDeviation, seedMean) = (deviation, scores.reduce(0, +) / Double(scores.count))
    found.checks.append(
      Check(
        "noise-floor", .fine, statistic: deviation,
        "over \(scores.count) seeds the dev figure has a standard deviation of \(unit.points(deviation)): a change must gain "
          + "more than that"))
    return Attempt(mean: all)
  }

  /// The seeds to train in addition to the recipe's own.
  static let moreSeeds: [UInt64] = [1, 2]

  func seeded(_ recipe: Recipe, _ more: UInt64) -> Recipe {
    var other = recipe
    other.seed = recipe.seed &+ more
    return other
  }
}
