import ArgumentParser
import Tartine

/// The root command: its subcommands, and the exit code of each kind of failure.
@main
struct TartineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tartine",
    abstract: "Trains a network on a table or on images, and reports how good it is, with "
      + "confidence intervals.",
    discussion: """
      Start with the built-in digits, then use your own table:

        tartine train
        tartine train houses.csv --target price
        tartine evaluate runs/houses-1/model.safetensors new.csv
        tartine predict runs/houses-1/model.safetensors new.csv > predictions.csv

      'tartine help COMMAND' explains a command. Progress goes to standard error, results to standard \
      output. Exit codes: 0 success, 64 wrong usage, 65 bad data, 66 input not found, 70 internal error, 73 \
      cannot create, 74 write failed, 75 training diverged.

      Shell completions: tartine --generate-completion-script bash (or zsh, fish).
      """,
    version: "0.1.0",
    subcommands: [
      InspectCommand.self, TrainCommand.self, ImproveCommand.self, DiagnoseCommand.self, FindRateCommand.self,
      CompareCommand.self,
      RunsCommand.self,
      TuneCommand.self,
      EvaluateCommand.self, PredictCommand.self,
      PreviewCommand.self,
    ])

  /// Throws if the first argument is not a command, and suggests the closest one.
  private static func checkVerb() throws {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    var words = CommandLine.arguments.dropFirst()
    if words.first == "help" { words = words.dropFirst() }
    guard let first = words.first, !first.hasPrefix("-"), !names.contains(first) else { return }
    throw UsageError(
      "there is no command '\(first)'; there are \(names.joined(separator: ", "))."
        + Suggestion.text(for: first, among: names))
  }

  static func main() {
    Files.ignoreWriteSignals()
    OptionName.spell(\.flag)
    do {
      try checkVerb()
      var command = try parseAsRoot()
      try command.run()
    } catch {
      guard let failure = Failure(error) else {
        // The argument parser prints these itself: wrong usage, help, version.
        if exitCode(for: error) != .failure { exit(withError: error) }
        Files.warn("internal error, please report it: \(error)")
        exit(withError: ExitCode(70))
      }
      Files.warn(failure.message)
      exit(withError: ExitCode(failure.code))
    }
  }
}
