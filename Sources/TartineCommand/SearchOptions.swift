import ArgumentParser
import Tartine

/// The flags of a search.
struct SearchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A file of hyperparameters, as in {\"optimizer.learningRate\": {\"low\": 1e-4, \"high\": 0.1, "
        + "\"scale\": \"log\"}, \"network.activation\": {\"choices\": [\"relu\", \"tanh\"]}}; also "
        + "\"integer\": true, \"step\", \"scale\": \"reverse-log\", \"when\": {key: [values]}. By default "
        + "the learning rate, units, batch size, β1, depth, weight decay and dropout.",
      valueName: "file"))
  var space: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The total number of trials; by default 64 without --budget.", valueName: "n"))
  var trials: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The time for the whole search, as in 90s, 10m, 1h; a number alone is seconds.", valueName: "time"))
  var budget: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The number of parallel trials; by default one per processor.", valueName: "n"))
  var jobs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The study's file, to create or to continue; by default study.db in the folder.", valueName: "file"))
  var study: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The study's name, if the file holds several.", valueName: "name"))
  var studyName: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A study of other data: its five best trials are tried first, then new ones; reports whether its "
        + "winner still holds.",
      valueName: "file"))
  var again: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The sampler; by default the study's own, or guided-zoom.", valueName: "name"))
  var sampler: SamplerChoice?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The rule for pruning trials that are worse than others.", valueName: "rule"))
  var stop = StoppingRule.none

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of best trials to retrain with fresh seeds, from 1 to 100; the first two are retrained "
        + "once more, with other seeds.",
      valueName: "n"))
  var finalists = Winner.default.candidates

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of fresh seeds per finalist, at least 2.", valueName: "n"))
  var freshSeeds = Winner.default.seeds

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The folder; by default a new folder in tunes/, or the study's own.", valueName: "folder"))
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
      throw ValidationError(
        "--again tries the five best trials of the old study first, so --trials must be at least 6.")
    }
    if again != nil, study != nil {
      throw ValidationError("--again starts a new study, so --study must be left out.")
    }
  }
}

extension SamplerChoice: ExpressibleByArgument {}
extension StoppingRule: ExpressibleByArgument {}

/// The time of a flag such as `--budget`.
enum Budget {
  /// Returns the seconds of a text such as `90s`, `5m` or `1h`, or of a number without a unit.
  /// - Throws: `UsageError` for any other text.
  static func seconds(_ text: String, flag: String = "--budget", unitless: Double = 1) throws -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    let number = Double(unit == nil ? text : String(text.dropLast()))
    let seconds = (number ?? 0) * (unit ?? unitless)
    guard seconds > 0, seconds <= most else {
      throw UsageError("\(flag) is a time above 0 and below a year, as in 90s, 5m or 1h, not '\(text)'.")
    }
    return seconds
  }

  private static let most = 365.0 * 24 * 3600
}
