import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// What is wrong with a network, and how sure that is.
///
/// The data are inspected, the recipe is trained, with several seeds where there is time, and beside it a recipe that is known
/// to train on most data. Where that one's dev error is surely lower by more than δ, the recipe has a fault, and it is looked
/// for by putting one setting after the other to what the other recipe has: the setting whose change alone brings most of the
/// error down is the fault. So a setting is a fault by what it does, and not by what it is: the same one in a network that
/// trains well is none.
///
/// What is left are faults of the data: columns that give the target away, copies across the division, parts of different
/// distributions, wrong labels, too few rows, classes too rare.
public struct Examination: Sendable {
  /// The data.
  public let inspection: Inspection
  /// The recipe with each seed; none where it diverged.
  public internal(set) var runs: [Run] = []
  /// Networks that the ladder is of: each seed's, or a finished run alone.
  public internal(set) var ladderSeeds = 1
  /// The first run on the test part, where that was opened before; else empty.
  var test: [Evaluation] = []
  /// The error ladder; nil where the training diverged.
  public internal(set) var diagnosis: Diagnosis?
  /// Everything looked at, in the order of its cost.
  public internal(set) var checks: [Check] = []
  /// What is wrong, likeliest first; empty for a healthy network.
  public internal(set) var faults: [Fault] = []
  /// Whether the recipe was held against one that is known to train, which settings at fault are told by.
  public internal(set) var isCompared = false
  /// What to do, what removes most of the error first; early stopping last.
  public internal(set) var prescriptions: [Remedy] = []
  /// Signals of each layer at the start, and at the end.
  public internal(set) var signals: [LayerReport] = []
  /// Parts of dev on which it errs more.
  public internal(set) var slices: Slices?
  /// Rows that are probably labelled wrongly; nil for numbers, or where there was no time.
  public internal(set) var labels: LabelErrors?
  /// How the error falls with the train rows; nil where there was no time.
  public internal(set) var learningCurve: LearningCurve?
  /// What the network takes from each column; nil for pictures, or where there was no time.
  public internal(set) var importance: Importance?
  /// Between which rates it learns; nil where there was no time.
  public internal(set) var learningRates: LearningRateRange?
  /// What the dev rows say of it, with intervals; nil where the training diverged.
  public internal(set) var metrics: Metrics?
  /// Whether its probabilities are right; nil but for classes.
  public internal(set) var calibration: Calibration?
  /// The dev rows that cost most.
  public internal(set) var worstRows: WorstRows?
  /// What was left out for lack of time, in a few words each.
  public internal(set) var notDone: [String] = []
  /// The seconds that it took.
  public internal(set) var seconds = 0.0

  /// What was examined, with everything filled in.
  public let recipe: Recipe

  /// What is to be said where there are no faults.
  package var nothingFound: String {
    isCompared
      ? "No fault found."
      : "Undecided: nothing is wrong with the data that shows, but there was no other training to hold the recipe against; "
        + "allow more time with --budget."
  }

  /// The same with each prescription's whole command.
  ///
  /// - Parameter command: what trains the recipe of the prescription at a place.
  public func withCommands(_ command: (_ place: Int) -> String) -> Examination {
    var copy = self
    for place in copy.prescriptions.indices where copy.prescriptions[place].recipe != nil {
      copy.prescriptions[place].command = command(place)
    }
    return copy
  }

  init(_ inspection: Inspection, _ recipe: Recipe) {
    self.inspection = inspection
    self.recipe = recipe
  }

  /// Something to do, and what it did where it was tried.
  public struct Remedy: Sendable, Encodable {
    /// What changes.
    public let what: String
    /// Why it should help.
    public let why: String
    /// By how much the dev error fell, or is expected to; nil where that was not tried.
    public let gain: Estimate?
    /// The whole recipe; nil where it is not a setting.
    public let recipe: Recipe?
    /// The whole command, where it is known what was called; nil where it is not a setting.
    public internal(set) var command: String?

    private enum CodingKeys: String, CodingKey { case what, why, gain, command }

    init(_ what: String, why: String, gain: Estimate?, recipe: Recipe?) {
      self.what = what
      self.why = why
      self.gain = gain
      self.recipe = recipe
    }
  }
}

extension Recipe {
  /// Examines the recipe on these data.
  ///
  /// - Parameters:
  ///   - split: test stays locked; its inputs are compared with the others'.
  ///   - humanError: a human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ; by default 10 % of the dev error, and at least half a point for classes.
  ///   - budget: seconds after which nothing new is begun.
  ///   - explains: whether to go on, once the faults are known, with what explains and helps: learning curve, importance of
  ///     columns, learning rates, prescriptions tried.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - progress: is told what is done next.
  /// - Throws: what the recipe's own training throws, but for divergence, which is a finding.
  public func examined(
    on split: Split, humanError: Double? = nil, worth: Double? = nil, budget: Double = 300, explains: Bool = true,
    threads: Int? = nil, progress: @escaping (String) -> Void = { _ in }
  ) throws -> Examination {
    let examiner = try Examiner(
      resolved(trainRows: split.trainCount), split, humanError: humanError, worth: worth, budget: budget,
      threads: threads, progress: progress)
    return try examiner.examine(explains: explains)
  }
}

extension Run {
  /// Examines a finished training: its recipe, on its data, as `Recipe.examined` does, without training it once more.
  ///
  /// - Parameters:
  ///   - test: this run on the test part, where that was opened before; the ladder then ends with it.
  ///   - humanError: a human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ; by default 10 % of the dev error, and at least half a point for classes.
  ///   - budget: seconds after which nothing new is begun.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - progress: is told what is done next.
  /// - Throws: what preparing the data throws.
  public func examined(
    test: Evaluation? = nil, humanError: Double? = nil, worth: Double? = nil, budget: Double = 300,
    threads: Int? = nil, progress: @escaping (String) -> Void = { _ in }
  ) throws -> Examination {
    let examiner = try Examiner(
      recipe, split, humanError: humanError, worth: worth, budget: budget, threads: threads, progress: progress)
    return try examiner.examine(self, test: test)
  }
}
