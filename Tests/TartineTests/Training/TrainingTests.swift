import Foundation
import Tartine
import Testing

@Suite struct TrainingTests {
  static let recipe = Recipe {
    Flatten()
    Dense(96)
    BatchNorm()
    ReLU()
    Dropout(keep: 0.8)
    Dense(300)
    BatchNorm()
    Tanh()
    Dropout(keep: 0.9)
  }
  .optimizer(.adam(learningRate: .cosine(from: 3e-3)).clipped(.globalNorm(5))).batchSize(64).epochs(4)

  /// Everything in a checkpoint, and a learning rate that depends on the history.
  static let averaged = recipe.accumulation(3).augmentation(.preset).optimizer(
    .amsGrad(learningRate: .plateau(from: 3e-3, factor: 0.5, patience: 0)).averaged(.exponential(beta: 0.98)))
  static let stochastic = recipe.penalty(Penalty(l2: 1e-3, biases: true, maxNorm: 1)).optimizer(
    .momentum(learningRate: .oneCycle(to: 0.05)).averaged(.stochastic(from: 0.3)))

  static let unclipped = recipe.augmentation(.preset).optimizer(.adam(learningRate: .cosine(from: 3e-3)))

  /// Nodes that are not fused, a sum of two, and the random draws of each step.
  static let branched = Recipe {
    Flatten()
    GaussianNoise(standardDeviation: 0.1)
    Dense(96)
    PReLU()
    Residual {
      LayerNorm()
      Dense(300)
      ReLU()
      Dropout(keep: 0.8, schedule: .annealed)
      Dense(96)
    }
  }
  .optimizer(.rmsprop(centered: true, momentum: 0.5)).mixup(alpha: 0.4).outputBias(.prior).batchSize(64).epochs(4)

