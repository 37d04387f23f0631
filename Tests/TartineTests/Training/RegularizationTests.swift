import Foundation
import Tartine
import Testing

/// Input noise, mixup, scheduled dropout, and the initial output bias.
@Suite struct RegularizationTests {
  /// λ of a row and 1 − λ of the next, for targets too; λ is a function of the step.
  @Test func mixupMixesEachRowWithTheNext() {
    let buffer = BatchBuffer(rows: 3, width: 2, targetWidth: 1, precision: .float64)
    let data = PreparedRows.of([1, 2, 3, 4, 5, 6], width: 2, targets: .matrix(Arena.of([0, 1, 0]), width: 1))
    [Int32](0..<3).withUnsafeBufferPointer { buffer.gather($0, of: data, part: 0) }
    buffer.count = 3
    for _ in 0..<2 { buffer.mix(share: 0.75, labels: false, weighs: false) }
    let x = UnsafeBufferPointer(start: buffer.input.assumingMemoryBound(to: Double.self), count: 6)
    #expect(Array(x) == [1.5, 2.5, 3.5, 4.5, 4, 5])
    let y = UnsafeBufferPointer(start: buffer.targets.assumingMemoryBound(to: Double.self), count: 3)
    #expect(Array(y) == [0.25, 0.75, 0])
  }

