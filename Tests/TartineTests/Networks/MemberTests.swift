import Foundation
import Synchronization
import Tartine
import Testing

/// Members of an ensemble that share the weights of one network.
@Suite struct MemberTests {
  private func step(
    _ graph: LayerGraph, _ output: Output, _ weights: Arena, workers: Int = 1, batch: Int
  ) -> TrainingStep {
    TrainingStep(
      graph: graph, output: output, optimizer: .gradientDescent(), penalty: .none, precision: .float64, batch: batch,
      seed: 1, workers: Workers(workers), weights: weights, state: graph.makeInitialState(.float64))
  }

  /// By hand: two members of one column, without a hidden layer. r = (2, −1), W = (3, 5), b = (1, −2): of x = 4 the members
  /// say 2·4·3 + 1 = 25 and −1·4·5 − 2 = −22; the prediction is their mean, the loss the mean of theirs.
  @Test func twoMembersByHand() throws {
    let graph = try Network(layers: [Members(2)]).graph(input: [1], outputs: 1)
    #expect(graph.parameters.map(\.name) == ["members1.scale", "output.weight", "output.bias"])
    let weights = graph.makeInitialParameters(.float64, seed: 1)
    for (tensor, values) in zip(graph.parameters, [[2.0, -1], [3, 5], [1, -2]]) {
      let elements = tensor.elements(Double.self, in: weights)
      for (place, value) in values.enumerated() { elements[place] = value }
    }
    let data = PreparedRows.of([4], width: 1, targets: .matrix(Arena.of([3]), width: 1))
    let step = step(graph, .identity(values: 1), weights, batch: 1)
    let result = [Int32(0)].withUnsafeBufferPointer { rows in
      step.begin(rows, of: data)
      return step.computeGradients(step: 0)
    }
    // ½ (22² + 25²) / 2
    #expect(abs(result.loss - (22.0 * 22 + 25 * 25) / 4) < 1e-12)
    // A member's gradient of its output is half its error: 11 and −12.5. Times x W for r, times r x for W.
    let gradients = graph.parameters.map { $0.doubles(in: step.gradients, .float64) }
    let expected: [[Double]] = [[132, -250], [88, 50], [11, -12.5]]
    #expect(gradients == expected)
    let predictor = Predictor(
      graph: graph, output: .identity(values: 1), precision: .float64,
      networks: [TrainedWeights(weights: weights, state: graph.makeInitialState(.float64))], workers: Workers(1))
    let predicted = Mutex([Double]())
    predictor.run(data) { _, _, logits in
      let logit = logits.assumingMemoryBound(to: Double.self)[0]
      predicted.withLock { $0.append(logit) }
    }
    #expect(predicted.withLock { $0 } == [1.5])
  }

