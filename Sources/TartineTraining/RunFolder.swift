import Synchronization
import TartineData
import TartineFiles

/// The folder of one run: run.json, recipe.json, history.jsonl, checkpoint.safetensors, model.safetensors and
/// report.html; with several seeds also history-2.jsonl, checkpoint-2.safetensors and so on.
public struct RunFolder: Sendable {
  /// The path of the folder.
  public let path: String

  /// The status of a run.
  public enum Status: String, Codable, Sendable {
    /// Started, and perhaps interrupted.
    case running
    /// Finished.
    case finished
    /// Stopped at a non-finite value.
    case diverged
  }

  /// Options in addition to the recipe, which a resumed run keeps.
  public struct Options: Codable, Hashable, Sendable {
    /// The number of folds for cross-validation.
    public var folds: Int?
    /// A human or Bayes error, as the reference for bias.
    public var humanError: Double?
    /// The smallest difference that matters.
    public var worth: Double?
    /// Whether the linear model takes the network's place unless the network is better on dev.
    package var competesWithLinear: Bool?

    /// Creates options.
    public init(folds: Int? = nil, humanError: Double? = nil, worth: Double? = nil) {
      self.folds = folds
      self.humanError = humanError
      self.worth = worth
    }
  }

  /// The contents of run.json.
  public struct Description: Codable, Sendable {
    /// The version of the format.
    public var format = "tartine-run-1"
    /// The source of the data.
    public var source: DataSource
    /// Options in addition to the recipe; nil in a run of an older version.
    public var options: Options?
    /// The status of the run.
    public var status: Status
    /// The number of test-set evaluations.
    public var testOpenings = 0
    /// The results, once available.
    public var results: RunSummary?

    /// Creates a description.
    public init(
      source: DataSource, options: Options? = nil, status: Status, testOpenings: Int = 0, results: RunSummary? = nil
    ) {
      self.source = source
      self.options = options
      self.status = status
      self.testOpenings = testOpenings
      self.results = results
    }
  }

  /// The model file.
  public var model: String { path + "/" + Self.modelName }
  /// The folder of a model, which is named itself or by its model file.
  package static func path(of model: String) -> String {
    Files.isFolder(model) ? model : model.lastIndex(of: "/").map { String(model[..<$0]) } ?? "."
  }
  /// The name of the model file in a run's folder.
  package static let modelName = "model.safetensors"
  /// The report.
  public var report: String { path + "/report.html" }
  /// The recipe, with all automatic settings resolved.
  public var recipe: String { path + "/recipe.json" }
  private var description: String { path + "/run.json" }
  private var history: String { history(0) }
  private var checkpoint: String { checkpoint(0) }

  private func history(_ network: Int) -> String { "\(path)/history\(Self.suffix(network)).jsonl" }
  private func checkpoint(_ network: Int) -> String { "\(path)/checkpoint\(Self.suffix(network)).safetensors" }
  /// After the name of a file of one of several networks: nothing for the first, `-2` for the second.
  private static func suffix(_ network: Int) -> String { network == 0 ? "" : "-\(network + 1)" }

  /// Creates a new folder.
  ///
  /// - Parameters:
  ///   - path: the path; nil chooses the first free `runs/NAME-N`.
  ///   - name: the NAME of the default path.
  /// - Throws: `FileError.cannotCreate` where it cannot be created, or already contains a run.
  public init(creating path: String?, named name: String) throws {
    guard let path else {
      // Creating the folder claims it, so that two runs started together do not share one.
      var number = 1
      while try !Files.makeFolder("runs/\(name)-\(number)") { number += 1 }
      self.path = "runs/\(name)-\(number)"
      return
    }
    self.path = path
    guard !path.isEmpty else { throw FileError(.cannotCreate, path, "the run's folder has an empty name.") }
    guard !Files.exists(description), !Files.exists(model) else {
      throw FileError(
        .cannotCreate, self.path,
        "'\(self.path)' already contains a run, which is never overwritten; choose another folder with \(OptionName.out), or "
          + "continue the run with \(OptionName.resume).")
    }
    for file in [recipe, history, checkpoint, report] where Files.exists(file) {
      throw FileError(
        .cannotCreate, path,
        "'\(file)' already exists, and the run would replace it; choose another folder with \(OptionName.out)."
      )
    }
    try Files.makeFolder(self.path)
  }

  /// Opens the folder of a run.
  /// - Throws: `FileError` where it does not contain a run.
  public init(opening path: String) throws {
    self.path = path
    guard Files.isFolder(path), Files.exists(description) else {
      throw FileError(.missing, path, "'\(path)' is not the folder of a run: it contains no run.json.")
    }
  }

