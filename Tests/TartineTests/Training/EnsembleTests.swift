import Foundation
import Tartine
import TartineNetworks
import Testing

/// Several networks from successive seeds, whose mean answers.
@Suite struct EnsembleTests {
  private func data(classes: Int) throws -> Split {
    let (rows, values) = Self.table(240)
    if classes == 0 { return try Dataset(features: rows, values: values).split(seed: 3) }
    let labels = values.map { (value: Double) -> String in "k\(Int(2 * value) % classes)" }
    return try Dataset(features: rows, labels: labels).split(seed: 3)
  }

  /// Rows of two numbers, and a smooth function of them.
  static func table(_ count: Int) -> (rows: [[Float]], values: [Double]) {
    var (rows, values) = ([[Float]](), [Double]())
    for row in 0..<count {
      let (a, b) = (Double(row * 37 % 101) / 50, Double(row * 61 % 89) / 40)
      rows.append([Float(a), Float(b)])
      values.append(a + 2 * b * b)
    }
    return (rows, values)
  }

  private let recipe = Recipe {
    Dense(16); BatchNorm(); ReLU(); Dropout(keep: 0.9)
  }.epochs(6).batchSize(32)

  /// The answer is the mean of the networks' answers, also after a round trip through a file, for one thread and two.
  @Test(arguments: [0, 2, 4]) func theMeanAnswers(classes: Int) throws {
    let split = try data(classes: classes)
    let singles = try (0..<3).map { try recipe.train(on: split, seed: 7 + UInt64($0), threads: 1) }
    var asked = recipe.seeds(3)
    asked.seed = 7
    let runs = try [1, 2].map { try asked.train(on: split, threads: $0) }
    #expect(try runs[0].model.fileContents() == runs[1].model.fileContents())
    #expect(runs[0].devOfEach == singles.map(\.dev.score))
    #expect(runs[0].recipe.seeds == 3 && runs[0].model.networks.count == 3)
    let read = try Model(file: try runs[0].model.fileContents(), path: "m")
    let all = try singles.map { try $0.model.predict(split.dataset) }
    for model in [runs[0].model, read] {
      for (row, answer) in try model.predict(split.dataset).enumerated() {
        if classes == 0 {
          let sum: Double = all.reduce(0) { $0 + $1[row].number! }
          let mean = sum / 3
          #expect(abs(answer.number! - mean) < 1e-4 * max(1, abs(mean)))
        }
        for place in answer.probabilities.indices {
          let sum: Double = all.reduce(0) { $0 + $1[row].probabilities[place] }
          let mean = sum / 3
          #expect(abs(answer.probabilities[place] - mean) < 1e-6)
        }
      }
    }
    #expect(runs[0].dev.loss < singles.map(\.dev.loss).reduce(0, +) / 3)
    #expect(runs[0].model.conformal != nil)
  }

  /// A refit is one of every network.
  @Test func everyNetworkIsRefitted() throws {
    let split = try data(classes: 0)
    let refits = recipe.refitting()
    let singles = try (0..<2).map { try refits.train(on: split, seed: UInt64($0), threads: 1).model }
    let both = try refits.seeds(2).train(on: split, threads: 2)
    for row in [3, 77] {
      let input = ["x1": RowValue.number(Double(row) / 50), "x2": 1]
      let (one, two) = (try singles[0].predict(input).number!, try singles[1].predict(input).number!)
      #expect(abs(try both.model.predict(input).number! - (one + two) / 2) < 1e-4)
    }
  }

