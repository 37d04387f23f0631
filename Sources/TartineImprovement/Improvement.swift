import TartineData
import TartineDiagnosis
import TartineFiles
import TartineTraining

/// What an improvement did, and what of it is real.
public struct Improvement: Sendable {
  /// A recipe with its errors.
  public struct Figure: Sendable, Encodable {
    /// The recipe.
    public let recipe: Recipe
    /// The error, or RMSE, on dev.
    public let dev: Estimate
    /// The error, or RMSE, on the test set; nil without one.
    public let test: Estimate?
  }

  /// What the last recipe gains over the first.
  public struct Gain: Sendable, Encodable {
    /// The gain on dev, over the pairs of the two recipes.
    public let dev: Estimate
    /// The gain on the test set, over these pairs and the first; nil without a test set.
    public let test: Estimate?
    /// The share of dev's gain that the test set confirms; nil without a test set or a gain.
    public var kept: Double? { test.flatMap { dev.value > 0 ? $0.value / dev.value : nil } }

    private enum Key: String, CodingKey { case dev, test, kept }

    /// Encodes the gains and the share.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(dev, forKey: .dev)
      try values.encode(test, forKey: .test)
      try values.encode(kept, forKey: .kept)
    }
  }

  /// Something for the person to do, which no program should do alone.
  public struct Advice: Sendable, Encodable {
    /// The kind of warning, as `inspect` names it, or `more-data`.
    public let name: String
    /// What was found.
    public let evidence: String
    /// What to do.
    public let action: String
  }

  /// The recipe that it began with.
  public internal(set) var first: Figure
  /// The recipe that it ended with.
  public internal(set) var last: Figure
  /// What the last gains over the first; nil if nothing was accepted.
  public internal(set) var gain: Gain?
  /// All that was tried, in order.
  public internal(set) var trials: [IdeaTrial] = []
  /// What is for the person to do.
  public internal(set) var advice: [Advice] = []
  /// The standard deviation of the first recipe's dev error over seeds; nil if it was not measured.
  public internal(set) var seedStandardDeviation: Double?
  /// The smallest gain that this test set shows with a probability of four in five; nil if unknown.
  public internal(set) var minimumDetectableGain: Double?
  /// The smallest gain over the last recipe that counts.
  public internal(set) var worth: Double
  /// Why it ended, as a sentence.
  public internal(set) var ending = ""
  /// The seconds, with those before a resumption.
  public internal(set) var seconds = 0.0
  /// The number of trainings.
  public internal(set) var trainings = 0
  /// The run of the last recipe on the split's own train and dev rows; its model is the one to use.
  public internal(set) var run: Run

  let unit: Unit

  /// The accepted changes that are part of the last recipe.
  public var accepted: [IdeaTrial] {
    trials.filter { $0.subject == .idea && $0.verdict == .accepted && !$0.isTakenOut }
  }
  /// The ideas that were not accepted, or were taken out again.
  public var refused: [IdeaTrial] {
    trials.filter { $0.subject == .idea && ($0.verdict != .accepted || $0.isTakenOut) }
  }

  /// The changes from the first recipe to the last.
  public var settings: RecipeSettings? { try? RecipeSettings(from: first.recipe, to: last.recipe) }

  /// What was gained, and what of it is real.
  public var sentence: String {
    guard let gain else {
      let ideas = trials.count { $0.subject == .idea && !$0.pairs.isEmpty }
      let test =
        first.test.map { ", and \(unit.text($0.value)) (\(unit.range($0))) on test" } ?? "; there is no test set"
      let tried =
        ideas == 0
        ? "No idea could be tried in the time: that takes some ten trainings of the recipe. It stays."
        : "Nothing is proven to be better by \(unit.points(worth)) or more, of \(Self.count(ideas, "idea")) in "
          + "\(Self.count(trainings, "training")). The recipe stays."
      return tried + promise
        + " Its \(unit.figure) is \(unit.text(first.dev.value)) (\(unit.range(first.dev))) on dev\(test)."
    }
    let dev =
      "On dev the \(unit.figure) fell from \(unit.text(first.dev.value)) to \(unit.text(last.dev.value)), by \(unit.difference(gain.dev))."
    guard let test = gain.test else {
      return dev + " There is no test set, so nothing proves that it holds on new data."
    }
    let share =
      gain.kept.map { "\(Text.fixed(100 * $0, decimals: 0)) % of the gain on dev" } ?? "no gain on dev to compare with"
    if test.low > 0 {
      return dev
        + " On test, which was evaluated once, it fell by \(unit.difference(test)): \(share), and significantly more than nothing."
    }
    return dev
      + (test.high < 0
        ? " On test, which was evaluated once, it is significantly higher, by \(unit.difference(Estimate(-test.value, low: -test.high, high: -test.low))): the gain on dev was luck."
        : " On test, which was evaluated once, it changed by \(unit.difference(test)): \(share), too little or on too few rows to be sure of it.")
  }

  /// What looks better but could not be proven, as a sentence.
  private var promise: String {
    let likely = refused.filter {
      ($0.gain?.low ?? 0) > 0 && ($0.gain?.value ?? 0) >= worth && $0.verdict == .undecided
    }
    guard let best = likely.max(by: { ($0.gain?.value ?? 0) < ($1.gain?.value ?? 0) }), let gain = best.gain else {
      return ""
    }
    return
      " But \(best.what) looks better, by \(unit.difference(gain)) over \(Self.count(best.counted, "pair")), for which the evidence does not "
      + "suffice yet: give more time, or train it (\(best.change))."
  }

  /// `1 pair`, `2 pairs`.
  package static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// A difference of two errors as text.
  public func text(ofGain gain: Estimate) -> String { unit.difference(gain) }
  /// An error as text.
  public func text(_ error: Double) -> String { unit.text(error) }
  /// A difference without an interval as text.
  public func points(_ gain: Double) -> String { unit.points(gain) }
  /// What the errors are: `error`, or `RMSE of price`.
  public var figureName: String { unit.figure }
  /// Whether the error is a fraction.
  public var isFraction: Bool { unit.isFraction }
}

