import TartineData
import TartineEngine
import TartineNetworks
import TartineTraining

/// Looks at one recipe on one division, cheapest things first, and writes down what it finds.
///
/// The recipe's own training may fail, and then so does the examination; whatever else is tried beside it may not, and is
/// written down as not tried.
final class Examiner {
  let recipe: Recipe
  let split: Split
  let threads: Int?
  let progress: (String) -> Void
  let target: TargetPreparation
  let baseline: Baseline
  let unit: Unit
  var found: Examination
  var signals: SignalSummary?
  /// What went through the layers after some of the epochs.
  private(set) var watched: [(epoch: Int, layers: [LayerSignals])] = []
  /// Of one training's dev figure over seeds; 0 where it is not known.
  private var seedDeviation = 0.0
  /// The recipe's training with its own seed.
  private var own: Attempt?
  /// The mean figure of those seeds.
  private var seedMean = 0.0

  private var sources: Diagnosis.Sources?
  /// Whether a finished run is examined: the ladder is of that one, and other seeds tell only how much they differ.
  private var isOfRun = false
  /// A rate at which the network was seen to learn.
  var usualRate: Double?
  /// The training with the lowest train error, of those that are no worse on dev: it says how low one can be.
  private var lowest: Run?
  private let humanError, worth: Double?
  let budget: Double
  private let prepared: PreparedSplits
  /// Which dev rows belong together; nil: none do.
  let cases: [Int]?
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now

  init(
    _ recipe: Recipe, _ split: Split, humanError: Double?, worth: Double?, budget: Double, threads: Int?,
    progress: @escaping (String) -> Void
  ) throws {
    self.recipe = recipe
    self.humanError = humanError
    self.worth = worth
    self.budget = budget
    self.threads = threads
    self.progress = progress
    progress("inspecting the data")
    let inspection = try Inspection(of: split, threads: threads)
    found = Examination(inspection, recipe)
    // What is wrong with a test file is said, and the rest looked at without it.
    self.split = inspection.warnings.contains { $0.name == .unfitTest } ? split.withoutTest : split
    prepared = PreparedSplits(self.split)
    cases = split.groupByRow.map { groups in split.dev.map { groups[$0] } }
    target = try Preparation(fitting: split.dataset, rows: split.train).target
    baseline = Baseline(split, target)
    unit = Unit(task: split.task, target: "")
  }

  private var seconds: Double { (clock.now - start).inSeconds }

  /// Whether something that takes about so long may still be begun; where not, it is written down.
  func hasTime(for seconds: Double, to what: String) -> Bool {
    let has = seconds < budget - self.seconds
    if !has, !found.notDone.contains(what) { found.notDone.append(what) }
    return has
  }

  // MARK: The order of things

  /// - Parameters:
  ///   - finished: the recipe's first run, where it was trained already.
  ///   - test: that run on the test part, where that was opened.
  ///   - explains: whether to go on once the faults are known.
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
    let delta = worth ?? max(split.task == .regression ? 0 : 0.005, 0.1 * better.score)
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

  /// Faults in their order; and what was suspected, without an interval that decides it, and did no harm that shows, is no fault.
  private func settle() {
    found.faults.sort { Self.rank($0) < Self.rank($1) }
    // Several settings that each mend it are one fault, and what else goes with it.
    let mended = found.faults.filter { $0.gain != nil }
    for fault in mended.dropFirst(2) { found.faults.removeAll { $0.name == fault.name } }
    guard found.faults.isEmpty else { return }
    for place in found.checks.indices
    where found.checks[place].verdict == .fault && found.checks[place].interval == nil {
      found.checks[place] = found.checks[place].with(.undecided)
    }
  }

  /// A training that blows up is a fault, whether or not anything that was tried mends it.
  private func nameDivergence(_ typical: Attempt) {
    guard let divergence = typical.divergence, !found.faults.contains(where: { $0.gain != nil }) else { return }
    found.faults.append(
      Fault(
        name: .learningRateTooHigh, evidence: divergence, action: "a lower rate, a warm-up, or clipped gradients",
        size: typical.score))
  }

  /// Does what may fail, and says so where it does.
  func tolerate(_ name: String, _ body: () throws -> Void) {
    do {
      try body()
    } catch {
      found.checks.append(Check("not-tried", .undecided, "\(name) could not be tried: \(error)"))
    }
  }

  /// Reads the ladder, against what is known by now.
  func diagnose() {
    guard !found.runs.isEmpty else { return }
    let runs = isOfRun ? [found.runs[0]] : found.runs
    found.ladderSeeds = sources == nil ? runs.count : 1
    found.diagnosis = Diagnosis(
      of: runs, test: found.test, humanError: humanError, probe: lowest, sources: sources, worth: worth)
  }

