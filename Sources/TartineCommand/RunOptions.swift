import ArgumentParser
import Tartine

/// The flags of a run: threads, folder, folds and output.
struct RunOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads; by default one per processor. It does not change the result.", valueName: "n"))
  var threads: Int?

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
    help: ArgumentHelp("The run's folder; by default a new folder in runs/.", valueName: "folder"))
  var out: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Resume an interrupted run, with the data noted in its folder; with --epochs, also a finished run for more "
        + "epochs.", valueName: "folder"))
  var resume: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Also run k-fold cross-validation of the recipe on train and dev; useful for tables of fewer than "
        + "2 000 rows.",
      valueName: "k"))
  var folds: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "An ensemble: the number of networks, from successive seeds, whose mean the model predicts.",
      valueName: "n"))
  var seeds: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A time limit for the whole command in place of --epochs, as in 2, 0.5 or 30s; unspecified sizes are chosen to fit.",
      valueName: "minutes"))
  var minutes: String?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  @Flag(help: "Print only the result: no notices, no progress.")
  var quiet = false

  /// Returns the options that a run keeps when it is resumed.
  func kept(else before: RunFolder.Options?) -> RunFolder.Options {
    var options = before ?? RunFolder.Options()
    options.folds = folds ?? options.folds
    options.humanError = humanError ?? options.humanError
    options.worth = worth ?? options.worth
    return options
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
