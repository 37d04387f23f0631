import ArgumentParser
import Tartine

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network, and says how good it is.",
    discussion: """
      DATA is divided into train, dev and test; the preparation is fitted on train alone, the best epoch is \
      chosen on dev, and test is opened once, at the end. Everything about the run lies in one folder: \
      recipe.json, history.jsonl, model.safetensors, report.html, and a checkpoint to go on from.

        tartine train                                    the digits that are built in
        tartine train titanic.csv --target Survived
        tartine train houses.csv --target price --hidden 256,128 --keep-prob 0.8 --epochs 50
        tartine train mnist/ --hidden 512,256 --batch-norm --keep-prob 0.8
        tartine train --resume runs/houses-1             goes on after an interruption

      What you do not say follows rules that hold for any table. --set takes any key of recipe.json, and comes \
      after the flags. For two classes or labels the probability is that of the later in order. --target a,b \
      learns several labels at once.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions
  @OptionGroup(title: "Run") var options: RunOptions

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let job = try options.resume.map { try resumed(from: $0) } ?? begun()
    if let error = job.options.humanError, error > 1, job.split.task != .regression {
      throw UsageError("--human-error is a fraction from 0 to 1 for classes, not \(error); 0.05 are 5 %.")
    }
    if !options.quiet { tellOfData(job) }
    Files.onInterrupt(
      say: "stopped; to go on: \(Shell.program) train --resume \(Shell.quoted(job.folder.path))",
      removing: job.folder.path)
    let display = options.quiet ? nil : ProgressDisplay()
    if !options.quiet, !options.json || Files.terminalWidth != nil {
      Files.show("task: \(job.split.dataset.task.task.rawValue), \(job.split.dataset.task.reason)\n")
    }
    let result: Run
    do {
      result = try job.folder.train(
        job.recipe, on: job.split, source: job.source, options: job.options, resuming: job.isResumed,
        threads: options.threads,
        observers: display.map { [$0] } ?? [])
    } catch {
      display?.finish()
      throw error
    }
    display?.finish()
    var warnings: [String] = []
    let test = result.split.testCount > 0 ? try result.test(warnings: &warnings) : nil
    if !options.quiet { for warning in warnings { Files.warn(warning) } }
    let baselines = Baselines(of: result, test: test, threads: options.threads)
    // A fold that cannot be trained is told of once all that the run itself has is written.
    let validation = Result { try job.options.folds.map { try crossValidate(job, folds: $0) } }
    let folds = try? validation.get()
    let summary = RunSummary(
      result, test: test, folds: folds, folder: job.folder, seconds: (clock.now - start).inSeconds)
    let diagnosis = Diagnosis(
      of: result, test: test, humanError: job.options.humanError, worth: job.options.worth)
    let remarks = RunRemarks(result, folds: folds)
    try job.folder.write(
      report: Report(
        result, diagnosis: diagnosis, headline: baselines.text(network: diagnosis.result),
        remarks: remarks.decision + [remarks.folds].compactMap { $0 }, title: job.title
      )
      .html)
    try job.folder.write(
      RunFolder.Description(
        source: job.source, options: job.options, status: .finished, testOpenings: result.testOpenings, results: summary
      ))
    try Files.print(
      options.json
        ? try JSON.text(TrainingResult(summary, result, test: test, baselines: baselines, diagnosis: diagnosis)) + "\n"
        : TrainingSummary(
          result, test: test, baselines: baselines, remarks: remarks, diagnosis: diagnosis, summary: summary,
          source: job.source
        ).text)
    _ = try validation.get()
  }

  /// The number of train rows that are inspected at most.
  private static let inspectedRows = 100_000

  /// How the data were read, and what `inspect` would call serious.
  private func tellOfData(_ job: Job) {
    for notice in job.split.notices { Files.warn(notice) }
    let rows = job.split.trainCount
    let some =
      rows > Self.inspectedRows ? job.split.with(train: job.split.sample(Self.inspectedRows, seed: 0)) : job.split
    guard let inspection = try? Inspection(of: some, comparesParts: false, threads: options.threads) else { return }
    let serious = inspection.warnings.filter(\.isSerious)
    for warning in serious {
      Files.warn("\(warning.name.rawValue)\(warning.column.map { " '\($0)'" } ?? ""): \(warning.evidence)")
    }
    if !serious.isEmpty { Files.warn("tartine inspect \(job.source.flags) says what to do") }
  }

  private func crossValidate(_ job: Job, folds: Int) throws -> CrossValidation {
    try job.recipe.crossValidate(on: job.split, folds: folds, threads: options.threads) { done in
      if Files.terminalWidth != nil { Files.show("\rfold \(done) of \(folds)\(done == folds ? "\n" : "")") }
    }
  }

  /// What is to be trained, and where to.
  private struct Job {
    var source: DataSource
    var split: Split
    var recipe: Recipe
    var folder: RunFolder
    var options: RunFolder.Options
    var isResumed: Bool

    var title: String { "\(source.name)\(source.target.map { ", \($0)" } ?? "")" }
  }

  private func begun() throws -> Job {
    let changes = try recipe.changes()
    let first = try changes.apply(to: try recipe.base(for: nil))
    var source = try data.source(seed: first.seed, loss: first.loss)
    let split = try source.load()
    if let folds = options.folds { _ = try split.folds(folds) }
    let asked = try changes.apply(to: try recipe.base(for: split.dataset.task.task))
    let (chosen, linear, network) = asked.selectedByCrossValidation(on: split, threads: options.threads)
    if !options.quiet, let linear, let network {
      Files.warn(
        "few rows: cross-validated on train and dev, the linear model has \(linear.pooled), and the default network \(network.pooled); "
          + (chosen.network.isLinear
            ? "the linear model is trained (--hidden 256,128 trains a network)" : "the network is trained"))
    }
    return Job(
      source: source.absolute, split: split, recipe: chosen.resolved(trainRows: split.trainCount),
      folder: try RunFolder(creating: options.out, named: source.name), options: options.kept(else: nil),
      isResumed: false)
  }

  private func resumed(from path: String) throws -> Job {
    let folder = try RunFolder(opening: path)
    let (description, trained) = try folder.read()
    if description.status != .running {
      throw UsageError(
        "the run in '\(path)' is \(description.status.rawValue), so there is nothing to go on with; begin "
          + "another with 'tartine train --recipe \(folder.recipe)'.")
    }
    var source = description.source
    if let flag = try data.disagreement(with: source) {
      throw UsageError(
        "\(flag) says something else than the run in '\(path)'; leave it out, or begin another run.")
    }
    if let out = options.out, out != path {
      throw UsageError("--resume goes on in '\(path)', so --out '\(out)' must be left out.")
    }
    let split = try source.load()
    let kept = options.kept(else: description.options)
    if let folds = kept.folds { _ = try split.folds(folds) }
    let isNamed = recipe.recipe != nil || recipe.preset != nil
    let asked = try recipe.changes().apply(
      to: isNamed ? try recipe.base(for: split.dataset.task.task) : trained)
    guard asked.resolved(trainRows: split.trainCount) == trained else {
      throw UsageError(
        "the flags ask for another recipe than that of the run in '\(path)'; leave them out, or begin another "
          + "run.")
    }
    return Job(source: source, split: split, recipe: trained, folder: folder, options: kept, isResumed: true)
  }
}

/// The flags that say how and where to run.
struct RunOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Threads; by default one a processor. The result is the same for any number.", valueName: "n"))
  var threads: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A human or Bayes error, against which bias is read: a fraction, or in the target's unit.", valueName: "error"))
  var humanError: Double?

  @Option(
    name: [.customLong("min-effect"), .customLong("worth")],
    parsing: .unconditional,
    help: ArgumentHelp(
      "The smallest difference that matters; by default 10 % of the dev error, at least half a point.",
      valueName: "difference"))
  var worth: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The run's folder; by default runs/ and a new name.", valueName: "folder"))
  var out: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Go on with an interrupted run; its folder knows the data.", valueName: "folder"))
  var resume: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Also train the recipe once for each of k folds of train and dev, and measure it on the fold left out; for tables "
        + "of less than 2 000 rows.", valueName: "k"))
  var folds: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  @Flag(help: "Print only the result: no notices, no progress.")
  var quiet = false

  /// What holds for the whole run, however often it is interrupted.
  func kept(else before: RunFolder.Options?) -> RunFolder.Options {
    RunFolder.Options(
      folds: folds ?? before?.folds, humanError: humanError ?? before?.humanError, worth: worth ?? before?.worth)
  }

  func validate() throws {
    if let folds, folds < 2 || folds > 1000 { throw ValidationError("--folds must be from 2 to 1000, not \(folds).") }
    if let humanError, !(humanError >= 0 && humanError.isFinite) {
      throw ValidationError("--human-error must be at least 0, not \(humanError).")
    }
    if let worth, !(worth > 0 && worth.isFinite) {
      throw ValidationError("--min-effect must be above 0, not \(worth).")
    }
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }
}
