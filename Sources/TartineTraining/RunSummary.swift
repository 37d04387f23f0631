import TartineData

/// A run in figures: what `train --json` prints, and run.json keeps.
public struct RunSummary: Codable, Hashable, Sendable {
  /// Rows of each part.
  public struct Samples: Codable, Hashable, Sendable {
    /// Rows to train on, to choose by, under lock.
    public var train, dev, test: Int
  }

  /// One part's figures; those that the task does not have are left out.
  public struct Part: Codable, Hashable, Sendable {
    /// Mean loss.
    public var loss: Double
    /// Fraction misclassified.
    public var error: Double?
    /// In the target's own unit.
    public var rmse, mae: Double?
    /// Share of the variance explained.
    public var r2: Double?

    /// A part's figures.
    public init(_ evaluation: Evaluation) {
      loss = evaluation.loss
      error = evaluation.error
      rmse = evaluation.rmse
      mae = evaluation.mae
      r2 = evaluation.r2
    }
  }

  /// The recipe measured on rows that each of its models did not see.
  public struct Folds: Codable, Hashable, Sendable {
    /// All rows together.
    public var pooled: Part
    /// One fold after the other.
    public var each: [Part]

    /// The folds' figures.
    public init(_ validation: CrossValidation) {
      pooled = Part(validation.pooled)
      each = validation.folds.map(Part.init)
    }
  }

  /// What was predicted.
  public var task: LearningTask
  /// Rows of each part.
  public var samples: Samples
  /// Epochs run.
  public var epochs: Int
  /// The epoch with the lowest dev loss, whose weights the model has unless the recipe keeps the last.
  public var bestEpoch: Int
  /// Each part's figures; `test` is null where there is no test part.
  public var train, dev: Part
  /// The test part's.
  public var test: Part?
  /// The recipe over folds of train and dev, where it was asked for.
  public var folds: Folds?
  /// What logits are divided by, and where yes begins, where dev chose them.
  public var temperature, threshold: Double?
  /// Wall time of the process.
  public var seconds: Double
  /// Train rows a second, over the training.
  public var samplesPerSecond: Double
  /// Threads at work.
  public var threads: Int
  /// The recipe's seed.
  public var seed: UInt64
  /// The run's folder.
  public var run: String
  /// The model file.
  public var model: String

  private enum CodingKeys: String, CodingKey {
    case task, samples, epochs, bestEpoch, train, dev, test, folds, temperature, threshold, seconds, samplesPerSecond,
      threads, seed, run, model
  }

  /// Sums up a run.
  public init(
    _ run: Run, test: Evaluation?, folds: CrossValidation? = nil, folder: RunFolder, seconds: Double
  ) {
    self.folds = folds.map(Folds.init)
    temperature = run.recipe.decision.calibrates ? run.model.decision.temperature : nil
    threshold = run.recipe.decision.threshold == nil ? nil : run.model.decision.threshold
    task = run.model.task
    samples = Samples(
      train: run.split.trainCount, dev: run.split.devCount, test: run.split.testCount)
    epochs = run.history.count
    bestEpoch = run.bestEpoch
    train = Part(run.train)
    dev = Part(run.dev)
    self.test = test.map(Part.init)
    self.seconds = seconds
    samplesPerSecond = Double(run.split.trainCount * run.epochsTrained) / max(run.seconds, 1e-9)
    threads = run.threads
    seed = run.recipe.seed
    self.run = folder.path
    model = folder.model
  }

  /// Encodes `test` even where it is null, so that its key is always there.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(task, forKey: .task)
    try values.encode(samples, forKey: .samples)
    try values.encode(epochs, forKey: .epochs)
    try values.encode(bestEpoch, forKey: .bestEpoch)
    try values.encode(train, forKey: .train)
    try values.encode(dev, forKey: .dev)
    try values.encode(test, forKey: .test)
    try values.encodeIfPresent(folds, forKey: .folds)
    try values.encodeIfPresent(temperature, forKey: .temperature)
    try values.encodeIfPresent(threshold, forKey: .threshold)
    try values.encode(seconds, forKey: .seconds)
    try values.encode(samplesPerSecond, forKey: .samplesPerSecond)
    try values.encode(threads, forKey: .threads)
    try values.encode(seed, forKey: .seed)
    try values.encode(run, forKey: .run)
    try values.encode(model, forKey: .model)
  }
}
