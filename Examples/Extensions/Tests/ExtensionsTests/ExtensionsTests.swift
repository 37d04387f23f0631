import Extensions
import Foundation
import Tartine
import Testing

@Suite struct ExtensionsTests {
  private struct House: Encodable {
    let rooms, size: Double
    let city: String
    let price: Double
  }

  private func houses(_ count: Int = 240) -> [House] {
    (0..<count).map { number in
      let (rooms, size) = (Double(number % 7), Double(number * 37 % 101))
      return House(rooms: rooms, size: size, city: number % 3 == 0 ? "a" : "b", price: 100 + 20 * rooms + 3 * size)
    }
  }

  private func split() throws -> Split { try Dataset(rows: houses(), target: "price").split(seed: 1) }

  private func file(_ name: String) -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString)-\(name)").path
  }

  @Test func layersHaveRightGradients() throws {
    let network = Network {
      Dense(12); RowScale(); Tanh(); LowRank(9, rank: 3); RowScale()
      Residual {
        LowRank(9, rank: 2); SiLU()
      }
    }
    // Enough rows and columns for several parts.
    for (inputs, rows) in [(5, 9), (300, 120)] {
      let checks = try network.checkGradients(input: [inputs], rows: rows, elementsPerTensor: 20)
      #expect(checks.count == 13 && checks.allSatisfy(\.passes), "\(checks)")
    }
  }

  /// y = 2 w x, with a gradient that forgets the factor of 2.
  struct Wrong: RowLayer {
    static let kind = "wrong"
    func outputShape(for input: Shape) throws -> Shape { input }
    func parameters(for input: Shape, before next: Successors) -> [Parameter] {
      [Parameter("weight", shape: input, initializer: .constant(1), isPenalized: true)]
    }
    func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
      for row in 0..<pass.input.count {
        for column in 0..<pass.input.width {
          pass.output[row, column] = 2 * pass.parameter(0)[column] * pass.input[row, column]
        }
      }
    }
    func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
      for column in 0..<pass.input.width {
        var sum: Scalar = 0
        for row in 0..<pass.input.count {
          sum += pass.outputGradient[row, column] * pass.input[row, column]
          pass.inputGradient?[row, column] = 2 * pass.parameter(0)[column] * pass.outputGradient[row, column]
        }
        pass.parameterGradient(0)[column] = sum
      }
    }
  }

  @Test func aPlantedWrongGradientIsFound() throws {
    let checks = try Network {
      Dense(6); Wrong(); Tanh()
    }.checkGradients(input: [5])
    #expect(checks.filter { !$0.passes }.map(\.parameter) == ["wrong1.weight"], "\(checks)")
  }

  @Test func aModelWithALayerAndItsStateIsReopened() throws {
    LayerRegistry.register(RowScale.self)
    LayerRegistry.register(LowRank.self)
    let recipe = Recipe {
      Dense(16); RowScale(); ReLU(); LowRank(8, rank: 4); ReLU()
    }.epochs(5)
    let split = try split()
    let run = try recipe.train(on: split, threads: 2)
    let path = file("model.safetensors")
    try run.model.save(to: path)
    let rows = Array(houses().prefix(20))
    #expect(try Model(path).predict(rows: rows) == run.model.predict(rows: rows))
    // The same on one thread.
    #expect(try recipe.train(on: split, threads: 1).model.predict(rows: rows) == run.model.predict(rows: rows))
  }

  @Test func aLossIsTrainedAndNamedInRecipes() throws {
    Loss.register(LogCosh.self)
    let recipe = Recipe.automatic.loss(Loss(.custom(LogCosh(width: 0.5)))).epochs(20)
    let run = try recipe.train(on: try split(), threads: 1)
    #expect((run.dev.r2 ?? 0) > 0.8, "\(run.dev.r2 ?? .nan)")
    let text = String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self)
    #expect(text.contains("log-cosh"))
    #expect(try JSONDecoder().decode(Recipe.self, from: Data(text.utf8)) == recipe)
    // Of classes it makes no sense.
    let classes = try Dataset(features: (0..<60).map { [Float($0 * 7 % 11)] }, labels: (0..<60).map { "\($0 % 2)" })
    #expect(throws: RecipeError.self) { try recipe.train(on: classes.split(seed: 1)) }
  }

  @Test func aMetricIsMeasuredAndTuned() throws {
    let metric = WithinShare(0.1)
    Metrics.register(metric)
    let run = try Recipe.automatic.epochs(20).train(on: try split(), threads: 1)
    let measured = try #require(Metrics(run.dev)[metric.name])
    #expect(measured.value == metric.value(of: run.dev.taskPredictions, groups: nil))
    #expect(measured.low < measured.value && measured.value < measured.high || measured.value == 1, "\(measured)")
    #expect(Report(run, diagnosis: run.diagnosis, title: "houses").html.contains(metric.name))
    let space = try SearchSpace([Hyperparameter("optimizer.learningRate", .number(low: 1e-5, high: 1e-2, scale: .log))])
    let study = try Study(space, sampler: GridSampler(points: 3), seed: 1)
    try Tuner(Recipe.automatic.epochs(10), on: try split(), jobs: 1, improving: metric).run(study, upTo: 3)
    let best = try #require(try study.best())
    #expect(try best.value == study.trials().compactMap(\.value).min() && (best.value ?? 0) < 0, "\(best)")
    // A grid along one hyperparameter on a log scale.
    let rates = try study.trials().compactMap { $0["optimizer.learningRate"] as Double? }
    #expect(zip(rates, [1e-5, 10.0.squareRoot() * 1e-4, 1e-2]).allSatisfy { abs($0 / $1 - 1) < 1e-6 }, "\(rates)")
  }

  @Test func anUpdateRuleAndAScheduleTrain() throws {
    Optimizer.register(SignMomentum.self)
    LearningRate.register(Sawtooth.self)
    let rate = LearningRate(0.02, shape: .custom(Sawtooth(end: 0.05)))
    let recipe = Recipe.automatic.optimizer(.custom(SignMomentum(beta: 0.8), learningRate: rate)).epochs(30)
    let run = try recipe.train(on: try split(), threads: 2)
    #expect((run.dev.r2 ?? 0) > 0.8, "\(run.dev.r2 ?? .nan)")
    let text = String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self)
    #expect(text.contains("sign-momentum") && text.contains("sawtooth"))
    #expect(try JSONDecoder().decode(Recipe.self, from: Data(text.utf8)) == recipe)
    // Halfway through the second of four epochs of ten steps.
    #expect(abs(rate.rate(at: 15, of: 40, epochSteps: 10) - 0.02 * 0.5 * (1 - 0.95 * 15 / 40)) < 1e-12)
  }

  @Test func aTableReaderReads() throws {
    Dataset.register(JSONLines())
    let path = file("houses.jsonl")
    let lines = try houses().map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let data = try Dataset(csv: path, target: "price")
    let run = try Recipe.automatic.epochs(20).train(on: data.split(seed: 1), threads: 1)
    #expect(data.rowCount == 240 && (run.dev.r2 ?? 0) > 0.8)
    try (lines[..<100] + ["{"]).joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: DataError.self) { try Dataset(csv: path, target: "price") }
    #expect(error?.message.contains("line 101 is no JSON object") == true)
  }

  /// A loop of one's own gives the run of `train`.
  @Test func aTrainingDrivenByStep() throws {
    let recipe = Recipe.automatic.epochs(3)
    let split = try split()
    let run = try recipe.train(on: split, threads: 1)
    let training = try recipe.training(on: split, threads: 2)
    var losses: [Double] = []
    while let step = try training.step() { losses.append(step.loss) }
    let own = try training.finish()
    #expect(losses.count == run.steps && own.history == run.history && own.bestEpoch == run.bestEpoch)
    #expect(Set(split.trainRows).isDisjoint(with: split.devRows) && split.trainRows.count == split.trainCount)
    // A loop that ends in the middle of an epoch finishes it.
    let short = try recipe.training(on: split, threads: 1)
    _ = try short.step()
    let first = try short.finish()
    #expect(first.history.map(\.epoch) == [1] && first.history[0].dev == run.history[0].dev)
  }

  @Test func anObserverSeesAndStops() throws {
    let watch = GradientWatch(parameter: "dense1.weight", layer: "relu1")
    let recipe = Recipe {
      Dense(16); ReLU(); Dense(8); ReLU()
    }.batchSize(32).epochs(2)
    let run = try recipe.train(on: try split(), threads: 1, observers: [watch])
    #expect(watch.notes.count == run.steps && watch.notes.allSatisfy { $0.norm > 0 && $0.rate > 0 })
    #expect(watch.notes.allSatisfy { $0.zeros > 0.05 && $0.zeros < 0.95 })
    let strict = GradientWatch(parameter: "dense1.weight", layer: "relu1", least: 1e9)
    let stopped = try recipe.train(on: try split(), threads: 1, observers: [strict])
    #expect(stopped.stopReason == "the gradient of dense1.weight has vanished" && stopped.history.count == 1)
  }
}
