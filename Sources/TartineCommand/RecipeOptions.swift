import ArgumentParser
import Tartine

/// The flags that change the recipe. Each flag has a key, which `--set` and recipe files use.
struct RecipeOptions: ParsableArguments {
  /// The number of epochs, if it is larger than a run's; nil otherwise.
  func asksFor(moreEpochsThan recipe: Recipe) -> Int? { epochs.flatMap { $0 > recipe.epochs ?? 0 ? $0 : nil } }

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A recipe file to start from, for example a run's recipe.json.", valueName: "file"))
  var recipe: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A recipe to start from: \(Self.names(Preset.self)).", valueName: "name"))
  var preset: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of bins of the piecewise-linear encoding of numbers; by default only for columns far "
        + "from normal, 0 for none.",
      valueName: "n"))
  var bins: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Augmentation of the training images, as in rotation=10,shift=0.1: horizontalFlip, verticalFlip, "
        + "crop, shift, rotation, zoom, shear, elastic, brightness, contrast, noise, erasing.",
      valueName: "key=number,…"))
  var augment: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The embedding dimension of categorical columns with more than nine levels; 0: none.", valueName: "n"))
  var embedCategories: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The dimension of the periodic embeddings appended to the numbers; 0: none.", valueName: "n"))
  var embedNumbers: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The members of an ensemble that share the weights of one network; 1: a plain network. By default 4 on a table, without --hidden.",
      valueName: "n"))
  var members: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The units of each hidden layer of a plain network, as in 512,256; 0 for a linear model.", valueName: "units"))
  var hidden: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The activation of the hidden layers: \(Activation.allCases.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var activation: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The initialization of the weights: \(InitializerRule.named.map(\.name).joined(separator: ", ")), or "
        + "a standard deviation.",
      valueName: "name"))
  var initializer: String?

  @Flag(inversion: .prefixedNo, help: "Batch normalization in each hidden layer.")
  var batchNorm: Bool?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Dropout: the probability of keeping a unit, for each hidden layer; the last value repeats.",
      valueName: "p,…"))
  var keepProb: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Dropout: the probability of dropping a unit, for each hidden layer: 1 minus --keep-prob.", valueName: "p,…"))
  var dropout: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Dropout: the probability of keeping an input.", valueName: "p"))
  var keepInput: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The standard deviation of normal noise on the inputs in each step.", valueName: "std"))
  var inputNoise: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The dropout schedule over the run: \(Self.names(DropoutSchedule.self)).", valueName: "name"))
  var dropoutSchedule: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Mixup: mix pairs of train rows with shares drawn from Beta(α, α), as in 0.2.", valueName: "α"))
  var mixup: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The initial bias of the output: \(Self.names(OutputBias.self)).", valueName: "name"))
  var outputBias: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The loss function: \(Loss.names.joined(separator: ", ")).", valueName: "name"))
  var loss: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Class weights: balanced, or numbers as in yes=3,no=1.", valueName: "weights"))
  var classWeights: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Label smoothing: the share spread evenly over all classes.", valueName: "share"))
  var labelSmoothing: Double?

  @Flag(help: "Calibrate by temperature scaling: the temperature with the lowest log-loss on dev.")
  var calibrate = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Choose the decision threshold of a binary task by this metric on dev: "
        + "\(Self.names(ThresholdMetric.self)).",
      valueName: "metric"))
  var thresholdFor: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("L1 penalty: c in c · Σ|w|.", valueName: "c"))
  var l1: Double?

  @Option(parsing: .unconditional, help: ArgumentHelp("L2 penalty: c in c/2 · Σw².", valueName: "c"))
  var l2: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Max-norm constraint: the largest norm of a unit's incoming weights.", valueName: "norm"))
  var maxNorm: Double?

  @Option(parsing: .unconditional, help: ArgumentHelp("Decoupled weight decay, as in AdamW.", valueName: "d"))
  var decay: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The optimizer: \(Self.names(Optimizer.Algorithm.self)).", valueName: "name"))
  var optimizer: String?

  @Option(
    name: [.customLong("learning-rate"), .customLong("lr")], parsing: .unconditional,
    help: ArgumentHelp("The peak learning rate.", valueName: "rate"))
  var learningRate: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The learning rate schedule: \(LearningRate.scheduleNames.joined(separator: ", ")).", valueName: "name"))
  var schedule: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The warm-up fraction of all steps.", valueName: "share"))
  var warmup: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Gradient clipping: the largest global norm.", valueName: "norm"))
  var clip: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Gradient clipping: the largest norm of each tensor's gradient.", valueName: "norm"))
  var clipNorm: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Gradient clipping: the largest absolute value of an element.", valueName: "value"))
  var clipValue: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Predict with averaged weights: ema, swa or none.", valueName: "name"))
  var average: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("The batch size: the number of rows per step.", valueName: "rows"))
  var batchSize: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Gradient accumulation: the number of micro-batches per batch, to save memory.", valueName: "n"))
  var accumulation: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of passes over the training set.", valueName: "n"))
  var epochs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Early stopping: stop after n epochs without a lower dev loss.", valueName: "n"))
  var earlyStopping: Int?

  @Flag(help: "Keep the weights of the last epoch, not of the best epoch by dev loss.")
  var keepLast = false

  @Flag(
    inversion: .prefixedNo,
    help: "Train the final model on train and dev, for as many epochs as were best on dev; the default on few rows.")
  var refit: Bool?

  @Option(parsing: .unconditional, help: ArgumentHelp("The seed of all random numbers.", valueName: "n"))
  var seed: UInt64?

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Set any key of the recipe, as in optimizer.beta1=0.95; may be repeated.", valueName: "key=value"))
  var settings: [String] = []

  /// Returns the recipe that the flags change: a file's, a preset's, or the automatic one.
  ///
  /// - Parameter data: The data; nil before they are read.
  func base(for data: Dataset?) throws -> Recipe {
    var base = try namedBase(for: data?.task.task)
    if let data, base.network == Recipe.automatic.network { base.network = Recipe.automatic(for: data).network }
    return base
  }

  private func namedBase(for task: LearningTask?) throws -> Recipe {
    if let preset {
      guard recipe == nil else {
        throw UsageError("--preset and --recipe exclude each other; name one of them.")
      }
      guard let found = Preset(rawValue: preset) else {
        throw UsageError("there is no preset '\(preset)'; there are \(Self.names(Preset.self)).")
      }
      return found.recipe(for: task ?? .regression)
    }
    if let recipe { return try Recipe(file: recipe) }
    // Naming the hidden layers makes a plain network.
    return try changes().keys.contains("network.hidden") ? .automatic(members: 1) : .automatic
  }

  /// Returns the changes of the flags, those of `--set` last.
  func changes() throws -> RecipeSettings {
    var changes = RecipeSettings()
    if let bins { changes.set("preparation.bins", to: Double(bins)) }
    if let augment {
      for part in augment.split(separator: ",") { try changes.set("augmentation.\(part)") }
    }
    try setNetwork(&changes)
    if let mixup { changes.set("mixup", to: mixup) }
    if let outputBias { changes.set("outputBias", to: outputBias) }
    try setLoss(&changes)
    setOptimizer(&changes)
    if let batchSize { changes.set("batchSize", to: Double(batchSize)) }
    if let accumulation { changes.set("accumulation", to: Double(accumulation)) }
    if let epochs { changes.set("epochs", to: Double(epochs)) }
    if let earlyStopping { changes.set("earlyStopping", to: Double(earlyStopping)) }
    if keepLast { changes.set("keeps", to: "last") }
    if let refit { changes.set("refit", to: refit) }
    if let seed { changes.set("seed", to: seed) }
    for setting in settings { try changes.set(setting) }
    return changes
  }

  private func setNetwork(_ changes: inout RecipeSettings) throws {
    if let hidden {
      let units = try Self.numbers(hidden, flag: "--hidden")
      changes.set("network.hidden", to: units == [0] ? [] : units)
    }
    if let activation { changes.set("network.activation", to: activation) }
    if let initializer {
      if let deviation = Double(initializer) {
        changes.set("network.initializer", to: deviation)
      } else {
        changes.set("network.initializer", to: initializer)
      }
    }
    if let batchNorm { changes.set("network.batchNorm", to: batchNorm) }
    if let dropout {
      guard keepProb == nil else {
        throw UsageError("--dropout and --keep-prob set the same thing; leave one of them out.")
      }
      let drops = try Self.numbers(dropout, flag: "--dropout")
      if let wrong = drops.first(where: { !($0 >= 0 && $0 < 1) }) {
        throw UsageError("--dropout takes probabilities from 0 to below 1, not \(wrong).")
      }
      changes.set("network.keepProb", to: drops.map { 1 - $0 })
    }
    if let keepProb { changes.set("network.keepProb", to: try Self.numbers(keepProb, flag: "--keep-prob")) }
    if let keepInput { changes.set("network.keepInput", to: keepInput) }
    if let embedCategories { changes.set("network.embedCategories", to: Double(embedCategories)) }
    if let embedNumbers { changes.set("network.embedNumbers", to: Double(embedNumbers)) }
    if let members { changes.set("network.members", to: Double(members)) }
    if let dropoutSchedule { changes.set("network.dropoutSchedule", to: dropoutSchedule) }
    if let inputNoise { changes.set("network.inputNoise", to: inputNoise) }
  }

  private func setLoss(_ changes: inout RecipeSettings) throws {
    if let loss { changes.set("loss.kind", to: loss) }
    if let labelSmoothing { changes.set("loss.smoothing", to: labelSmoothing) }
    if let classWeights {
      if classWeights.contains("=") {
        changes.set("loss.classWeights", to: try Self.pairs(classWeights, flag: "--class-weights"))
      } else {
        changes.set("loss.classWeights", to: classWeights)
      }
    }
    if calibrate { changes.set("decision.calibrates", to: true) }
    if let thresholdFor { changes.set("decision.threshold", to: thresholdFor) }
    if let l1 { changes.set("penalty.l1", to: l1) }
    if let l2 { changes.set("penalty.l2", to: l2) }
    if let maxNorm { changes.set("penalty.maxNorm", to: maxNorm) }
  }

  private func setOptimizer(_ changes: inout RecipeSettings) {
    if let optimizer { changes.set("optimizer.algorithm", to: optimizer) }
    if let schedule { changes.set("optimizer.schedule", to: schedule) }
    if let learningRate { changes.set("optimizer.learningRate", to: learningRate) }
    if let warmup { changes.set("optimizer.warmup", to: warmup) }
    if let decay { changes.set("optimizer.decay", to: decay) }
    if let clip { changes.set("optimizer.clip", to: clip) }
    if let clipNorm { changes.set("optimizer.clipNorm", to: clipNorm) }
    if let clipValue { changes.set("optimizer.clipValue", to: clipValue) }
    if let average { changes.set("optimizer.average", to: average) }
  }

  private static func names<T: CaseIterable & RawRepresentable>(_: T.Type) -> String where T.RawValue == String {
    T.allCases.map(\.rawValue).joined(separator: ", ")
  }

  /// Parses a list such as `yes=3,no=1`.
  private static func pairs(_ text: String, flag: String) throws -> [String: Double] {
    var pairs: [String: Double] = [:]
    for part in text.split(separator: ",") {
      guard let sign = part.lastIndex(of: "="), let number = Double(part[part.index(after: sign)...]) else {
        throw UsageError("\(flag) takes a number for each name, as in yes=3,no=1; '\(part)' is not one.")
      }
      pairs[String(part[..<sign])] = number
    }
    return pairs
  }

  static func numbers(_ text: String, flag: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let number = Double(part) else {
        throw UsageError("\(flag) takes numbers separated by commas; '\(part)' is not a number.")
      }
      return number
    }
  }
}
