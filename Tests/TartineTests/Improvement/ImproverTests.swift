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

  /// A fault is found and mended, the test set is opened once, and its gain is there.
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
    #expect(result.sentence.contains("On test, which was opened once, it fell by"))
    // What is accepted has the evidence that was asked for, on pairs with the same seeds.
    for trial in result.trials where trial.verdict == .accepted && trial.subject == .idea {
      #expect(try #require(trial.evidence) >= #require(trial.needed))
      #expect(trial.pairs.map(\.division) == Array(0..<trial.pairs.count))
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
    #expect(results[0].ending == "All 1 rounds were done." || results[0].accepted.isEmpty)
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
    #expect(all.dropLast().allSatisfy { $0.reason == "surely better; a later change took its place" })
    #expect(all.last?.reason == "surely better")
  }

  /// On twelve tables of noise, ideas that change only how the noise is fitted are not accepted.
  @Test func noiseIsNotAccepted() throws {
    var accepted = 0
    var ideas = 0
    for seed in 0..<12 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      let rows = (0..<150).map { _ in (stream.normalPair().0, stream.normalPair().0) }
      let data = try Dataset(features: rows.map { [Float($0.0)] }, values: rows.map(\.1))
      var options = ImprovementOptions()
      options.only = ["averaged-weights", "label-smoothing", "coarser-bins", "finer-bins"]
      options.threads = 1
      let recipe = Recipe(
        Network {
          Dense(4); ReLU()
        }
      ).optimizer(.adam(learningRate: .constant(1e-3))).epochs(3)
      let result = try recipe.improve(on: Split(data, seed: UInt64(seed)), options: options)
      ideas += result.trials.count
      accepted += result.accepted.count
    }
    #expect(ideas >= 24 && accepted <= 1, "\(accepted) of \(ideas)")
  }

  /// A recipe that diverges cannot be improved, and an idea that cannot be trained is refused alone.
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

  /// The ideas are the recipe's own, each with its name, settings that make it, and a reason.
  @Test func ideasAreTypedChanges() throws {
    let split = try Fixtures.noisy(rows: 200)
    let recipe = Self.slow.resolved(trainRows: split.trainCount)
    let ideas = try recipe.ideas(on: split)
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
