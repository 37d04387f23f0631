/// A fault that keeps a network from reaching a lower error, found by its effect.
public struct Fault: Hashable, Sendable, Encodable {
  /// The kind of fault.
  public enum Name: String, Hashable, Sendable, Encodable, CaseIterable {
    /// A column reveals the target.
    case leakingColumn = "leaking-column"
    /// Rows of dev or test are also in train.
    case duplicatesAcrossSplit = "duplicates-across-split"
    /// Dev and test, or train and the others, come from different distributions.
    case differentDistribution = "different-distribution"
    /// The learning rate is too high: losses jump or diverge.
    case learningRateTooHigh = "learning-rate-too-high"
    /// The learning rate is too low to make progress.
    case learningRateTooLow = "learning-rate-too-low"
    /// The learning rate decays before anything is learned, or does not decay when it should.
    case badSchedule = "bad-schedule"
    /// Gradient clipping, weight averaging or the update rule prevents progress.
    case badOptimizer = "bad-optimizer"
    /// Batches so large that there are too few steps.
    case largeBatches = "large-batches"
    /// Initial weights that prevent learning.
    case badInitialization = "bad-initialization"
    /// Inputs of very different scales.
    case unscaledInputs = "unscaled-inputs"
    /// Gradients vanish on their way to the first layers.
    case vanishingGradients = "vanishing-gradients"
    /// Gradients explode on their way to the first layers.
    case explodingGradients = "exploding-gradients"
    /// ReLU units that output 0 for every row.
    case deadUnits = "dead-units"
    /// Rows are not shuffled, and their order is related to the targets.
    case unshuffledRows = "unshuffled-rows"
    /// Batches too small for batch norm's statistics.
    case smallBatches = "small-batches"
    /// The network is too small for the function to learn.
    case tooSmallNetwork = "too-small-network"
    /// Training ends before it has converged.
    case trainedTooShort = "trained-too-short"
    /// Dropout, penalties or noise keep the network from fitting the data.
    case tooMuchRegularization = "too-much-regularization"
    /// The network memorizes the training set.
    case tooLittleRegularization = "too-little-regularization"
    /// Augmentation changes the meaning of images.
    case harmfulAugmentation = "harmful-augmentation"
    /// The loss function does not fit the target.
    case badLoss = "bad-loss"
    /// Sample or class weights are so uneven that some rows or classes are not learned.
    case badWeights = "bad-weights"
    /// Outlying targets dominate the squared error.
    case outlyingTargets = "outlying-targets"
    /// A test file that cannot be evaluated.
    case unfitTest = "unfit-test"
    /// Many labels are wrong.
    case labelNoise = "label-noise"
    /// A class so rare that it is not learned.
    case classImbalance = "class-imbalance"
    /// There are too few rows for what is to be learned.
    case tooLittleData = "too-little-data"
    /// The inputs do not predict the target.
    case noSignal = "no-signal"
    /// A column that identifies rows.
    case identifierColumn = "identifier-column"
    /// Columns with a single value.
    case constantColumn = "constant-column"
  }

  /// The kind of fault.
  public let name: Name
  /// The evidence, as a sentence.
  public let evidence: String
  /// The suggested action.
  public let action: String
  /// The decrease of the dev error when it was fixed; nil if that was not tried.
  public let gain: Estimate?
  /// The share of the error that it causes, if known.
  private(set) var size = 0.0

  init(name: Name, evidence: String, action: String, gain: Estimate? = nil, size: Double? = nil) {
    self.name = name
    self.evidence = evidence
    self.action = action
    self.gain = gain
    self.size = size ?? gain?.value ?? 0
  }

  private enum CodingKeys: String, CodingKey { case name, evidence, action, gain }
}

/// One check.
public struct Check: Hashable, Sendable, Encodable {
  /// The result of a check.
  public enum Verdict: String, Hashable, Sendable, Encodable {
    /// As it should be.
    case fine
    /// Not as it should be.
    case fault
    /// Not decided by the data at hand.
    case undecided
  }

  /// The name.
  public let name: String
  /// The measured value.
  public let statistic: Double?
  /// The 95 % interval of the measured value, if it has one.
  public let interval: Estimate?
  /// The result.
  public let verdict: Verdict
  /// The evidence, as a sentence.
  public let evidence: String
  /// The suggested action, if any.
  public let action: String?
  /// The faults that it points at where it is not fine.
  let suspects: Set<Fault.Name>

  private enum Key: String, CodingKey { case name, statistic, interval, verdict, evidence, action }

  /// Encodes the check, with the interval as an array of its ends.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(name, forKey: .name)
    try values.encode(statistic.flatMap { $0.isFinite ? $0 : nil }, forKey: .statistic)
    try values.encode(interval.map(Interval.init), forKey: .interval)
    try values.encode(verdict, forKey: .verdict)
    try values.encode(evidence, forKey: .evidence)
    try values.encode(action, forKey: .action)
  }

  /// The check with another verdict.
  func with(_ verdict: Verdict) -> Check {
    Check(name, verdict, statistic: statistic, interval: interval, evidence, action: action, suspects: suspects)
  }

  init(
    _ name: String, _ verdict: Verdict, statistic: Double? = nil, interval: Estimate? = nil, _ evidence: String,
    action: String? = nil, suspects: Set<Fault.Name> = []
  ) {
    self.suspects = suspects
    self.name = name
    self.statistic = statistic ?? interval?.value
    self.interval = interval
    self.verdict = verdict
    self.evidence = evidence
    self.action = action
  }
}
