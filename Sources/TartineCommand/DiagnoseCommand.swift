import ArgumentParser
import Tartine

struct DiagnoseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagnose",
    abstract: "Finds what is wrong with a network, with confidence intervals.",
    discussion: """
      Inspects the data, then trains the recipe with several seeds, next to a reference recipe that trains \
      well on most data. If the reference is significantly better, its settings are tried in the recipe one \
      at a time: the setting whose change alone lowers the error is the fault. Then it looks for faults of \
      the data: columns that leak the target, duplicates, wrong labels, too few rows.

        tartine diagnose titanic.csv --target Survived
        tartine diagnose houses.csv --target price --recipe r.json --budget 2m
        tartine diagnose runs/houses-1

      A run's folder is examined as it was trained. Interrupted once, it reports what it has found. The \
      report, its figures (report.json) and the recipe are written to a separate folder.

      The flags of the recipe, such as --hidden, --epochs and --lr, are those of tartine train; tartine \
      diagnose --help-hidden lists them.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe", visibility: .hidden) var recipe: RecipeOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The human-level or Bayes error that bias is measured against: a fraction, or in the target's unit.",
      valueName: "error"))
  var humanError: Double?

  @Option(
    name: [.customLong("min-effect"), .customLong("worth")],
    parsing: .unconditional,
    help: ArgumentHelp(
      "The smallest difference that matters; by default 10 % of the dev error, for classes at least half a "
        + "percentage point, or a tenth of the constant baseline's error.",
      valueName: "difference"))
  var worth: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The time after which no new step starts, as in 90s, 5m, 1h.", valueName: "time"))
  var budget = "5m"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The report's folder; by default a new folder in diagnoses/.", valueName: "folder"))
  var out: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads; by default one per processor. It does not change the result.", valueName: "n"))
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
      throw UsageError(
        "--human-error is a fraction from 0 to 1 for classification, not \(humanError); 0.05 means 5 %.")
    }
    let folder = try DiagnosisFolder(creating: out, named: source.name)
    Files.onFirstInterrupt(
      say: "finishing this step, then the report is written; interrupt again to stop at once.",
      onSecond: "stopped; the report is missing or incomplete.", removing: folder.path)
    let isTerminal = Files.terminalWidth != nil
    func show(_ step: String) { Files.show(isTerminal ? "\r\u{1B}[K\(step)…" : "\(step)\n") }
    let found: Examination
    do {
      switch subject {
      case .run(let run, let description):
        // The run's own human error and δ, so that its error ladder reads as it did then.
        found = try run.diagnoseByTraining(
          test: description.testOpenings > 0 ? try run.test() : nil,
          humanError: humanError ?? description.options?.humanError, worth: worth ?? description.options?.worth,
          budget: budget, isStopped: { Files.isInterrupted }, threads: threads, progress: show)
      case .recipe(let recipe, let split):
        found = try recipe.diagnoseByTraining(
          on: split, humanError: humanError, worth: worth, budget: budget, isStopped: { Files.isInterrupted },
          threads: threads, progress: show)
      }
    } catch {
      Files.removeEmptyFolder(folder.path)
      throw error
    }
    if isTerminal { Files.show("\r\u{1B}[K") }
    let examination = found.withCommands { place in
      "tartine train \(source.flags) --recipe \(Shell.quoted(folder.recipe(ofPrescription: place)))"
    }
    do {
      try folder.write(examination, on: subject.split, source)
    } catch {
      // Print the findings all the same: they took long.
      if !json { try Files.print(ExaminationText(examination, report: "could not be written").text) }
      throw error
    }
    if json {
      try Files.print(try JSON.text(DiagnosisFolder.Written(examination, report: folder.report)) + "\n")
    } else {
      try Files.print(ExaminationText(examination, report: folder.report).text)
    }
  }

  /// A finished run, or a recipe to train.
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
          "the run in '\(path)' is examined as it was trained, so leave out the flags of data and recipe; "
            + "to examine another recipe, name the data, --recipe \(folder.recipe) and the flags to change.")
      }
      guard description.status != .diverged else {
        // A diverged run has no result, but it has the data and the recipe.
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
    return (.recipe(try changes.apply(to: try recipe.base(for: split.dataset)), split), source)
  }
}

/// The short text that `diagnose` prints.
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
      if let baseline = examination.baselineDoubt {
        lines.append("But it is not certain that the network learns anything: \(baseline.evidence).")
      }
    } else {
      for (place, fault) in examination.faults.prefix(2).enumerated() {
        lines += ["\(place + 1). \(fault.name.rawValue): \(fault.evidence).", "   → \(fault.action)."]
      }
      let others = examination.faults.dropFirst(2).map(\.name.rawValue)
      if !others.isEmpty { lines.append("Also found: \(Dataset.list(others)).") }
    }
    let warnings = examination.inspection.warnings.filter { warning in
      !examination.faults.contains { $0.name.rawValue == warning.name.rawValue }
    }
    if !warnings.isEmpty {
      let names = warnings.map { "\($0.name.rawValue)\($0.column.map { " '\($0)'" } ?? "")" }
      lines.append(
        "Warnings about the data, from inspect: "
          + "\(Dataset.list(Array(names.prefix(4))))\(names.count > 4 ? " and more" : "")."
      )
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
      end.append(
        "Skipped \(examination.isStopped ? "after the interrupt" : "for lack of time (--budget)"): \(Dataset.list(Array(examination.notDone.prefix(4))))."
      )
    }
    end += [
      "",
      "\(examination.checks.count) checks in \(Text.fixed(examination.seconds, decimals: 1)) s; details "
        + "and plots: \(report)",
    ]
    // Further lines only as far as there is room: the report has them all.
    let more = more.prefix(max(0, Self.mostLines - lines.count - end.count))
    return (lines + (more.count > 1 ? more : []) + end).joined(separator: "\n") + "\n"
  }

  private static let mostLines = 24

  private var remedies: [String] {
    let sure = examination.prescriptions.filter { ($0.gain?.low ?? 0) > 0 }
    let tried = examination.prescriptions.filter { $0.gain != nil }
    let remedies = Array((sure.isEmpty ? tried : sure).prefix(3))
    guard !remedies.isEmpty else { return [] }
    return [
      "",
      sure.isEmpty
        ? "Nothing that was tried helps significantly; what may help:"
        : "What helps (measured on the dev set that chose it, so slightly optimistic):",
    ]
      + remedies.enumerated().map { place, remedy in
        "  \(place + 1). \(remedy.what)\(remedy.gain.map { ": \(lower($0))" } ?? "")"
      } + (remedies.first?.command.map { ["  Command for the first: \($0)"] } ?? [])
  }

  private var more: [String] {
    var lines: [String] = []
    let isBlind = examination.faults.contains { $0.name == .noSignal }
    if !isBlind, let curve = examination.learningCurve, let first = curve.points.first, let last = curve.points.last {
      let means = curve.points.map { $0.errors.reduce(0, +) / Double($0.errors.count) }
      var line = "Learning curve  \(Text.bars(means))  from \(first.rows) to \(last.rows) rows"
      if case .twice(let error) = curve.answer, let diagnosis = examination.diagnosis {
        line += "; with twice as many: \(diagnosis.text(error.value)) (\(diagnosis.range(error)))"
      }
      lines.append(line)
    }
    if let columns = examination.importance?.columns.filter(\.isAboveNoise), !columns.isEmpty {
      lines.append("Most important columns: \(Dataset.list(columns.prefix(4).map(\.column))).")
    }
    if let worst = examination.slices?.worst.first, let diagnosis = examination.diagnosis {
      lines.append(
        "Highest error: \(worst.name), \(diagnosis.text(worst.error.value)) over \(worst.rows) rows, against "
          + "\(diagnosis.text(worst.otherError)) on the other rows.")
    }
    if let labels = examination.labels, let first = labels.suspects.first,
      examination.faults.contains(where: { $0.name == .labelNoise }) || labels.share.value < 0.1
    {
      lines.append(
        "\(labels.suspects.count) of \(labels.rows) labels are suspect; the most suspicious is row "
          + "\(first.row), labelled '\(first.label)', which "
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
