import Tartine
import Testing

/// The baselines of a network, and the choice of the linear model for few rows.
@Suite struct BaselineTests {
  private func split(_ count: Int, seed: UInt64 = 1, _ target: (Double, Double, Double) -> Double) throws -> Split {
    var stream = RandomStream(seed: seed, purpose: .test)
    var features: [[Float]] = []
    var values: [Double] = []
    for _ in 0..<count {
      let (x, y, noise) = (2 * stream.uniform() - 1, 2 * stream.uniform() - 1, stream.normalPair().0)
      features.append([Float(x), Float(y)])
      values.append(target(x, y, noise))
    }
    return try Dataset(features: features, values: values).split(seed: 1)
  }

  @Test func leastSquaresAreSolvedToTheirOptimum() throws {
    let split = try split(200) { 3 * $0 - $1 + 0.5 * $2 }
    var recipe = Recipe.linear(for: split, threads: 1)
    recipe.penalty = .none
    let run = try recipe.train(on: split, threads: 1)
    // By the normal equations of the train rows, in Double.
    let columns = try split.dataset.requireColumns()
    let (x, y) = (try columns[0].requireNumbers(), try columns[1].requireNumbers())
    let t = try split.dataset.targets[0].requireNumbers()
    var (a, b) = ([[Double]](repeating: [0, 0, 0], count: 3), [0.0, 0, 0])
    for row in split.train {
      let v = [1, x[row], y[row]]
      for i in 0..<3 {
        for j in 0..<3 { a[i][j] += v[i] * v[j] }
        b[i] += v[i] * t[row]
      }
    }
    for i in 0..<3 {
      for k in (i + 1)..<3 {
        let f = a[k][i] / a[i][i]
        for j in 0..<3 { a[k][j] -= f * a[i][j] }
        b[k] -= f * b[i]
      }
    }
    var w = [0.0, 0, 0]
    for i in [2, 1, 0] { w[i] = (b[i] - (i + 1..<3).reduce(0) { $0 + a[i][$1] * w[$1] }) / a[i][i] }
    let squares = split.dev.map { row in
      let error = w[0] + w[1] * x[row] + w[2] * y[row] - t[row]
      return error * error
    }
    let rmse = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    #expect(abs((run.dev.rmse ?? 0) - rmse) < 1e-4, "\(rmse)")
  }

  /// A network that is hardly trained fits train worse than least squares, which shows its bias.
  @Test func aLinearModelThatFitsTrainBetterShowsBias() throws {
    let split = try split(300) { x, y, noise in 5 * x - 3 * y + 0.1 * noise }
    let run = try Recipe {
      Dense(4); ReLU()
    }.epochs(1).train(on: split, threads: 1)
    let diagnosis = Diagnosis(of: run)
    #expect(diagnosis.bias.reading == .undecided)
    let known = diagnosis.adding(Baselines(of: run, threads: 1)).bias
    #expect(known.reading == .present && known.sentence.contains("the train error of the linear model is"))
  }

  /// Where dev is of another time than train, the difference need not be variance.
  @Test func varianceOfASplitByTimeMayBeAShift() throws {
    var stream = RandomStream(seed: 2, purpose: .test)
    struct Row: Encodable {
      let day: Int
      let x, y: Double
    }
    let rows = (0..<400).map { day -> Row in
      let x = stream.normalPair().0
      return Row(day: day, x: x, y: (day < 240 ? 2 : -2) * x + 0.1 * stream.normalPair().0)
    }
    let data = try Dataset(rows: rows, target: "y")
    func verdict(_ method: SplitMethod) throws -> String {
      try Recipe {
        Dense(8); ReLU()
      }.epochs(20).keeping(.last).train(on: data.split(by: method), threads: 1).diagnosis.verdict
    }
    #expect(try verdict(.time(by: "day")).contains("variance or a change of distribution"))
    #expect(try !verdict(.stratified).contains("change of distribution"))
  }

