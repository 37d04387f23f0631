import TartineData
import TartineNetworks
import TartineTraining

/// Looks at one recipe on one division, cheapest things first, and writes down what it finds.
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

  private var trainDev: Evaluation?
  private let humanError, worth: Double?
  private let budget: Double
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now

  init(
    _ recipe: Recipe, _ split: Split, humanError: Double?, worth: Double?, budget: Double, threads: Int?,
    progress: @escaping (String) -> Void
  ) throws {
    self.recipe = recipe
    self.split = split
    self.humanError = humanError
    self.worth = worth
    self.budget = budget
    self.threads = threads
    self.progress = progress
    progress("inspecting the data")
    found = Examination(try Inspection(of: split, threads: threads), recipe)
    target = try Preparation(fitting: split.dataset, rows: split.train).target
    baseline = Baseline(split, target)
    unit = Unit(task: split.task, target: "")
  }

  private var seconds: Double { (clock.now - start).inSeconds }

  /// Whether something that takes about so long may still be begun.
  func hasTime(for seconds: Double) -> Bool { seconds < budget - self.seconds }

  // MARK: The order of things

  /// - Parameter finished: the recipe's first run, where it was trained already.
  func examine(_ finished: Run? = nil, explains: Bool = true) throws -> Examination {
    checkData()
    progress("training the recipe")
    let base = try finished.map { Attempt($0) } ?? watchedAttempt()
    if let run = base.run { found.runs = [run] }
    try takeSignals(base)
    try addSeeds(base)
    progress("training a recipe that is known to train")
    let reference = try attempt(Self.reference(for: recipe, rows: split.trainCount))
    checkBaseline(base, reference)
    let delta = worth ?? max(split.task == .regression ? 0 : 0.005, 0.1 * min(base.score, reference.score))
    try takeTrainDev(base)
    diagnose()
    try findTrouble(base, reference, delta)
    try findDataFaults(base, reference)
    if let dev = found.runs.first?.dev {
      found.metrics = Metrics(dev)
      found.calibration = Calibration(dev)
      found.slices = Slices(dev, of: split.dataset)
      found.worstRows = WorstRows(dev, of: split.dataset)
    }
    found.faults.sort { Self.rank($0) < Self.rank($1) }
    if explains, let run = found.runs.first { try explain(run, base) }
    found.seconds = seconds
    return found
  }

  /// Reads the ladder, against a probe where there is one.
  func diagnose(probe: Run? = nil) {
    guard !found.runs.isEmpty else { return }
    found.diagnosis = Diagnosis(of: found.runs, humanError: humanError, probe: probe, trainDev: trainDev, worth: worth)
  }

  /// Where train and dev come from different sources, trains without some of train's rows and measures there: what is lost
  /// between those and dev is the sources' difference.
  private func takeTrainDev(_ base: Attempt) throws {
    guard base.run != nil, isDifferent("train", "dev"), hasTime(for: 4 * base.seconds) else { return }
    progress("training without some of train's rows")
    let held = Set(split.sample(max(1, min(split.devCount, split.trainCount / 5)), seed: recipe.seed))
    let part = split.with(train: split.train.filter { !held.contains($0) }, dev: held.sorted())
    trainDev = try attempt(recipe, on: part).run?.dev
  }

  var hasHumanError: Bool { humanError != nil }

  func attempt(_ recipe: Recipe, on split: Split? = nil) throws -> Attempt {
    try Attempt(recipe, on: split ?? self.split, dumb: baseline, threads: threads)
  }

  /// Epochs, at most, after which the layers are looked at.
  private static let watchedEpochs = 12

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
      .tooLittleData: 3, .noSignal: 3, .classImbalance: 2,
    ]
    return (kinds[fault.name] ?? 2, -fault.size * weight(of: fault.name))
  }

  /// A recipe that trains on most data, with this one's loss and seed.
  private static func reference(for recipe: Recipe, rows: Int) -> Recipe {
    var reference = Recipe.automatic
    reference.loss = recipe.loss
    reference.loss.smoothing = 0
    reference.seed = recipe.seed
    return reference.resolved(trainRows: rows)
  }

  // MARK: Seeds

  private func addSeeds(_ base: Attempt) throws {
    guard base.run != nil else { return }
    for seed in 1...2 where hasTime(for: base.seconds * 12) {
      progress("training with another seed")
      var other = recipe
      other.seed = recipe.seed &+ UInt64(seed)
      if let next = try attempt(other).run { found.runs.append(next) }
    }
    let scores = found.runs.map(\.dev.score)
    guard scores.count > 1 else { return }
    let deviation = Estimate.deviationOfMean(scores) * Double(scores.count).squareRoot()
    found.checks.append(
      Check(
        "noise-floor", .fine, statistic: deviation,
        "over \(scores.count) seeds the dev figure has a deviation of \(unit.points(deviation))"))
  }
}
