import TartineData
import TartineFiles
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// An examination of a recipe and its data: what is wrong, and how certain that is.
///
/// The data are inspected, and the recipe is trained, with several seeds if time allows. A reference recipe
/// that trains on most data is trained as well. If its dev error is significantly lower by more than δ, the
/// recipe has a fault. To find it, one setting after the other is changed to that of the reference; the
/// setting whose change alone reduces most of the error is the fault. So a setting is judged by its effect,
/// not by its value: in a network that trains well, the same setting is not a fault.
///
/// The remaining faults are those of the data: leaking columns, duplicates across splits, sets from different
/// distributions, wrong labels, too few rows, rare classes.
public struct Examination: Sendable {
  /// The inspection of the data.
  public let inspection: Inspection
  /// The runs of the recipe, one for each seed; empty if it diverged.
  public internal(set) var runs: [Run] = []
  /// The number of runs in the ladder: one for each seed, or one if a finished run is examined.
  public internal(set) var ladderSeeds = 1
  /// The evaluation of the first run on the test set, if the test set was used before; else empty.
  var test: [Evaluation] = []
  /// The error ladder; nil if the training diverged.
  public internal(set) var diagnosis: Diagnosis?
  /// All checks, cheapest first.
  public internal(set) var checks: [Check] = []
  /// The faults, likeliest first; empty for a healthy network.
  public internal(set) var faults: [Fault] = []
  /// Whether the recipe was compared with the reference recipe, which is needed to find faulty settings.
  public internal(set) var isCompared = false
  /// What to try: the change that removes most of the error first, early stopping last.
  public internal(set) var prescriptions: [Remedy] = []
  /// The signals of each layer at initialization and at the end.
  public internal(set) var signals: [LayerReport] = []
  /// The slices of dev with a higher error.
  public internal(set) var slices: Slices?
  /// The rows that are probably mislabeled; nil for regression, or if there was no time.
  public internal(set) var labels: LabelErrors?
  /// The learning curve over the number of train rows; nil if there was no time.
  public internal(set) var learningCurve: LearningCurve?
  /// The permutation importance of columns; nil for images, or if there was no time.
  public internal(set) var importance: Importance?
  /// The range of learning rates at which the network learns; nil if there was no time.
  public internal(set) var learningRates: LearningRateRange?
  /// The metrics on dev, with intervals; nil if the training diverged.
  public internal(set) var metrics: Metrics?
  /// The calibration of the probabilities; nil unless the task is classification.
  public internal(set) var calibration: Calibration?
  /// The dev rows with the highest loss.
  public internal(set) var worstRows: WorstRows?
  /// The comparison with the constant baseline, if it does not show that the network learns.
  package internal(set) var baselineDoubt: Check?
  /// The steps that were left out, for lack of time or because the examination was stopped, in a few words each.
  public internal(set) var notDone: [String] = []
  /// Whether it was stopped before the end of its budget.
  public internal(set) var isStopped = false
  /// The duration in seconds.
  public internal(set) var seconds = 0.0

  /// The examined recipe, with all settings resolved.
  public let recipe: Recipe

  /// The message if there are no faults.
  package var nothingFound: String {
    isCompared
      ? "No fault found."
      : "Undecided: no fault of the data was found, but the recipe was not compared with a reference recipe; "
        + "allow more time with \(OptionName.budget)."
  }

  /// The examination with the complete command of each prescription.
  ///
  /// - Parameter command: Returns the command that trains the recipe of the prescription at an index.
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

  /// Something to try, and its effect if it was tried.
  public struct Remedy: Sendable, Encodable {
    /// The change.
    public let what: String
    /// Why it should help.
    public let why: String
    /// The decrease of the dev error, measured or expected; nil if it was not tried.
    public let gain: Estimate?
    /// The complete recipe; nil if it is not a setting.
    public let recipe: Recipe?
    /// The complete command, if the original command is known; nil if it is not a setting.
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
  ///   - split: The data. Test stays locked; its inputs are compared with those of train and dev.
  ///   - humanError: A human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ, the smallest difference that matters. The default is 10 % of the dev error, and at least half a
  ///     point for classes, or a tenth of the constant baseline's error if that is less.
  ///   - budget: The number of seconds after which no new step is begun.
  ///   - isStopped: Returns whether to stop; called before each step. By default never.
  ///   - explains: Whether to add explanations once the faults are known: learning curve, importance of
  ///     columns, learning rates, and trained prescriptions.
  ///   - threads: The default is the number of processors; the result does not depend on it.
  ///   - progress: Called with the description of each step.
  /// - Throws: The errors of the recipe's own training, except divergence, which is a finding.
  public func diagnoseByTraining(
    on split: Split, humanError: Double? = nil, worth: Double? = nil, budget: Double = 300,
    isStopped: @escaping () -> Bool = { false }, explains: Bool = true, threads: Int? = nil,
    progress: @escaping (String) -> Void = { _ in }
  ) throws -> Examination {
    let examiner = try Examiner(
      resolved(trainRows: split.trainCount).refitting(false).seeds(1).minutes(nil), split, humanError: humanError,
      worth: worth,
      budget: budget, isStopped: isStopped, threads: threads, progress: progress)
    return try examiner.examine(explains: explains)
  }
}

extension Run {
  /// Examines a finished run: its recipe on its data, as in `Recipe.examined`, without training it again.
  ///
  /// - Parameters:
  ///   - test: The evaluation of this run on the test set, if the test set was used before; it becomes the
  ///     last rung of the ladder.
  ///   - humanError: A human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ, the smallest difference that matters. The default is 10 % of the dev error, and at least half a
  ///     point for classes, or a tenth of the constant baseline's error if that is less.
  ///   - budget: The number of seconds after which no new step is begun.
  ///   - isStopped: Returns whether to stop; called before each step. By default never.
  ///   - threads: The default is the number of processors; the result does not depend on it.
  ///   - progress: Called with the description of each step.
  /// - Throws: The errors of preparing the data.
  public func diagnoseByTraining(
    test: Evaluation? = nil, humanError: Double? = nil, worth: Double? = nil, budget: Double = 300,
    isStopped: @escaping () -> Bool = { false }, threads: Int? = nil, progress: @escaping (String) -> Void = { _ in }
  ) throws -> Examination {
    // The model of a refit has seen dev; that of several seeds is not one network.
    let plain = recipe.refitting(false).seeds(1).minutes(nil)
    let run = recipe.refit || recipe.seeds > 1 ? try plain.train(on: split, threads: threads) : self
    let examiner = try Examiner(
      plain, split, humanError: humanError, worth: worth, budget: budget, isStopped: isStopped, threads: threads,
      progress: progress)
    return try examiner.examine(run, test: test)
  }
}
