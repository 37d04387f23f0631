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
  case "samplers":
    var options = GaussianProcessSampler.Options()
    func number(_ name: String, _ value: Double) -> Double { arguments.text(name).flatMap { Double($0) } ?? value }
    options.start = arguments["start"] ?? 0
    options.warp = arguments["warp"] ?? 1
    options.region = arguments["region"] ?? 0
    options.incumbent = arguments["incumbent"] ?? 0
    options.evaluations = arguments["evaluations"] ?? 60
    options.length = number("length", options.length)
    options.lengthSpread = number("lengthSpread", options.lengthSpread)
    options.trend = number("trend", options.trend)
    options.noise = number("noise", options.noise)
    options.noiseSpread = number("noiseSpread", options.noiseSpread)
    var sampler: any Sampler
    switch arguments.text("sampler") {
    case "random": sampler = RandomSampler()
    case "sobol": sampler = SobolSampler()
    default:
      var gp = GaussianProcessSampler()
      gp.options = options
      sampler = gp
    }
    let wanted = arguments.text("tasks")
    for task in TuningTask.functions where wanted == "all" || (wanted == "judged" ? !task.isTuned : task.isTuned) {
      for seed in 0..<UInt64(arguments["seeds"] ?? 5) {
        let result = try SamplerTrials.run(
          task, arguments.text("name") ?? "x", sampler, trials: arguments["trials"] ?? 64, seed: seed)
        print(try JSON.text(result))
      }
    }
  case "objective":
    // Reads lines of JSON, {"task", "seed", "values"}, and answers each with what it is worth: for tuners in other languages.
    while let line = readLine() {
      let call = try JSON.decode(JSONValue.self, from: line)
      guard let task = TuningTask.functions.first(where: { $0.name == call["task"]?.string }),
        case .object(let values)? = call["values"], let seed = call["seed"]?.integer
      else { throw SearchError("no such task") }
      FileHandle.standardOutput.write(Data("\(try task.objective(values, UInt64(seed)))\n".utf8))
    }
  case "spaces":
    for task in TuningTask.functions {
      print("\(task.name)\t\(task.isTuned)\t\(try JSON.text(try JSON.decode(JSONValue.self, from: task.space.json)))")
    }
  case "optima":
    for number in 1...24 {
      for d in [2, 5] {
        for seed in 0..<3 {
          let f = TestFunction(number, dimensions: d, seed: UInt64(seed))
          let near = (0..<200).map { k in f(f.optimum.enumerated().map { $1 + 0.05 * sin(Double(k * ($0 + 1))) }) }
            .min()!
          print(number, d, seed, f(f.optimum), near)
        }
      }
    }
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
