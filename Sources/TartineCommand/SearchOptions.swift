import ArgumentParser
import Tartine

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
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many of the best are trained again, from 1 to 100; each with the fresh seeds, and the first two with as many others.",
      valueName: "n"))
  var finalists = Winner.usual.candidates

  @Option(parsing: .unconditional, help: ArgumentHelp("Fresh seeds for each of them, at least 2.", valueName: "n"))
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
