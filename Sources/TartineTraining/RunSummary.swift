import TartineData

/// The figures of a run: printed by `train --json`, and stored in run.json.
public struct RunSummary: Codable, Hashable, Sendable {
  /// The numbers of rows of each set.
  public struct Samples: Codable, Hashable, Sendable {
    /// The numbers of train, dev and test rows.
    public var train, dev, test: Int
  }

  /// The figures of one set; those that do not apply to the task are omitted.
  public struct Part: Codable, Hashable, Sendable {
    /// The mean loss.
    public var loss: Double
    /// The fraction misclassified.
    public var error: Double?
    /// The errors in the target's unit.
    public var rmse, mae: Double?
    /// The fraction of the variance explained.
    public var r2: Double?

    /// Creates figures from an evaluation.
    public init(_ evaluation: Evaluation) {
      loss = evaluation.loss
      error = evaluation.error
      rmse = evaluation.rmse
      mae = evaluation.mae
      r2 = evaluation.r2
    }
  }

  /// The figures of cross-validation.
  public struct Folds: Codable, Hashable, Sendable {
    /// The figures of all held-out rows together.
    public var pooled: Part
    /// The figures of each fold.
    public var each: [Part]

    /// Creates figures from a cross-validation.
    public init(_ validation: CrossValidation) {
      pooled = Part(validation.pooled)
      each = validation.folds.map(Part.init)
    }
  }

  /// The task.
  public var task: LearningTask
  /// The numbers of rows of each set.
  public var samples: Samples
  /// The number of epochs.
  public var epochs: Int
  /// The epoch with the lowest dev loss; the model has its weights unless the recipe keeps the last.
  public var bestEpoch: Int
  /// The figures of the train sample and the dev set.
  public var train, dev: Part
  /// The figures of the test set; null without one.
  public var test: Part?
  /// The figures of cross-validation, if requested.
  public var folds: Folds?
  /// The temperature and the decision threshold, if chosen on the dev set.
  public var temperature, threshold: Double?
  /// The wall-clock time of the process.
  public var seconds: Double
  /// The number of train rows processed per second, over the training.
  public var samplesPerSecond: Double
  /// The number of threads.
  public var threads: Int
  /// The recipe's seed.
  public var seed: UInt64
  /// The dev error, or RMSE, of each network, if there are several.
  public var devOfEach: [Double]?
  /// The run's folder.
  public var run: String
  /// The model file.
  public var model: String

  private enum CodingKeys: String, CodingKey {
    case task, samples, epochs, bestEpoch, train, dev, test, folds, temperature, threshold, seconds, samplesPerSecond,
      threads, seed, devOfEach, run, model
  }

  /// Creates the summary of a run.
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
    devOfEach = run.devOfEach.isEmpty ? nil : run.devOfEach
    self.run = folder.path
    model = folder.model
  }

  /// Encodes `test` even if it is null, so that its key is always present.
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
    try values.encodeIfPresent(devOfEach, forKey: .devOfEach)
    try values.encode(run, forKey: .run)
    try values.encode(model, forKey: .model)
  }
}
