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
    let total = options.trials ?? (budget == nil ? Self.usualTrials : nil)
    Files.onInterrupt(
      say: "stopped; what is done is kept. To go on: \(Shell.program) tune \(job.goingOn(options, total))",
      removing: job.folder.path)
    let trainings = (options.finalists + min(2, options.finalists)) * options.freshSeeds + 1
    let display = TuningDisplay(
      job, isQuiet: options.json, already: try job.study.trials().count { $0.state.isFinished }, total: total,
      seconds: budget, trainings: trainings)
    display.begin(job)
    try job.tuner.run(job.study, upTo: total, for: budget, leavingTimeFor: trainings, progress: display.show)
    var winner: Winner?
    var problem: String?
    do {
      let stage = finalStage(job, left: budget.map { $0 - (clock.now - start).inSeconds }, display)
      winner = try job.tuner.winner(
        of: try job.study.trials(), in: job.study.space, candidates: stage.finalists, seeds: stage.seeds,
        including: job.before, progress: display.show)
    } catch let error as DivergedWinner {
      // What was searched is told all the same.
      problem = "\(error)"
    }
    display.end()
    if let problem { Files.warn(problem) }
    let result = try TuningResult(
      job.study, job.tuner, job.sampler, winner: winner, before: job.before, testOpenings: try job.note(winner))
    let seconds = (clock.now - start).inSeconds
    try job.folder.write(result, job, seconds: seconds)
    if options.json {
      try Files.print(try JSON.text(TuneFolder.Written(result, job.folder, seconds: seconds)) + "\n")
    } else {
      try Files.print(TuningText(result, job, seconds: seconds).text)
    }
  }

  /// How many are trained again, and with how many seeds: fewer where that would take longer than is left.
  private func finalStage(
    _ job: TuningJob, left: Double?, _ display: TuningDisplay
  ) -> (finalists: Int, seeds: Int) {
    var (finalists, seeds) = (options.finalists, options.freshSeeds)
    guard let left, let each = display.secondsOfATrial else { return (finalists, seeds) }
    func time() -> Double { each * Double(finalists * seeds + min(2, finalists) * seeds + job.tuner.jobs) }
    while time() > left, finalists > 2 || seeds > 2 {
      if seeds > 3 || finalists <= 2 { seeds -= 1 } else { finalists -= 1 }
    }
    if (finalists, seeds) != (options.finalists, options.freshSeeds) {
      Files.warn(
        "the time left is enough to train the best \(finalists) again with \(seeds) seeds, not \(options.finalists) with "
          + "\(options.freshSeeds); allow more with --budget.")
    }
    return (finalists, seeds)
  }

  /// Trials when neither their number nor a time is given.
  private static let usualTrials = 64
}

/// The flags of a search.
struct SearchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A file of hyperparameters, as {\"optimizer.learningRate\": {\"low\": 1e-4, \"high\": 0.1, \"scale\": \"log\"}, \"network.activation\": {\"choices\": [\"relu\", \"tanh\"]}}; also \"integer\": true, \"step\", \"scale\": \"reverse-log\", \"when\": {key: [values]}. By default the rate, units, batch size, β, depth, decay, dropout.",
      valueName: "file"))
  var space: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Trials in all; 64 where no time is given.", valueName: "n"))
  var trials: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Time for all of it, as in 90s, 10m, 1h; a number alone is seconds.", valueName: "time"))
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
      "What says what to try; by default the study's own, or guided-zoom.", valueName: "name"))
  var sampler: SamplerChoice?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Stop trials early that are behind others.", valueName: "rule"))
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
    if again != nil, let trials, trials <= 5 {
      throw ValidationError("--again tries the old best five before anything new, so --trials must be at least 6.")
    }
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
    let seconds = (number ?? 0) * (unit ?? 1)
    guard seconds > 0, seconds <= most else {
      throw UsageError("--budget is a time above 0 and below a year, as in 90s, 5m or 1h, not '\(text)'.")
    }
    return seconds
  }

  private static let most = 365.0 * 24 * 3600
}

/// A study with its data, recipe and folder.
struct TuningJob {
  let source: DataSource
  let split: Split
  let tuner: Tuner
  let study: Study
  let folder: TuneFolder
  let sampler: SamplerChoice
  /// The winner of the study before, in this one's numbers; nil unless it is again.
  let before: Int?

  init(data: DataOptions, recipe: RecipeOptions, options: SearchOptions) throws {
    if let path = options.again {
      try self.init(again: path, data: data, recipe: recipe, options: options)
    } else {
      try self.init(begun: data, recipe: recipe, options: options)
    }
  }

