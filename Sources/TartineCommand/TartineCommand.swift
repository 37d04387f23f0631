import ArgumentParser
import Tartine

/// The command's root: its verbs, and the exit code of each kind of failure.
@main
struct TartineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tartine",
    abstract: "Trains a network on a table or on images, says how good it is and how sure that is.",
    discussion: """
      Begin with what is built in, then with a table of your own:

        tartine train
        tartine train houses.csv --target price
        tartine evaluate runs/houses-1/model.safetensors new.csv
        tartine predict runs/houses-1/model.safetensors new.csv > answers.csv

      'tartine help VERB' explains a verb. Progress goes to standard error, results to standard output. \
      Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 no such input, 70 a fault of this program, 73 cannot \
      create, 74 a write failed, 75 training diverged.

      Shell completions: tartine --generate-completion-script bash (or zsh, fish).
      """,
    version: "0.1.0",
    subcommands: [
      InspectCommand.self, TrainCommand.self, DiagnoseCommand.self, FindRateCommand.self, CompareCommand.self,
      TuneCommand.self,
      EvaluateCommand.self, PredictCommand.self,
      PreviewCommand.self,
    ])

  static func main() {
    Files.ignoreWriteSignals()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      guard let failure = Failure(error) else {
        // What the argument parser words itself: wrong usage, help, version.
        if exitCode(for: error) != .failure { exit(withError: error) }
        Files.warn("a fault of this program, which should not happen; please report it: \(error)")
        exit(withError: ExitCode(70))
      }
      // Whoever reads our output has heard enough, as 'head' has: nothing to complain of.
      let isCutOff = (error as? FileError)?.description.contains("Broken pipe") == true
      if !isCutOff { Files.warn(failure.message) }
      exit(withError: ExitCode(failure.code))
    }
  }
}
