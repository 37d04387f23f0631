// Repeats the measurements of diagnosis and tuning in Documentation/Evidence.md.
//
//     swift run -c release TartineEvidence one-distribution [--splits 500] [--data FOLDER]
//     swift run -c release TartineEvidence learning-curve [--cases 40] [--first 0] [--data FOLDER]
//     swift run -c release TartineEvidence ladder [--draws 100]
//     swift run -c release TartineEvidence labels [--seeds 5]
//     swift run -c release TartineEvidence faults [--seeds 3] [--data FOLDER] [--log FILE] [--kinds A,B] [--habitats A,B]
//     swift run -c release TartineEvidence tuners [--on functions|networks] [--half chosen|judged] [--tuners A,B] [--log FILE]
//       [--data FOLDER]
//     swift run -c release TartineEvidence tuner-tables --logs A,B --tuners A,B [--half H] [--data FOLDER]
//     swift run -c release TartineEvidence tuner-seconds [--trials 1000]
//
// script/tuners runs the last three, and Optuna's in addition. Each command prints lines of Markdown. The
// tests run a small version of each.

import Foundation
import Tartine

do {
  let arguments = Arguments(CommandLine.arguments.dropFirst())
  func list(_ name: String) -> [String] { arguments.text(name)?.split(separator: ",").map(String.init) ?? [] }
  /// The tuning tasks: `--half chosen` or `--half judged`; otherwise both.
  func isInHalf(_ task: TuningTask) -> Bool {
    arguments.text("half").map { task.isTuned == ($0 == "chosen") } ?? true
  }
  switch arguments.verb {
  case "one-distribution":
    print(try OneDistribution(splits: arguments["splits"] ?? 500, data: arguments.text("data")).table)
  case "learning-curve":
    print(
      try LearningCurves(cases: arguments["cases"] ?? 40, first: arguments["first"] ?? 0, data: arguments.text("data"))
        .table)
  case "ladder":
    print(try Ladders(draws: arguments["draws"] ?? 100, networks: arguments["networks"] ?? 100).table)
  case "labels":
    print(try FlippedLabels(seeds: arguments["seeds"] ?? 5).table)
  case "faults":
    print(
      try PlantedFaults(
        kinds: list("kinds"), habitats: list("habitats"), seeds: arguments["seeds"] ?? 3, data: arguments.text("data"),
        log: arguments.text("log")
      ).table)
  case "tuners":
    // Runs what is not in the log; then prints tables of this log and others.
    let tasks = try TuningTask.all(data: arguments.text("data"))
    let log = arguments.text("log") ?? "tuners.jsonl"
    let kind = arguments.text("on")
    try TunerTrials.run(
      tasks.filter { isInHalf($0) && (kind == nil || ($0.verdict != nil) == (kind == "networks")) },
      tuners: list("tuners"),
      trials: arguments["trials"] ?? 64,
      seeds: (arguments["function-seeds"] ?? 20, arguments["network-seeds"] ?? 10), log: log)
  case "tuner-tables":
    let tasks = try TuningTask.all(data: arguments.text("data"))
    let logs = try list("logs").flatMap { try TunerTrials.read($0) }
    for isTuned in [true, false] {
      let half = tasks.filter { $0.isTuned == isTuned && isInHalf($0) }
      guard !half.isEmpty else { continue }
      let tables = TunerTables(logs, half, tuners: list("tuners"))
      print("## \(isTuned ? "Chosen on" : "Judged on")\n")
      for (what, isNetwork) in [("All", nil), ("Functions", false), ("Networks", true)] as [(String, Bool?)] {
        print("\(what):\n\n\(tables.ranking(isNetwork: isNetwork))\n")
      }
      print("\(tables.medians)\n")
    }
  case "tuner-seconds":
    guard let task = try TuningTask.all(data: nil).first(where: { $0.space.count == 8 }) else { break }
    print("\(task.name):\n\n\(try TunerTrials.ownTime(of: task, trials: arguments["trials"] ?? 1000))")
  case "tuning-server": try TunerTrials.serve(try TuningTask.all(data: arguments.text("data")))
  case "tuning-spaces": print(try TunerTrials.spaces(try TuningTask.all(data: arguments.text("data"))))
  default:
    print(
      "usage: TartineEvidence one-distribution [--splits N] | learning-curve [--cases N] | ladder [--draws N] | labels [--seeds N] | faults [--seeds N] | tuners | tuner-tables | tuner-seconds; see Tests/Evidence/main.swift"
    )
    exit(64)
  }
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(65)
}