  /// A weight follows its row's target; for classes both are left to the loss, with the first one after the
  /// last.
  @Test func mixupKeepsEachRowsWeight() {
    let values: [Float] = [1, 2, 3]
    let numbers = BatchBuffer(rows: 3, width: 1, targetWidth: 1, precision: .float64)
    let data = PreparedRows.of(values, width: 1, targets: .matrix(Arena.of([0, 1, 0]), width: 1)).weighted([3, 1, 2])
    [Int32](0..<3).withUnsafeBufferPointer { numbers.gather($0, of: data, part: 0) }
    numbers.count = 3
    numbers.mix(share: 0.75, labels: false, weighs: true)
    let y = UnsafeBufferPointer(start: numbers.targets.assumingMemoryBound(to: Double.self), count: 3)
    let w = UnsafeBufferPointer(start: numbers.weights.assumingMemoryBound(to: Double.self), count: 3)
    #expect(Array(w) == [2.5, 1.25, 2.25])
    #expect(zip(y, [0.25 / 2.5, 0.75 / 1.25, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    let classes = BatchBuffer(rows: 3, width: 1, targetWidth: 3, precision: .float64)
    let labelled = PreparedRows.of(values, width: 1, targets: .labels([2, 0, 1])).weighted([3, 1, 2])
    [Int32](0..<3).withUnsafeBufferPointer { classes.gather($0, of: labelled, part: 0) }
    classes.count = 3
    classes.mix(share: 0.75, labels: true, weighs: true)
    #expect(
      Array(UnsafeBufferPointer(start: classes.targets.assumingMemoryBound(to: Int32.self), count: 4)) == [2, 0, 1, 2])
    #expect(
      Array(UnsafeBufferPointer(start: classes.weights.assumingMemoryBound(to: Double.self), count: 4)) == [3, 1, 2, 3])
  }

  /// Beta(α, α): the mean is ½ and the variance 1 / (4 (2α + 1)).
  @Test(arguments: [0.2, 1, 3]) func sharesAreOfTheBetaDistribution(_ alpha: Double) {
    let shares = (0..<20_000).map { Mixup(alpha: alpha, seed: 3).share(step: $0) }
    let mean = shares.reduce(0, +) / 20_000
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean - 0.5) < 0.015 && abs(variance * 4 * (2 * alpha + 1) - 1) < 0.05, "\(mean), \(variance)")
    #expect(shares.allSatisfy { (0...1).contains($0) })
    #expect(Mixup(alpha: 0, seed: 3).share(step: 5) == 1)
  }

  @Test func schedulesOfDropout() {
    func shares(_ schedule: DropoutSchedule) -> [Double] { [0, 0.25, 0.5, 0.75, 1].map { schedule.share(at: $0) } }
    func agree(_ a: [Double], _ b: [Double]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 } }
    #expect(agree(shares(.constant), [1, 1, 1, 1, 1]))
    #expect(agree(shares(.annealed), [1, 0.75, 0.5, 0.25, 0]))
    #expect(agree(shares(.curriculum), [0, 1 - exp(-2.5), 1 - exp(-5), 1 - exp(-7.5), 1 - exp(-10)]))
    #expect(agree(shares(.flatCosine), [1, 1, 1, 0.5, 0]))
  }

  /// The number of a wide layer's units that are dropped in a step.
  @Test func dropoutFollowsItsSchedule() throws {
    let graph = try Network { Dropout(keep: 0.5, schedule: .annealed) }.graph(input: [4000], outputs: 1)
    let weights = graph.makeParameterArena(.float32)
    Precision.float32.fill(weights.base, count: 4000, with: 1)
    let step = TrainingStep(
      graph: graph, output: .identity(values: 1), optimizer: .gradientDescent(), penalty: .none, precision: .float32,
      batch: 1, seed: 1, workers: Workers(1), weights: weights, state: graph.makeInitialState(.float32))
    let data = PreparedRows.of(
      [Float](repeating: 1, count: 4000), width: 4000, targets: .matrix(Arena.of([0]), width: 1))
    for (number, progress) in [0, 0.5, 1].enumerated() {
      [Int32(0)].withUnsafeBufferPointer { step.begin($0, of: data) }
      _ = step.run(step: number, rate: 0, progress: progress, next: nil)
      let gradients = graph.parameters[0].doubles(in: step.gradients, .float32)
      let dropped = Double(gradients.count { $0 == 0 }) / 4000
      #expect(abs(dropped - 0.5 * (1 - progress)) < 0.04, "\(dropped) at \(progress)")
    }
  }

  @Test func noiseIsOfItsDeviationAndOnlyInTraining() throws {
    var recipe = Recipe(Network(HiddenStack(hidden: [], inputNoise: 3)))
    recipe.epochs = 30
    var stream = RandomStream(seed: 6, purpose: .test)
    let rows = (0..<2000).map { _ in [Float(stream.normalPair().0)] }
    let split = try Dataset(features: rows, values: rows.map { Double($0[0]) }).split(seed: 1)
    // Noise with standard deviation 3 on an input with standard deviation 1 is a ridge penalty: the slope is
    // 1 / (1 + 9).
    let model = try recipe.bins(0).optimizer(.adam(learningRate: .cosine(from: 0.02))).train(on: split, seed: 1).model
    let slope = try model.predict(["x1": 1]).number! - model.predict(["x1": 0]).number!
    #expect(abs(slope - 0.1) < 0.03, "\(slope)")
    #expect(try model.predict(["x1": 1]) == model.predict(["x1": 1]))
  }

  @Test func theOutputStartsAtThePrior() throws {
    var stream = RandomStream(seed: 6, purpose: .test)
    let rows = (0..<1000).map { _ in [Float(stream.uniform())] }
    func bias(_ labels: [String], _ start: OutputBias) throws -> [Double] {
      let split = try Dataset(features: rows, labels: labels).split(seed: 1)
      // A learning rate of 0 would be rejected, and this one changes nothing.
      let recipe = Recipe {}.epochs(1).outputBias(start).optimizer(.gradientDescent(learningRate: .constant(1e-12)))
      let model = try recipe.train(on: split, seed: 1).model
      return model.graph.parameters.first { $0.name == "output.bias" }!.doubles(in: model.networks[0].weights, .float32)
    }
    let rare = rows.indices.map { $0 % 20 == 0 ? "rare" : "typical" }
    #expect(try abs(bias(rare, .prior)[0] - log(0.95 / 0.05)) < 1e-4 && abs(bias(rare, .zero)[0]) < 1e-6)
    let three = rows.indices.map { $0 % 10 == 0 ? "c" : $0 % 10 < 4 ? "b" : "a" }
    #expect(try zip(bias(three, .prior), [0.6, 0.3, 0.1]).allSatisfy { abs($0 - log($1)) < 1e-4 })
  }

  /// Columns become embeddings by their layout, preceded by the other columns.
  @Test func embeddingsOfColumns() throws {
    let layout = InputLayout(numbers: [0, 4], categories: [1..<4, 5..<7])
    let network = Network {
      CategoryEmbedding(dimension: 2, moreThan: 2); NumberEmbedding(frequencies: 3, dimension: 4)
    }
    let graph = try network.graph(input: [7], layout: layout, outputs: 1)
    #expect(graph.layers.map(\.outputShape) == [[6], [14], [1]])
    #expect(
      graph.parameters.map(\.name).prefix(3) == [
        "categoryEmbedding1.weight1", "numberEmbedding1.frequency", "numberEmbedding1.phase",
      ])
    #expect(
      CategoryEmbedding(moreThan: 2).outputLayout(for: layout) == InputLayout(numbers: [0, 1], categories: [2..<4]))
    #expect(throws: NetworkError.self) { try network.graph(input: [7], outputs: 1) }
    #expect(throws: NetworkError.self) {
      try Network {
        Dense(3); NumberEmbedding()
      }.graph(input: [7], layout: layout, outputs: 1)
    }
  }

  /// A wave with several periods is out of reach for such a small network without the embedding.
  @Test func aPeriodicEmbeddingFollowsWaves() throws {
    var stream = RandomStream(seed: 7, purpose: .test)
    let rows = (0..<2000).map { _ in [Float(stream.uniform() * 6)] }
    let split = try Dataset(features: rows, values: rows.map { sin(6 * Double($0[0])) }).split(seed: 1)
    func error(_ network: Network) throws -> Double {
      try Recipe(network).bins(0).epochs(60).optimizer(.adam(learningRate: .cosine(from: 0.02)))
        .train(on: split, seed: 1).dev.score
    }
    #expect(
      try error(
        Network {
          NumberEmbedding(standardDeviation: 2); Dense(16); ReLU()
        }) < 0.2)
    #expect(
      try error(
        Network {
          Dense(16); ReLU()
        }) > 0.4)
  }

  @Test func categoriesAreEmbeddedAndTheModelFileHoldsThem() throws {
    struct Row: Encodable {
      let city: String
      let size: Double
      let y: Double
    }
    let table = (0..<900).map { number in
      let city = number * 7 % 23
      return Row(
        city: "city\(city)", size: Double(number % 9),
        y: Double(city % 5) * 2.03 + Double(number % 9) * 1.01 + Double(number % 7) * 0.001)
    }
    let split = try Dataset(rows: table, target: "y").split(seed: 1)
    let recipe = Recipe(Network(HiddenStack(hidden: [32], embedCategories: 4))).epochs(60)
      .optimizer(.adam(learningRate: .cosine(from: 0.02)))
    let run = try recipe.train(on: split, seed: 1)
    #expect(run.dev.r2! > 0.95, "\(run.dev.r2!)")
    #expect(run.model.graph.layers.contains { $0.name == "categoryEmbedding1" && $0.parameterCount == 23 * 4 })
    let again = try Model(file: try run.model.fileContents(), path: "memory")
    #expect(try again.predict(["city": "city3", "size": 4]) == run.model.predict(["city": "city3", "size": 4]))
  }

  @Test func aResidualBlockMustEndAsWideAsItBegins() {
    func message(_ network: Network) -> String {
      do {
        _ = try network.graph(input: [4], outputs: 1)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message(Network { Residual { Dense(3) } }).contains("its layers turn 4 into 3"))
    #expect(message(Network { Residual {} }).contains("needs layers inside"))
    #expect(
      message(
        Network {
          Residual {
            Flatten(); Dropout(keep: 1)
          }
        }
      ).contains("contains no computation"))
    #expect(message(Network { Residual { Residual { Dense(4) } } }).isEmpty)
    #expect(
      message(
        Network {
          Residual {
            Dense(3)
          } shortcut: {
            Dense(2)
          }
        }
      ).contains("its layers turn 4 into 3, and its shortcut into 2"))
    #expect(
      message(
        Network {
          Residual {
            Dense(3)
          } shortcut: {
            Dense(3)
          }
        }
      ).isEmpty)
    #expect(
      message(
        Network {
          Residual { Dense(4) };
          Residual {
            Tanh(); Dense(4)
          }
        }
      ).isEmpty)
  }

  @Test func theOldNameOfAStandardDeviationIsRead() throws {
    for key in ["standardDeviation", "deviation"] {
      #expect(try JSON.decode(GaussianNoise.self, from: "{\"\(key)\": 0.2}").standardDeviation == 0.2)
      #expect(try JSON.decode(NumberEmbedding.self, from: "{\"\(key)\": 2}").standardDeviation == 2)
    }
    #expect(try JSON.text(GaussianNoise(standardDeviation: 0.5)) == #"{"standardDeviation":0.5}"#)
  }
}
