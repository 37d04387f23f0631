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
        tartine diagnose houses.csv --target price --recipe runs/houses-1/recipe.json --budget 2m
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A human or Bayes error, against which bias is read: a fraction, or in the target's unit.", valueName: "error"))
  var humanError: Double?

  @Option(
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
    help: ArgumentHelp("Threads; by default one a processor. The result is the same for any number.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  private func seconds() throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = budget.last.flatMap { units[$0] }
    let number = Double(unit == nil ? budget : String(budget.dropLast()))
    guard let number, number > 0, number.isFinite else {
      throw UsageError("--budget is a time above 0, as in 90s, 5m or 1h, not '\(budget)'.")
    }
    return number * (unit ?? 1)
  }

  func validate() throws {
    if let humanError, !(humanError >= 0 && humanError.isFinite) {
      throw ValidationError("--human-error must be at least 0, not \(humanError).")
    }
    if let worth, !(worth > 0 && worth.isFinite) { throw ValidationError("--worth must be above 0, not \(worth).") }
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }

  func run() throws {
    let budget = try seconds()
    let changes = try recipe.changes()
    var source = try data.source(seed: try changes.apply(to: try recipe.base(for: nil)).seed)
    let split = try source.load()
    if let humanError, humanError > 1, split.task != .regression {
      throw UsageError("--human-error is a fraction from 0 to 1 for classes, not \(humanError); 0.05 are 5 %.")
    }
    let chosen = try changes.apply(to: try recipe.base(for: split.dataset.task.task))
    let isTerminal = Files.terminalWidth != nil
    let examination = try chosen.examined(
      on: split, humanError: humanError, worth: worth, budget: budget, threads: threads
    ) { step in
      Files.show(isTerminal ? "\r\u{1B}[K\(step)…" : "\(step)\n")
    }
    if isTerminal { Files.show("\r\u{1B}[K") }
    try Files.print(json ? try JSON.text(examination) + "\n" : ExaminationText(examination).text)
  }
}

/// What `diagnose` says to a person, in few lines.
struct ExaminationText {
  private let examination: Examination

  init(_ examination: Examination) { self.examination = examination }

  var text: String {
    var lines: [String] = []
    if examination.faults.isEmpty {
      lines.append("No fault found.")
    } else {
      for (place, fault) in examination.faults.prefix(4).enumerated() {
        lines += ["\(place + 1). \(fault.name.rawValue): \(fault.evidence).", "   → \(fault.action)."]
      }
    }
    if let diagnosis = examination.diagnosis {
      let seeds = examination.runs.count
      lines += ["", "\(diagnosis.heading)\(seeds > 1 ? ", \(seeds) seeds" : ""):"]
      lines += diagnosis.ladderText.split(separator: "\n").map { "  \($0)" }
      lines.append(diagnosis.verdict)
    }
    let remedies = examination.prescriptions.prefix(3).filter { !$0.flags.isEmpty }
    if !remedies.isEmpty {
      lines += ["", "What helped here:"]
      for remedy in remedies {
        lines.append("  \(remedy.what): \(difference(remedy.gain))   \(remedy.flags)")
      }
    }
    if let worst = examination.slices?.worst.first, let diagnosis = examination.diagnosis {
      lines += [
        "",
        "It errs most on \(worst.name): \(diagnosis.text(worst.error.value)) of \(worst.rows) rows, \(diagnosis.text(worst.otherError)) of the others.",
      ]
    }
    if let labels = examination.labels, let first = labels.suspects.first {
      lines.append(
        "\(labels.suspects.count) of \(labels.rows) labels are suspect; the surest is row \(first.row), '\(first.label)', which looks like "
          + "'\(first.suggestion)'.")
    }
    lines.append(
      "\(examination.checks.count) checks in \(Text.fixed(examination.seconds, decimals: 1)) s; all of them with --json."
    )
    return lines.joined(separator: "\n") + "\n"
  }

  private func difference(_ gain: Estimate) -> String {
    let isFraction = examination.inspection.task.task != .regression
    func text(_ value: Double) -> String {
      isFraction ? Text.fixed(value * 100, decimals: 2) : Text.significant(value, digits: 4)
    }
    return "−\(text(gain.value))\(isFraction ? " points" : "") (\(text(gain.low)) to \(text(gain.high)))"
  }
}
