import ArgumentParser
import Tartine

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Searches for better hyperparameters, and says how much of the winner's lead is luck.",
    discussion: """
      Trains the recipe again and again, with other values of the hyperparameters of a space, one trial a processor. A \
      box around the best so far shrinks from coarse to fine, and a model of all trials says where in it to try next. \
      The best few are trained again over fresh seeds, since the best of many looks better than it is; test is opened \
      once, for the one that wins.

        tartine tune titanic.csv --target Survived
        tartine tune houses.csv --target price --budget 10m
        tartine tune houses.csv --target price --space space.json --trials 200 --stop median
        tartine tune --study tunes/houses-1/study.db --trials 400      goes on
        tartine tune new.csv --target price --again tunes/houses-1/study.db

      A study is a file that Optuna's programs open as well, as in optuna-dashboard sqlite:///tunes/houses-1/study.db; \
      several processes may work on one. best.json is the winner's recipe: tartine train --recipe.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions
  @OptionGroup(title: "Search") var options: SearchOptions

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let budget = try options.budget.map(Budget.seconds)
    let job = try TuningJob(data: data, recipe: recipe, options: options)
    Files.onInterrupt(
      say: "stopped; what is done is kept. To go on: \(Shell.program) tune --study \(Shell.quoted(job.folder.study))",
      removing: job.folder.path)
    let display = TuningDisplay(
      isFraction: job.split.task != .regression, isMaximized: job.study.isMaximized, isQuiet: options.json,
      already: try job.study.trials().count { $0.state.isFinished },
      total: options.trials ?? (budget == nil ? Self.usualTrials : nil), seconds: budget)
    display.begin(job)
    try job.tuner.run(
      job.study, upTo: options.trials ?? (budget == nil ? Self.usualTrials : nil), for: budget, progress: display.show)
    let winner = try job.tuner.winner(
      of: try job.study.trials(), in: job.study.space, isMaximized: job.study.isMaximized,
      candidates: options.finalists, seeds: options.freshSeeds, including: job.before, progress: display.show)
    display.end()
    let result = try TuningResult(job.study, job.tuner, options.sampler, winner: winner)
    let seconds = (clock.now - start).inSeconds
    try job.folder.write(result, job, seconds: seconds)
    if options.json {
      try Files.print(try JSON.text(TuneFolder.Written(result, job.folder, seconds: seconds)) + "\n")
    } else {
      try Files.print(TuningText(result, job, seconds: seconds).text)
    }
  }

  /// Trials when neither their number nor a time is given.
  private static let usualTrials = 64
}

/// The flags of a search.
struct SearchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A file of hyperparameters and their ranges; by default the rate, units, batch size, β, depth, decay, dropout.",
      valueName: "file"))
  var space: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Trials in all; 64 where no time is given.", valueName: "n"))
  var trials: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Time after which no trial is begun, as in 90s, 10m, 1h.", valueName: "time"))
  var budget: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Trials at a time; by default one a processor.", valueName: "n"))
  var jobs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The study's file, to begin or to go on with; by default study.db in the folder.", valueName: "file"))
  var study: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Which of the studies in the file, where it holds several.", valueName: "name"))
  var studyName: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A study of other data: its best five are tried first, then fresh points, and whether its winner still holds is said.",
      valueName: "file"))
  var again: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What says what to try: \(SamplerChoice.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
  var sampler = SamplerChoice.usual

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Stop trials early that are behind others: \(StoppingRule.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "rule"))
  var stop = StoppingRule.none

  @Option(
    parsing: .unconditional, help: ArgumentHelp("How many of the best are trained again.", valueName: "n"))
  var finalists = Winner.usual.candidates

  @Option(parsing: .unconditional, help: ArgumentHelp("Fresh seeds for each of them.", valueName: "n"))
  var freshSeeds = Winner.usual.seeds

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The folder; by default tunes/ and a new name, or the study's own.", valueName: "folder"))
  var out: String?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
    func check(_ flag: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
      guard let value, !range.contains(value) else { return }
      throw ValidationError("\(flag) must be from \(range.lowerBound) to \(range.upperBound), not \(value).")
    }
    try check("--trials", trials, 1...1_000_000)
    try check("--jobs", jobs, 1...1024)
    try check("--finalists", finalists, 1...100)
    try check("--fresh-seeds", freshSeeds, 2...1000)
    if again != nil, study != nil {
      throw ValidationError("--again begins a study of its own, so --study must be left out.")
    }
  }
}

extension SamplerChoice: ExpressibleByArgument {}
extension StoppingRule: ExpressibleByArgument {}

/// A time as a flag has it.
enum Budget {
  /// - Throws: `UsageError` for anything but a number with s, m or h behind it.
  static func seconds(_ text: String) throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    let number = Double(unit == nil ? text : String(text.dropLast()))
    guard let number, number > 0, number.isFinite else {
      throw UsageError("--budget is a time above 0, as in 90s, 5m or 1h, not '\(text)'.")
    }
    return number * (unit ?? 1)
  }
}

/// A study with its data, recipe and folder.
struct TuningJob {
  let source: DataSource
  let split: Split
  let tuner: Tuner
  let study: Study
  let folder: TuneFolder
  /// The best trial of the study before, in this one's numbers; nil unless it is again.
  let before: Int?

  init(data: DataOptions, recipe: RecipeOptions, options: SearchOptions) throws {
    if let path = options.again {
      try self.init(again: path, data: data, recipe: recipe, options: options)
    } else {
      try self.init(begun: data, recipe: recipe, options: options)
    }
  }

  private init(begun data: DataOptions, recipe: RecipeOptions, options: SearchOptions) throws {
    let isThere = try options.study.map { path in
      let names = Files.exists(path) ? try Study.names(inFile: path) : []
      return options.studyName.map(names.contains) ?? !names.isEmpty
    }
    let known = isThere == true ? try StudyNotes(options) : nil
    var source = try known?.source ?? data.source(seed: try recipe.changes().apply(to: try recipe.base(for: nil)).seed)
    if known?.source != nil, let flag = try data.disagreement(with: source) {
      throw UsageError(
        "\(flag) says something else than the study '\(options.study ?? "")'; leave it out, or begin another study. For other data "
          + "there is --again.")
    }
    split = try source.load()
    let changes = try recipe.changes()
    let isNamed = !changes.isEmpty || recipe.recipe != nil || recipe.preset != nil
    let asked = try changes.apply(to: try recipe.base(for: split.task)).resolved(trainRows: split.trainCount)
    if isNamed, let old = known?.recipe, old != asked {
      throw UsageError(
        "the flags ask for another recipe than that of the study '\(options.study ?? "")'; leave them out, or begin another study."
      )
    }
    tuner = Tuner(known?.recipe ?? asked, on: split, jobs: options.jobs)
    let given = try options.space.map { try SearchSpace(file: $0) }
    let space = try given ?? known?.study.space ?? SearchSpace.automatic(for: tuner.recipe)
    try Self.check(space, tuner)
    let folder = try TuneFolder(options, named: source.name)
    study = try folder.open {
      try Study(
        space, file: folder.study, name: options.studyName, sampler: options.sampler.sampler, seed: recipe.seed ?? 0)
    }
    self.folder = folder
    before = nil
    self.source = source.absolute
    try write()
  }

  private init(again path: String, data: DataOptions, recipe: RecipeOptions, options: SearchOptions) throws {
    guard Files.exists(path) else { throw FileError(.missing, path, "there is no study '\(path)': check the name.") }
    var asked = options
    asked.study = path
    let known = try StudyNotes(asked)
    let found = try data.data == nil ? known.source.map { $0.withoutChecksums } : data.source(seed: 0)
    guard var source = found else { throw UsageError("which data? The study '\(path)' does not say; name them.") }
    split = try source.load()
    let changes = try recipe.changes()
    let base =
      try known.recipe.map { try changes.apply(to: $0) } ?? changes.apply(to: try recipe.base(for: split.task))
    tuner = Tuner(base, on: split, jobs: options.jobs)
    let old = known.study
    let sign = old.isMaximized ? -1.0 : 1
    let best = try old.trials().filter { $0.state == .complete && $0.value?.isFinite == true }
      .sorted { (sign * ($0.value ?? 0), $0.number) < (sign * ($1.value ?? 0), $1.number) }
    guard !best.isEmpty else {
      throw SearchError("the study '\(path)' has no trial that is done, so there is nothing to try again.")
    }
    let space = try options.space.map { try SearchSpace(file: $0) } ?? old.space
    try Self.check(space, tuner)
    let folder = try TuneFolder(options, named: source.name)
    study = try folder.open {
      try Study(
        space, file: folder.study,
        sampler: options.sampler.sampler,
        seed: recipe.seed ?? old.seed)
    }
    self.folder = folder
    for trial in best.prefix(Self.oldTrials) { try study.enqueue(trial.values) }
    before = 0
    self.source = source.absolute
    try write()
  }

  private static let oldTrials = 5

  /// Every key must be one that the recipe has, and every end and choice a value that it takes, before anything is made.
  private static func check(_ space: SearchSpace, _ tuner: Tuner) throws {
    let middle = space.parameters.map { _ in 0.5 }
    for (place, parameter) in space.parameters.enumerated() {
      let units: [Double] =
        if case .choice(let values) = parameter.domain {
          values.indices.map { (Double($0) + 0.5) / Double(values.count) }
        } else {
          [0, 1]
        }
      for unit in units {
        var point = middle
        point[place] = unit
        do {
          _ = try tuner.recipe(of: space.values(at: point))
        } catch {
          throw SearchError("the space does not fit the recipe: \(error)")
        }
      }
    }
  }

  private func write() throws {
    guard try study.note("source") == nil else { return }
    try study.put("source", try JSON.convert(source, to: JSONValue.self))
    try study.put("recipe", try JSON.convert(tuner.recipe, to: JSONValue.self))
  }
}

/// What a study says of itself beside its trials.
private struct StudyNotes {
  let study: Study
  let source: DataSource?
  let recipe: Recipe?

  init(_ options: SearchOptions) throws {
    study = try Study(nil, file: options.study, name: options.studyName, sampler: RandomSampler())
    source = try study.note("source").map { try JSON.convert($0, to: DataSource.self) }
    recipe = try study.note("recipe").map { try JSON.convert($0, to: Recipe.self) }
  }
}

extension SearchSpace {
  /// Reads a file.
  init(file path: String) throws {
    let text = try Files.readText(path)
    do {
      try self.init(json: text)
    } catch let error as SearchError {
      throw SearchError("'\(path)': \(error)")
    }
  }
}