  /// A folder holds what is needed to open the run again, and to go on after an interruption.
  @Test func aFolderHoldsAllNetworks() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seeds-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (rows, values) = Self.table(90)
    let lines = zip(rows, values).map { row, value in "\(row[0]),\(row[1]),\(value)" }
    let path = folder.path + "/t.csv"
    try Data(("a,b,y\n" + lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    var source = DataSource(data: path, target: "y")
    let split = try source.load()
    let asked = recipe.seeds(3)
    let whole = try asked.train(on: split, threads: 2)
    let run = try RunFolder(creating: folder.path + "/run", named: "t")
    let finished = try run.train(asked, on: split, source: source, threads: 2)
    #expect(try finished.model.fileContents() == whole.model.fileContents())
    try run.write(RunFolder.Description(source: source, status: .finished))
    let opened = try run.open(threads: 1)
    #expect(opened.devOfEach == whole.devOfEach && opened.dev.loss == whole.dev.loss)
    // A network that had not begun when the run was interrupted is trained, the others are not again.
    let second = folder.path + "/run/checkpoint-2.safetensors"
    try FileManager.default.removeItem(atPath: second)
    #expect(throws: FileError.self) { try run.open(threads: 1) }
    let resumed = try run.train(asked, on: split, source: source, resuming: true, threads: 1)
    #expect(try resumed.model.fileContents() == whole.model.fileContents())
    #expect(FileManager.default.fileExists(atPath: second))
  }

  /// An observer that stops the first network stops all of them.
  @Test func stoppingTheFirstStopsAll() throws {
    let alone = try recipe.epochs(500).seeds(3).train(on: try data(classes: 2), threads: 1, observers: [Stop(after: 2)])
    #expect(alone.model.networks.count == 1 && alone.recipe.seeds == 1)
    let run = try recipe.epochs(500).seeds(2).train(on: try data(classes: 2), threads: 2, observers: [Stop(after: 2)])
    #expect(run.history.count == 2 && run.stopReason == "enough")
    #expect((1...2).contains(run.model.networks.count))
  }

  private final class Stop: TrainingObserver {
    private let epochs: Int

    init(after epochs: Int) { self.epochs = epochs }

    func observe(_ event: TrainingEvent) -> TrainingDecision {
      if case .epoch(let record, _) = event, record.epoch >= epochs { return .stop(reason: "enough") }
      return .proceed
    }
  }

  /// With the last epoch kept the scores are the errors of dev, here those of the mean of the networks.
  @Test(arguments: [0, 3]) func scoresOfTheMeanAreOfItsErrors(classes: Int) throws {
    let run = try recipe.keeping(.last).seeds(2).train(on: try data(classes: classes), threads: 1)
    let isNumber = classes == 0
    let expected = ConformalScores(
      errors: isNumber ? run.dev.absoluteErrors : run.dev.logLosses, predictions: isNumber ? run.dev.predictions : nil,
      weights: nil, groups: nil)
    let (own, other) = (try #require(run.model.conformal), try #require(expected))
    for coverage in [0.5, 0.8, 0.9] {
      let (one, two) = (try #require(own.quantile(coverage)), try #require(other.quantile(coverage)))
      #expect(abs(one - two) < 1e-3 * two)
    }
  }

  @Test func wrongNumbersAreRefused() throws {
    let split = try data(classes: 0)
    for seeds in [0, -1, 101] {
      #expect(throws: RecipeError.self) { try recipe.seeds(seeds).train(on: split, threads: 1) }
    }
    for minutes in [0, -1, .nan, .infinity] {
      #expect(throws: RecipeError.self) { try recipe.minutes(minutes).train(on: split, threads: 1) }
    }
  }
}

/// Trainings with a time limit.
@Suite struct TimeLimitTests {
  private let split: Split

  init() throws {
    let (rows, values) = EnsembleTests.table(300)
    split = try Dataset(features: rows, values: values).split(seed: 1)
  }

  private let recipe = Recipe {
    Dense(8); BatchNorm(); ReLU()
  }.optimizer(.adam(learningRate: .cosine(from: 0.01))).batchSize(16)

  /// Where no time is left, one step is trained, which makes a shortened epoch.
  @Test func withoutTimeOneStepIsTrained() throws {
    let trainer = try Trainer(recipe, split: split, threads: 1, observers: [], end: .now - .seconds(1))
    try trainer.run { _, _ in }
    let run = trainer.finish(seconds: 0)
    #expect(run.history.count == 1 && run.steps == 1 && run.recipe.epochs == 1)
    // The moving averages are those of one batch.
    let variance = run.model.graph.state[1].doubles(in: run.model.networks[0].state, .float32)
    #expect(variance.allSatisfy { $0 > 0 && $0.isFinite })
    for prediction in try run.model.predict(split.dataset) { #expect(prediction.number!.isFinite) }
  }

  /// Schedules follow the time, not the epochs.
  @Test func schedulesFollowTheTime() throws {
    let observer = Epochs(3)
    let run = try recipe.epochs(3).minutes(60).train(on: split, threads: 1, observers: [observer])
    #expect(run.history.count == 3 && run.stopReason == "three")
    // Of an hour almost nothing has passed, so the warm-up has hardly begun.
    #expect(run.history.allSatisfy { $0.learningRate < 0.002 })
    let usual = try recipe.epochs(3).train(on: split, threads: 1)
    #expect(usual.history[0].learningRate > 0.005 && usual.history[2].learningRate < 0.001)
  }

  private final class Epochs: TrainingObserver {
    private let count: Int

    init(_ count: Int) { self.count = count }

    func observe(_ event: TrainingEvent) -> TrainingDecision {
      if case .epoch(let record, _) = event, record.epoch == count { return .stop(reason: "three") }
      return .proceed
    }
  }

  /// The number of steps follows from the share of the time; an earlier process's seconds count.
  @Test func stepsFollowFromTheShare() {
    var clock = TrainingClock(end: .now + .seconds(1_000))
    clock.begin(after: 1_000)
    #expect(!clock.isUp && abs(clock.steps(after: 500) - 1_000) < 5)
    // The first step is at the beginning of a warm-up, not at the end of one.
    #expect(clock.steps(after: 0) > 1_000_000)
    clock.evaluation = 1_100
    #expect(clock.isUp && clock.steps(after: 500) == 501)
    var half = TrainingClock(end: .now + .seconds(1_000), reach: 0.5)
    half.begin(after: 1_000)
    #expect(abs(half.steps(after: 500) - 2_000) < 10)
  }

  /// The time left chooses the size; a network of the person's own stays.
  @Test func theTimeChoosesTheSize() throws {
    let much = try Recipe.automatic.sized(for: 1e7, on: split, threads: 2)
    #expect(much.network.members == 8 && much.refit && much.seeds == 8)
    let little = try Recipe.automatic.sized(for: 1e-7, on: split, threads: 2)
    #expect(little.network.members == 1 && !little.refit && little.seeds == 1)
    #expect(try Recipe.automatic.sized(for: 1e7, on: split, refits: false, threads: 2).refit == false)
    #expect(try Recipe.automatic.seeds(3).sized(for: 1e7, on: split, threads: 2).seeds == 3)
    #expect(try recipe.sized(for: 1e7, on: split, threads: 2) == recipe)
  }
}
