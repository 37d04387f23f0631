import Foundation
import Tartine
import Testing

@Suite struct StudyTests {
  private let space: SearchSpace

  init() throws {
    space = try SearchSpace([
      Hyperparameter("rate", .number(low: 1e-4, high: 1, scale: .log)),
      Hyperparameter("units", .integer(low: 8, high: 64)),
      Hyperparameter("layers", .choice([[64], [64, 32], "none"])),
    ])
  }

  private func cost(_ values: [String: JSONValue]) -> Double {
    let rate = log10(values["rate"]?.number ?? 1) + 2
    return rate * rate + abs((values["units"]?.number ?? 0) - 20) / 20 + (values["layers"] == [64, 32] ? 0 : 0.5)
  }

  private func temporary() -> String {
    FileManager.default.temporaryDirectory.path + "/tartine-study-\(UUID().uuidString).db"
  }

  private func search(_ study: Study, upTo count: Int) throws {
    while let trial = try study.ask(upTo: count) { try study.tell(trial, value: cost(trial.values)) }
  }

  /// A custom sampler must give a point of the unit cube.
  @Test(arguments: [[0.5], [], [0.5, .nan, 0.5], [0.5, 3, 0.5], [0.5, 0.5, 0.5, 0.5]])
  func aPointOutsideIsRefused(_ point: [Double]) throws {
    struct Fixed: Sampler {
      let point: [Double]
      func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
        point
      }
    }
    let error = #expect(throws: SearchError.self) { try Study(space, sampler: Fixed(point: point)).ask() }
    #expect(error?.description.contains("it must give 3 numbers from 0 to 1") == true)
  }

  @Test func askingAndTelling() throws {
    let study = try Study(space, sampler: GuidedZoomSampler(), seed: 3)
    #expect(try study.best() == nil)
    try search(study, upTo: 30)
    let trials = try study.trials()
    #expect(trials.map(\.number) == Array(0..<30) && trials.allSatisfy { $0.state == .complete && $0.seconds != nil })
    let best = try #require(try study.best())
    #expect(best.value == trials.compactMap(\.value).min() && best.values["layers"] == [64, 32])
    #expect(try study.ask(upTo: 30) == nil)
  }

  /// A study in a file continues like one in memory, whoever opens it and however often.
  @Test func aFileGoesOnAsIfNothingHadBeen() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try Study(space, sampler: GuidedZoomSampler(), seed: 3)
    try search(whole, upTo: 24)
    for count in [5, 6, 17, 24] {
      try search(try Study(space, file: path, sampler: GuidedZoomSampler(), seed: 99 - UInt64(count)), upTo: count)
    }
    let study = try Study(nil, file: path, sampler: RandomSampler())
    // The seed of the creator is kept.
    #expect(study.seed == 94 && study.space == space && study.name == "tartine")
    let again = try Study(space, sampler: GuidedZoomSampler(), seed: 94)
    try search(again, upTo: 24)
    #expect(try study.trials().map(\.values) == again.trials().map(\.values))
    #expect(try study.trials().map(\.value) == again.trials().map(\.value))
  }

  @Test func outcomesAndReports() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let study = try Study(space, file: path, sampler: RandomSampler(), seed: 1)
      let trials = try (0..<6).map { _ in try #require(try study.ask()) }
      try study.tell(trials[0], value: 3)
      try study.tell(trials[1], value: .infinity)
      try study.tell(trials[2], value: .nan)
      try study.report(trials[3], step: 1, value: 5)
      try study.report(trials[3], step: 2, value: 4)
      #expect(try study.prune(trials[3]))
      try study.fail(trials[4], because: "it did not fit")
      #expect(try !study.tell(trials[0], value: 1), "what is done stays as it is")
    }
    let found = try Study(nil, file: path, sampler: RandomSampler()).trials()
    #expect(found.map(\.state) == [.complete, .complete, .failed, .pruned, .failed, .running])
    #expect(found.map(\.value) == [3, .infinity, nil, 4, nil, nil] && found[3].reports == [1: 5, 2: 4])
  }

  /// Two processes on one file: either can finish a trial that the other asked for, and a report that is not
  /// a number is no value.
  @Test func oneAsksAndAnotherTells() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (one, other) = (
      try Study(space, file: path, sampler: RandomSampler()), try Study(space, file: path, sampler: RandomSampler())
    )
    let trials = try (0..<3).map { _ in try #require(try one.ask()) }
    #expect(try other.tell(trials[0], value: 2) && !one.tell(trials[0], value: 3))
    try other.report(trials[1], step: 1, value: .nan)
    #expect(try other.prune(trials[1]) && one.prune(trials[2]))
    #expect(try one.trials().map(\.value) == [2, nil, nil])
    let strange = try #require(try Study(space, sampler: RandomSampler()).ask())
    #expect(
      performing: { try Study(space, sampler: RandomSampler()).tell(strange, value: 1) }, throws: { $0 is SearchError })
  }

  /// Malformed files.
  @Test(arguments: [
    "UPDATE trials SET number = -1 WHERE number = 1", "UPDATE trials SET number = 7 WHERE number = 1",
    "UPDATE trials SET state = 'done'", "UPDATE study_user_attributes SET value_json = '{'",
  ])
  func damagedRows(_ change: String) throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try search(try Study(space, file: path, sampler: RandomSampler()), upTo: 3)
    try Database(path).rows(change)
    #expect(
      performing: { try Study(nil, file: path, sampler: RandomSampler()) },
      throws: { ($0 as? FileError)?.kind == .damaged && "\($0)".contains("is damaged") })
  }

  @Test func timesThatAreNone() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try search(try Study(space, file: path, sampler: RandomSampler()), upTo: 2)
    try Database(path).rows("UPDATE trials SET datetime_start = '9999999999-01-01 00:00:00'")
    #expect(try Study(nil, file: path, sampler: RandomSampler()).trials().allSatisfy { $0.seconds == nil })
  }

  /// Another program's file is unchanged, byte for byte.
  @Test func aFileOfAnotherProgram() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Database(path).rows("CREATE TABLE recipes (bread TEXT)")
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(
      performing: { try Study(space, file: path, sampler: RandomSampler()) },
      throws: { "\($0)".contains("holds other tables") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func queuedTrialsComeFirst() throws {
    let study = try Study(space, sampler: RandomSampler(), seed: 1)
    let first = try #require(try study.ask())
    try study.enqueue(["rate": 0.01, "layers": [64]])
    let queued = try #require(try study.ask())
    #expect(queued.number == 1 && queued.values["rate"] == 0.01 && queued.values["layers"] == [64])
    #expect(queued.values["units"] != nil && first.number == 0)
    #expect(try study.ask()?.number == 2)
  }

  /// Several threads at once: each number once, and every suggestion can be reproduced from the trials it
  /// saw.
  @Test func severalAtOnce() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let study = try Study(space, file: path, sampler: GuidedZoomSampler(), seed: 7)
    let other = try Study(space, file: path, sampler: GuidedZoomSampler(), seed: 7)
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      let mine = worker % 2 == 0 ? study : other
      while let trial = try? mine.ask(upTo: 40) { _ = try? mine.tell(trial, value: cost(trial.values)) }
    }
    let trials = try Study(nil, file: path, sampler: RandomSampler()).trials()
    #expect(trials.map(\.number) == Array(0..<40) && trials.allSatisfy { $0.state == .complete })
    for trial in trials { #expect(try study.replay(trial.number) == trial.values, "\(trial.number)") }
  }

  @Test func filesThatAreNone() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    func open(_ space: SearchSpace?) throws -> Study { try Study(space, file: path, sampler: RandomSampler()) }
    #expect(performing: { try open(nil) }, throws: { "\($0)".contains("no space was given") })
    try FileManager.default.removeItem(atPath: path)
    try Data(repeating: 65, count: 5000).write(to: URL(fileURLWithPath: path))
    #expect(performing: { try open(space) }, throws: { "\($0)".contains("is no study, or is damaged") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(repeating: 65, count: 5000))
    try FileManager.default.removeItem(atPath: path)
    _ = try open(space)
    let narrower = try SearchSpace([Hyperparameter("rate", .number(low: 0, high: 1))])
    #expect(performing: { try open(narrower) }, throws: { "\($0)".contains("searches another space") })
    #expect(
      performing: { try Study(space, file: "/nowhere/x.db", sampler: RandomSampler()) },
      throws: { ($0 as? FileError)?.kind == .cannotCreate })
  }

  /// A thousand trials without waiting for a disk: the tuner's own time for each.
  @Test func aThousandTrialsAreKept() throws {
    let study = try Study(space, sampler: SobolSampler(), seed: 1)
    try search(study, upTo: 1000)
    #expect(try study.trials().count == 1000)
  }
}