  private init(begun data: DataOptions, recipe: RecipeOptions, options: SearchOptions) throws {
    let given = try options.space.map { try SearchSpace(file: $0) }
    let names = try options.study.map { Files.exists($0) ? try Study.names(inFile: $0) : [] } ?? []
    let isThere = options.studyName.map(names.contains) ?? !names.isEmpty
    let known = isThere ? try StudyNotes(options, given) : nil
    // Without a study to go on with, no data are the built-in digits.
    if let path = options.study, data.data == nil, known?.source == nil {
      let what =
        isThere
        ? "the study in '\(path)' does not say which data it is of"
        : names.isEmpty
          ? "there is no study '\(path)' to go on with"
          : "'\(path)' holds no study '\(options.studyName ?? "")', but \(names.map { "'\($0)'" }.joined(separator: ", "))"
      throw UsageError("\(what); name the data, and the target with --target ('digits' are built in).")
    }
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
    tuner = Tuner(known?.recipe ?? asked, on: split, stopping: options.stop, jobs: options.jobs)
    let space = try known?.study.space ?? given ?? SearchSpace.automatic(for: tuner.recipe)
    try Self.check(space, tuner)
    if known?.study.isMaximized == true {
      throw SearchError(
        "the study '\(options.study ?? "")' looks for the most, and a trial of a network is worth its error, of which less is better; "
          + "begin another study.")
    }
    let (chosen, folder) = (
      options.sampler ?? known?.sampler ?? .usual,
      try TuneFolder(options, named: source.name, goesOn: isThere, before: try known?.study.note("folder")?.string)
    )
    study = try folder.open {
      try Study(
        space, file: folder.study, name: options.studyName, sampler: chosen.sampler, seed: recipe.seed ?? 0)
    }
    (sampler, self.folder, before) = (chosen, folder, try study.note("before")?.integer)
    self.source = source.absolute
    try write()
  }

  private init(again path: String, data: DataOptions, recipe: RecipeOptions, options: SearchOptions) throws {
    guard Files.exists(path) else { throw FileError(.missing, path, "there is no study '\(path)': check the name.") }
    var asked = options
    asked.study = path
    let known = try StudyNotes(asked, nil)
    let changes = try recipe.changes()
    let found =
      try known.source.map { try data.source(seed: $0.splitSeed).following($0.withoutChecksums, data) }
      ?? (data.data == nil ? nil : data.source(seed: try changes.apply(to: try recipe.base(for: nil)).seed))
    guard var source = found else { throw UsageError("which data? The study '\(path)' does not say; name them.") }
    split = try source.load()
    let base =
      try known.recipe.map { try changes.apply(to: $0) } ?? changes.apply(to: try recipe.base(for: split.task))
    tuner = Tuner(base, on: split, stopping: options.stop, jobs: options.jobs)
    let old = try known.best(Self.oldTrials)
    guard !old.isEmpty else {
      throw SearchError("the study '\(path)' has no trial that is done, so there is nothing to try again.")
    }
    let space = try options.space.map { try SearchSpace(file: $0) } ?? known.study.space
    try Self.check(space, tuner)
    if let strange = old.first(where: { space.point(of: $0) == nil }) {
      throw SearchError(
        "the space leaves out what the study '\(path)' found best, \(strange.map { "\($0.key) \($0.value.shortText)" }.sorted().joined(separator: ", ")); widen it, or begin a study of its own without --again."
      )
    }
    let (chosen, folder) = (
      options.sampler ?? known.sampler ?? .usual,
      try TuneFolder(options, named: source.name, goesOn: false, before: nil)
    )
    study = try folder.open {
      try Study(space, file: folder.study, sampler: chosen.sampler, seed: recipe.seed ?? known.study.seed &+ 1)
    }
    for values in old { try study.enqueue(values) }
    try study.put("before", 0)
    (sampler, self.folder, before) = (chosen, folder, 0)
    self.source = source.absolute
    try write()
  }

  private static let oldTrials = 5

  /// The flags of a command that goes on with it.
  func goingOn(_ options: SearchOptions, _ trials: Int?) -> String {
    let flags = [
      ("--study-name", options.studyName.map(Shell.quoted)), ("--out", options.out.map(Shell.quoted)),
      ("--trials", trials.map(String.init)), ("--budget", options.budget),
      ("--stop", options.stop == .none ? nil : options.stop.rawValue), ("--jobs", options.jobs.map(String.init)),
    ].compactMap { flag, value in value.map { "\(flag) \($0)" } }
    return (["--study \(Shell.quoted(folder.study))"] + flags).joined(separator: " ")
  }

