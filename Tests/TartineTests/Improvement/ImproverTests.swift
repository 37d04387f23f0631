import Foundation
import Tartine
import Testing

/// The loop: what is accepted, taken out again and proven.
@Suite struct ImproverTests {
  /// A recipe whose learning rate is a hundred times too low.
  private static var slow: Recipe {
    Recipe(
      Network {
        Dense(16); ReLU()
      }
    ).optimizer(.adam(learningRate: .constant(1e-5))).epochs(6).batchSize(32)
  }

  /// A fault is found and mended, the test set is evaluated once, and its gain is there.
  @Test func mendsALearningRate() throws {
    let split = try Fixtures.noisy(rows: 400)
    var options = ImprovementOptions()
    options.only = ["higher-learning-rate", "early-stopping", "averaged-weights"]
    options.threads = 1
    var told: [IdeaTrial] = []
    let result = try Self.slow.improve(on: split, options: options) { event in
      if case .trial(let trial) = event { told.append(trial) }
    }
    #expect(result.accepted.first?.name == "higher-learning-rate")
    #expect(result.last.recipe.optimizer.learningRate.peak >= 1e-3)
    let gain = try #require(result.gain)
    let test = try #require(gain.test)
    #expect(gain.dev.low > 0 && test.low > 0 && test.value <= result.first.test?.value ?? 0)
    #expect(split.test.openCount == 1)
    #expect(told.count == result.trials.count)
    #expect(result.sentence.contains("On test, which was evaluated once, it fell by"))
    // What is accepted has the evidence that was asked for, on pairs with the same seeds.
    for trial in result.trials where trial.verdict == .accepted && trial.subject == .idea {
      #expect(try #require(trial.evidence) >= #require(trial.needed))
      #expect(trial.pairs.map(\.fold) == Array(0..<trial.pairs.count))
      let mean = trial.pairs.dropFirst().reduce(0) { $0 + $1.incumbent - $1.idea } / Double(trial.counted)
      #expect(abs(mean - (trial.gain?.value ?? 0)) < 1e-12)
    }
    // The settings make the last recipe of the first.
    #expect(try #require(result.settings).apply(to: result.first.recipe) == result.last.recipe)
    #expect(result.run.recipe.optimizer == result.last.recipe.optimizer)
  }

  /// The same bits whatever the threads; the seconds aside.
  @Test func isReproducible() throws {
    let split = try Fixtures.noisy(rows: 200)
    var options = ImprovementOptions()
    options.only = ["higher-learning-rate"]
    options.rounds = 1
    let results = try [1, 2].map { threads in
      options.threads = threads
      return try Self.slow.improve(on: split, options: options)
    }
    #expect(results[0].trials.map(\.pairs) == results[1].trials.map(\.pairs))
    #expect(results[0].last.test == results[1].last.test)
    #expect(results[0].accepted.count == 1 && results[0].ending == "1 round of ideas tried.")
  }

  /// Of two accepted changes the first is no longer part of the last recipe, which is said, and needs no training.
  @Test func whatALaterChangeReplacesIsSaid() throws {
    let split = try Fixtures.noisy(rows: 400)
    var options = ImprovementOptions()
    options.only = ["higher-learning-rate"]
    options.threads = 1
    let result = try Self.slow.improve(on: split, options: options)
    let all = result.trials.filter { $0.subject == .idea && $0.verdict == .accepted }
    #expect(all.count >= 2)
    #expect(result.accepted.count == all.count && !result.trials.contains { $0.subject == .ablation })
    #expect(all.dropLast().allSatisfy { $0.reason == "significantly better; a later change took its place" })
    #expect(all.last?.reason == "significantly better")
  }

  /// On twelve tables of noise, ideas that change only how the noise is fitted are not accepted; neither where all pairs have the same
  /// dev rows, on which one idea is better by chance with every seed.
  @Test(arguments: [false, true]) func noiseIsNotAccepted(isOrdered: Bool) throws {
    var accepted = 0
    var ideas = 0
    for seed in 0..<12 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      let rows = (0..<150).map { [Float(stream.normalPair().0), Float($0)] }
      let data = try Dataset(
        features: rows, values: rows.map { _ in stream.normalPair().0 }, columnNames: ["x", "day"])
      var options = ImprovementOptions()
      options.only = ["averaged-weights", "coarser-bins", "finer-bins", "smaller-network"]
      options.threads = 1
      let recipe = Recipe(
        Network {
          Dense(4); ReLU()
        }
      ).optimizer(.adam(learningRate: .constant(1e-3))).epochs(3)
      let split = try Split(data, by: isOrdered ? .time(by: "day") : .stratified, seed: UInt64(seed))
      let result = try recipe.improve(on: split, options: options)
      ideas += result.trials.count
      accepted += result.accepted.count
    }
    #expect(ideas >= 24 && accepted <= 1, "\(accepted) of \(ideas)")
  }

  /// A recipe that diverges cannot be improved.
  @Test func divergenceIsASentence() throws {
    let split = try Fixtures.noisy(rows: 100)
    let wild = Recipe(
      Network {
        Dense(16); ReLU()
      }
    ).optimizer(.momentum(learningRate: .constant(1e6))).epochs(3)
    let error = #expect(throws: RecipeError.self) { try wild.improve(on: split) }
    #expect("\(error!)".contains("diverged"))
  }

  /// A time that is too short ends with what there is, and says so.
  @Test func theTimeHolds() throws {
    let split = try Fixtures.noisy(rows: 400)
    var options = ImprovementOptions()
    options.budget = 0.4
    options.threads = 1
    let result = try Self.slow.epochs(60).improve(on: split, options: options)
    #expect(result.ending == "The time was up." || result.ending.contains("no time"))
    #expect(result.first.test != nil && result.last.test != nil)
    options.budget = 1e-6
    #expect(throws: RecipeError.self) { try Self.slow.improve(on: split, options: options) }
  }

  /// Rows in time order have one split, and a fault is found all the same.
  @Test func oneSplitIsEnoughForAFault() throws {
    var options = ImprovementOptions()
    options.only = ["higher-learning-rate"]
    options.rounds = 1
    options.threads = 1
    let result = try Self.slow.improve(on: try Fixtures.noisy(rows: 400, by: .time(by: "day")), options: options)
    #expect(result.accepted.count == 1)
    #expect(result.trials.allSatisfy { $0.pairs.allSatisfy { $0.fold == 0 } })
    #expect(Set(result.trials[0].pairs.map(\.seed)).count == result.trials[0].pairs.count)
  }

  /// The ideas are the recipe's own, each with its name, settings that make it, and a reason.
  @Test func ideasAreTypedChanges() throws {
    let split = try Fixtures.noisy(rows: 200)
    let recipe = Self.slow.resolved(trainRows: split.trainCount)
    var options = ImprovementOptions()
    // With those that are expected to gain little.
    options.only = Set(Idea.names)
    let ideas = try recipe.findIdeas(on: split, options: options)
    #expect(Set(ideas.map(\.name)).isSubset(of: Idea.names))
    #expect(Set(Idea.names).count == Idea.names.count)
    for name in [
      "automatic-recipe", "higher-learning-rate", "bigger-network", "batch-norm", "train-longer", "linear-model",
    ] {
      #expect(ideas.contains { $0.name == name }, "\(name)")
    }
    for idea in ideas {
      #expect(try idea.settings.apply(to: recipe) == idea.recipe, "\(idea.what)")
      #expect(!idea.why.isEmpty && idea.gain >= 0 && idea.seconds > 0)
    }
  }
}
