import ArgumentParser
import Tartine

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network, and reports how good it is.",
    discussion: """
      DATA is split into train, dev and test sets. The preparation is fitted on train alone, the best epoch \
      is chosen by dev loss, and the test set is evaluated once, at the end. Everything about the run is in \
      one folder: recipe.json, history.jsonl, model.safetensors, report.html, and a checkpoint to resume \
      from.

        tartine train                                    the built-in digits
        tartine train titanic.csv --target Survived
        tartine train houses.csv --target price --hidden 256,128 --epochs 50
        tartine train mnist/ --preset images
        tartine train houses.csv --target price --minutes 2     ends after two minutes
        tartine train --resume runs/houses-1             resumes an interrupted run

      The flags that matter first:

        --target price          the column to predict
        --leave-out id,name     columns that are not inputs
        --split-by group:house  keeps rows together; or time:COLUMN
        --hidden 256,128        units of each hidden layer; 0: a linear model
        --epochs 50             passes over the train rows
        --lr 0.003              learning rate
        --batch-size 64         rows per step
        --dropout 0.2           probability of dropping a unit
        --decay 0.1             weight decay
        --seed 1                random seed of split, weights and batches

      Unspecified settings are chosen automatically. --set takes any key of recipe.json, and overrides the \
      other flags. With two classes, and for each label, the probability is that of the second value in \
      sorted order, or of yes, true and the like. --target a,b trains a multi-label model.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions
  @OptionGroup(title: "Run") var options: RunOptions

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    var job = try options.resume.map { try resumed(from: $0) } ?? begun()
    let asked = job.recipe.minutes
    if let error = job.options.humanError, error > 1, job.split.task != .regression {
      throw UsageError(
        "--human-error is a fraction from 0 to 1 for classification, not \(error); 0.05 means 5 %.")
    }
    let data = notices(of: job)
    if !options.quiet { for notice in data.all { Files.warn(notice) } }
    Files.onInterrupt(
      say: "stopped; to resume: \(Shell.program) train --resume \(Shell.quoted(job.folder.path))",
      removing: job.folder.path)
    let display = options.quiet ? nil : ProgressDisplay()
    if !options.quiet, !options.json || Files.terminalWidth != nil {
      let isByLoss = job.source.task == .regression && self.data.task == nil && !job.isResumed
      Files.show(
        "task: \(job.split.dataset.task.task.rawValue), "
          + (isByLoss
            ? "as the loss function is for numbers; --task binary or multiclass is for classes"
            : job.split.dataset.task.reason) + "\n")
    }
    var result: Run
    do {
      result = try job.folder.train(
        job.recipe, on: job.split, source: job.source, options: job.options, resuming: job.isResumed,
        threads: options.threads,
        observers: display.map { [$0] } ?? [],
        end: job.recipe.minutes.map { start + .seconds(60 * $0 - job.secondsAfter) })
      if let linear = try linearRun(insteadOf: result, of: &job) { result = linear }
    } catch {
      display?.finish()
      throw error
    }
    display?.finish()
    var warnings: [String] = []
    let test = result.split.testCount > 0 ? try result.test(warnings: &warnings) : nil
    if !options.quiet { for warning in warnings { Files.warn(warning) } }
    if let minutes = asked, !options.quiet, (clock.now - start).inSeconds > 60 * minutes * 1.05 {
      Files.warn(
        "the time of \(Text.significant(60 * minutes, digits: 3)) s is too short for these data: reading them, the linear baseline and the "
          + "report take most of it; give more")
    }
    try report(
      result, test: test, of: job, seconds: (clock.now - start).inSeconds + job.secondsBefore,
      notices: data.all + warnings + [job.choice].compactMap { $0 }, cautions: data.cautions)
  }

  /// Keeps the linear model in the place of an automatic network that is not better on dev, so that nothing is lost on a linear
  /// problem of few rows.
  private func linearRun(insteadOf result: Run, of job: inout Job) throws -> Run? {
    guard job.options.competesWithLinear == true,
      let linear = job.linear ?? (try? Baselines.trainLinear(for: job.recipe, on: job.split, threads: options.threads))
    else { return nil }
    job.linear = linear
    guard !linear.isCutShort, !result.isBetterByOneStandardError(than: linear.run) else { return nil }
    job.choice =
      "On dev the network (\(result.dev)) is not better than the linear model (\(linear.run.dev)) by more than one standard error, "
      + "so the linear model was kept; --hidden 256,128 trains a network."
    job.options.competesWithLinear = nil
    let run = try job.folder.keep(linear, on: job.split, source: job.source, options: job.options)
    job.recipe = run.recipe
    return run
  }

  /// Trains the linear baseline before a training with a time limit, and measures how long baselines and report take afterwards: as
  /// long as those of the linear model, on more rows.
  private func rehearse(_ job: inout Job) {
    guard let minutes = job.recipe.minutes else { return }
    job.secondsAfter = 0.1
    let linear = try? Baselines.trainLinear(
      for: job.recipe, on: job.split, minutes: minutes / 10, threads: options.threads)
    guard let linear else { return }
    job.linear = linear
    if linear.isCutShort, !options.quiet {
      Files.warn("the linear baseline is left out: it is not done in a tenth of the time")
    }
    let start = ContinuousClock.now
    let baselines = Baselines(of: linear.run, linear: linear, threads: options.threads)
    _ = try? results(
      linear.run, test: nil, baselines: baselines, folds: nil, of: job, seconds: 0, notices: [], cautions: [])
    let (dev, test) = (Double(max(1, job.split.devCount)), Double(job.split.testCount))
    // Of a test set the report is about test, and the JSON about dev as well.
    let rows = test == 0 ? dev : options.json ? test + dev / 2 : test
    job.secondsAfter = (ContinuousClock.now - start).inSeconds * rows / dev
  }

  /// Measures the baselines, writes the report, and prints the result.
  private func report(
    _ result: Run, test: Evaluation?, of job: Job, seconds: Double, notices: [String], cautions: [String]
  ) throws {
    if job.linear == nil, Files.terminalWidth != nil, !options.quiet { Files.show("training the linear baseline…") }
    let baselines = Baselines(of: result, test: test, linear: job.linear, threads: options.threads)
    if job.linear == nil, Files.terminalWidth != nil, !options.quiet { Files.show("\r\u{1B}[K") }
    // An error in a fold is thrown at the end, after all results of the run itself are written.
    let validation = Result { try job.options.folds.map { try crossValidate(job, folds: $0) } }
    let made = try results(
      result, test: test, baselines: baselines, folds: try? validation.get(), of: job, seconds: seconds,
      notices: notices, cautions: cautions)
    try job.folder.write(report: made.html)
    try job.folder.write(
      RunFolder.Description(
        source: job.source, options: job.options, status: .finished,
        testOpenings: job.testOpenings + result.testOpenings, results: made.summary))
    try Files.print(made.text)
    _ = try validation.get()
  }

  /// The figures, the report, and what is printed.
  private func results(
    _ result: Run, test: Evaluation?, baselines: Baselines, folds: CrossValidation?, of job: Job, seconds: Double,
    notices: [String], cautions: [String]
  ) throws -> (summary: RunSummary, html: String, text: String) {
    let summary = RunSummary(result, test: test, folds: folds, folder: job.folder, seconds: seconds)
    let diagnosis = Diagnosis(
      of: result, test: test, humanError: job.options.humanError, worth: job.options.worth
    ).adding(baselines)
    let remarks = RunRemarks(result, folds: folds, choice: job.choice, isChosenByFolds: job.isChosenByFolds)
    let report = Report(
      result, test: test, diagnosis: diagnosis, headline: baselines.text(network: diagnosis.result),
      remarks: remarks.decision + [remarks.folds].compactMap { $0 }, title: job.title, spelling: \.flags)
    let text =
      options.json
      ? try JSON.text(
        TrainingResult(summary, result, test: test, baselines: baselines, diagnosis: diagnosis, notices: notices))
        + "\n"
      : TrainingSummary(
        result, test: test, baselines: baselines, remarks: remarks, diagnosis: diagnosis, summary: summary,
        source: job.source, cautions: cautions, better: RunListing.better(than: summary, on: job.source)
      ).text
    return (summary, report.html, text)
  }

  /// The largest number of train rows that are inspected.
  private static let inspectedRows = 100_000

  /// Returns how the data were read with the serious warnings of `inspect`, and those of them that make the result too good.
  private func notices(of job: Job) -> (all: [String], cautions: [String]) {
    var all = job.split.notices
    var cautions: [String] = []
    let rows = job.split.trainCount
    let some =
      rows > Self.inspectedRows ? job.split.with(train: job.split.sample(Self.inspectedRows, seed: 0)) : job.split
    guard let inspection = try? Inspection(of: some, comparesSets: false, threads: options.threads) else {
      return (all, [])
    }
    let serious = inspection.warnings.filter(\.isSerious)
    for warning in serious {
      let isFixedByAFlag = [.identifierColumn, .repeatedIdentifier, .placeholderValue].contains(warning.name)
      let sentence = "\(warning.name.rawValue)\(warning.column.map { " '\($0)'" } ?? ""): \(warning.evidence)"
      all.append(sentence + (isFixedByAFlag ? "; \(warning.action)" : ""))
      if warning.name == .duplicatesAcrossSplit { cautions.append("The errors may be too low. \(sentence).") }
    }
    if !serious.isEmpty { all.append("for what to do, run: tartine inspect \(job.source.flags)") }
    return (all, cautions)
  }

  private func crossValidate(_ job: Job, folds: Int) throws -> CrossValidation {
    try job.recipe.crossValidate(on: job.split, folds: folds, threads: options.threads) { done in
      if Files.terminalWidth != nil { Files.show("\rfold \(done) of \(folds)\(done == folds ? "\n" : "")") }
    }
  }

  /// The recipe, data and folder of a run.
  private struct Job {
    var source: DataSource
    var split: Split
    var recipe: Recipe
    var folder: RunFolder
    var options: RunFolder.Options
    var isResumed: Bool
    /// The number of test-set evaluations before this command.
    var testOpenings = 0
    /// The seconds of the run before it was resumed with more epochs.
    var secondsBefore = 0.0
    /// How network or linear model was chosen, as a sentence.
    var choice: String?
    /// Whether cross-validation has chosen it.
    var isChosenByFolds = false
    /// The linear baseline, if it is trained before the report, and about how long the report takes.
    var linear: LinearTraining?
    var secondsAfter = 0.0

    var title: String { "\(source.name)\(source.target.map { ", \($0)" } ?? "")" }
  }

  private func begun() throws -> Job {
    let start = ContinuousClock.now
    let changes = try changes()
    let first = try changes.apply(to: try recipe.base(for: nil))
    var source = try data.source(seed: first.seed, loss: first.loss)
    let split = try source.load()
    if let folds = options.folds { _ = try split.folds(folds) }
    let asked = try changes.apply(to: try recipe.base(for: split.dataset))
    if asked.minutes != nil, options.folds != nil {
      throw UsageError("--folds would take the time once more for each fold; leave it or the time out.")
    }
    let folder = try RunFolder(creating: options.out, named: source.name)
    // A network that is asked for is trained, in its size.
    let isOpen = recipe.recipe == nil && !changes.keys.contains { $0.hasPrefix("network.") }
    let isShown = Files.terminalWidth != nil && !options.quiet
    var (chosen, linear, network): (Recipe, CrossValidation?, CrossValidation?) = (asked, nil, nil)
    if isOpen {
      (chosen, linear, network) = asked.selectedByCrossValidation(
        on: split, refits: recipe.refit, threads: options.threads
      ) { done, folds in
        if isShown { Files.show("\r\u{1B}[Kfew rows: linear model or network? cross-validation, \(done) of \(folds)") }
      }
      if isShown { Files.show("\r\u{1B}[K") }
    }
    var choice: String?
    if let linear, let network {
      choice =
        "Few rows, so the recipe was chosen by 5-fold cross-validation on train and dev: linear "
        + "model \(linear.pooled), default network \(network.pooled). "
        + (chosen.network.isLinear
          ? "The linear model was trained; --hidden 256,128 trains a network." : "The network was trained.")
    }
    var job = Job(
      source: source.absolute, split: split, recipe: chosen, folder: folder, options: options.kept(else: nil),
      isResumed: false, choice: choice, isChosenByFolds: choice != nil)
    job.options.competesWithLinear = isOpen && chosen.competesWithLinear(on: split) ? true : nil
    rehearse(&job)
    // A preset says how large its network is.
    if isOpen, [nil, Preset.quick.rawValue].contains(recipe.preset), let minutes = chosen.minutes {
      job.recipe = try chosen.sized(
        for: 60 * minutes - (ContinuousClock.now - start).inSeconds - job.secondsAfter, on: split,
        refits: changes.keys.contains("refit") ? chosen.refit : nil, keepsSeeds: changes.keys.contains("seeds"),
        threads: options.threads)
    }
    job.recipe = job.recipe.resolved(trainRows: split.trainCount)
    return job
  }

  /// The changes of the flags.
  private func changes() throws -> RecipeSettings {
    var changes = try recipe.changes()
    if let seeds = options.seeds { changes.set("seeds", to: Double(seeds)) }
    if let minutes = options.minutes {
      guard recipe.epochs == nil else {
        throw UsageError("--epochs and --minutes both say when the training ends; leave one of them out.")
      }
      changes.set("minutes", to: try Budget.seconds(minutes, flag: "--minutes", unitless: 60) / 60)
    }
    return changes
  }

  private func resumed(from path: String) throws -> Job {
    let folder = try RunFolder(opening: path)
    let (description, trained) = try folder.read()
    let longer = recipe.asksFor(moreEpochsThan: trained)
    if description.status != .running, longer == nil || description.status != .finished {
      throw UsageError(
        "the run in '\(path)' is \(description.status.rawValue), so there is nothing to resume; "
          + (description.status == .finished && trained.minutes == nil
            ? "give --epochs above \(trained.epochs ?? 0) to continue it, or start " : "start ")
          + "a new run with 'tartine train --recipe \(folder.recipe)'.")
    }
    var source = description.source
    if let flag = try data.disagreement(with: source) {
      throw UsageError(
        "\(flag) differs from the run in '\(path)'; leave it out, or start a new run.")
    }
    if let out = options.out, out != path {
      throw UsageError("--resume writes to '\(path)', so --out '\(out)' must be left out.")
    }
    let split = try source.load()
    let kept = options.kept(else: description.options)
    if let folds = kept.folds { _ = try split.folds(folds) }
    let isNamed = recipe.recipe != nil || recipe.preset != nil
    let asked = try changes().apply(
      to: isNamed ? try recipe.base(for: split.dataset) : trained)
    if let longer {
      var same = asked
      same.epochs = trained.epochs
      if same.agrees(with: trained, trainRows: split.trainCount) {
        if !options.quiet, trained.dependsOnEpochs {
          Files.warn(
            "the recipe follows a schedule over all epochs: after epoch \(trained.epochs ?? 0) it continues as in a run of "
              + "\(longer), and the result differs from that run's")
        }
        var recipe = trained
        recipe.epochs = longer
        // More epochs of this network were asked for.
        var kept = kept
        kept.competesWithLinear = nil
        return Job(
          source: source, split: split, recipe: recipe, folder: folder, options: kept, isResumed: true,
          testOpenings: description.testOpenings, secondsBefore: description.results?.seconds ?? 0)
      }
    }
    guard asked.agrees(with: trained, trainRows: split.trainCount) else {
      throw UsageError(
        "the flags ask for another recipe than the run in '\(path)' has; leave them out, or start a new "
          + "run.")
    }
    var job = Job(source: source, split: split, recipe: trained, folder: folder, options: kept, isResumed: true)
    rehearse(&job)
    return job
  }
}
