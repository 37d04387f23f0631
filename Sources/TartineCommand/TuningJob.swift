import Tartine

/// A study with its data, recipe and folder.
struct TuningJob {
  let source: DataSource
  let split: Split
  let tuner: Tuner
  let study: Study
  let folder: TuneFolder
  let sampler: SamplerChoice
  /// The number of the trial that repeats the winner of an earlier study; nil without `--again`.
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
    // The built-in digits are the default only for a new study.
    if let path = options.study, data.data == nil, known?.source == nil {
      let what =
        isThere
        ? "the study in '\(path)' does not name its data"
        : names.isEmpty
          ? "there is no study '\(path)' to continue"
          : "'\(path)' holds no study '\(options.studyName ?? "")', but \(names.map { "'\($0)'" }.joined(separator: ", "))"
      throw UsageError("\(what); name the data, and the target with --target ('digits' is built in).")
    }
    var source = try known?.source ?? data.source(seed: try recipe.changes().apply(to: try recipe.base(for: nil)).seed)
    if known?.source != nil, let flag = try data.disagreement(with: source) {
      throw UsageError(
        "\(flag) differs from the study '\(options.study ?? "")'; leave it out, or start a new study. For "
          + "other data, use --again.")
    }
    split = try source.load()
    let changes = try recipe.changes()
    let isNamed = !changes.isEmpty || recipe.recipe != nil || recipe.preset != nil
    let asked = try changes.apply(to: try recipe.base(for: split.dataset)).resolved(trainRows: split.trainCount)
    if isNamed, let old = known?.recipe, old != asked {
      throw UsageError(
        "the flags ask for another recipe than the study '\(options.study ?? "")' has; leave them out, or "
          + "start a new study."
      )
    }
    tuner = Tuner(known?.recipe ?? asked, on: split, stopping: options.stop, jobs: options.jobs)
    let space = try known?.study.space ?? given ?? SearchSpace.automatic(for: tuner.recipe)
    try Self.check(space, tuner)
    if let study = known?.study { try Tuner.check(study) }
    let (chosen, folder) = (
      options.sampler ?? known?.sampler ?? .default,
      try TuneFolder(options, named: source.name, goesOn: isThere, before: try known?.study.note("folder")?.string)
    )
    study = try folder.open {
      try Study(
        space, file: folder.study, name: options.studyName, sampler: chosen.sampler, seed: recipe.seed ?? 0)
    }
    (sampler, self.folder, before) = (chosen, folder, try study.note("before")?.integer)
    // The first trial is the recipe itself.
    let start = try tuner.recipe.values(in: space)
    if try study.trials().isEmpty, !study.isMaximized, !start.isEmpty { try study.enqueue(start) }
    let searched = Set(space.parameters.map(\.name))
    for key in changes.keys
    where searched.contains(key) || Self.sizes.contains(key) && !searched.isDisjoint(with: Self.sizes) {
      let isBegun = start[key] != nil || Self.sizes.contains(key) && Self.sizes.contains { start[$0] != nil }
      Files.warn(
        "\(key) is searched, so the flag's value is "
          + (isBegun ? "used for the first trial alone." : "ignored: it is outside the range."))
    }
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
      try known.source.map { try data.source(following: $0.withoutChecksums) }
      ?? (data.data == nil ? nil : data.source(seed: try changes.apply(to: try recipe.base(for: nil)).seed))
    guard var source = found else {
      throw UsageError(
        "the study '\(path)' does not name its data; name them.")
    }
    do {
      split = try source.load()
    } catch var error as DataError {
      let unnamed = data.leaveOut == nil ? source.leaveOut ?? [] : []
      if let name = error.missingColumn, unnamed.contains(name) {
        error.message +=
          " The study left '\(name)' out; name the columns to leave out of these data with --leave-out."
      }
      throw error
    }
    let base =
      try known.recipe.map { try changes.apply(to: $0) } ?? changes.apply(to: try recipe.base(for: split.dataset))
    tuner = Tuner(base, on: split, stopping: options.stop, jobs: options.jobs)
    let old = try known.best(Self.oldTrials)
    guard !old.isEmpty else {
      throw SearchError("the study '\(path)' has no complete trial, so there is nothing to try again.")
    }
    let space = try options.space.map { try SearchSpace(file: $0) } ?? known.study.space
    try Self.check(space, tuner)
    if let strange = old.first(where: { space.point(of: $0) == nil }) {
      throw SearchError(
        "the space excludes values of the best trials of the study '\(path)', "
          + "\(strange.map { "\($0.key) \($0.value.shortText)" }.sorted().joined(separator: ", ")); widen "
          + "it, or start a new study without --again."
      )
    }
    let (chosen, folder) = (
      options.sampler ?? known.sampler ?? .default,
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
  /// Keys of the same setting.
  private static let sizes: Set = ["network.hidden", "network.units", "network.depth"]

  /// Returns the flags of a command that continues the study.
  func goingOn(_ options: SearchOptions, _ trials: Int?) -> String {
    let flags = [
      ("--study-name", options.studyName.map(Shell.quoted)), ("--out", options.out.map(Shell.quoted)),
      ("--trials", trials.map(String.init)), ("--budget", options.budget),
      ("--stop", options.stop == .none ? nil : options.stop.rawValue), ("--jobs", options.jobs.map(String.init)),
    ].compactMap { flag, value in value.map { "\(flag) \($0)" } }
    return (["--study \(Shell.quoted(folder.study))"] + flags).joined(separator: " ")
  }

  /// Checks that the recipe has every key and takes both ends and all choices of each range, before any file
  /// is created.
  private static func check(_ space: SearchSpace, _ tuner: Tuner) throws {
    let names = Set(space.parameters.map(\.name))
    if names.contains("network.hidden"), let other = ["network.units", "network.depth"].first(where: names.contains) {
      throw SearchError(
        "the space has both 'network.hidden' and '\(other)', which set the same thing; leave one "
          + "of them out.")
    }
    if tuner.stopping != .none, let loss = names.first(where: { $0.hasPrefix("loss.") }) {
      throw SearchError(
        "--stop \(tuner.stopping.rawValue) compares dev losses, and with '\(loss)' in the space they are "
          + "not comparable; leave one of them out.")
    }
    if names.contains("seed") {
      throw SearchError(
        "the seed is no hyperparameter: the best of many seeds is luck; leave it out of the space.")
    }
    for (place, parameter) in space.parameters.enumerated() {
      let units: [Double] =
        if case .choice(let values) = parameter.domain {
          values.indices.map { (Double($0) + 0.5) / Double(values.count) }
        } else {
          // A value between the ends detects keys that need whole numbers.
          [0, 0.37, 1]
        }
      // Satisfy the conditions, so that the hyperparameter is active.
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

  /// Writes down the winner, for `--again`, and returns the number of test-set evaluations so far.
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
    // Write changes alone.
    let news = try notes.filter { try study.note($0.key) != $0.value }
    if !news.isEmpty { try study.put(news) }
  }
}

/// The notes that a study keeps beside its trials.
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

  /// Returns the values of the winner, if one is noted, and of the best other trials, `count` in all.
  func best(_ count: Int) throws -> [[String: JSONValue]] {
    var list: [[String: JSONValue]] = []
    if case .object(let won)? = try study.note("winner") { list.append(won) }
    let sign = study.isMaximized ? -1.0 : 1
    let done = try study.trials().filter { $0.state == .complete && $0.value?.isFinite == true }
      .sorted { (sign * ($0.value ?? 0), $0.number) < (sign * ($1.value ?? 0), $1.number) }
    for trial in done where list.count < count && !list.contains(where: { $0.isSame(as: trial.values) }) {
      list.append(trial.values)
    }
    return list
  }
}

extension SearchSpace {
  /// Reads a search space from a file.
  init(file path: String) throws {
    let text = try Files.readText(path)
    do {
      try self.init(json: text)
    } catch let error as SearchError {
      throw SearchError("'\(path)': \(error)")
    }
  }
}
