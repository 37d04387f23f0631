// The claims of the lecture notes, each as an experiment:
//
//     swift run -c release TartineLecture                                     lists them
//     swift run -c release TartineLecture NAME [--seeds N] [--threads T] [--mnist FOLDER]
//     swift run -c release TartineLecture all                                 the results of Documentation/Lecture.md
//
// T trainings run at once, each on one thread; the figures are the same for any T, except for times.

import Foundation
import Tartine

/// Prints progress, apart from the results.
func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// Ends the program with a message.
func fail(_ text: String) -> Never {
  say(text)
  exit(64)
}

var arguments = Array(CommandLine.arguments.dropFirst())

/// Removes a flag and its value from the arguments.
@MainActor func take(_ flag: String) -> String? {
  guard let place = arguments.firstIndex(of: flag) else { return nil }
  guard place + 1 < arguments.count else { fail("\(flag) needs a value.") }
  defer { arguments.removeSubrange(place...place + 1) }
  return arguments[place + 1]
}

/// Removes a flag with a whole number of at least `least`.
@MainActor func takeNumber(_ flag: String, from least: Int) -> Int? {
  guard let text = take(flag) else { return nil }
  guard let number = Int(text), number >= least else { fail("\(flag) must be a whole number from \(least) on.") }
  return number
}

let seeds = takeNumber("--seeds", from: 2)
let threads = takeNumber("--threads", from: 1) ?? ProcessInfo.processInfo.activeProcessorCount
let mnist = take("--mnist")

guard let name = arguments.first else {
  for experiment in Experiment.all {
    print(experiment.name.padding(toLength: 26, withPad: " ", startingAt: 0), experiment.claim)
  }
  exit(0)
}
guard arguments.count == 1, name == "all" || Experiment.all.contains(where: { $0.name == name }) else {
  fail("there is no experiment '\(arguments.joined(separator: " "))'; without a name this program lists them.")
}

do {
  let lab = try Lab(mnist: mnist)
  let start = ContinuousClock.now
  var outcomes: [Outcome] = []
  for experiment in Experiment.all where name == "all" || name == experiment.name {
    let began = ContinuousClock.now
    outcomes.append(try await experiment.run(in: lab, seeds: seeds, threads: threads))
    say("\(experiment.name): \(String(format: "%.1f", (ContinuousClock.now - began) / .seconds(1))) s")
  }
  if mnist != nil { print("On MNIST, with 600 or 6 000 train rows where the text says digits, 359 or 1 078.\n") }
  if name == "all" {
    print(Outcome.summary(outcomes) + "\n")
    say("all: \(String(format: "%.0f", (ContinuousClock.now - start) / .seconds(1))) s")
  }
  print(outcomes.map(\.markdown).joined(separator: "\n\n"))
} catch {
  say("\(error)")
  exit(1)
}
