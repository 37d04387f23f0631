import Foundation
import Tartine

/// The detection of planted faults, and as many networks without one.
struct PlantedFaults {
  /// One examination.
  struct Trial: Codable {
    let kind: String
    /// Whether the fault was planted; otherwise a twin, or nothing at all.
    let isPlanted: Bool
    let habitat: String
    let seed: UInt64
    /// The faults found, likeliest first.
    let found: [String]
    /// The evidence of each, and the comparison with the reference recipe.
    let evidence: [String]
    let seconds: Double
    /// For a twin: whether its setting does harm on this draw after all. See
    /// ``PlantedFaults/doesHarm(_:_:)``.
    var doesHarm: Bool?
  }

  private struct Job: Sendable {
    let kind: Kind
    let isPlanted: Bool
    let habitat: Habitat
    let seed: UInt64
    let change: Kind.Change
  }

  private let trials: [Trial]

  /// - Parameters:
  ///   - kinds: The names of the kinds to try; empty: all.
  ///   - habitats: The data sets; empty: all.
  ///   - seeds: The number for each kind on each of its data sets.
  ///   - data: The folder of the real data.
  ///   - log: A file to which each trial is appended as a line of JSON; trials in it are not repeated.
  init(kinds: [String], habitats: [String], seeds: Int, data: String?, log: String?) throws {
    var known: [Trial] = []
    if let log, let text = try? String(contentsOfFile: log, encoding: .utf8) {
      known = text.split(separator: "\n").compactMap { try? JSONDecoder().decode(Trial.self, from: Data($0.utf8)) }
    }
    let jobs = Self.jobs(kinds: kinds, habitats: habitats, seeds: seeds).filter { job in
      !known.contains {
        $0.kind == job.kind.name && $0.isPlanted == job.isPlanted && $0.habitat == job.habitat.rawValue
          && $0.seed == job.seed
      }
    }
    trials = known + (try Self.run(jobs, data: data, log: log))
  }

  /// Whether a twin or a healthy network does harm: on test rows, which no examination sees, it is
  /// significantly worse than the plain recipe with the same seed. Such trials are counted separately,
  /// whatever the result.
  private static func doesHarm(_ specimen: Specimen, _ split: Split) throws -> Bool {
    let plain = Specimen.plain(hidden: [128, 64])
    let test = split.test.open()
    guard specimen.recipe != plain, test.dataset.source == split.dataset.source else { return false }
    let held = split.with(dev: test.rows)
    guard let own = try? specimen.recipe.train(on: held, threads: 1) else { return true }
    return try own.compared(to: try plain.train(on: held, seed: specimen.recipe.seed, threads: 1)).difference.low > 0
  }

  private static func jobs(kinds: [String], habitats: [String], seeds: Int) -> [Job] {
    var jobs: [Job] = []
    func add(_ kind: Kind, _ isPlanted: Bool, _ places: [Habitat], _ change: @escaping Kind.Change) {
      for habitat in places where habitats.isEmpty || habitats.contains(habitat.rawValue) {
        for seed in 0..<UInt64(seeds) {
          jobs.append(Job(kind: kind, isPlanted: isPlanted, habitat: habitat, seed: seed, change: change))
        }
      }
    }
    for kind in Kind.all where kinds.isEmpty || kinds.contains(kind.name) {
      add(kind, true, kind.habitats, kind.plant)
      if let twin = kind.twin { add(kind, false, twin.habitats, twin.change) }
    }
    for kind in Kind.healthy where kinds.isEmpty || kinds.contains(kind.name) {
      add(kind, false, kind.habitats, kind.plant)
    }
    return jobs
  }

