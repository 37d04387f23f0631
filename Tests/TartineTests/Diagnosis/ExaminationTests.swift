import Tartine
import Testing

@Suite struct ExaminationTests {
  /// Two classes by a curved border, in six columns.
  private func split(rows: Int = 1500, noise: Double = 0) throws -> Split {
    var stream = RandomStream(seed: 12, purpose: .test)
    let features = (0..<rows).map { _ in (0..<6).map { _ in Float(stream.normalPair().0) } }
    return try Dataset(
      features: features,
      labels: features.map { x in
        let isIn = x[0] * x[1] + 0.5 * x[2] > 0
        return isIn != (stream.uniform() < noise) ? "in" : "out"
      }
    ).split(seed: 1)
  }

  private let good = Recipe(Network(HiddenStack(hidden: [64, 32], batchNorm: true, keepProb: [0.9])))
    .optimizer(.adamW(learningRate: .cosine(from: 3e-3), decay: 0.7)).batchSize(32).epochs(40)

  private func names(_ recipe: Recipe, on data: Split) throws -> [Fault.Name] {
    try recipe.diagnoseByTraining(on: data, budget: 60).faults.map(\.name)
  }

  @Test func aHealthyNetworkHasNoFault() throws {
    let examination = try good.diagnoseByTraining(on: split(), budget: 60)
    #expect(examination.faults.isEmpty, "\(examination.faults)")
    #expect(examination.runs.count == 3 && examination.diagnosis != nil)
    #expect(examination.signals.count == 3 && examination.signals[0].end != nil)
    #expect(
      Set(examination.checks.map(\.name)).isSuperset(of: ["baseline", "reference", "noise-floor", "initial-loss"]))
  }

  /// The wrong setting is the first one named.
  @Test(arguments: ["rate", "slow", "zero", "sigmoids", "narrow", "short", "dropout"])
  func whatIsPlantedIsNamed(_ what: String) throws {
    var recipe = good
    var stack = try #require(recipe.network.stack)
    let expected: Fault.Name
    switch what {
    case "rate":
      expected = .learningRateTooHigh
      recipe.optimizer.learningRate.peak = 3
    case "slow":
      expected = .learningRateTooLow
      recipe.optimizer.learningRate.peak = 1e-6
    case "zero":
      expected = .badInitialization
      stack.initializer = .normal(standardDeviation: 0)
    case "sigmoids":
      expected = .vanishingGradients
      stack = HiddenStack(hidden: [Int](repeating: 32, count: 8), activation: .sigmoid)
    case "narrow":
      expected = .tooSmallNetwork
      stack = HiddenStack(hidden: [1])
    case "short":
      expected = .trainedTooShort
      recipe.epochs = 1
    default:
      expected = .tooMuchRegularization
      stack.keepProb = [0.05]
    }
    recipe.network = Network(stack)
    let found = try names(recipe, on: split())
    #expect(found.first == expected, "\(found)")
  }

  /// So it is in a list of layers that no stack makes.
  @Test(arguments: ["zero", "narrow"])
  func whatIsPlantedInAListIsNamed(_ what: String) throws {
    func layers(_ units: Int = 64, initializer: InitializerRule = .automatic) -> [any Layer] {
      [
        Dense(units, initializer: initializer), LayerNorm(), ReLU(), Dropout(keep: 0.9),
        Residual {
          Dense(max(1, units / 2)); ReLU()
        } shortcut: {
          Dense(max(1, units / 2))
        },
      ]
    }
    let (list, expected): ([any Layer], Fault.Name) =
      what == "zero"
      ? (layers(initializer: .normal(standardDeviation: 0)), .badInitialization) : (layers(1), .tooSmallNetwork)
    var recipe = good
    recipe.network = Network(layers: list)
    #expect(recipe.network.stack == nil)
    // The budget must not decide what is tried on a slow machine.
    let found = try recipe.diagnoseByTraining(on: split(), budget: 600, explains: false).faults.map(\.name)
    #expect(found.first == expected, "\(found)")
  }

  /// Eight layers of sigmoids train well with batch norm, and are not a fault.
  @Test func theTwinOfAFaultIsNone() throws {
    let twin = good
    let deep = HiddenStack(hidden: [Int](repeating: 32, count: 8), activation: .sigmoid, batchNorm: true)
    var recipe = twin
    recipe.network = Network(deep)
    #expect(try names(recipe, on: split()).isEmpty)
  }

  /// Among noise columns an unregularized network memorizes the training set, and a higher learning rate that
  /// prevents this is not a fix.
  @Test func whatLearnsItsRowsByHeart() throws {
    var stream = RandomStream(seed: 15, purpose: .test)
    let features = (0..<600).map { _ in (0..<42).map { _ in Float(stream.normalPair().0) } }
    let data = try Dataset(
      features: features, labels: features.map { $0[0] * $0[0] + $0[1] * $0[1] < 1.4 ? "in" : "out" }
    ).split(seed: 1)
    let recipe = Recipe(Network(HiddenStack(hidden: [256, 256]))).optimizer(.adam(learningRate: .cosine(from: 3e-3)))
      .batchSize(32).epochs(60).keeping(.last)
    let examination = try recipe.diagnoseByTraining(on: data, budget: 60, explains: false)
    #expect(examination.faults.first?.name == .tooLittleRegularization, "\(examination.faults)")
    #expect(!examination.faults.contains { $0.name == .learningRateTooLow || $0.name == .trainedTooShort })
    #expect(examination.prescriptions.contains { $0.what.hasPrefix("the automatic recipe") && ($0.gain?.low ?? 0) > 0 })
  }

  @Test func aHandfulOfRows() throws {
    let recipe = good.keeping(.last)
    #expect(try names(recipe, on: split(rows: 80)) == [.tooLittleData])
  }

  /// The ladder is for that one network, and the seeds trained in addition give the noise floor.
  @Test func aFinishedRun() throws {
    let run = try good.epochs(5).train(on: split(rows: 400))
    let examination = try run.diagnoseByTraining(budget: 30)
    #expect(examination.runs.count == 3 && examination.ladderSeeds == 1)
    let gap = try #require(examination.diagnosis?.variance.difference)
    #expect(abs(gap.value - (run.dev.score - run.train.score)) < 1e-12)
    #expect(examination.checks.contains { $0.name == "noise-floor" })
  }

  @Test func labelsThatAreWrongAtRandom() throws {
    let examination = try good.diagnoseByTraining(on: split(rows: 2500, noise: 0.2), budget: 60)
    #expect(examination.faults.first?.name == .labelNoise, "\(examination.faults)")
    #expect((examination.labels?.suspects.count ?? 0) > 150)
  }

  /// Four quadrants of a plane; a third of the rows of one are mislabeled, and all others are right.
  @Test func oneClassesLabelsThatAreWrong() throws {
    var stream = RandomStream(seed: 13, purpose: .test)
    let features = (0..<1500).map { _ in (0..<4).map { _ in Float(stream.normalPair().0) } }
    let labels = features.map { x in
      let quarter = (x[0] > 0 ? 1 : 0) + (x[1] > 0 ? 2 : 0)
      return "q\(quarter == 0 && stream.uniform() < 0.35 ? 1 : quarter)"
    }
    let split = try Dataset(features: features, labels: labels).split(seed: 1)
    let faults = try good.diagnoseByTraining(on: split, budget: 60, explains: false).faults
    #expect(faults.first?.name == .labelNoise && faults.first?.evidence.contains("'q0'") == true, "\(faults)")
  }

  /// Whether or not there is time to find the fix.
  @Test func aTrainingThatBlowsUpIsAFault() throws {
    var recipe = Recipe(Network(HiddenStack(hidden: [32, 32]))).optimizer(.momentum(learningRate: .constant(1e8)))
    recipe.epochs = 2
    let examination = try recipe.diagnoseByTraining(on: split(rows: 300), budget: 1e-9)
    #expect(examination.runs.isEmpty && examination.faults.map(\.name) == [.learningRateTooHigh])
  }

  @Test func whatHasNothingToDoWithTheTarget() throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    let features = (0..<600).map { _ in (0..<4).map { _ in Float(stream.normalPair().0) } }
    let data = try Dataset(features: features, labels: features.map { _ in stream.uniform() < 0.5 ? "a" : "b" }).split()
    #expect(try names(good, on: data) == [.noSignal])
  }

  /// Steps beside the recipe may be impossible: folds of rows in the order of time, batch norm on batches of
  /// one row, metrics of a class that dev does not have.
  @Test func whatCannotBeTriedIsSaid() throws {
    var stream = RandomStream(seed: 21, purpose: .test)
    let features = (0..<400).map { row in [Float(row)] + (0..<3).map { _ in Float(stream.normalPair().0) } }
    let labels = features.map { $0[1] > 0 ? "a" : "b" }
    let inOrder = try Dataset(features: features, labels: labels).split(by: .time(by: "x1"), seed: 1)
    let ofTime = try good.epochs(5).diagnoseByTraining(on: inOrder, budget: 20)
    #expect(ofTime.labels == nil && ofTime.runs.count == 3)
    var single = good.batchSize(1).epochs(2)
    single.network = Network(HiddenStack(hidden: [Int](repeating: 16, count: 8), activation: .sigmoid))
    let alone = try single.diagnoseByTraining(on: split(rows: 300), budget: 30)
    #expect(alone.checks.contains { $0.name == "not-tried" && $0.evidence.contains("two rows") }, "\(alone.checks)")
    let rare = try Dataset(features: features, labels: labels.enumerated().map { $0 == 7 ? "c" : $1 }).split(seed: 1)
    #expect(rare.devCount > 0)
    let examination = try good.epochs(5).diagnoseByTraining(on: rare, budget: 20)
    #expect(try JSON.text(examination).contains("\"roc-auc-macro\""))
  }

  @Test func noTimeIsNoAnswerLess() throws {
    let examination = try good.diagnoseByTraining(on: split(), budget: 0.001)
    #expect(examination.runs.count == 1 && examination.labels == nil)
  }

  @Test func aNumber() throws {
    var stream = RandomStream(seed: 4, purpose: .test)
    let features = (0..<1200).map { _ in (0..<3).map { _ in Float(stream.normalPair().0) } }
    let data = try Dataset(features: features, values: features.map { Double($0[0] * $0[1] + $0[2]) }).split()
    #expect(try names(.automatic, on: data) == [])
    var slow = good
    slow.optimizer.learningRate.peak = 1e-6
    #expect(try names(slow, on: data).first == .learningRateTooLow)
  }
}