  private func temporaryFolder() throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/tartine-training-\(UUID().uuidString)"
    try Files.makeFolder(path)
    return path
  }

  /// If the gradient is clipped, weights are updated in a separate phase; otherwise when their gradients are
  /// computed.
  @Test(arguments: [recipe, unclipped, averaged, stochastic, branched]) func theSameBitsForAnyNumberOfThreadsAndTwice(
    _ recipe: Recipe
  ) throws {
    let split = try Dataset.digits().split(seed: 1)
    let files = try [1, 2, 3, 2].map { threads in
      try recipe.train(on: split, seed: 5, threads: threads).model.fileContents()
    }
    #expect(files[0] == files[1] && files[1] == files[2] && files[2] == files[3])
    let other = try recipe.train(on: split, seed: 6, threads: 2).model.fileContents()
    #expect(other != files[0])
  }

  @Test func aClipThatIsNeverReachedChangesNothing() throws {
    let split = try Dataset.digits().split(seed: 1)
    func weights(_ recipe: Recipe) throws -> [[Double]] {
      let model = try recipe.train(on: split, seed: 5, threads: 2).model
      return model.graph.parameters.map { $0.doubles(in: model.networks[0].weights, .float32) }
    }
    let free = Self.unclipped
    #expect(try weights(free) == weights(free.optimizer(free.optimizer.clipped(.globalNorm(1e30)))))
  }

  /// Loss and bias gradient are finite here, and x · (a − y) = 10³⁰ · 10¹⁰ overflows a Float.
  @Test(arguments: [nil, 1e30]) func aWeightGradientThatIsNotFiniteIsNotApplied(_ clip: Double?) throws {
    let graph = try Network {}.graph(input: [1], outputs: 1)
    let weights = graph.makeParameterArena(.float32)
    graph.parameters[0].set([1e-20], in: weights, .float32)
    var optimizer = Optimizer.gradientDescent()
    optimizer.clipping.globalNorm = clip
    let step = TrainingStep(
      graph: graph, output: .identity(values: 1), optimizer: optimizer, penalty: .none, precision: .float32, batch: 1,
      seed: 0, workers: Workers(1), weights: weights, state: graph.makeInitialState(.float32))
    let data = PreparedRows.of([1e30], width: 1, targets: .matrix(Arena.of([0]), width: 1))
    let result = [Int32(0)].withUnsafeBufferPointer { row in
      step.begin(row, of: data)
      return step.run(step: 0, rate: 0.1, next: nil)
    }
    #expect(result.loss.isFinite && !result.isFinite)
    #expect(step.findFault().isInGradient && step.findFault().layer == "output")
    #expect(graph.parameters[0].doubles(in: weights, .float32) == [Double(Float(1e-20))])
  }

  /// A custom layer whose input gradient is not finite is named, not the layer below it.
  @Test func aBrokenInputGradientIsNamed() throws {
    let recipe = Recipe {
      Flatten(); Dense(8); Broken(); Dense(4); ReLU()
    }.epochs(2)
    let error = #expect(throws: DivergenceError.self) {
      try recipe.train(on: try Dataset.digits().split(seed: 1), threads: 1)
    }
    #expect(error?.layer == "broken1" && error?.isInGradient == true)
  }

  /// Interrupted after each epoch in turn, and resumed from the folder.
  @Test(arguments: [1, 2, 3], [recipe, averaged, stochastic, branched])
  func resumedRunsHaveTheSameBits(epoch: Int, of recipe: Recipe) throws {
    let source = DataSource(data: DataSource.digits, splitSeed: 1)
    let split = try Dataset.digits().split(seed: 1)
    let whole = try RunFolder(creating: try temporaryFolder() + "/whole", named: "")
    _ = try whole.train(recipe, on: split, source: source, threads: 2)

    let cut = try RunFolder(creating: try temporaryFolder() + "/cut", named: "")
    struct Killed: Error {}
    // An error at the end of the next epoch stands for a kill: the folder is as the last checkpoint left it.
    let trainer = try Trainer(recipe, split: split, threads: 1, observers: [])
    let recipe = trainer.recipe
    try Files.write(try JSON.text(recipe), to: cut.recipe)
    try cut.write(RunFolder.Description(source: source, status: .running))
    #expect(throws: Killed.self) {
      try trainer.run { trainer, record in
        if record.epoch > epoch { throw Killed() }
        try trainer.checkpoint().write(to: cut.path + "/checkpoint.safetensors", flush: false)
      }
    }
    let reopened = try RunFolder(opening: cut.path)
    let run = try reopened.train(
      try reopened.read().recipe, on: split, source: source, resuming: true, threads: 2)
    #expect(run.history.count == 4)
    #expect(try Files.read(reopened.model) == Files.read(whole.model))
    #expect(try Files.read(reopened.path + "/history.jsonl") == Files.read(whole.path + "/history.jsonl"))
  }

  @Test func aModelFilePredictsBitForBit() throws {
    let split = try Dataset.digits().split(seed: 1)
    let model = try Self.recipe.train(on: split, threads: 2).model
    let path = try temporaryFolder() + "/model.safetensors"
    try model.save(to: path)
    let opened = try Model(path)
    let before = try model.predict(Dataset.digits())
    #expect(try opened.predict(Dataset.digits(), threads: 1) == before)
    #expect(try opened.fileContents() == Files.read(path))
    #expect(opened.graph.description == model.graph.description && opened.epoch == model.epoch)
  }

  @Test func manyTasksPredictAtOnce() async throws {
    let split = try Dataset.digits().split(seed: 1)
    let model = try Self.recipe.epochs(1).train(on: split, threads: 1).model
    let expected = try model.predict(Dataset.digits(), threads: 1)
    try await withThrowingTaskGroup(of: [Prediction].self) { group in
      for _ in 0..<6 { group.addTask { try model.predict(Dataset.digits(), threads: 2) } }
      for try await predictions in group { #expect(predictions == expected) }
    }
  }

  @Test func damagedModelFilesAreRefused() throws {
    let split = try Dataset.digits().split(seed: 1)
    let recipe = Recipe {
      Flatten(); Dense(3); BatchNorm(); ReLU()
    }.epochs(1)
    let bytes = try recipe.train(on: split, threads: 1).model.fileContents()
    func open(_ bytes: [UInt8]) throws { _ = try Model(file: bytes, path: "m") }
    try open(bytes)
    for length in stride(from: 0, to: bytes.count, by: 97) {
      #expect(throws: FileError.self) { try open(Array(bytes[..<length])) }
    }
    var stream = RandomStream(seed: 1, purpose: .test)
    for _ in 0..<300 {
      var damaged = bytes
      damaged[stream.integer(below: bytes.count)] ^= 1 << UInt8(stream.integer(below: 8))
      // Blanks after the JSON header are ignored; any other changed bit is detected.
      if (try? open(damaged)) != nil {
        let text = String(decoding: damaged[8..<200], as: UTF8.self)
        Issue.record("a flipped bit was not found: \(text)")
      }
    }
    var claim = bytes
    for (index, byte) in [0, 0, 0, 0x80, 0, 0, 0, 0].enumerated() { claim[index] = UInt8(byte) }
    let error = #expect(throws: FileError.self) { try open(claim) }
    #expect(error?.description.contains("its header claims 2147483648 bytes") == true)
    #expect(throws: FileError.self) { try open(Array("PK\u{3}\u{4}not a model at all".utf8)) }
    let foreign = try Safetensors(metadata: [:], tensors: [:]).encoded()
    let other = #expect(throws: FileError.self) { try open(foreign) }
    #expect(other?.description.contains("do not name this program's format") == true)
  }

  @Test func theFirstNonFiniteValueStopsTheRunAndIsNamed() throws {
    let split = try Dataset.digits().split(seed: 1)
    let wild = Recipe {
      Flatten(); Dense(32); Dense(32)
    }.optimizer(.gradientDescent(learningRate: 1e20)).epochs(3)
    let error = #expect(throws: DivergenceError.self) { try wild.train(on: split, threads: 1) }
    #expect(error?.epoch == 1 && (error?.step ?? 0) <= 5)
    #expect(error?.description.contains("the training diverged") == true)

    // One bad row: its number is reported, counted from 1 in the order of the data.
    var features = (0..<100).map { [Float($0 % 7), Float($0 % 5)] }
    features[41] = [3.0e38, 3.0e38]
    let data = try Dataset(features: features, labels: (0..<100).map { $0 % 2 })
    let poisoned = try data.split(.shares(train: 0.98, dev: 0.02, test: nil), seed: 2)
    try #require(poisoned.train.contains(41))
    var network = Recipe {
      Dense(8); PoisonAbove(limit: 1e4); ReLU()
    }.epochs(2).batchSize(16)
    // Standardized, the row would be clipped.
    network.preparation.standardize = false
    let fault = #expect(throws: DivergenceError.self) { try network.train(on: poisoned, threads: 1) }
    #expect(fault?.rows == [42] && fault?.layer == "poison1", "\(fault?.description ?? "")")
  }

  @Test func earlyStoppingKeepsTheBestEpoch() throws {
    let split = try Dataset.digits().split(seed: 1)
    let run = try Recipe {
      Flatten(); Dense(64); ReLU()
    }.epochs(60).optimizer(.adam(learningRate: 0.01))
      .earlyStopping(patience: 3).train(on: split, threads: 1)
    #expect(run.history.count < 60 && run.stopReason == "the dev loss has not fallen for 3 epochs")
    #expect(run.history.count == run.bestEpoch + 3)
    let best = run.history.min { $0.dev.loss < $1.dev.loss }
    #expect(best?.epoch == run.bestEpoch && best?.dev.loss == run.dev.loss)
  }

  /// A trial's dev figure is the same without evaluating unneeded epochs: if the last epoch is kept, the best
  /// one, and if the learning rate depends on dev.
  @Test func measuringLessChangesNoDevFigure() throws {
    let split = try Dataset.digits().split(seed: 1)
    let plain = Recipe {
      Flatten(); Dense(16); ReLU()
    }.epochs(4)
    let kept = plain.keeping(.last)
    for recipe in [kept, plain, kept.optimizer(.adam(learningRate: .plateau(from: 0.1, factor: 0.1, patience: 0)))] {
      let measures: [Trainer.Measures] = [.all, .dev, .devAtTheEnd]
      let trainers = try measures.map { try Trainer(recipe, split: split, threads: 1, measures: $0, observers: []) }
      for trainer in trainers { try trainer.run { _, _ in } }
      let expected = trainers[0].finish(seconds: 0).dev.score
      #expect(expected > 0 && trainers.allSatisfy { $0.devScore() == expected })
    }
  }

  /// Stopped before the first epoch, the network is the initial one, not one of zeros.
  @Test func stoppedBeforeItBegan() throws {
    final class Refuser: TrainingObserver {
      func observe(_ event: TrainingEvent) -> TrainingDecision {
        if case .began = event { .stop(reason: "not now") } else { .proceed }
      }
    }
    let split = try Dataset.digits().split(seed: 1)
    let run = try Self.unclipped.train(on: split, seed: 5, observers: [Refuser()])
    #expect(run.history.isEmpty && run.stopReason == "not now")
    #expect(Set(run.dev.scores).count > 100)
  }

  /// A schedule that gives no learning rate ends the run with a sentence.
  @Test func aScheduleMustGiveARate() throws {
    struct Broken: CustomSchedule {
      static let name = "broken"
      func factor(at place: SchedulePlace) -> Double { place.step < 3 ? 1 : .nan }
    }
    let recipe = Self.unclipped.optimizer(.adam(learningRate: LearningRate(1e-3, shape: .custom(Broken()))))
    let error = #expect(throws: RecipeError.self) { try recipe.train(on: Dataset.digits().split(seed: 1)) }
    #expect(error?.description.contains("a learning rate of nan at step 4") == true)
  }

  @Test func observersStopWithAReason() throws {
    final class Stopper: TrainingObserver {
      var steps = 0
      func observe(_ event: TrainingEvent) -> TrainingDecision {
        if case .step = event { steps += 1 }
        if case .epoch(let record, _) = event, record.epoch == 2 { return .stop(reason: "seen enough") }
        return .proceed
      }
    }
    let stopper = Stopper()
    let split = try Dataset.digits().split(seed: 1)
    let run = try Self.recipe.train(on: split, threads: 1, observers: [stopper])
    #expect(run.history.count == 2 && run.stopReason == "seen enough" && stopper.steps == run.steps)
  }

  @Test func batchesDifferByAtMostOneRow() {
    for rows in [1, 2, 63, 64, 65, 1000] {
      for size in [1, 7, 64] {
        let cut = BatchCut(rows: rows, batchSize: size)
        let sizes = (0..<cut.count).map { cut[$0].count }
        let (largest, smallest) = (sizes.max() ?? 0, sizes.min() ?? 0)
        #expect(sizes.reduce(0, +) == rows && largest <= size && largest - smallest <= 1)
        #expect(cut.largest == largest && cut.smallest == smallest)
        for batch in 1..<max(1, cut.count) { #expect(cut[batch].lowerBound == cut[batch - 1].upperBound) }
      }
    }
  }

  @Test func eachTaskLearns() throws {
    let x: [[Float]] = (0..<400).map { [Float($0 % 20) / 10 - 1, Float($0 / 20) / 10 - 1] }
    let recipe = Recipe {
      Dense(32); Tanh()
    }.epochs(60).optimizer(.adam(learningRate: 0.01))
    func score(_ data: Dataset) throws -> Double {
      try recipe.train(on: try data.split(seed: 1), seed: 1, threads: 2).test().score
    }
    let two = x.map { (row: [Float]) -> Int in row[0] * row[1] > 0 ? 1 : 0 }
    let three = x.map { (row: [Float]) -> Int in row[0] > 0.3 ? 2 : row[1] > 0 ? 1 : 0 }
    // In the target's unit: values around 5000 with a standard deviation of about 350.
    let values = x.map { (row: [Float]) -> Double in 5000 + 1000 * Double(row[0] * row[1]) }
    #expect(try score(Dataset(features: x, labels: two)) < 0.1)
    #expect(try score(Dataset(features: x, labels: three)) < 0.1)
    #expect(try score(Dataset(features: x, values: values)) < 60)
    struct Point: Encodable {
      var a, b: Float
      var up, right: Bool
    }
    let points = x.map { (row: [Float]) -> Point in Point(a: row[0], b: row[1], up: row[1] > 0, right: row[0] > 0) }
    let labelled = try Dataset(rows: points, target: "up,right")
    #expect(labelled.task.task == .multilabel)
    #expect(try score(labelled) < 0.05)
  }

  @Test func theFullBatchHasAnObviousSpelling() throws {
    let split = try Dataset.digits().split(seed: 1)
    let run = try Recipe {
      Flatten(); Dense(4)
    }.batchSize(.max).train(on: split, threads: 1)
    #expect(run.recipe.batchSize == 1079 && run.steps == run.history.count)
  }

  @Test func rowsInMemoryAreFoundByName() throws {
    struct Person: Encodable {
      var age: Double?
      var kind: String
      var ok: Bool
    }
    let people = (0..<60).map { (row: Int) -> Person in
      Person(age: row % 9 == 0 ? nil : Double(row), kind: row % 2 == 0 ? "a" : "b", ok: row > 30)
    }
    let split = try Dataset(rows: people, target: "ok").split(seed: 1)
    let model = try Recipe {
      Dense(8); ReLU()
    }.epochs(3).train(on: split, threads: 1).model
    struct Unknown: Encodable {
      var age: Double?
      var kind: String?
    }
    let answers = try model.predict(rows: [Unknown(age: nil, kind: nil), Unknown(age: 1e300, kind: "new")])
    #expect(answers.count == 2)
    #expect(answers.allSatisfy { $0.probabilities.allSatisfy { $0.isFinite } })
    #expect(try answers[0] == model.predict([:]))
    #expect(try model.predict(rows: [Unknown]()).isEmpty)
    #expect(throws: DataError.self) { try model.predict(["agee": 3]) }
    #expect(throws: DataError.self) { try model.predict(["age": "old"]) }
    let dictionaries = (0..<40).map { ["b": Double($0), "a": Double($0 % 7), "y": Double($0 % 2)] }
    #expect(try Dataset(rows: dictionaries, target: "y").columnNames == ["a", "b"])
  }

  @Test func batchNormNeedsTwoRows() throws {
    let split = try Dataset.digits().split(seed: 1)
    let error = #expect(throws: RecipeError.self) {
      try Recipe {
        Flatten(); Dense(4); BatchNorm()
      }.batchSize(1).train(on: split)
    }
    #expect(error?.description.contains("batch norm needs at least two rows in every batch") == true)
    // Without it, one sample at a time is fine.
    #expect(
      try Recipe {
        Flatten(); Dense(4); ReLU()
      }.batchSize(1).epochs(1).train(on: split, threads: 1).steps == 1079)
  }

  @Test func decayFollowsTheRowsUnlessItIsGiven() throws {
    #expect(Recipe.automatic.resolved(trainRows: 999).optimizer.decay == 3)
    #expect(Recipe.automatic.resolved(trainRows: 1_000).optimizer.decay == 0.7)
    func decay(_ assignments: [String]) throws -> Double? {
      var settings = RecipeSettings()
      for assignment in assignments { try settings.set(assignment) }
      return try settings.apply(to: .automatic).resolved(trainRows: 200).optimizer.decay
    }
    #expect(try decay(["epochs=3"]) == 3, "a setting elsewhere leaves it to the rule")
    #expect(try decay(["optimizer.decay=0.7"]) == 0.7)
    #expect(try decay(["optimizer.algorithm=adamw"]) == 3)
    #expect(try decay(["optimizer.algorithm=adam"]) == 0)
    #expect(try decay(["optimizer.algorithm=sgd", "optimizer.decay=null"]) == 0)
  }
}

/// An identity layer that makes large values infinite.
struct PoisonAbove: RowLayer {
  static let kind = "poison"
  var limit: Double

  func outputShape(for input: Shape) throws -> Shape { input }
  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width {
        let x = pass.input[row, column]
        pass.output[row, column] = abs(Double(x)) > limit ? .infinity : x
      }
    }
  }

  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    guard let gradient = pass.inputGradient else { return }
    for row in 0..<gradient.count {
      for column in 0..<gradient.width { gradient[row, column] = pass.outputGradient[row, column] }
    }
  }
}

/// y = x, with an input gradient of infinity.
private struct Broken: RowLayer {
  static let kind = "broken"
  func outputShape(for input: Shape) throws -> Shape { input }
  func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) { pass.output.copy(pass.input) }
  func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) { pass.inputGradient?.fill(.infinity) }
}
