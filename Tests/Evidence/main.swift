// What Documentation/Evidence.md claims of diagnosis, measured again.
//
//     swift run -c release TartineEvidence one-distribution [--splits 500] [--data FOLDER]
//     swift run -c release TartineEvidence learning-curve [--cases 40] [--data FOLDER]
//     swift run -c release TartineEvidence ladder [--draws 100]
//     swift run -c release TartineEvidence labels [--seeds 5]
//     swift run -c release TartineEvidence faults [--seeds 3] [--data FOLDER] [--log FILE] [--kinds A,B] [--habitats A,B]
//
// Each claim prints lines of Markdown. The tests run a small version of each.

import Foundation
import Tartine

do {
  let arguments = Arguments(CommandLine.arguments.dropFirst())
  switch arguments.verb {
  case "one-distribution":
    print(try OneDistribution(splits: arguments["splits"] ?? 500, data: arguments.text("data")).table)
  case "learning-curve":
    print(try LearningCurves(cases: arguments["cases"] ?? 40, data: arguments.text("data")).table)
  case "ladder":
    print(try Ladders(draws: arguments["draws"] ?? 100, networks: arguments["networks"] ?? 100).table)
  case "labels":
    print(try FlippedLabels(seeds: arguments["seeds"] ?? 5).table)
  case "faults":
    func list(_ name: String) -> [String] {
      arguments.text(name)?.split(separator: ",").map(String.init) ?? []
    }
    print(
      try PlantedFaults(
        kinds: list("kinds"), habitats: list("habitats"), seeds: arguments["seeds"] ?? 3, data: arguments.text("data"),
        log: arguments.text("log")
      ).table)
  default:
    print(
      "usage: TartineEvidence one-distribution [--splits N] | learning-curve [--cases N] | ladder [--draws N] | labels [--seeds N] | faults [--seeds N]; see Tests/Evidence/main.swift"
    )
    exit(64)
  }
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(65)
}
