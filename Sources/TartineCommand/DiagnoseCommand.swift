import ArgumentParser
import Tartine

struct DiagnoseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagnose",
    abstract: "Says what is wrong with a network, and how sure that is.",
    discussion: """
      Inspects the data, trains the recipe with several seeds, and beside it a recipe that is known to train on most \
      data. Where that one is surely better, one setting after the other is put to what it has there, and the one whose \
      change alone brings the error down is the fault. Then come faults of the data: columns that give the target away, \
      copies, wrong labels, too few rows.

        tartine diagnose titanic.csv --target Survived
        tartine diagnose houses.csv --target price --recipe my-recipe.json --budget 2m
        tartine diagnose runs/houses-1

      A folder of a run is examined as it was trained. The report, its figures as report.json, and the recipe go to a \
      folder of their own.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions

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
    help: ArgumentHelp("Time after which nothing new is begun, as in 90s, 5m, 1h.", valueName: "time"))
  var budget = "5m"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The report's folder; by default diagnoses/ and a new name.", valueName: "folder"))
  var out: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Threads; by default one a processor. The result is the same for any number.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
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

  func run() throws {
    let budget = try Budget.seconds(budget)
    let (subject, source) = try subject()
    if let humanError, humanError > 1, subject.split.task != .regression {
      throw UsageError("--human-error is a fraction from 0 to 1 for classes, not \(humanError); 0.05 are 5 %.")
    }
    let folder = try DiagnosisFolder(creating: out, named: source.name)
    Files.onInterrupt(say: "stopped; nothing was written.", removing: folder.path)
    let isTerminal = Files.terminalWidth != nil
    func show(_ step: String) { Files.show(isTerminal ? "\r\u{1B}[K\(step)…" : "\(step)\n") }
    let found: Examination
    do {
      switch subject {
      case .run(let run, let description):
        // The run's own reference and δ, so that its ladder is read as it was then.
        found = try run.examined(
          test: description.testOpenings > 0 ? try run.test() : nil,
          humanError: humanError ?? description.options?.humanError, worth: worth ?? description.options?.worth,
          budget: budget, threads: threads, progress: show)
      case .recipe(let recipe, let split):
        found = try recipe.examined(
          on: split, humanError: humanError, worth: worth, budget: budget, threads: threads, progress: show)
      }
    } catch {
      Files.removeEmptyFolder(folder.path)
      throw error
    }
    if isTerminal { Files.show("\r\u{1B}[K") }
    let examination = found.withCommands { place in
      "\(Shell.program) train \(source.flags) --recipe \(Shell.quoted(folder.recipe(ofPrescription: place)))"
    }
    do {
      try folder.write(examination, on: subject.split, source)
    } catch {
      // What took so long to find is told all the same.
      if !json { try Files.print(ExaminationText(examination, report: "could not be written").text) }
      throw error
    }
    if json {
      try Files.print(try JSON.text(DiagnosisFolder.Written(examination, report: folder.report)) + "\n")
    } else {
      try Files.print(ExaminationText(examination, report: folder.report).text)
    }
  }

  /// What is examined.
  private enum Subject {
    case run(Run, RunFolder.Description)
    case recipe(Recipe, Split)

    var split: Split {
      switch self {
      case .run(let run, _): run.split
      case .recipe(_, let split): split
      }
    }
  }

  private func subject() throws -> (Subject, DataSource) {
    let changes = try recipe.changes()
    if let path = data.data, Files.exists(path + "/run.json") {
      let folder = try RunFolder(opening: path)
      let (description, _) = try folder.read()
      var rest = data
      rest.data = nil
      guard changes.isEmpty, recipe.recipe == nil, recipe.preset == nil,
        try rest.disagreement(with: description.source) == nil
      else {
        throw UsageError(
          "the run in '\(path)' is examined as it was trained, so flags of data and recipe must be left out; for another "
            + "recipe name the data, and --recipe \(folder.recipe) with what is to change.")
      }
      guard description.status != .diverged else {
        // There is no result to look at, but there are the data and the recipe.
        var source = description.source
        let split = try source.load()
        return (.recipe(try folder.read().recipe, split), source)
      }
      return (
        .run(try folder.open(threads: threads), description), description.source
      )
    }
    let first = try changes.apply(to: try recipe.base(for: nil))
    var source = try data.source(seed: first.seed, loss: first.loss)
    let split = try source.load()
    return (.recipe(try changes.apply(to: try recipe.base(for: split.dataset.task.task)), split), source)
  }
}

/// What `diagnose` says to a person, in few lines.
struct ExaminationText {
  private let examination: Examination
  private let report: String

  init(_ examination: Examination, report: String) {
    self.examination = examination
    self.report = report
  }

  var text: String {
    var lines: [String] = []
    if examination.faults.isEmpty {
      lines.append(examination.nothingFound)
      if let baseline = examination.checks.first(where: { $0.name == "baseline" && $0.verdict != .fine }) {
        lines.append("But that it learns anything is not sure: \(baseline.evidence).")
      }
    } else {
      for (place, fault) in examination.faults.prefix(2).enumerated() {
        lines += ["\(place + 1). \(fault.name.rawValue): \(fault.evidence).", "   → \(fault.action)."]
      }
      let others = examination.faults.dropFirst(2).map(\.name.rawValue)
      if !others.isEmpty { lines.append("Besides: \(Dataset.list(others)).") }
    }
    let warnings = examination.inspection.warnings.filter { warning in
      !examination.faults.contains { $0.name.rawValue == warning.name.rawValue }
    }
    if !warnings.isEmpty {
      let names = warnings.map { "\($0.name.rawValue)\($0.column.map { " '\($0)'" } ?? "")" }
      lines.append(
        "Of the data, as inspect has it: \(Dataset.list(Array(names.prefix(4))))\(names.count > 4 ? " and more" : "").")
    }
    if let diagnosis = examination.diagnosis {
      let seeds = examination.ladderSeeds
      lines += ["", "\(diagnosis.heading)\(seeds > 1 ? ", \(seeds) seeds" : ""):"]
      lines += diagnosis.ladderText.split(separator: "\n").map { "  \($0)" }
      lines.append(diagnosis.verdict)
    }
    lines += remedies
    var end: [String] = []
    if !examination.notDone.isEmpty {
      end.append("Not done for lack of time (--budget): \(Dataset.list(Array(examination.notDone.prefix(4)))).")
    }
    end += [
      "",
      "\(examination.checks.count) checks in \(Text.fixed(examination.seconds, decimals: 1)) s; all of them, with pictures: \(report)",
    ]
    // The rest, as far as there is room, is in the report.
    let more = more.prefix(max(0, Self.mostLines - lines.count - end.count))
    return (lines + (more.count > 1 ? more : []) + end).joined(separator: "\n") + "\n"
  }

  private static let mostLines = 24

  private var remedies: [String] {
    let sure = examination.prescriptions.filter { ($0.gain?.low ?? 0) > 0 }
    let tried = examination.prescriptions.filter { $0.gain != nil }
    let remedies = Array((sure.isEmpty ? tried : sure).prefix(3))
    guard !remedies.isEmpty else { return [] }
    return ["", sure.isEmpty ? "Nothing that was tried surely helps; what may:" : "What would help:"]
      + remedies.enumerated().map { place, remedy in
        "  \(place + 1). \(remedy.what)\(remedy.gain.map { ": \(lower($0))" } ?? "")"
      } + (remedies.first?.command.map { ["  To do the first: \($0)"] } ?? [])
  }

  private var more: [String] {
    var lines: [String] = []
    let isBlind = examination.faults.contains { $0.name == .noSignal }
    if !isBlind, let curve = examination.learningCurve, let first = curve.points.first, let last = curve.points.last {
      let means = curve.points.map { $0.errors.reduce(0, +) / Double($0.errors.count) }
      var line = "Learning curve  \(Text.bars(means))  from \(first.rows) to \(last.rows) rows"
      if case .twice(let error) = curve.answer, let diagnosis = examination.diagnosis {
        line += "; twice as many: \(diagnosis.text(error.value)) (\(diagnosis.range(error)))"
      }
      lines.append(line)
    }
    if let columns = examination.importance?.columns.filter(\.isAboveNoise), !columns.isEmpty {
      lines.append("Columns that it uses most: \(Dataset.list(columns.prefix(4).map(\.column))).")
    }
    if let worst = examination.slices?.worst.first, let diagnosis = examination.diagnosis {
      lines.append(
        "It errs most on \(worst.name): \(diagnosis.text(worst.error.value)) over \(worst.rows) rows, "
          + "\(diagnosis.text(worst.otherError)) over the others.")
    }
    if let labels = examination.labels, let first = labels.suspects.first,
      examination.faults.contains(where: { $0.name == .labelNoise }) || labels.share.value < 0.1
    {
      lines.append(
        "\(labels.suspects.count) of \(labels.rows) labels are suspect; the surest is row \(first.row), '\(first.label)', which "
          + "looks like '\(first.suggestion)'.")
    }
    return lines.isEmpty ? [] : [""] + lines
  }

  private func lower(_ gain: Estimate) -> String {
    let isFraction = examination.inspection.task.task != .regression
    func text(_ value: Double) -> String {
      isFraction ? Text.fixed(value * 100, decimals: 2) : Text.significant(value, digits: 4)
    }
    return "dev lower by \(text(gain.value))\(isFraction ? " points" : "") (\(text(gain.low)) to \(text(gain.high)))"
  }
}
