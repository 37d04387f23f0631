import ArgumentParser
import Tartine

struct ImproveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "improve",
    abstract: "Improves a network step by step, and proves the gain on the test set.",
    discussion: """
      Trains the recipe, diagnoses it, and tries the likeliest change against it, in pairs with the same rows \
      and seeds. What is significantly better is kept, and the next change is tried on top of it, until nothing is \
      left or the time is up. Then each accepted change is taken out again, and stays out if it is not \
      missed. At the end the test set is evaluated once: it says what of the gain is real.

        tartine improve houses.csv --target price
        tartine improve titanic.csv --target Survived --budget 30m
        tartine improve houses.csv --target price --recipe r.json --only members,bigger-network
        tartine improve houses.csv --target price --dry-run       lists the ideas
        tartine improve --resume improvements/houses-1

      Everything is in one folder: recipe.json and model.safetensors of the last recipe, ledger.jsonl with \
      all that was tried, and report.html. Interrupted once, it ends with what it has; killed, it goes on \
      with --resume.

      The flags of the recipe, such as --hidden, --epochs and --lr, are those of tartine train; tartine \
      improve --help-hidden lists them. With --refit the last model is trained on train and dev.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe", visibility: .hidden) var recipe: RecipeOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The time for everything, as in 90s, 30m, 1h; by default 10m without --rounds.", valueName: "time"))
  var budget: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of rounds: of recipes whose ideas are tried, the first and each accepted one.", valueName: "n"))
  var rounds: Int?

  @Option(
    name: [.customLong("worth"), .customLong("min-effect")],
    parsing: .unconditional,
    help: ArgumentHelp(
      "The smallest gain that counts, a fraction or in the target's unit; by default 2 % of the dev error, for classes at "
        + "least a tenth of a percentage point.", valueName: "difference"))
  var worth: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The human-level or Bayes error that bias is measured against: a fraction, or in the target's unit.",
      valueName: "error"))
  var humanError: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Try these ideas alone, separated by commas: \(Idea.names.joined(separator: ", ")).", valueName: "ideas"))
  var only: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Do not try these ideas.", valueName: "ideas"))
  var except: String?

  @Flag(help: "Train the recipe once, and list the ideas in the order in which they would be tried.")
  var dryRun = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Go on with an improvement that was killed.", valueName: "folder"))
  var resume: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The folder; by default a new folder in improvements/.", valueName: "folder"))
  var out: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads; by default one per processor. It does not change what is measured, only the time.",
      valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
    if let humanError, !(humanError >= 0 && humanError.isFinite) {
      throw ValidationError("--human-error must be at least 0, not \(humanError).")
    }
    if let worth, !(worth > 0 && worth.isFinite) { throw ValidationError("--worth must be above 0, not \(worth).") }
    if let rounds, !(1...1_000).contains(rounds) {
      throw ValidationError("--rounds must be from 1 to 1000, not \(rounds).")
    }
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
    for (flag, text) in [("--only", only), ("--except", except)] {
      if Self.names(text)?.isEmpty == true {
        throw ValidationError("\(flag) names no idea; there are \(Idea.names.joined(separator: ", ")).")
      }
      for name in Self.names(text) ?? [] where !Idea.names.contains(name) {
        throw ValidationError(
          "\(flag) names ideas, and there is no '\(name)'; there are \(Idea.names.joined(separator: ", ")).")
      }
    }
  }

  private static func names(_ list: String?) -> [String]? {
    list.map { $0.split(separator: ",").map(String.init) }
  }

  func run() throws {
    if let resume { return try goOn(with: resume) }
    let (description, split) = try begun()
    if let error = description.humanError, error > 1, split.task != .regression {
      throw UsageError("--human-error is a fraction from 0 to 1 for classification, not \(error); 0.05 means 5 %.")
    }
    if let worth, worth >= 1, split.task != .regression {
      throw UsageError(
        "--worth is a fraction below 1 for classification, not \(worth); 0.005 means half a percentage point.")
    }
    if dryRun { return try listIdeas(description, on: split) }
    let folder = try ImproveFolder(creating: out, named: description.source.name)
    do {
      try folder.write(description)
      try improve(description, on: split, in: folder)
    } catch {
      folder.removeIfNothingWasTrained()
      throw error
    }
  }

  private func begun() throws -> (ImproveFolder.Description, Split) {
    let changes = try recipe.changes()
    let first = try changes.apply(to: try recipe.base(for: nil))
    var source = try data.source(seed: first.seed, loss: first.loss)
    let split = try source.load()
    let base = try changes.apply(to: try recipe.base(for: split.dataset))
    var description = ImproveFolder.Description(source: source.absolute, recipe: base)
    let seconds = try budget.map { try Budget.seconds($0) }
    description.budget = seconds ?? (rounds == nil ? 600 : nil)
    (description.rounds, description.worth, description.humanError) = (rounds, worth, humanError)
    (description.only, description.except) = (Self.names(only), Self.names(except) ?? [])
    description.refit = base.refit
    return (description, split)
  }

  private func goOn(with path: String) throws {
    let folder = try ImproveFolder(opening: path)
    let description = try folder.read()
    guard !description.isFinished else {
      throw UsageError("the improvement in '\(path)' is finished; its report is '\(folder.report)'.")
    }
    var source = description.source
    guard try data.disagreement(with: source) == nil, recipe.recipe == nil, recipe.preset == nil,
      try recipe.changes().isEmpty,
      [out, budget, only, except].allSatisfy({ $0 == nil }), rounds == nil, worth == nil, humanError == nil, !dryRun
    else {
      throw UsageError("--resume goes on as the improvement began; leave all flags out but --threads and --json.")
    }
    try improve(description, on: try source.load(), in: folder)
  }

  private func improve(_ description: ImproveFolder.Description, on split: Split, in folder: ImproveFolder) throws {
    let lock = try FolderLock(folder.path)
    defer { withExtendedLifetime(lock) {} }
    Files.onFirstInterrupt(
      say:
        "finishing this training, then the test set is evaluated and the report is written; interrupt again to stop at once.",
      onSecond: "stopped; to go on: \(Shell.program) improve --resume \(Shell.quoted(folder.path))")
    for notice in split.notices where !json { Files.warn(notice) }
    var options = description.options
    options.threads = threads
    options.refits = description.refit
    options.isStopped = { Files.isInterrupted }
    options.spelling = { $0.flags }
    let display = ImproveDisplay(split, isQuiet: json && Files.terminalWidth == nil)
    var lines: [String] = []
    let improvement = try description.recipe.improve(
      on: split, options: options, archive: try TrainingArchive(folder.trainings, source: description.source)
    ) { event in
      display.show(event)
      guard case .trial(let trial) = event, let line = try? JSON.text(trial) else { return }
      lines.append(line + "\n")
      try? Files.write(lines.joined(), to: folder.ledger)
    }
    display.clear()
    // Of a change that was taken out, or replaced, this is known only at the end.
    lines = try improvement.trials.map { try JSON.text($0) + "\n" }
    try Files.write((lines + [try JSON.text(folder.written(improvement)) + "\n"]).joined(), to: folder.ledger)
    var model = improvement.run.model
    if description.refit {
      model = try improvement.last.recipe.refitting().train(on: split, threads: threads).model
    }
    let title = description.source.target.map { "\(description.source.name), \($0)" } ?? description.source.name
    try folder.finish(improvement, model: model, description: description, title: title)
    try Files.print(
      json
        ? try JSON.text(folder.written(improvement)) + "\n"
        : ImprovementText(improvement, folder, description.source).text)
  }

  private func listIdeas(_ description: ImproveFolder.Description, on split: Split) throws {
    var options = description.options
    options.threads = threads
    let ideas = try description.recipe.findIdeas(on: split, options: options)
    if json {
      let list = ideas.map {
        IdeaLine(
          name: $0.name, aim: $0.aim, what: $0.what, why: $0.why, settings: $0.settings.flags, gain: $0.gain,
          seconds: $0.seconds)
      }
      return try Files.print(try JSON.text(["ideas": list]) + "\n")
    }
    let unit = split.task == .regression ? "" : " points"
    let scale = split.task == .regression ? 1.0 : 100
    let lines = ideas.map { idea in
      "\(idea.name): \(idea.what), because \(idea.why); expected gain \(Text.significant(idea.gain * scale, digits: 2))\(unit), "
        + "\(Text.significant(idea.seconds, digits: 2)) s a training\n   \(idea.settings.flags)"
    }
    try Files.print(
      "\(ideas.count) ideas, in the order in which they would be tried:\n"
        + lines.enumerated().map { "\($0.offset + 1). \($0.element)\n" }.joined())
  }
}

/// An idea as `--dry-run --json` prints it.
private struct IdeaLine: Encodable {
  let name: String
  let aim: Idea.Aim
  let what, why, settings: String
  let gain, seconds: Double
}

/// Shows what an improvement does: a line that is replaced on a terminal, a line for each trial everywhere.
private final class ImproveDisplay {
  private let isQuiet: Bool
  private let isTerminal = Files.terminalWidth != nil
  private let unit: Unit

  init(_ split: Split, isQuiet: Bool) {
    self.isQuiet = isQuiet
    unit = Unit(task: split.task, target: "")
  }

  func show(_ event: ImprovementProgress) {
    guard !isQuiet else { return }
    switch event {
    case .training(let what, let left):
      guard isTerminal else { return }
      Files.show("\r\u{1B}[K\(what)…\(left.map { " \(Int(max(0, $0))) s left" } ?? "")")
    case .note(let sentence):
      clear()
      Files.show(sentence + "\n")
    case .trial(let trial):
      clear()
      let pairs = "\(trial.counted) pair\(trial.counted == 1 ? "" : "s")"
      let gain = trial.gain.map { ", by \(unit.difference($0)) over \(pairs)" } ?? ""
      Files.show(
        "\(trial.subject == .ablation ? "without " : "")\(trial.what): \(trial.reason)\(gain)\n"
      )
    }
  }

  func clear() {
    if isTerminal, !isQuiet { Files.show("\r\u{1B}[K") }
  }
}

/// The short text that `improve` prints.
struct ImprovementText {
  let text: String

  init(_ improvement: Improvement, _ folder: ImproveFolder, _ source: DataSource) {
    var lines = [improvement.sentence]
    if improvement.gain != nil {
      let doubts = improvement.advice.filter {
        ["duplicates-across-split", "leaking-column", "repeated-identifier"].contains($0.name)
      }
      lines += doubts.map { "The errors may be too low: \($0.evidence)." }
    }
    func list(_ title: String, _ trials: [IdeaTrial]) {
      guard !trials.isEmpty else { return }
      lines += ["", title]
      lines += trials.prefix(8).map { trial in
        "  \(trial.what): \(trial.gain.map { improvement.text(ofGain: $0) } ?? "no figure"), \(trial.reason)"
      }
      if trials.count > 8 { lines.append("  and \(trials.count - 8) more, in the report") }
    }
    list("Accepted, with the gain on dev:", improvement.accepted)
    list("Not accepted:", improvement.refused)
    if !improvement.advice.isEmpty {
      lines += ["", "For you:"]
      lines += improvement.advice.prefix(4).map { "  \($0.name): \($0.evidence) → \($0.action)" }
    }
    lines += [
      "",
      "\(improvement.ending) \(Improvement.count(improvement.trainings, "training")) in \(Text.significant(improvement.seconds, digits: 3)) s; details and plots: \(folder.report)",
    ]
    if improvement.gain != nil {
      lines.append("The last recipe: tartine train \(source.flags) --recipe \(Shell.quoted(folder.recipe))")
    }
    text = lines.joined(separator: "\n") + "\n"
  }
}