  /// Reads run.json and recipe.json.
  public func read() throws -> (description: Description, recipe: Recipe) {
    func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
      let text = try Files.readText(path)
      do {
        return try JSON.decode(type, from: text)
      } catch let error as DecodingError {
        throw FileError(.damaged, path, "'\(path)' cannot be read: \(JSON.explain(error, text: text)).")
      }
    }
    return (try decode(Description.self, description), try decode(Recipe.self, recipe))
  }

  /// Loads a finished run: its data are read and split again.
  ///
  /// - Parameter threads: the number of threads for the evaluation, by default that of the processors.
  /// - Throws: `FileError`, `DataError` where the run is not finished, or its data have changed or are
  ///   missing.
  public func open(threads: Int? = nil) throws -> Run {
    let (description, recipe) = try read()
    guard description.status == .finished else {
      throw FileError(
        .damaged, path,
        description.status == .running
          ? "the run in '\(path)' is not finished; resume it with 'tartine train --resume \(path)'."
          : "the run in '\(path)' is \(description.status.rawValue), so it has no result.")
    }
    var source = description.source
    let ensemble = try Ensemble(recipe, split: try source.load(), threads: threads)
    for (number, trainer) in ensemble.trainers.enumerated() {
      let checkpoint = checkpoint(number)
      // A network that had not begun when the first was stopped has none.
      if number > 0, !Files.exists(checkpoint), ensemble.trainers[0].isStopped { continue }
      guard Files.exists(checkpoint) else {
        throw FileError(.missing, checkpoint, "'\(checkpoint)', with the run's weights and history, is missing.")
      }
      try trainer.restore(try Checkpoint(checkpoint), path: checkpoint)
    }
    let run = ensemble.finish(seconds: description.results?.seconds ?? 0)
    return recipe.refit ? run.with(try Model(model), seconds: run.seconds) : run
  }

  /// Writes run.json.
  public func write(_ description: Description) throws {
    try Files.write(try JSON.text(description, pretty: true) + "\n", to: self.description)
  }

  /// Writes the report.
  public func write(report html: String) throws { try Files.write(html, to: report) }

  // MARK: Training

  /// Trains into the folder, with a checkpoint after each epoch.
  ///
  /// - Parameters:
  ///   - recipe: all settings of the training.
  ///   - split: the data, split.
  ///   - source: the source of the data, for run.json.
  ///   - options: options in addition to the recipe, for run.json.
  ///   - resuming: whether to continue from the checkpoint.
  ///   - threads: the number of threads, by default that of the processors; the result does not depend on it.
  ///   - observers: called after each step and epoch, of the first network if there are several; they may stop the training.
  ///   - end: when a training with a time limit ends; by default the recipe's minutes after the call.
  /// - Throws: the errors of ``Recipe/train(on:seed:threads:observers:)``; `FileError` where a write fails,
  ///   which leaves the previous checkpoint intact.
  public func train(
    _ recipe: Recipe, on split: Split, source: DataSource, options: Options? = nil, resuming: Bool = false,
    threads: Int? = nil,
    observers: [any TrainingObserver] = [], end: ContinuousClock.Instant? = nil
  ) throws -> Run {
    let lock = try FolderLock(path)
    defer { withExtendedLifetime(lock) {} }
    if resuming { Files.removeLeftovers(in: path) }
    let ensemble: Ensemble
    do {
      ensemble = try Ensemble(recipe, split: split, threads: threads, observers: observers, end: end)
    } catch {
      Files.removeEmptyFolder(path)
      throw error
    }
    if resuming {
      for (number, trainer) in ensemble.trainers.enumerated() where Files.exists(checkpoint(number)) {
        try trainer.restore(try Checkpoint(checkpoint(number)), path: checkpoint(number))
      }
      let text = try JSON.text(ensemble.recipe, pretty: true) + "\n"
      if try Files.readText(self.recipe) != text {
        // More epochs: from here on the run is unfinished again.
        try Files.write(text, to: self.recipe)
        let openings = try read().description.testOpenings
        try write(Description(source: source, options: options, status: .running, testOpenings: openings))
      }
    } else {
      try begin(ensemble.recipe, source: source, options: options)
    }
    let last = Mutex([ContinuousClock.Instant](repeating: .now, count: ensemble.trainers.count))
    let run: Run
    do {
      run = try ensemble.run { number, trainer in
        // Short epochs would spend their time waiting for the disk.
        let flush = last.withLock { last in
          guard (ContinuousClock.now - last[number]).inSeconds > 1 else { return false }
          last[number] = .now
          return true
        }
        // A training with a time limit may have very many epochs.
        if trainer.recipe.minutes != nil, !flush, !trainer.isDone, trainer.history.count > 1 { return }
        try write(trainer, number, flush: flush)
      }
    } catch let error as DivergenceError {
      try error.lastGood?.save(to: model)
      try write(Description(source: source, options: options, status: .diverged))
      throw error
    }
    try run.model.save(to: model)
    return run
  }

  /// Takes over a finished training of the linear model in the place of what has been trained in the folder.
  ///
  /// - Parameter split: The data with their test set, which a baseline is trained without.
  /// - Throws: `FileError` where a write fails.
  package func keep(
    _ linear: LinearTraining, on split: Split, source: DataSource, options: Options? = nil
  ) throws -> Run {
    let lock = try FolderLock(path)
    defer { withExtendedLifetime(lock) {} }
    try begin(linear.ensemble.recipe, source: source, options: options)
    for (number, trainer) in linear.ensemble.trainers.enumerated() { try write(trainer, number, flush: true) }
    try linear.run.model.save(to: model)
    return linear.run.with(split: split, seconds: linear.run.seconds)
  }

  /// Writes recipe.json and run.json of a training that begins.
  private func begin(_ recipe: Recipe, source: DataSource, options: Options?) throws {
    removeEarlierTraining()
    try Files.write(try JSON.text(recipe, pretty: true) + "\n", to: self.recipe)
    try write(Description(source: source, options: options, status: .running))
  }

  /// Writes the state of a network, and its history.
  private func write(_ trainer: Trainer, _ number: Int, flush: Bool) throws {
    let state = trainer.checkpoint()
    try state.write(to: checkpoint(number), flush: flush)
    let lines = try state.progress.history.map { try JSON.text($0) + "\n" }
    try Files.write(lines.joined(), to: history(number), flush: flush)
  }

  /// Removes what another training has left in the folder, so that a kill does not leave its checkpoint beside a new recipe.
  private func removeEarlierTraining() {
    Files.remove(model)
    for number in 0... {
      let files = [checkpoint(number), history(number)].filter(Files.exists)
      if number > 0, files.isEmpty { return }
      files.forEach(Files.remove)
    }
  }
}
