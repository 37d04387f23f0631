import TartineData
import TartineDiagnosis
import TartineEngine
import TartineFiles
import TartineNetworks
import TartineTraining

/// What an improvement may do.
public struct ImprovementOptions: Sendable {
  /// The seconds after which it ends; nil: when nothing is left to try.
  public var budget: Double?
  /// The most recipes whose ideas are tried, the first and each that was accepted; nil: no limit.
  public var rounds: Int?
  /// The smallest gain that counts; nil: a fiftieth of the first recipe's dev error, for classes at least a tenth of a point.
  public var worth: Double?
  /// The human-level or Bayes error: no idea can gain more than what lies above it.
  public var humanError: Double?
  /// The names of the ideas to try; nil: all.
  public var only: Set<String>?
  /// The names of ideas not to try.
  public var except: Set<String> = []
  /// The number of threads, by default that of the processors; results do not depend on it.
  public var threads: Int?
  /// Whether to finish before the next training.
  public var isStopped: @Sendable () -> Bool = { false }
  /// Whether the last model is trained once more afterwards, in the time of the budget.
  package var refits = false
  /// How changes are written, by default as settings.
  package var spelling: @Sendable (RecipeSettings) -> String = { $0.description }

  /// Creates options.
  public init() {}
}

extension Recipe {
  /// Improves the recipe: tries the likeliest change against it, keeps what significantly helps, goes on from there, and at the end opens the
  /// test set once to say what of the gain is real.
  ///
  /// A change and the recipe are trained in pairs that share rows, seed, order and, where shapes allow, initial
  /// weights. The first pair screens; the others, on splits of their own, count. A change is accepted once its evidence is so strong
  /// that at most 5 % of the accepted ones are expected to be false, the interval of its gain lies above 0, and its gain is at
  /// least ``ImprovementOptions/worth``. At the end each accepted change is taken out again, and stays out where it is not missed.
  ///
  /// - Parameters:
  ///   - split: The data, split.
  ///   - options: Time, rounds and ideas.
  ///   - archive: Where trainings are kept, to go on after a kill; nil: in memory.
  ///   - progress: Called with what is done now, and with each trial once it is decided.
  /// - Returns: What was tried and accepted, and the gain on dev and test.
  /// - Throws: The errors of a training of this recipe; `RecipeError` where it diverges; `FileError` of the archive.
  public func improve(
    on split: Split, options: ImprovementOptions = ImprovementOptions(), archive: TrainingArchive? = nil,
    progress: @escaping (ImprovementProgress) -> Void = { _ in }
  ) throws -> Improvement {
    try Improver(self, split, options, archive: archive, progress: progress).improve()
  }

  /// Trains the recipe once, and returns the ideas for it in the order in which ``improve(on:options:archive:progress:)`` tries
  /// them.
  ///
  /// - Parameters:
  ///   - split: The data, split; the test set is not used.
  ///   - options: Which ideas.
  /// - Throws: The errors of a training of this recipe; `RecipeError` where it diverges.
  public func findIdeas(on split: Split, options: ImprovementOptions = ImprovementOptions()) throws -> [Idea] {
    let improver = try Improver(self, split, options, archive: nil, progress: { _ in })
    return try improver.firstIdeas()
  }
}

/// What an improvement does.
public enum ImprovementProgress {
  /// A training begins: what it is for, and the seconds that are left; nil: no limit.
  case training(String, left: Double?)
  /// What the test set can show, before anything is tried.
  case note(String)
  /// A trial is decided.
  case trial(IdeaTrial)
}

/// Improves one recipe on one split.
final class Improver {
  let options: ImprovementOptions
  let archive: TrainingArchive?
  let progress: (ImprovementProgress) -> Void
  let splits: PairSplits
  let groups: [Int]?
  let seed: UInt64
  let isNumber: Bool
  private var linear: Recipe??
  /// The seconds at the last known moment, and when that was.
  var clock: (elapsed: Double, at: ContinuousClock.Instant)
  /// The number of trainings that were asked for, with those for which there was no time, and of those that were finished.
  var asked = 0
  var trainings = 0
  /// The ideas that have passed the screening, over which the error is controlled.
  private var questions = 0
  /// The ideas that are not tried again, and the recipes that were incumbents.
  private var done: Set<String> = []
  private var former: [Recipe] = []
  /// The settings of each accepted change, by its place among the trials.
  var changes: [Int: RecipeSettings] = [:]
  var first: Arm
  var incumbent: Arm
  var result: Improvement!

  /// A recipe with its trainings by pair.
  final class Arm {
    let recipe: Recipe
    var trained: [Int: Trained] = [:]
    init(_ recipe: Recipe) { self.recipe = recipe }
  }

  /// Why no training can begin.
  enum End: Error { case time, stopped }

