import Foundation
import Synchronization
import Tartine

/// Tuners on tasks, as recorded in a log: one line of JSON for a tuner on a task with a seed.
struct TunerTrials: Codable, Sendable {
  let task, tuner: String
  let seed: UInt64
  /// The best of the first 8, 16, 32 and 64 trials; for a tuner with several times as many, of that many
  /// times these.
  let best: [Double]
  /// The error of the chosen setting on rows that no tuner saw; nil if values are exact.
  let verdict: Double?
  /// The tuner's own time.
  let seconds: Double

  /// The numbers of trials at which tuners are compared.
  static let counts = [8, 16, 32, 64]

  /// Our samplers by name, and the factor on the number of trials they get.
  static let ours: [(name: String, sampler: any Sampler, share: Int)] = [
    ("guided-zoom", GuidedZoomSampler(), 1),
    ("gaussian-process", GaussianProcessSampler(), 1),
    ("coarse-to-fine", CoarseToFineSampler(), 1), ("tpe", TPESampler(), 1), ("sobol", SobolSampler(), 1),
    ("random", RandomSampler(), 1), ("random-twice", RandomSampler(), 2),
  ]

  /// Runs the trials of a sampler.
  ///
  /// - Parameter share: The factor on the number of trials it gets.
  init(
    _ task: TuningTask, _ name: String, _ sampler: any Sampler, trials: Int, share: Int, seed: UInt64
  ) throws {
    var history: [Observation] = []
    var settings: [[String: JSONValue]] = []
    var values: [Double] = []
    let clock = ContinuousClock()
    var time = Duration.zero
    for number in 0..<trials * share {
      var point: [Double] = []
      time += clock.measure { point = sampler.suggest(number, in: task.space, after: history, seed: seed) }
      settings.append(task.space.values(at: point))
      values.append(try task.objective(settings[number], seed))
      history.append(Observation(point: task.space.point(of: settings[number]) ?? point, value: values[number]))
    }
    self.task = task.name
    tuner = name
    self.seed = seed
    best = Self.counts.map { (values.prefix($0 * share).min() ?? .infinity).capped }
    let choice = values.indices.min { (values[$0], $0) < (values[$1], $1) } ?? 0
    verdict = try task.verdict?(settings[choice], seed).capped
    seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  }

  /// Runs what is not in the log yet, two at a time.
  ///
  /// - Parameters:
  ///   - log: A file to which each result is appended.
  ///   - seeds: The numbers of seeds for functions and for networks.
  static func run(
    _ tasks: [TuningTask], tuners: [String], trials: Int, seeds: (functions: Int, networks: Int), log path: String
  ) throws {
    let known = (try? read(path)) ?? []
    var jobs: [(task: TuningTask, tuner: (name: String, sampler: any Sampler, share: Int), seed: UInt64)] = []
    for task in tasks {
      for tuner in ours where tuners.isEmpty || tuners.contains(tuner.name) {
        let count = UInt64(task.verdict == nil ? seeds.functions : seeds.networks)
        for seed in task.firstSeed..<task.firstSeed + count
        where !known.contains(where: { $0.task == task.name && $0.tuner == tuner.name && $0.seed == seed }) {
          jobs.append((task, tuner, seed))
        }
      }
    }
    if !FileManager.default.fileExists(atPath: path) {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    guard let file = FileHandle(forWritingAtPath: path) else { throw FailedTrial(description: "cannot write \(path)") }
    file.seekToEndOfFile()
    let shared = Mutex<(next: Int, failure: String?)>((0, nil))
    let all = jobs
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      while true {
        let place = shared.withLock { state -> Int? in
          guard state.failure == nil, state.next < all.count else { return nil }
          state.next += 1
          return state.next - 1
        }
        guard let place else { return }
        let (task, tuner, seed) = all[place]
        do {
          let result = try TunerTrials(
            task, tuner.name, tuner.sampler, trials: trials, share: tuner.share, seed: seed)
          let line = try JSONEncoder().encode(result) + Data("\n".utf8)
          shared.withLock { _ in file.write(line) }
        } catch {
          shared.withLock { $0.failure = $0.failure ?? "\(task.name) by \(tuner.name): \(error)" }
        }
      }
    }
    if let failure = shared.withLock({ $0.failure }) { throw FailedTrial(description: failure) }
  }

  static func read(_ path: String) throws -> [TunerTrials] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(TunerTrials.self, from: Data($0.utf8))
    }
  }

  /// Answers lines of JSON for tuners in other languages: `{"task", "seed", "values"}` with the value of the
  /// trial, and with `"verdict": true` with the error of the chosen setting.
  static func serve(_ tasks: [TuningTask]) throws {
    while let line = readLine() {
      let call = try JSON.decode(JSONValue.self, from: line)
      guard let task = tasks.first(where: { $0.name == call["task"]?.string }),
        case .object(let values)? = call["values"],
        let seed = call["seed"]?.integer
      else { throw FailedTrial(description: "there is no such task: \(line)") }
      let isVerdict = call["verdict"]?.bool == true
      let value = try (isVerdict ? task.verdict ?? task.objective : task.objective)(values, UInt64(seed))
      FileHandle.standardOutput.write(Data("\(value.isFinite ? "\(value)" : "inf")\n".utf8))
    }
  }

  /// A study's own time for each of a thousand trials, in memory: milliseconds of the first hundred, of the
  /// last hundred, and the maximum.
  static func ownTime(of task: TuningTask, trials: Int) throws -> String {
    var lines = ["| sampler | first 100 trials, ms each | last 100, ms each | maximum, ms |", "|---|---|---|---|"]
    let clock = ContinuousClock()
    for choice in SamplerChoice.allCases {
      let study = try Study(task.space, sampler: choice.sampler, seed: 1)
      var times: [Double] = []
      while true {
        let start = clock.now
        guard let trial = try study.ask(upTo: trials) else { break }
        let asked = clock.now - start
        let value = try task.objective(trial.values, 1)
        let took = try clock.measure { try study.tell(trial, value: value) } + asked
        times.append(Double(took.components.seconds) * 1e3 + Double(took.components.attoseconds) * 1e-15)
      }
      let (first, last) = (times.prefix(100), times.suffix(100))
      let figures = [
        first.reduce(0, +) / Double(first.count), last.reduce(0, +) / Double(last.count), times.max() ?? 0,
      ]
      let cells = figures.map { Text.fixed($0, decimals: 2) }
      lines.append("| \(choice.rawValue) | \(cells.joined(separator: " | ")) |")
    }
    return lines.joined(separator: "\n")
  }

  /// A line for each judging task, for tuners in other languages: its name, whether its values are judged by
  /// something else, and its space.
  static func spaces(_ tasks: [TuningTask]) throws -> String {
    try tasks.filter { !$0.isTuned }.map { task in
      let line: JSONValue = .object([
        "task": .string(task.name), "firstSeed": .integer(Int(task.firstSeed)), "isNetwork": .bool(task.verdict != nil),
        "space": try JSON.decode(JSONValue.self, from: task.space.json),
      ])
      return try JSON.text(line)
    }.joined(separator: "\n")
  }
}

extension Double {
  /// A diverged trial, as a number that JSON has.
  fileprivate var capped: Double { isFinite ? self : 1e300 }
}