  /// Every key must be one that the recipe has, and every end and choice a value that it takes, before anything is made.
  private static func check(_ space: SearchSpace, _ tuner: Tuner) throws {
    let names = Set(space.parameters.map(\.name))
    if names.contains("network.hidden"), let other = ["network.units", "network.depth"].first(where: names.contains) {
      throw SearchError(
        "the space has both 'network.hidden' and '\(other)', which say the same; leave one of them out.")
    }
    if tuner.stopping != .none, let loss = names.first(where: { $0.hasPrefix("loss.") }) {
      throw SearchError(
        "--stop \(tuner.stopping.rawValue) compares dev losses, and with '\(loss)' in the space they are not of one kind; leave one of them "
          + "out.")
    }
    if names.contains("seed") {
      throw SearchError(
        "the space has the seed, which is no hyperparameter: the best of many seeds is luck; leave it out.")
    }
    for (place, parameter) in space.parameters.enumerated() {
      let units: [Double] =
        if case .choice(let values) = parameter.domain {
          values.indices.map { (Double($0) + 0.5) / Double(values.count) }
        } else {
          // And one that is not whole, for keys that must be.
          [0, 0.37, 1]
        }
      // It must be there.
      var fixed: [String: JSONValue] = [:]
      var condition = parameter.condition
      while let needed = condition {
        fixed[needed.name] = needed.values[0]
        condition = space.parameters.first { $0.name == needed.name }?.condition
      }
      for unit in units {
        var point = space.parameters.map { _ in 0.5 }
        point[place] = unit
        do {
          _ = try tuner.recipe(of: space.values(at: point, fixed: fixed))
        } catch {
          throw SearchError("the space does not fit the recipe: \(error)")
        }
      }
    }
  }

  /// Notes who won, for ``again``, and how often the test part was opened by now.
  func note(_ winner: Winner?) throws -> Int {
    guard let winner else { return 0 }
    let openings = (try study.note("testOpenings")?.integer ?? 0) + (winner.test == nil ? 0 : 1)
    try study.put(["winner": .object(winner.best.trial.values), "testOpenings": .integer(openings)])
    return openings
  }

  private func write() throws {
    var notes: [String: JSONValue] = [
      "sampler": .string(sampler.rawValue), "folder": .string(Files.absolute(folder.path)),
    ]
    if try study.note("source") == nil {
      notes["source"] = try JSON.convert(source, to: JSONValue.self)
      notes["recipe"] = try JSON.convert(tuner.recipe, to: JSONValue.self)
    }
    // What is so already is not written once more.
    let news = try notes.filter { try study.note($0.key) != $0.value }
    if !news.isEmpty { try study.put(news) }
  }
}

/// What a study says of itself beside its trials.
private struct StudyNotes {
  let study: Study
  let source: DataSource?
  let recipe: Recipe?
  let sampler: SamplerChoice?

  init(_ options: SearchOptions, _ space: SearchSpace?) throws {
    let study = try Study(space, file: options.study, name: options.studyName, sampler: RandomSampler())
    func note<Value: Decodable>(_ key: String, _: Value.Type) throws -> Value? {
      try study.note(key).map { tree in
        do {
          return try JSON.convert(tree, to: Value.self)
        } catch {
          throw FileError(
            .damaged, options.study ?? "",
            "the study '\(options.study ?? "")' is damaged: its \(key) cannot be read; name another file with --study.")
        }
      }
    }
    source = try note("source", DataSource.self)
    recipe = try note("recipe", Recipe.self)
    sampler = try study.note("sampler")?.string.flatMap { SamplerChoice(rawValue: $0) }
    self.study = study
  }

  /// The values of its winner, or of its best trial where none is noted, and of the best others, so many in all.
  func best(_ count: Int) throws -> [[String: JSONValue]] {
    var list: [[String: JSONValue]] = []
    if case .object(let won)? = try study.note("winner") { list.append(won) }
    let sign = study.isMaximized ? -1.0 : 1
    let done = try study.trials().filter { $0.state == .complete && $0.value?.isFinite == true }
      .sorted { (sign * ($0.value ?? 0), $0.number) < (sign * ($1.value ?? 0), $1.number) }
    func isThere(_ values: [String: JSONValue]) -> Bool {
      list.contains { JSONValue.object($0).isSame(as: .object(values)) }
    }
    for trial in done where list.count < count && !isThere(trial.values) { list.append(trial.values) }
    return list
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