  /// Residuals 1, 1, −1, −1, …: neighbors agree and differ in turn; of runs of ten, nine of ten agree.
  @Test func errorsOfNeighborsAreCorrelated() throws {
    func errors(_ run: Int) -> SerialCorrelation { SerialCorrelation((0..<200).map { $0 / run % 2 == 0 ? 1 : -1 }) }
    // The products of 199 pairs, of which 19 or 99 have opposite signs, over 200 squares.
    #expect(abs(errors(10).value - (180.0 - 19) / 200) < 1e-12)
    #expect(abs(errors(2).value - (100.0 - 99) / 200) < 1e-12)
    // 200 (1 − 0.805) / (1 + 0.805) rows.
    #expect(errors(10).effectiveRows == 22 && errors(2).effectiveRows == nil)
    #expect(SerialCorrelation([]).effectiveRows == nil && SerialCorrelation([3, 3]).value == 0)
  }

  @Test func foldsChooseThePenalty() throws {
    #expect(try Recipe.linear(for: split(100) { x, y, _ in 3 * x - y }, threads: 1).penalty.l2 <= 1e-5)
    // If the inputs carry no information, the largest penalties are best.
    #expect(try Recipe.linear(for: split(100) { _, _, noise in noise }, threads: 1).penalty.l2 >= 1)
  }

  @Test func theConstantIsTheMeanAndTheLargestClass() throws {
    let numbers = try split(60) { x, _, noise in x + noise }
    let run = try Recipe {
      Dense(4); ReLU()
    }.epochs(2).train(on: numbers, threads: 1)
    let baselines = Baselines(of: run, threads: 1)
    let values = try numbers.dataset.targets[0].requireNumbers()
    let mean = numbers.train.reduce(0) { $0 + values[$1] } / Double(numbers.trainCount)
    let square = numbers.dev.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / Double(numbers.devCount)
    #expect(abs(baselines.constant.dev.value - square.squareRoot()) < 1e-5 && baselines.constant.test == nil)
    let classes = try Dataset(
      features: (0..<100).map { [Float($0 % 7)] }, labels: (0..<100).map { $0 % 4 == 0 ? "a" : "b" }
    ).split(seed: 1)
    let trained = try Recipe {
      Dense(4); ReLU()
    }.epochs(2).train(on: classes, threads: 1)
    let test = try trained.test()
    let found = Baselines(of: trained, test: test, threads: 1)
    #expect(found.constant.dev.value == 0.25 && found.constant.test?.value == 0.25 && found.linear != nil)
    #expect(abs(found.constant.gain.value - (0.25 - (test.error ?? 0))) < 1e-12)
  }