  init(
    _ recipe: Recipe, _ split: Split, _ options: ImprovementOptions, archive: TrainingArchive?,
    progress: @escaping (ImprovementProgress) -> Void
  ) throws {
    if let problem = recipe.problem { throw RecipeError(problem + ".") }
    (self.options, self.archive) = (options, archive)
    self.progress = progress
    splits = PairSplits(split)
    groups = split.groupByRow
    isNumber = split.task == .regression
    seed = recipe.seed
    clock = (0, .now)
    // Dev judges, so nothing is trained on it; the same number of epochs everywhere.
    let first = Arm(recipe.refitting(false).minutes(nil).fixed(trainRows: split.trainCount))
    (self.first, incumbent) = (first, first)
  }

  // MARK: The loop

  func firstIdeas() throws -> [Idea] {
    try begin()
    return ideas()
  }

  func improve() throws -> Improvement {
    try begin()
    do {
      try measureNoise()
      progress(.note(whatTestCanShow))
      var round = 1
      while try tryIdeas(round) { round += 1 }
      try ablate()
    } catch End.time {
      result.ending = "The time was up."
    } catch End.stopped {
      result.ending = "It was interrupted."
    }
    try prove()
    result.advice = advice()
    result.trainings = trainings
    result.seconds = elapsed
    return result
  }

  /// Trains the first recipe on the split's own train and dev rows.
  private func begin() throws {
    do {
      try train(first, pair: 0, expected: 0, for: "training the recipe")
    } catch End.stopped {
      throw RecipeError("it was interrupted before the first training was done.")
    } catch End.time {
      throw RecipeError(
        "the time is too short for a single training of the recipe; give more\(options.budget == nil ? "" : " than \(Text.significant(options.budget ?? 0, digits: 3)) s")."
      )
    }
    guard let trained = first.trained[0], let run = trained.run else {
      throw RecipeError(
        "\(first.trained[0]?.divergence ?? "the training failed"), so there is nothing to measure a change by; lower the learning rate, or begin with "
          + "the automatic recipe.")
    }
    let figure = Improvement.Figure(recipe: first.recipe, dev: run.dev.estimate, test: nil)
    result = Improvement(first: figure, last: figure, worth: worth(of: first), run: run, unit: Unit(run.model))
  }

  /// The smallest gain over a recipe that counts.
  func worth(of arm: Arm) -> Double {
    if let worth = options.worth { return worth }
    guard let own = arm.trained[0] else { return 0 }
    guard !isNumber, let dev = own.run?.dev else { return 0.02 * own.score }
    // Of a rare class a tenth of a point is much.
    let constant = Baseline.outcomes(of: dev)
    return max(0.02 * own.score, min(0.001, 0.02 * constant.reduce(0, +) / Double(max(1, constant.count))))
  }

  /// Two more seeds on the same rows: how much the error varies by chance, and about how small a gain the test set can show.
  private func measureNoise() throws {
    guard let own = first.trained[0] else { return }
    var (scores, squares) = ([own.score], 0.0)
    for more in 1...2 {
      var recipe = first.recipe
      recipe.seed = seed &+ 1_000_000 &+ UInt64(more) &* 1_000
      let other = try trained(recipe, on: 0, expected: own.seconds, for: "training the recipe with another seed")
      guard other.model != nil else { return }
      scores.append(other.score)
      let ofRows = PairedGain(of: [other], over: [own], isNumber: isNumber, groups: groups, sharesRows: true).ofRows
      squares += ofRows * ofRows / 2
    }
    result.seedStandardDeviation = Estimate.deviationOfMean(scores) * Double(scores.count).squareRoot()
    let tests = splits.own.testCount
    guard tests > 0, squares > 0, squares.isFinite else { return }
    // Two-sided at 5 %, found in four of five; two recipes differ at least as much as two seeds of one.
    result.minimumDetectableGain =
      (Estimate.z + 0.8416) * (squares * Double(own.rows.count) / Double(tests)).squareRoot()
  }

  private var whatTestCanShow: String {
    let tests = splits.own.testCount
    guard tests > 0 else { return "there is no test set, so nothing will prove that a gain holds on new rows" }
    guard let minimumDetectableGain = result.minimumDetectableGain else {
      return "the test set has \(Improvement.count(tests, "row"))"
    }
    return
      "the smallest gain that a test set of \(Improvement.count(tests, "row")) shows in four of five cases is about \(result.unit.points(minimumDetectableGain))"
  }

  private func ideas() -> [Idea] {
    guard let trained = incumbent.trained[0], let run = trained.run else { return [] }
    if linear == nil, options.only?.contains("linear-model") ?? true, !options.except.contains("linear-model") {
      let some = splits.own.withoutTest
      linear =
        some.trainCount > 10_000
        ? .some(nil)
        : .some(Recipe.linear(for: some, loss: first.recipe.loss, threads: options.threads))
    }
    var linear = linear ?? nil
    linear?.seed = seed
    return Idea.all(for: run, seconds: trained.seconds, linear: linear, humanError: options.humanError).filter {
      // What can hardly gain what counts is tried only if it is asked for.
      options.only?.contains($0.name) ?? ($0.gain >= 0.1 * result.worth) && !options.except.contains($0.name)
        && !done.contains($0.key) && !former.contains($0.recipe)
    }
  }

