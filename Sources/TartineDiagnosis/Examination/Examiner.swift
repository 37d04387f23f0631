import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Looks at one recipe on one division, cheapest things first, and remembers what it found.
final class Examiner {
  private let recipe: Recipe
  private let split: Split
  private let humanError, worth: Double?
  private let budget: Double
  private let threads: Int?
  private let progress: (String) -> Void
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now

  let inspection: Inspection
  private let target: TargetPreparation
  private let baseline: Baseline
  private(set) var runs: [Run] = []
  private(set) var diagnosis: Diagnosis?
  private(set) var checks: [Check] = []
  private(set) var faults: [Fault] = []
  private(set) var remedies: [Examination.Remedy] = []
  private(set) var layers: [Examination.LayerReport] = []
  private(set) var slices: Slices?
  private(set) var labels: LabelErrors?
  private var signals: SignalSummary?

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
    inspection = try Inspection(of: split, threads: threads)
    target = try Preparation(fitting: split.dataset, rows: split.train).target
    baseline = Baseline(split, target)
  }

  private var secondsLeft: Double { budget - (clock.now - start).inSeconds }

  // MARK: The order of things

  func examine() throws {
    checkData()
    progress("training the recipe")
    let base = try attempt(recipe)
    if let run = base.run { runs = [run] }
    try takeSignals(base)
    try addSeeds(base)
    if !runs.isEmpty { diagnosis = Diagnosis(of: runs, humanError: humanError, worth: worth) }
    progress("training a recipe that is known to train")
    let reference = try attempt(Self.reference(for: recipe, rows: split.trainCount))
    checkBaseline(base, reference)
    let delta = worth ?? max(split.task == .regression ? 0 : 0.005, 0.1 * min(base.score, reference.score))
    try findTrouble(base, reference, delta)
    try findDataFaults(base, reference, delta)
    slices = runs.first.map { Slices($0.dev, of: split.dataset) }
    faults.sort { rank($0) < rank($1) }
  }

  private func attempt(_ recipe: Recipe) throws -> Attempt {
    try Attempt(recipe, on: split, dumb: baseline, threads: threads)
  }

  /// What makes the measurement itself wrong comes first, then what was mended, by what it gave.
  private func rank(_ fault: Fault) -> (Int, Double) {
    let kinds: [Fault.Name: Int] = [
      .leakingColumn: 0, .duplicatesAcrossSplit: 0, .differentDistribution: 1, .identifierColumn: 4, .constantColumn: 4,
      .tooLittleData: 3, .noSignal: 3, .classImbalance: 2,
    ]
    return (kinds[fault.name] ?? 2, -(fault.gain?.value ?? 0))
  }

  // MARK: Data

  /// Parts that can be told apart less often than this, in pairs of rows, differ, but not so that it matters: MNIST's own
  /// test part can in 55 of 100.
  private static let clearArea = 0.6

  private func checkData() {
    let kinds: [DataWarning.Kind: Fault.Name] = [
      .leakingColumn: .leakingColumn, .duplicatesAcrossSplit: .duplicatesAcrossSplit,
      .differentDistribution: .differentDistribution,
    ]
    for warning in inspection.warnings {
      let column = warning.column.map { "'\($0)': " } ?? ""
      checks.append(
        Check(
          warning.name.rawValue,
          kinds[warning.name] == nil || warning.name == .differentDistribution && !isClearlyDifferent
            ? .undecided : .fault,
          column + warning.evidence,
          action: warning.action))
      guard let name = kinds[warning.name], !faults.contains(where: { $0.name == name }),
        name != .differentDistribution || isClearlyDifferent
      else { continue }
      faults.append(Fault(name: name, evidence: column + warning.evidence, action: warning.action, gain: nil))
    }
    // A counter is left out anyway; what names rows and is learned from, or never changes, is worth a word.
    for (kind, name) in [
      (DataWarning.Kind.identifierColumn, Fault.Name.identifierColumn), (.constantColumn, .constantColumn),
    ] {
      let found = inspection.warnings.filter { warning in
        warning.name == kind
          && inspection.columns.contains { $0.name == warning.column && !$0.use.hasPrefix("left out") }
      }
      guard let first = found.first else { continue }
      faults.append(
        Fault(name: name, evidence: "'\(first.column ?? "")': \(first.evidence)", action: first.action, gain: nil))
    }
  }

  private var isClearlyDifferent: Bool {
    inspection.sameDistribution.contains { $0.isDifferent && $0.area >= Self.clearArea }
  }

  // MARK: Signals

  /// Rows that signals are taken from.
  private static let signalRows = 2_000

  private func takeSignals(_ base: Attempt) throws {
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
    let before = trainer.signals(rows: Self.signalRows)
    let after = base.run.map { trainer.signals(rows: Self.signalRows, of: $0.model) }
    layers = before.layers.enumerated().map { place, layer in
      Examination.LayerReport(
        layer: layer.name, start: Examination.LayerReport.Figures(layer),
        end: after.map { Examination.LayerReport.Figures($0.layers[place]) })
    }
    let weighted = before.layers.filter(\.hasWeights)
    if weighted.count > 2, let first = weighted.first, let last = weighted.dropLast().last, last.gradient > 0 {
      let ratio = first.gradient / last.gradient
      let dead = after?.layers.map(\.deadShare).max() ?? 0
      signals = SignalSummary(gradientRatio: ratio, deadShare: dead)
      checks.append(
        Check(
          "gradient-ratio", ratio < 1e-3 || ratio > 1e3 ? .fault : .fine, statistic: ratio,
          "at the start the first layer's gradient is \(Text.significant(ratio, digits: 2)) times the last hidden layer's",
          action: ratio < 1e-3 ? "batch norm, ReLU, or another initialization" : nil))
    } else if let after {
      signals = SignalSummary(gradientRatio: 1, deadShare: after.layers.map(\.deadShare).max() ?? 0)
    }
    if let dead = signals?.deadShare, base.run != nil {
      checks.append(
        Check(
          "dead-units", dead > 0.5 ? .fault : .fine, statistic: dead,
          "in the layer that has most, \(Text.fixed(dead * 100, decimals: 0)) % of the ReLU units give 0 in every row",
          action: dead > 0.5 ? "a lower rate, He initialization, or leaky ReLU" : nil))
    }
    checkInitialLoss(before.loss)
  }

  private func checkInitialLoss(_ loss: Double) {
    guard split.task.isClassification else { return }
    let truths = target.truths(of: split.dataset, rows: split.train)
    guard let first = truths.first, let classes = first.classes else { return }
    let usual = log(Double(classes))
    checks.append(
      Check(
        "initial-loss", loss < 3 * usual + 0.5 ? .fine : .fault, statistic: loss,
        "before training the loss is \(Text.significant(loss, digits: 3)), and answers without knowledge give "
          + Text.significant(usual, digits: 3), action: loss < 3 * usual + 0.5 ? nil : "smaller initial weights"))
  }

  // MARK: Seeds

  private func addSeeds(_ base: Attempt) throws {
    guard let run = base.run else { return }
    for seed in 1...2 where base.seconds * 12 < secondsLeft {
      progress("training with another seed")
      var other = recipe
      other.seed = recipe.seed &+ UInt64(seed)
      if let next = try attempt(other).run { runs.append(next) }
    }
    let scores = runs.map(\.dev.score)
    guard scores.count > 1 else { return }
    let deviation = Estimate.deviationOfMean(scores) * Double(scores.count).squareRoot()
    checks.append(
      Check(
        "noise-floor", .fine, statistic: deviation,
        "over \(scores.count) seeds the dev figure has a deviation of \(Unit(run.model).points(deviation))"))
  }

  // MARK: Against others

  private func checkBaseline(_ base: Attempt, _ reference: Attempt) {
    let unit = Unit(task: split.task, target: "")
    checks.insert(
      Check(
        "baseline", base.score < 0.9 * baseline.score ? .fine : .fault, statistic: baseline.score,
        "an answer that looks at nothing has \(unit.text(baseline.score)) on dev, this network \(unit.text(base.score)), a recipe "
          + "that is known to train \(unit.text(reference.score))"), at: 0)
  }

  /// A recipe that trains on most data, with this one's loss and seed.
  private static func reference(for recipe: Recipe, rows: Int) -> Recipe {
    var reference = Recipe.automatic
    reference.loss = recipe.loss
    reference.loss.smoothing = 0
    reference.seed = recipe.seed
    return reference.resolved(trainRows: rows)
  }

  private func findTrouble(_ base: Attempt, _ reference: Attempt, _ delta: Double) throws {
    let deficit = base.gain(of: reference)
    let unit = Unit(task: split.task, target: "")
    let reading = Reading(deficit, worth: delta)
    checks.append(
      Check(
        "reference", reading == .present ? .fault : reading == .absent ? .fine : .undecided, interval: deficit,
        "a recipe that is known to train is better by \(unit.difference(deficit))"))
    guard reading == .present else { return }
    var tried: [(alteration: Alteration, gain: Estimate, attempt: Attempt)] = []
    let all = Alteration.all(recipe, towards: reference.recipe, signals: signals)
    for alteration in all where max(base.seconds, 0.01) * 2 < secondsLeft {
      progress("trying \(alteration.what)")
      let made = try attempt(alteration.recipe)
      tried.append((alteration, base.gain(of: made), made))
    }
    tried.sort { $0.gain.value > $1.gain.value }
    for (alteration, gain, made) in tried {
      checks.append(
        Check(
          alteration.fault.rawValue,
          gain.low > 0 && gain.value > 0.3 * deficit.value ? .fault : gain.high < delta ? .fine : .undecided,
          interval: gain, "with \(alteration.what) dev is better by \(unit.difference(gain))"))
      if gain.low > 0 {
        remedies.append(
          Examination.Remedy(what: alteration.what, gain: gain, flags: alteration.flags, recipe: made.recipe))
      }
      guard gain.low > 0, gain.value > 0.3 * deficit.value, !faults.contains(where: { $0.name == alteration.fault })
      else { continue }
      faults.append(
        Fault(
          name: alteration.fault,
          evidence: (base.divergence.map { "\($0); " } ?? "")
            + "with \(alteration.what) the dev error falls by \(unit.difference(gain))",
          action: alteration.what, gain: gain))
    }
  }

  // MARK: What is left to the data

  /// With more than this share of the error of whoever looks at nothing, there is much left to learn.
  private static let poorShare = 0.2

  private func findDataFaults(_ base: Attempt, _ reference: Attempt, _ delta: Double) throws {
    let best = min(base.score, reference.score)
    if best > 0.95 * baseline.score {
      faults.append(
        Fault(
          name: .noSignal,
          evidence:
            "neither this network nor one that is known to train is better than an answer that looks at nothing",
          action: "look for columns that have to do with the target", gain: nil))
      return
    }
    try findLabelNoise(base, reference)
    findRareClass()
    guard faults.isEmpty, let run = runs.first, let diagnosis, diagnosis.variance.reading == .present,
      let difference = diagnosis.variance.difference, difference.value > 0.5 * run.dev.score,
      run.dev.score > Self.poorShare * baseline.score
    else { return }
    faults.append(
      Fault(
        name: .tooLittleData, evidence: "no setting that was tried helps, and \(diagnosis.variance.sentence)",
        action: "more rows: the learning curve says what they would give", gain: nil))
  }

  /// Where networks are surest they still err: labels that are wrong at random are as wrong there as anywhere.
  private func findLabelNoise(_ base: Attempt, _ reference: Attempt) throws {
    guard split.task.isClassification, reference.seconds * 5 < secondsLeft else { return }
    progress("looking for wrong labels")
    let better = base.score < reference.score ? base.recipe : reference.recipe
    let folds = try better.crossValidate(on: split, folds: 4, threads: threads)
    let found = LabelErrors(folds, of: split.dataset)
    labels = found
    let pooled = folds.pooled
    let count = pooled.outputNames.count
    let probabilities = pooled.classProbabilities
    let order = pooled.outcomes.indices.sorted { a, b in
      let (p, q) = (
        (0..<count).map { probabilities[a * count + $0] }.max() ?? 0,
        (0..<count).map { probabilities[b * count + $0] }.max() ?? 0
      )
      return p == q ? a < b : p > q
    }
    let surest = order.prefix(max(30, order.count / 4))
    let wrong = Estimate.proportion(
      surest.reduce(0) { $0 + pooled.outcomes[$1] } / Double(surest.count), of: surest.count)
    // Where classes merely overlap, the surest rows are far better than the others.
    let isNoisy = wrong.low > 0.05 && wrong.value > 0.75 * pooled.meanOutcome
    let unit = Unit(task: split.task, target: "")
    checks.append(
      Check(
        "label-noise", isNoisy ? .fault : wrong.high < 0.05 ? .fine : .undecided, interval: wrong,
        "of the quarter of rows that networks of other rows are surest of, \(unit.text(wrong.value)) (\(unit.range(wrong))) are labelled "
          + "otherwise; \(found.suspects.count) of \(found.rows) rows are suspect",
        action: isNoisy ? "look at the suspect rows first" : nil))
    if isNoisy {
      faults.append(
        Fault(
          name: .labelNoise,
          evidence:
            "even where networks are surest, \(unit.text(wrong.value)) of the rows (\(unit.range(wrong))) have another label",
          action: "have the suspect rows labelled again", gain: nil))
    }
  }

  /// A class that is rare, and that the network hardly ever finds.
  private func findRareClass() {
    guard split.task.isClassification, let run = runs.first else { return }
    let metrics = Metrics(run.dev)
    let rows = Double(run.dev.rowCount)
    guard let (place, rarest) = metrics.byClass.enumerated().min(by: { $0.element.support < $1.element.support }),
      rarest.support >= 3, rarest.support / rows < 0.05
    else { return }
    let recall = Estimate.proportion(rarest.recall, of: Int(rarest.support))
    let others = metrics.byClass.enumerated().filter { $0.offset != place }.map(\.element.recall)
    let usual = others.reduce(0, +) / Double(max(1, others.count))
    let isLost = recall.high < usual - 0.1
    checks.append(
      Check(
        "class-imbalance", isLost ? .fault : .fine, interval: recall,
        "of the rarest class, '\(metrics.classes[place])', \(Text.fixed(recall.value * 100, decimals: 0)) % are found, of the others "
          + "\(Text.fixed(usual * 100, decimals: 0)) %"))
    if isLost {
      faults.append(
        Fault(
          name: .classImbalance,
          evidence:
            "of the rarest class, '\(metrics.classes[place])', \(Text.fixed(recall.value * 100, decimals: 0)) % are found, of the "
            + "others \(Text.fixed(usual * 100, decimals: 0)) %",
          action: "--class-weights balanced, or --threshold-for f1", gain: nil))
    }
  }
}