/// An idea that was tried, or a change that was taken out again.
public struct IdeaTrial: Sendable, Encodable {
  /// What was tried.
  public enum Subject: String, Sendable, Encodable {
    /// A change of the incumbent.
    case idea
    /// The last recipe without an accepted change.
    case ablation
  }

  /// What became of it.
  public enum Verdict: String, Sendable, Encodable {
    /// It became the incumbent; of an ablation: the change was not missed.
    case accepted
    /// It is not better, or not by enough; of an ablation: the change is needed.
    case refused
    /// The pairs do not decide.
    case undecided
    /// There was no time.
    case notTried = "not-tried"
  }

  /// The errors of a pair.
  public struct Pair: Hashable, Sendable, Encodable {
    /// The number of the fold whose rows judge, from 1; 0 is the split's own dev set, which only screens, or is the only one.
    public let fold: Int
    /// The seed of both trainings.
    public let seed: UInt64
    /// The dev error of the incumbent, and of the idea.
    public let incumbent, idea: Double
  }

  /// The number of pairs that its gain is the mean of: all but the first, which only screens, or that alone.
  public var counted: Int { pairs.count > 1 ? pairs.count - 1 : pairs.count }

  /// What was tried.
  public let subject: Subject
  /// The name of the idea.
  public let name: String
  /// What it works against.
  public let aim: Idea.Aim
  /// The change, in a few words.
  public let what: String
  /// Why it was tried.
  public let why: String
  /// The change as settings, in the spelling of whoever asked.
  public let change: String
  /// The gain that was expected.
  public let expected: Double
  /// The pairs, in order.
  public internal(set) var pairs: [Pair] = []
  /// The gain over the pairs after the first, or of the first alone.
  public internal(set) var gain: Estimate?
  /// The evidence for a gain, and what is needed (see <doc:Improving>).
  public internal(set) var evidence, needed: Double?
  /// What became of it.
  public internal(set) var verdict = Verdict.notTried
  /// Why.
  public internal(set) var reason = ""
  /// The seconds of its trainings.
  public internal(set) var seconds = 0.0
  /// Whether a later ablation took it out again.
  public internal(set) var isTakenOut = false

  init(_ idea: Idea, _ subject: Subject = .idea, spelling: (RecipeSettings) -> String) {
    self.subject = subject
    (name, aim, what, why) = (idea.name, idea.aim, idea.what, idea.why)
    change = spelling(idea.settings)
    expected = idea.gain
  }
}