  /// Runs two trials at a time, each on one thread.
  private static func run(_ jobs: [Job], data: String?, log: String?) throws -> [Trial] {
    let queue = TrialQueue(jobs.count, log: log)
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      while let place = queue.next() {
        do {
          queue.add(try run(jobs[place], data: data))
        } catch {
          queue.fail("\(jobs[place].kind.name) on \(jobs[place].habitat): \(error)")
        }
      }
    }
    if let failure = queue.failure { throw FailedTrial(description: failure) }
    return queue.trials
  }

  private static func run(_ job: Job, data: String?) throws -> Trial? {
    guard var specimen = try job.habitat.specimen(seed: job.seed, data: data) else { return nil }
    var stream = RandomStream(seed: job.seed, purpose: .test, index: 9)
    job.change(&specimen, &stream)
    specimen.recipe.seed = job.seed
    let split = try specimen.split(seed: job.seed)
    let examination = try specimen.recipe.diagnoseByTraining(on: split, explains: false, threads: 1)
    let doesHarm = job.isPlanted ? nil : try Self.doesHarm(specimen, split)
    return Trial(
      kind: job.kind.name, isPlanted: job.isPlanted, habitat: job.habitat.rawValue, seed: job.seed,
      found: examination.faults.map(\.name.rawValue),
      evidence: examination.faults.map(\.evidence)
        + examination.checks.filter {
          ["baseline", "reference", "label-noise", "quarter-of-the-rows", "class-imbalance"].contains($0.name)
        }.map(\.evidence),
      seconds: examination.seconds, doesHarm: doesHarm)
  }

  // MARK: Results

  /// Tables of the results: how often each fault was found, and the confusions.
  var table: String {
    ([Self.heading] + (Kind.all + Kind.healthy).map(line) + ["", summary, "", confusion]).joined(separator: "\n")
  }

  private static let heading = """
    | planted fault | trials | top 1, % | top 2, % | twins | false alarms | harmful twins | called something |
    |---|---|---|---|---|---|---|---|
    """

  private func line(_ kind: Kind) -> String {
    let planted = trials.filter { $0.kind == kind.name && $0.isPlanted }
    let twins = trials.filter { $0.kind == kind.name && $0.isHealthy }
    let harmful = trials.filter { $0.kind == kind.name && $0.doesHarm == true }
    return "| \(kind.name) | \(planted.count) | \(Self.percent(hits(planted, 1), planted.count)) | "
      + "\(Self.percent(hits(planted, 2), planted.count)) | \(twins.count) | \(twins.count { !$0.found.isEmpty }) | "
      + "\(harmful.count) | \(harmful.count { !$0.found.isEmpty }) |"
  }

  private static func percent(_ part: Int, _ whole: Int) -> String {
    whole == 0 ? "–" : Text.fixed(Double(part) / Double(whole) * 100, decimals: 0)
  }

  /// The trials with a fault that name it among the first few.
  private func hits(_ trials: [Trial], _ first: Int) -> Int {
    trials.count { trial in
      let right = Kind.all.first { $0.name == trial.kind }?.expected.map(\.rawValue) ?? []
      return trial.found.prefix(first).contains { right.contains($0) }
    }
  }

  /// Separately for the data that thresholds were chosen on and for the others.
  private var summary: String {
    var lines = [
      "| data | planted | top 1, % | top 2, % | healthy and twins | false alarms, % |", "|---|---|---|---|---|---|",
    ]
    for (name, isTuned) in [("thresholds chosen on", true), ("scored on", false)] {
      let here = trials.filter { Habitat(rawValue: $0.habitat)?.isTuned == isTuned }
      let planted = here.filter(\.isPlanted)
      let healthy = here.filter(\.isHealthy)
      let alarms = healthy.count { !$0.found.isEmpty }
      lines.append(
        "| \(name) | \(planted.count) | \(Self.percent(hits(planted, 1), planted.count)) | "
          + "\(Self.percent(hits(planted, 2), planted.count)) | \(healthy.count) | "
          + "\(healthy.isEmpty ? "–" : Text.fixed(Double(alarms) / Double(healthy.count) * 100, decimals: 1)) |")
    }
    return lines.joined(separator: "\n")
  }

  /// The first name given to each kind.
  private var confusion: String {
    var lines = ["| planted fault | first named |", "|---|---|"]
    for kind in Kind.all.map(\.name) + ["twins and healthy"] {
      let these = trials.filter { kind == "twins and healthy" ? $0.isHealthy : $0.kind == kind && $0.isPlanted }
      guard !these.isEmpty else { continue }
      let names = Dictionary(grouping: these) { $0.found.first ?? "nothing" }.mapValues(\.count)
        .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      lines.append("| \(kind) | \(names.map { "\($0.key) \($0.value)" }.joined(separator: ", ")) |")
    }
    return lines.joined(separator: "\n")
  }
}

extension PlantedFaults.Trial {
  fileprivate var isHealthy: Bool { !isPlanted && doesHarm != true }
}

/// A trial that could not be run.
struct FailedTrial: Error, CustomStringConvertible {
  let description: String
}

/// Distributes indices, and collects the results.
private final class TrialQueue: @unchecked Sendable {
  private let lock = NSLock()
  private let count: Int
  private let log: FileHandle?
  private var place = 0
  private(set) var trials: [PlantedFaults.Trial] = []
  private(set) var failure: String?

  init(_ count: Int, log path: String?) {
    self.count = count
    if let path {
      if !FileManager.default.fileExists(atPath: path) {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
      }
      log = FileHandle(forWritingAtPath: path)
      log?.seekToEndOfFile()
    } else {
      log = nil
    }
  }

  func next() -> Int? {
    lock.withLock {
      guard place < count, failure == nil else { return nil }
      place += 1
      return place - 1
    }
  }

  func add(_ trial: PlantedFaults.Trial?) {
    guard let trial else { return }
    lock.withLock {
      trials.append(trial)
      guard let log, let line = try? JSONEncoder().encode(trial) else { return }
      log.write(line + Data("\n".utf8))
    }
  }

  func fail(_ text: String) { lock.withLock { failure = failure ?? text } }
}