  /// Each member is a network: with its scales folded into the first weights and its own output, a plain network has its logits.
  @Test(arguments: [false, true]) func aMemberIsANetwork(_ isFull: Bool) throws {
    let layers: [any Layer] =
      isFull
      ? [Members(3), Dense(6, bias: false), MemberScale(bias: true), Tanh()]
      : [Members(3), Dense(6), Tanh()]
    let graph = try Network(layers: layers).graph(input: [4], outputs: 2)
    let weights = graph.makeInitialParameters(.float64, seed: 5)
    var stream = RandomStream(seed: 3, purpose: .test)
    for tensor in graph.parameters {
      let elements = tensor.elements(Double.self, in: weights)
      for place in elements.indices { elements[place] += 0.3 * stream.normalPair().0 }
    }
    func values(_ name: String, member: Int? = nil) -> [Double] {
      let tensor = graph.parameters.first { $0.name == name }!
      let all = tensor.doubles(in: weights, .float64)
      guard let member else { return all }
      return Array(all[member * all.count / 3..<(member + 1) * all.count / 3])
    }
    let inputs = RandomStream.normals(5 * 4, seed: 8)
    let data = PreparedRows.of(inputs, width: 4, targets: .labels([0, 1, 1, 0, 1]))
    var mean = [Double](repeating: 0, count: 10)
    for member in 0..<3 {
      let r = values("members1.scale", member: member)
      let w = values("dense1.weight")
      let s = isFull ? values("memberScale1.scale", member: member) : [Double](repeating: 1, count: 6)
      let b = isFull ? values("memberScale1.bias", member: member) : values("dense1.bias")
      let v = values("output.weight", member: member)
      let c = values("output.bias", member: member)
      for row in 0..<5 {
        var hidden: [Double] = []
        for unit in 0..<6 {
          var z = 0.0
          for column in 0..<4 { z += r[column] * Double(inputs[row * 4 + column]) * w[column * 6 + unit] }
          hidden.append(tanh(s[unit] * z + b[unit]))
        }
        var powers: [Double] = []
        for out in 0..<2 {
          var z = c[out]
          for unit in 0..<6 { z += hidden[unit] * v[unit * 2 + out] }
          powers.append(exp(z))
        }
        for out in 0..<2 { mean[row * 2 + out] += powers[out] / (powers[0] + powers[1]) / 3 }
      }
    }
    let predictor = Predictor(
      graph: graph, output: .softmax(classes: 2), precision: .float64,
      networks: [TrainedWeights(weights: weights, state: graph.makeInitialState(.float64))], workers: Workers(1))
    let predicted = Mutex([Double]())
    predictor.run(data) { _, rows, logits in
      let logits = Array(UnsafeBufferPointer(start: logits.assumingMemoryBound(to: Double.self), count: rows.count * 2))
      predicted.withLock { $0 += logits }
    }
    let probabilities = predicted.withLock { $0.map { exp($0) } }
    #expect(probabilities.count == mean.count)
    for (one, other) in zip(probabilities, mean) { #expect(abs(one - other) < 1e-14) }
  }

  /// So many rows, members and classes that the loss of each member is cut, with weights of the rows: it is the mean of the losses of
  /// networks with the members' scales and outputs.
  @Test func theLossIsCutWithinMembers() throws {
    let (rows, members) = (1_100, 11)
    let graph = try Network(layers: [Members(members)]).graph(input: [4], outputs: 3)
    let weights = graph.makeInitialParameters(.float64, seed: 4)
    let inputs = RandomStream.normals(rows * 4, seed: 8)
    let data = PreparedRows.of(inputs, width: 4, targets: .labels((0..<Int32(rows)).map { $0 % 3 }))
      .weighted((0..<rows).map { 0.5 + Double($0 % 4) })
    let step = step(graph, .softmax(classes: 3), weights, workers: 2, batch: rows)
    let result = (0..<Int32(rows)).map { $0 }.withUnsafeBufferPointer { order in
      step.begin(order, of: data)
      return step.computeGradients(step: 0)
    }
    let r = graph.parameters[0].doubles(in: weights, .float64)
    let w = graph.parameters[1].doubles(in: weights, .float64)
    var total = 0.0
    for member in 0..<members {
      for row in 0..<rows {
        var z: [Double] = [0, 0, 0]
        for column in 0..<4 {
          let x = r[member * 4 + column] * Double(inputs[row * 4 + column])
          for out in 0..<3 { z[out] += x * w[(member * 4 + column) * 3 + out] }
        }
        let sum: Double = z.map { exp($0) }.reduce(0, +)
        total += (0.5 + Double(row % 4)) * (log(sum) - z[row % 3])
      }
    }
    #expect(abs(result.loss - total / Double(rows * members)) < 1e-12 * result.loss)
  }

  /// Before the activation that a scale precedes, weights are initialized as without it.
  @Test func scalesKeepTheInitialization() throws {
    func deviation(_ layers: [any Layer]) throws -> Double {
      let graph = try Network(layers: layers).graph(input: [8], outputs: 1)
      return try #require(graph.parameters.first { $0.name == "dense1.weight" }).initializer.standardDeviation
    }
    let plain = try deviation([Dense(4), ReLU()])
    #expect(try deviation([Members(2), Dense(4, bias: false), MemberScale(bias: true), ReLU()]) == plain)
    #expect(try deviation([Dense(4), Members(2), ReLU()]) == plain)
  }

  /// A bound on the norm of each unit's weights holds for each member's output too.
  @Test func normsOfMembersAreBounded() throws {
    let split = try Dataset.digits().split(seed: 1)
    let recipe = Recipe {
      Flatten(); Members(3); Dense(16); ReLU()
    }.penalty(Penalty(maxNorm: 0.25)).epochs(2)
    let model = try recipe.train(on: split, threads: 2).model
    let tensor = try #require(model.graph.parameters.first { $0.name == "output.weight" })
    let weights = tensor.doubles(in: model.networks[0].weights, .float32)
    for member in 0..<3 {
      for unit in 0..<10 {
        let squares = (0..<16).reduce(0.0) { sum, input in
          let weight = weights[(member * 16 + input) * 10 + unit]
          return sum + weight * weight
        }
        #expect(squares.squareRoot() <= 0.2501)
      }
    }
  }

  /// What else a recipe may ask for: each gives the same bits with one thread and two, and a network that predicts.
  @Test(arguments: ["mixup", "microBatches", "clipping", "average", "lbfgs", "weightNorm"])
  func membersGoWith(_ setting: String) throws {
    var stream = RandomStream(seed: 21, purpose: .test)
    let features = (0..<400).map { _ in (0..<4).map { _ in Float(stream.normalPair().0) } }
    let values = features.map { 2 * Double($0[0]) - Double($0[1]) + 0.1 * stream.normalPair().0 }
    let split = try Dataset(features: features, values: values).split(seed: 1)
    let isRepeatable = setting == "lbfgs"
    let stack = HiddenStack(
      hidden: [140, 16], batchNorm: !isRepeatable, keepProb: isRepeatable ? [] : [0.9], members: 9)
    var recipe = Recipe(Network(stack)).epochs(30)
    if !isRepeatable { recipe = recipe.batchSize(64) }
    switch setting {
    case "mixup": recipe = recipe.mixup(alpha: 0.2)
    case "microBatches": recipe = recipe.accumulation(4)
    case "clipping": recipe.optimizer = .adamW().clipped(.globalNorm(0.5))
    case "average": recipe.optimizer = .adamW().averaged(.exponential(beta: 0.98))
    case "lbfgs": recipe.optimizer = .lbfgs()
    default: recipe = recipe.penalty(Penalty(maxNorm: 2))
    }
    let (one, two) = (try recipe.train(on: split, threads: 1), try recipe.train(on: split, threads: 2))
    #expect(try one.model.fileContents() == two.model.fileContents())
    let error = try #require(one.dev.rmse)
    // The targets deviate by √5.
    #expect(error < 1, "\(setting): \(error)")
  }

  /// Every member's output starts at the prior.
  @Test func everyMemberStartsAtThePrior() throws {
    let features = (0..<400).map { [Float($0 % 7), Float($0 % 3)] }
    let split = try Dataset(features: features, labels: (0..<400).map { $0 % 4 == 0 ? 1 : 0 }).split(seed: 1)
    var recipe = Recipe {
      Members(3); Dense(4); Tanh()
    }
    .outputBias(.prior).epochs(1)
    recipe.optimizer = .gradientDescent(learningRate: .constant(1e-12))
    let model = try recipe.train(on: split, threads: 1).model
    let bias = try #require(model.graph.parameters.first { $0.name == "output.bias" }).doubles(
      in: model.networks[0].weights, .float32)
    let rare = Double(split.trainRows.count { $0 % 4 == 0 }) / Double(split.trainCount)
    try #require(bias.count == 3)
    // Two classes have one output, the log odds.
    for member in bias { #expect(abs(abs(member) - log((1 - rare) / rare)) < 1e-6) }
  }

  /// The mean of the members' probabilities, also where a probability underflows.
  @Test func meansOfPredictions() {
    func merged(_ output: Output, _ logits: [Double]) -> [Double] {
      var logits = logits
      let count = logits.count
      logits.withUnsafeMutableBufferPointer {
        output.merge($0.baseAddress!, rows: 1, members: count / output.width)
      }
      return Array(logits.prefix(output.width))
    }
    // σ(0) and σ(log 3) are ½ and ¾: log odds of ⅝.
    #expect(abs(merged(.sigmoid(labels: 1), [0, log(3)])[0] - log(5.0 / 3)) < 1e-15)
    #expect(abs(merged(.sigmoid(labels: 1), [-900, -1000])[0] - (-900 - log(2.0))) < 1e-12)
    #expect(abs(merged(.rate(values: 1), [log(2), log(4)])[0] - log(3.0)) < 1e-15)
    #expect(merged(.identity(values: 2), [1, 2, 3, 6]) == [2, 4])
    let two = merged(.softmax(classes: 2), [0, 0, log(3), 0])
    #expect(abs(exp(two[0]) - 0.625) < 1e-15 && abs(exp(two[1]) - 0.375) < 1e-15)
    let far = merged(.softmax(classes: 2), [0, -2000, 0, -2000])
    #expect(abs(far[0]) < 1e-15 && abs(far[1] + 2000) < 1e-9)
    // In Float.
    var logits: [Float] = [0, log(3), 3, 1]
    logits.withUnsafeMutableBufferPointer {
      Output.sigmoid(labels: 1).merge($0.baseAddress!, rows: 1, members: 2)
      Output.identity(values: 1).merge($0.baseAddress! + 2, rows: 1, members: 2)
    }
    #expect(abs(logits[0] - log(5.0 / 3)) < 1e-6 && logits[2] == 2)
  }

  /// Same bits with one thread and two, and with a smaller last batch.
  @Test func threadsGiveTheSameBits() throws {
    var stream = RandomStream(seed: 12, purpose: .test)
    let features = (0..<300).map { _ in (0..<5).map { _ in Float(stream.normalPair().0) } }
    let split = try Dataset(
      features: features, values: features.map { Double($0[0] * $0[1]) + 0.1 * stream.normalPair().0 }
    ).split(seed: 1)
    let recipe = Recipe(
      Network(HiddenStack(hidden: [160, 128], batchNorm: true, keepProb: [0.9], embedNumbers: 2, members: 9))
    )
    .epochs(3).batchSize(128)
    let (one, two) = (try recipe.train(on: split, threads: 1), try recipe.train(on: split, threads: 2))
    #expect(try one.model.fileContents() == two.model.fileContents())
    #expect(one.model.description.contains("9 members × 160"))
  }

  /// A model file is reopened with its members, and a recipe is coded with them.
  @Test func membersSurviveCoding() throws {
    let stack = HiddenStack(hidden: [8], keepProb: [0.9], members: 4)
    #expect(try JSON.decode(Network.self, from: JSON.text(Network(stack))) == Network(stack))
    #expect(Network(layers: stack.layers).stack == stack)
    let list = Network(layers: [Members(4, scales: .normal), Dense(8, bias: false), MemberScale(bias: true), ReLU()])
    #expect(list.stack == nil)
    #expect(try JSON.decode(Network.self, from: JSON.text(list)) == list)
  }

  @Test func membersBeginOnceAndOutsideOfBlocks() {
    func error(_ layers: [any Layer]) -> String {
      (#expect(throws: NetworkError.self) { try Network(layers: layers).graph(input: [3], outputs: 1) })?.description
        ?? ""
    }
    let block = Residual {
      Members(2); Dense(4)
    }
    #expect(error([Dense(4), block]).contains("members cannot begin inside a block"))
    #expect(error([Members(2), Dense(4), Members(3)]).contains("the members begin at an earlier layer"))
    #expect(error([Members(1)]).contains("count must be from 2"))
  }
}