  @Test func aNetworkThatIsNoBetterIsSaidToBe() throws {
    let noise = try split(80) { _, _, noise in noise }
    let run = try Recipe {
      Dense(32); ReLU()
    }.epochs(50).train(on: noise, threads: 1)
    let lines = Baselines(of: run, threads: 1).text(network: run.diagnosis.result)
    #expect(lines[0].hasPrefix("RMSE of value on dev: "))
    #expect(
      lines.dropFirst().contains {
        $0.hasPrefix("Not significantly better than") || $0.hasPrefix("Significantly worse than")
      })
    let clear = try split(400) { x, y, _ in x * y }
    let good = try Recipe.automatic.epochs(30).train(on: clear, threads: 2)
    #expect(Baselines(of: good, threads: 1).text(network: good.diagnosis.result).count == 1)
  }

  /// One row in 200 is of the rare class: a tenth of the constant's error matters, and class weights have another aim than it.
  @Test func aRareClassIsNotMeasuredByHalfAPoint() throws {
    var stream = RandomStream(seed: 6, purpose: .test)
    let x = (0..<2_000).map { _ in Float(stream.normalPair().0) }
    let data = try Dataset(
      features: x.map { [$0] }, labels: x.enumerated().map { $0 % 200 == 7 || $1 > 2.9 ? "yes" : "no" })
    let split = try data.split(seed: 1)
    func lines(_ change: (inout Recipe) -> Void) throws -> (Diagnosis, [String]) {
      var recipe = Recipe {
        Dense(4); ReLU()
      }.epochs(3)
      change(&recipe)
      let run = try recipe.train(on: split, threads: 1)
      return (run.diagnosis, Baselines(of: run, threads: 1).text(network: run.diagnosis.result))
    }
    let plain = try lines { _ in }
    let rare = Double(split.dev.count { split.dataset.targets[0].text($0) == "yes" }) / Double(split.devCount)
    #expect(rare < 0.02 && abs(plain.0.worth - max(0.1 * rare, 0.1 * plain.0.result.value)) < 1e-12)
    let weighted = try lines { $0.loss.classWeights = .balanced }
    #expect(weighted.1.count == 2 && weighted.1[1].contains("have no class weights"), "\(weighted.1)")
  }

  /// A network that always predicts the largest class: six classes of nearly one size have no rare one, two in 50 rows have.
  @Test(arguments: [(6, false), (2, true)])
  func aRareClassIsRareForItsNumberOfClasses(classes: Int, isRare: Bool) throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    let rows = (0..<600).map { row in
      (Float(stream.normalPair().0), classes == 2 ? (row % 25 == 0 ? 1 : 0) : row % 20 == 0 ? 0 : row % 6)
    }
    let split = try Dataset(features: rows.map { [$0.0] }, labels: rows.map { "class \($0.1)" }).split(seed: 1)
    var recipe = Recipe(Network(HiddenStack(hidden: []))).epochs(20)
    recipe.penalty.l2 = 1e4
    recipe.optimizer = .adam(learningRate: .constant(0.01))
    let run = try recipe.train(on: split, threads: 1)
    #expect(Set(run.dev.predictions).count == 1)
    let lines = Baselines(of: run, threads: 1).text(network: run.diagnosis.result)
    #expect(lines.contains { $0.contains("predict a rare class") } == isRare, "\(lines)")
    #expect(lines.contains { $0.contains("the same predictions in every row") }, "\(lines)")
  }

  /// Whatever regularizes the network, the linear model can be prescribed in its place.
  @Test func theLinearModelIsPrescribedForAnyRecipe() throws {
    let noise = try split(80) { x, y, noise in 2 * x + y + noise }
    let recipes = [
      Recipe.automatic, Recipe.automatic.mixup(alpha: 0.2),
      Recipe(Network(HiddenStack(hidden: [32], keepProb: [0.7], keepInput: 0.9, inputNoise: 0.1))),
    ]
    for recipe in recipes {
      let run = try recipe.epochs(3).train(on: noise, threads: 1)
      let idea = try #require(Baselines(of: run, threads: 1).linearPrescription)
      #expect(try idea.settings.apply(to: run.recipe) == idea.recipe && idea.recipe.network.isLinear)
      #expect(idea.settings.description.contains("network.hidden = []"), "\(idea.settings)")
    }
  }

  @Test func whoIsTrainedOnFewRows() throws {
    let line = try Recipe.automatic.selectedByCrossValidation(
      on: split(60) { x, y, noise in 2 * x + y + noise }, threads: 2)
    #expect(line.recipe.network.isLinear && line.linear != nil && line.network != nil)
    let product = try Recipe.automatic.selectedByCrossValidation(on: split(200) { x, y, _ in x * y }, threads: 2)
    #expect(product.recipe == .automatic.refitting() && product.linear != nil)
    let tilted = try Recipe.automatic.selectedByCrossValidation(
      on: split(160) { x, y, noise in 2 * x + y + 3 * noise }, threads: 2)
    #expect(tilted.recipe.network.isLinear)
    #expect(
      try Recipe.automatic.refitting().selectedByCrossValidation(
        on: split(60) { x, y, noise in 2 * x + y + noise }, refits: false, threads: 2
      ).recipe.refit == false)
    // An explicit setting is obeyed, and many rows need no folds.
    let asked = Recipe.automatic.epochs(7)
    #expect(try asked.selectedByCrossValidation(on: split(80) { x, _, _ in x }, threads: 2).recipe == asked)
    #expect(try Recipe.automatic.selectedByCrossValidation(on: split(800) { x, _, _ in x }, threads: 2).linear == nil)
    // The seed and the loss are kept.
    var seeded = Recipe.automatic.loss(.huber(delta: 1))
    seeded.seed = 5
    let kept = try seeded.selectedByCrossValidation(on: split(60) { x, y, noise in 2 * x + y + noise }, threads: 2)
      .recipe
    #expect(kept.network.isLinear && kept.seed == 5 && kept.loss == seeded.loss)
  }
}
