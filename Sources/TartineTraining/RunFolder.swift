import TartineData
import TartineFiles

/// A folder that holds one run: run.json, recipe.json, history.jsonl, checkpoint.safetensors,
/// model.safetensors and report.html.
public struct RunFolder: Sendable {
  /// Where it is.
  public let path: String

  /// How far a run has come.
  public enum Status: String, Codable, Sendable {
    /// Begun, and perhaps interrupted.
    case running
    /// Done.
    case finished
    /// Stopped at a value that is not finite.
    case diverged
  }

  /// What was asked for beside the recipe, and holds when a run goes on.
  public struct Options: Codable, Hashable, Sendable {
    /// Folds that the recipe is measured over.
    public var folds: Int?
    /// A human or Bayes error, against which bias is read.
    public var humanError: Double?
    /// The smallest difference that matters.
    public var worth: Double?

    /// Describes what was asked for.
    public init(folds: Int? = nil, humanError: Double? = nil, worth: Double? = nil) {
      self.folds = folds
      self.humanError = humanError
      self.worth = worth
    }
  }

  /// What run.json holds.
  public struct Description: Codable, Sendable {
    /// The version of this description.
    public var format = "tartine-run-1"
    /// Where the data come from.
    public var source: DataSource
    /// What was asked for beside the recipe; nil in a run of an older version.
    public var options: Options?
    /// How far the run has come.
    public var status: Status
    /// Times the test part was opened.
    public var testOpenings = 0
    /// The results, once there are some.
    public var results: RunSummary?

    /// Describes a run.
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
  public var model: String { path + "/model.safetensors" }
  /// The report.
  public var report: String { path + "/report.html" }
  /// The recipe, with everything filled in.
  public var recipe: String { path + "/recipe.json" }
  private var description: String { path + "/run.json" }
  private var history: String { path + "/history.jsonl" }
  private var checkpoint: String { path + "/checkpoint.safetensors" }

  /// Makes a new folder.
  ///
  /// - Parameters:
  ///   - path: nil takes the first free `runs/NAME-N`.
  ///   - name: the NAME of that.
  /// - Throws: `FileError.cannotCreate` where it cannot be made, or holds a run already.
  public init(creating path: String?, named name: String) throws {
    guard let path else {
      // Whoever makes the folder has it, so that two runs begun together do not share one.
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
        "'\(self.path)' holds a run already, which is never overwritten; name another folder with --out, or "
          + "go on with it by --resume.")
    }
    for file in [recipe, history, checkpoint, report] where Files.exists(file) {
      throw FileError(
        .cannotCreate, path, "'\(file)' is there already, and the run would replace it; name another folder with --out."
      )
    }
    try Files.makeFolder(self.path)
  }

  /// Opens the folder of a run.
  /// - Throws: `FileError` where it holds none.
  public init(opening path: String) throws {
    self.path = path
    guard Files.isFolder(path), Files.exists(description) else {
      throw FileError(.missing, path, "'\(path)' is no folder of a run: it holds no run.json.")
    }
  }

  /// Reads run.json and recipe.json.
  public func read() throws -> (description: Description, recipe: Recipe) {
    func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
      do {
        return try JSON.decode(type, from: try Files.readText(path))
      } catch let error as DecodingError {
        throw FileError(.damaged, path, "'\(path)' cannot be read: \(JSON.explain(error)).")
      }
    }
    return (try decode(Description.self, description), try decode(Recipe.self, recipe))
  }

  /// Opens the run again, as it was when it was finished: its data are read and divided anew.
  ///
  /// - Parameter threads: for measuring it; by default as many as there are processors.
  /// - Throws: `FileError`, `DataError` where the run is not finished, or its data have changed or are gone.
  public func open(threads: Int? = nil) throws -> Run {
    let (description, recipe) = try read()
    guard description.status == .finished else {
      throw FileError(
        .damaged, path, "the run in '\(path)' is \(description.status.rawValue), so there is no result to look at.")
    }
    guard Files.exists(checkpoint) else {
      throw FileError(.missing, checkpoint, "'\(checkpoint)' is missing, which holds the run's weights and history.")
    }
    var source = description.source
    let trainer = try Trainer(recipe, split: try source.load(), threads: threads, observers: [])
    try trainer.restore(try Checkpoint(checkpoint), path: checkpoint)
    return trainer.finish(seconds: description.results?.seconds ?? 0)
  }

  /// Writes run.json.
  public func write(_ description: Description) throws {
    try Files.write(try JSON.text(description, pretty: true) + "\n", to: self.description)
  }

  /// Writes the report.
  public func write(report html: String) throws { try Files.write(html, to: report) }

  // MARK: Training

  /// Trains into the folder, with a checkpoint at each epoch's end.
  ///
  /// - Parameters:
  ///   - recipe: what decides the training beside the data.
  ///   - split: the rows, divided.
  ///   - source: where they come from, for run.json.
  ///   - options: what was asked for beside the recipe, for run.json.
  ///   - resuming: whether to go on from the checkpoint.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - observers: are told of each step and epoch, and may stop the training.
  /// - Throws: what ``Recipe/train(on:seed:threads:observers:)`` throws; `FileError` where a write fails, after
  ///   which the checkpoint before it is whole.
  public func train(
    _ recipe: Recipe, on split: Split, source: DataSource, options: Options? = nil, resuming: Bool = false,
    threads: Int? = nil,
    observers: [any TrainingObserver] = []
  ) throws -> Run {
    let clock = ContinuousClock()
    let start = clock.now
    let lock = try FolderLock(path)
    defer { withExtendedLifetime(lock) {} }
    if resuming { Files.removeLeftovers(in: path) }
    let trainer: Trainer
    do {
      trainer = try Trainer(recipe, split: split, threads: threads, observers: observers)
    } catch {
      Files.removeEmptyFolder(path)
      throw error
    }
    if resuming {
      if Files.exists(checkpoint) { try trainer.restore(try Checkpoint(checkpoint), path: checkpoint) }
    } else {
      try Files.write(try JSON.text(trainer.recipe, pretty: true) + "\n", to: self.recipe)
      try write(Description(source: source, options: options, status: .running))
    }
    var lastFlush = start
    do {
      try trainer.run { trainer, _ in
        // Short epochs would spend their time waiting for the disk.
        let flush = (clock.now - lastFlush).inSeconds > 1
        if flush { lastFlush = clock.now }
        let state = trainer.checkpoint()
        try state.write(to: checkpoint, flush: flush)
        let lines = try state.progress.history.map { try JSON.text($0) + "\n" }
        try Files.write(lines.joined(), to: history, flush: flush)
      }
    } catch let error as DivergenceError {
      try error.lastGood?.save(to: model)
      try write(Description(source: source, options: options, status: .diverged))
      throw error
    }
    let run = trainer.finish(seconds: (clock.now - start).inSeconds)
    try run.model.save(to: model)
    return run
  }
}
