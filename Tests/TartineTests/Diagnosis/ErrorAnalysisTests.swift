import Tartine
import Testing

@Suite struct ErrorAnalysisTests {
  private struct Row: Encodable {
    let a, b, spare: Double
    let place: String
    let y: String
  }

  /// The class follows from a and b, except in one place, where it is random.
  private func split(rows: Int = 1500) throws -> Split {
    var stream = RandomStream(seed: 6, purpose: .test)
    let list = (0..<rows).map { _ in
      let (a, b) = (stream.normalPair().0, stream.normalPair().0)
      let place = ["north", "south", "east", "west"][stream.integer(below: 4)]
      let isYes = place == "west" ? stream.uniform() < 0.5 : 2 * a + b > 0
      return Row(a: a, b: b, spare: stream.normalPair().0, place: place, y: isYes ? "yes" : "no")
    }
    return try Dataset(rows: list, target: "y").split(seed: 2)
  }

  private let recipe = Recipe(Network(HiddenStack(hidden: [16]))).epochs(20)

  @Test func theWorstSlice() throws {
    let data = try split()
    let slices = Slices(try recipe.train(on: data).dev, of: data.dataset)
    #expect(slices.worst.first?.name == "place west", "\(slices.worst)")
    #expect(slices.worst.count <= 2 && slices.examined > 10)
    #expect(slices.worst[0].error.value > 0.3 && slices.worst[0].otherError < 0.15 && slices.worst[0].p < 1e-4)
  }

  @Test func noSliceOfChanceAlone() throws {
    var stream = RandomStream(seed: 11, purpose: .test)
    let features = (0..<800).map { _ in (0..<5).map { _ in Float(stream.normalPair().0) } }
    let data = try Dataset(features: features, labels: features.map { _ in stream.uniform() < 0.5 ? "a" : "b" })
    let run = try recipe.train(on: data.split(seed: 1))
    // Classes may differ: a network that learned nothing still prefers one.
    #expect(Slices(run.dev, of: data).worst.allSatisfy { $0.name.hasPrefix("class") })
  }

  @Test func columnsThatMatter() throws {
    let importance = try #require(try Importance(of: recipe, on: split()))
    #expect(importance.columns.first?.column == "a")
    #expect(importance.columns.filter(\.isAboveNoise).map(\.column).prefix(2) == ["a", "b"])
    let spare = try #require(importance.columns.first { $0.column == "spare" })
    #expect(!spare.isAboveNoise && abs(spare.increase.value) < 0.03)
    #expect(importance.columns.count == 4)
    #expect(try Importance(of: recipe, on: Dataset.digits().split()) == nil)
  }

  @Test func labelsThatAreWrong() throws {
    var stream = RandomStream(seed: 7, purpose: .test)
    let features = (0..<900).map { _ in (0..<3).map { _ in Float(stream.normalPair().0) } }
    var flipped: Set<Int> = []
    let labels = features.enumerated().map { row, x in
      let isYes = x[0] + x[1] > 0
      let isFlipped = stream.uniform() < 0.05 && abs(x[0] + x[1]) > 0.5
      if isFlipped { flipped.insert(row) }
      return isYes != isFlipped ? "yes" : "no"
    }
    let data = try Dataset(features: features, labels: labels)
    let found = try recipe.labelErrors(on: data.split(seed: 1), folds: 3)
    #expect(found.rows == 720)
    let right = found.suspects.count { flipped.contains($0.place) }
    #expect(Double(right) > 0.6 * Double(found.suspects.count), "\(right) of \(found.suspects.count)")
    #expect(right > flipped.count / 2)
    let first = found.suspects[0]
    #expect(
      first.row == first.place + 1 && first.label != first.suggestion && first.probability > first.labelProbability)
  }

  @Test func ratesAtWhichItLearns() throws {
    let data = try split(rows: 600)
    func range(_ rate: Double) throws -> LearningRateRange {
      let descent = recipe.optimizer(.gradientDescent(learningRate: .constant(rate)))
      return try descent.learningRateRange(on: data, seeds: 3, threads: 1)
    }
    let found = try range(0.1)
    let low = try #require(found.low)
    let high = try #require(found.high)
    let suggestion = try #require(found.suggestion)
    // Gradient descent on standardized inputs: slow below a hundredth, and fast from a tenth on.
    #expect(low.value > 1e-3 && low.value < 0.3, "\(low)")
    #expect(high.value > 0.1 && high.value <= 10, "\(high)")
    #expect(low.low <= low.value && low.value <= low.high)
    #expect(low.value < suggestion && suggestion < high.high)
    #expect(found.sweeps.count == 3 && found.sweeps.allSatisfy { $0.rates.count == $0.losses.count })
    // The recipe's own learning rate has no effect.
    #expect(try range(3).low == low)
    #expect(throws: RecipeError.self) { try recipe.optimizer(.lbfgs()).learningRateRange(on: data) }
  }
}
