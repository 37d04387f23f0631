/// Something that keeps a network from what it could reach, as it was seen to behave.
public struct Fault: Hashable, Sendable, Encodable {
  /// What is wrong.
  public enum Name: String, Hashable, Sendable, Encodable, CaseIterable {
    /// A column gives the target away.
    case leakingColumn = "leaking-column"
    /// Rows of dev or test are in train as well.
    case duplicatesAcrossSplit = "duplicates-across-split"
    /// Dev and test, or train and both, are of different distributions.
    case differentDistribution = "different-distribution"
    /// Steps are too long: losses jump or blow up.
    case learningRateTooHigh = "learning-rate-too-high"
    /// Steps are too short to get anywhere.
    case learningRateTooLow = "learning-rate-too-low"
    /// The rate falls before anything is learned, or not when it should.
    case badSchedule = "bad-schedule"
    /// Gradients are cut, averaged or followed so that little comes of them.
    case badOptimizer = "bad-optimizer"
    /// Batches so large that there are too few steps.
    case largeBatches = "large-batches"
    /// Weights start where nothing can be learned from.
    case badInitialization = "bad-initialization"
    /// Inputs of very different scales.
    case unscaledInputs = "unscaled-inputs"
    /// Gradients fade on their way to the first layers.
    case vanishingGradients = "vanishing-gradients"
    /// Gradients grow on their way to the first layers.
    case explodingGradients = "exploding-gradients"
    /// Units that give 0 for every row.
    case deadUnits = "dead-units"
    /// Rows come in an order that has to do with their targets.
    case unshuffledRows = "unshuffled-rows"
    /// Batch norm's statistics are of too few rows.
    case smallBatches = "small-batches"
    /// The network cannot express what there is to learn.
    case tooSmallNetwork = "too-small-network"
    /// Training ends before it has learned what it can.
    case trainedTooShort = "trained-too-short"
    /// Dropout, penalties or noise keep it from learning what it could.
    case tooMuchRegularization = "too-much-regularization"
    /// It learns the train rows by heart.
    case tooLittleRegularization = "too-little-regularization"
    /// Pictures are changed so that they mean something else.
    case harmfulAugmentation = "harmful-augmentation"
    /// What is minimized is far from what counts.
    case badLoss = "bad-loss"
    /// Rows or classes weigh so much more than others that these are not learned.
    case badWeights = "bad-weights"
    /// Targets far from all others take all of a squared error.
    case outlyingTargets = "outlying-targets"
    /// A test file that cannot be measured on.
    case unfitTest = "unfit-test"
    /// Labels are wrong in many rows.
    case labelNoise = "label-noise"
    /// A class so rare that it is not learned.
    case classImbalance = "class-imbalance"
    /// There are too few rows for what is to be learned.
    case tooLittleData = "too-little-data"
    /// The inputs do not tell the target.
    case noSignal = "no-signal"
    /// A column that names rows.
    case identifierColumn = "identifier-column"
    /// Columns that never change.
    case constantColumn = "constant-column"
  }

  /// What is wrong.
  public let name: Name
  /// What was seen, in a sentence.
  public let evidence: String
  /// What to do.
  public let action: String
  /// By how much the dev error fell where it was mended; nil where that was not tried.
  public let gain: Estimate?
  /// How much of the error it makes, where that is known.
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

/// One thing looked at.
public struct Check: Hashable, Sendable, Encodable {
  /// What came of it.
  public enum Verdict: String, Hashable, Sendable, Encodable {
    /// As it should be.
    case fine
    /// Not as it should be.
    case fault
    /// Not to be told from what there is.
    case undecided
  }

  /// Its name.
  public let name: String
  /// What was measured.
  public let statistic: Double?
  /// Its 95 % interval, where it has one.
  public let interval: Estimate?
  /// What came of it.
  public let verdict: Verdict
  /// What was seen, in a sentence.
  public let evidence: String
  /// What to do, where anything is to be done.
  public let action: String?

  private enum Key: String, CodingKey { case name, statistic, interval, verdict, evidence, action }

  /// With the interval as an array of its ends.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(name, forKey: .name)
    try values.encode(statistic.flatMap { $0.isFinite ? $0 : nil }, forKey: .statistic)
    try values.encode(interval.map(Interval.init), forKey: .interval)
    try values.encode(verdict, forKey: .verdict)
    try values.encode(evidence, forKey: .evidence)
    try values.encode(action, forKey: .action)
  }

  /// The same with another verdict.
  func with(_ verdict: Verdict) -> Check {
    Check(name, verdict, statistic: statistic, interval: interval, evidence, action: action)
  }

  init(
    _ name: String, _ verdict: Verdict, statistic: Double? = nil, interval: Estimate? = nil, _ evidence: String,
    action: String? = nil
  ) {
    self.name = name
    self.statistic = statistic ?? interval?.value
    self.interval = interval
    self.verdict = verdict
    self.evidence = evidence
    self.action = action
  }
}