  /// Tries the ideas for the incumbent, until one is accepted.
  ///
  /// - Returns: Whether one was, so that there are new ideas.
  private func tryIdeas(_ round: Int) throws -> Bool {
    if let rounds = options.rounds, round > rounds {
      result.ending = "\(Improvement.count(rounds, "round")) of ideas tried."
      return false
    }
    var lacksTime = false
    for idea in ideas() {
      var trial = IdeaTrial(idea, spelling: options.spelling)
      do {
        let arm = Arm(idea.recipe)
        let isAccepted = try judge(arm, idea.what, expected: idea.seconds, &trial)
        finish(trial)
        done.insert(idea.key)
        guard isAccepted else { continue }
        changes[result.trials.count - 1] = idea.settings
        former.append(incumbent.recipe)
        incumbent = arm
        result.worth = worth(of: incumbent)
        return true
      } catch let end as End {
        trial.reason = end == .time ? "there was no time for it" : "it was interrupted"
        if !trial.pairs.isEmpty { trial.verdict = .undecided }
        finish(trial)
        if end == .stopped { throw end }
        // Another idea may take less.
        lacksTime = true
        if let left, left < (incumbent.trained[0]?.seconds ?? 0) { throw End.time }
      }
    }
    result.ending = lacksTime ? "There was no time for the ideas that are left." : "Nothing is left to try."
    return false
  }

  func finish(_ trial: IdeaTrial) {
    result.trials.append(trial)
    progress(.trial(trial))
  }

  /// Trains an idea and the incumbent in pairs, until it is decided.
  private func judge(_ arm: Arm, _ what: String, expected: Double, _ trial: inout IdeaTrial) throws -> Bool {
    let worth = result.worth
    defer { for trained in arm.trained.values { trial.seconds += trained.seconds } }
    do {
      try addPair(0, of: arm, to: &trial, expected: expected, for: what)
    } catch let error where error is RecipeError || error is NetworkError || error is ShapeError {
      (trial.verdict, trial.reason) = (.refused, "it cannot be trained: \(error)")
      return false
    }
    if let divergence = arm.trained[0]?.divergence {
      (trial.verdict, trial.reason) = (.refused, divergence)
      return false
    }
    let screened = gain(of: arm, over: incumbent, pairs: 0..<1)
    trial.gain = screened.estimate
    guard screened.estimate.value > 0, screened.estimate.value + screened.standardError >= worth else {
      (trial.verdict, trial.reason) = (
        .refused,
        screened.estimate.value > 0
          ? "better by less than what counts, in the first pair" : "not better in the first pair"
      )
      return false
    }
    questions += 1
    let needed = EValue.needed(question: questions, accepted: changes.count)
    trial.needed = needed
    // The pairs share rows, with which the evidence does not reckon: the gain must be above 0 for other rows too, at the same level.
    let point = HypothesisTest.normalPoint(upperTail: 1 / needed)
    for pair in 1...PairSplits.mostPairs {
      try addPair(
        pair, of: arm, to: &trial, expected: arm.trained[0]?.seconds ?? expected, for: what)
      let gain = gain(of: arm, over: incumbent, pairs: 1..<pair + 1)
      let evidence = EValue(gain.differences).value
      (trial.gain, trial.evidence) = (gain.estimate, evidence)
      if pair >= 3, evidence >= needed, gain.estimate.low > 0, gain.estimate.value > point * gain.ofRows,
        gain.estimate.value >= worth
      {
        (trial.verdict, trial.reason) = (.accepted, "significantly better")
        return true
      }
      // More than two rounds of folds only where they can be expected to decide.
      if pair >= 10, evidence < needed / 10 { break }
      if pair >= 2, gain.estimate.value + gain.standardError < worth || gain.estimate.value <= 0 {
        (trial.verdict, trial.reason) = (
          .refused, gain.estimate.value <= 0 ? "not better" : "better by less than what counts, if at all"
        )
        return false
      }
    }
    (trial.verdict, trial.reason) = (.undecided, "\(trial.counted) pairs do not decide it")
    return false
  }

  /// Trains the incumbent and another recipe on a pair's rows.
  func addPair(_ pair: Int, of arm: Arm, to trial: inout IdeaTrial, expected: Double, for what: String) throws {
    try train(incumbent, pair: pair, expected: incumbent.trained[0]?.seconds ?? 0, for: "\(what): pair \(pair)")
    try train(arm, pair: pair, expected: expected, for: "\(what): pair \(pair)")
    guard let own = incumbent.trained[pair], let other = arm.trained[pair] else { return }
    trial.pairs.append(
      IdeaTrial.Pair(
        fold: splits.isFixed ? 0 : pair, seed: seed(ofPair: pair), incumbent: own.score, idea: other.score))
  }

  func gain(of arm: Arm, over other: Arm, pairs: Range<Int>) -> PairedGain {
    let both = pairs.filter { arm.trained[$0] != nil && other.trained[$0] != nil }
    return PairedGain(
      of: both.compactMap { arm.trained[$0] }, over: both.compactMap { other.trained[$0] }, isNumber: isNumber,
      groups: groups, sharesRows: splits.isFixed)
  }
}