  /// Where train and dev come from different sources, trains without some of train's rows and measures there: what is lost
  /// between those and dev is the sources' difference.
  private func takeSources(_ base: Attempt) {
    guard base.run != nil, isDifferent("train", "dev"), hasTime(for: 4 * base.seconds, to: "tell the sources apart")
    else { return }
    progress("training without some of train's rows")
    let held = Set(split.sample(max(1, min(split.devCount, split.trainCount / 5)), seed: recipe.seed))
    let part = split.with(train: split.train.filter { !held.contains($0) }, dev: held.sorted())
    tolerate("a part of train's rows to measure on") {
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

  /// Trains beside the recipe's own training; nil where that cannot be.
  ///
  /// - Parameter what: is trained, for what is said where it cannot be.
  func attempt(_ recipe: Recipe, _ what: String, on split: Split? = nil) -> Attempt? {
    var made: Attempt?
    tolerate(what) {
      made = try Attempt(
        recipe, on: split ?? self.split, prepared: split == nil ? prepared : nil, dumb: baseline, threads: threads)
    }
    // What only learns its rows by heart says nothing of bias, and nor does another seed of the same.
    var same = recipe
    same.seed = self.recipe.seed
    if split == nil, same != self.recipe, let run = made?.run, let base = found.runs.first,
      run.dev.score <= base.dev.score, run.train.score < lowest?.train.score ?? .infinity
    {
      lowest = run
    }
    return made
  }

  /// By how much a training beside the recipe's own is better, with what seeds make of it.
  func gain(of other: Attempt, over base: Attempt) -> Estimate {
    base.gain(of: other, seedVariance: seedVariance(of: base) + seedVariance(of: other), cases: cases)
  }

  /// The same for what is to mend a fault: over the recipe's seeds in the mean, and over its training with the very seed, which
  /// begins at the same weights: whichever is less. The interval is that over rows.
  func leastGain(of other: Attempt, over typical: Attempt) -> Estimate {
    let gains = [typical, own ?? typical].map { $0.gain(of: other, seedVariance: 0, cases: cases) }
    return gains[0].low < gains[1].low ? gains[0] : gains[1]
  }

  /// Of a training's figure over seeds. Only the recipe's own are known: those of one that errs less are taken to lie closer
  /// together by as much, as figures that approach 0 do.
  private func seedVariance(of attempt: Attempt) -> Double {
    let deviation = seedDeviation * min(1, attempt.score / max(seedMean, .leastNormalMagnitude))
    return deviation * deviation / Double(attempt.seeds)
  }

  /// About how long another recipe takes, by its epochs and weights.
  func seconds(of other: Recipe, _ base: Attempt) -> Double {
    func work(_ recipe: Recipe) -> Double {
      guard let stack = recipe.network.stack else { return 1 }
      let widths = [100] + stack.hidden + [10]
      return zip(widths, widths.dropFirst()).reduce(1) { $0 + Double($1.0 * $1.1) }
    }
    let epochs = Double(other.epochs ?? 1) / Double(max(1, recipe.epochs ?? 1))
    let steps = Double(max(1, recipe.batchSize ?? 1)) / Double(max(1, other.batchSize ?? 1))
    return max(base.seconds, 0.01) * max(0.1, epochs) * max(1, work(other) / work(recipe), 0.5 * steps)
  }

  /// Epochs, at most, after which the layers are looked at.
  private static let watchedEpochs = 12

  private func trainReference(_ base: Attempt) -> Attempt? {
    let recipe = Self.reference(for: recipe, rows: split.trainCount)
    guard hasTime(for: min(base.seconds, 0.5 * budget), to: "train a recipe that is known to train") else { return nil }
    progress("training a recipe that is known to train")
    let made = attempt(recipe, "a recipe that is known to train")
    found.isCompared = made != nil
    return made
  }

  /// Trains the recipe, and looks at its layers on the way.
  private func watchedAttempt() throws -> Attempt {
    let every = max(1, ((recipe.epochs ?? 1) + Self.watchedEpochs - 1) / Self.watchedEpochs)
    return try Attempt(recipe, on: split, dumb: baseline, threads: threads) { trainer, record in
      guard record.epoch % every == 0 || record.epoch == 1 || record.epoch == recipe.epochs else { return }
      watched.append((record.epoch, trainer.signals(rows: 500).layers))
    }
  }

  /// What makes the measurement itself wrong comes first, then what was mended, by what it gave.
  private static func rank(_ fault: Fault) -> (Int, Double) {
    let kinds: [Fault.Name: Int] = [
      .leakingColumn: 0, .duplicatesAcrossSplit: 0, .differentDistribution: 1, .identifierColumn: 4, .constantColumn: 4,
      .tooLittleData: 3, .noSignal: 3,
    ]
    return (kinds[fault.name] ?? 2, -fault.size * weight(of: fault.name))
  }

  /// A recipe that trains on most data, with this one's loss and seed.
  private static func reference(for recipe: Recipe, rows: Int) -> Recipe {
    var reference = Recipe.automatic
    // A loss that answers something else than the mean or the likeliest, as a quantile's does, is what is asked for.
    if case .quantile = recipe.loss.kind { reference.loss = recipe.loss }
    if recipe.loss.kind == .poisson { reference.loss = recipe.loss }
    // A network that is to find a rare class, or is judged by another figure than its error, is no worse for it.
    if recipe.loss.classWeights == .balanced { reference.loss.classWeights = .balanced }
    reference.decision = recipe.decision
    reference.loss.smoothing = 0
    reference.seed = recipe.seed
    return reference.resolved(trainRows: rows)
  }

  // MARK: Seeds

  /// - Returns: the mean over the seeds: a fault is no bad luck of one of them.
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
            "seeds", .fault, "with seed \(recipe.seed &+ seed) \(divergence); the ladder is of the others",
            action: "a lower rate, a warm-up, or clipped gradients"))
      }
    }
    let scores = found.runs.map(\.dev.score)
    guard scores.count > 1 else { return Attempt(mean: all) }
    let deviation = Estimate.deviationOfMean(scores) * Double(scores.count).squareRoot()
    (seedDeviation, seedMean) = (deviation, scores.reduce(0, +) / Double(scores.count))
    found.checks.append(
      Check(
        "noise-floor", .fine, statistic: deviation,
        "over \(scores.count) seeds the dev figure has a deviation of \(unit.points(deviation)): what is tried must be better "
          + "than by that"))
    return Attempt(mean: all)
  }

  /// Beside the recipe's own.
  static let moreSeeds: [UInt64] = [1, 2]

  func seeded(_ recipe: Recipe, _ more: UInt64) -> Recipe {
    var other = recipe
    other.seed = recipe.seed &+ more
    return other
  }
}
