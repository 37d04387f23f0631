import Tartine
import Testing

/// Changes to layers by what they are.
@Suite struct NetworkEditTests {
  private let list = Network {
    Flatten(); Dense(24); LayerNorm(); ReLU()
    Residual {
      Dense(48); Tanh(); Dropout(keep: 0.9); Dense(24)
    }
    Dense(12); SiLU(); Dropout(keep: 0.8)
  }

  @Test func aStackIsRecognized() throws {
    let stacks = [
      HiddenStack(hidden: []), HiddenStack(hidden: [4]), HiddenStack(hidden: [8, 4], activation: .identity),
      HiddenStack(hidden: [8, 4], activation: .selu, initializer: .he, batchNorm: true, keepProb: [0.9]),
      HiddenStack(
        hidden: [8, 4, 2], keepProb: [1, 0.8, 1], keepInput: 0.9, dropoutSchedule: .annealed, inputNoise: 0.1,
        embedCategories: 3, embedNumbers: 2),
    ]
    for stack in stacks { #expect(Network(layers: stack.layers).stack == stack) }
    // The last value repeats.
    #expect(Network(layers: HiddenStack(hidden: [8, 4], keepProb: [0.7, 0.7]).layers).stack?.keepProb == [0.7])
    #expect(list.stack == nil)
    #expect(
      Network {
        Flatten(); Dense(8); ReLU(); Dense(4); Tanh()
      }.stack == nil)
    #expect(
      Network {
        Dense(8); ReLU()
      }.stack == nil)
  }

  /// Settings that make no layer yet are not lost.
  @Test func settingsOfAStackAreKept() throws {
    for stack in [
      HiddenStack(hidden: [8], keepProb: [1], dropoutSchedule: .annealed),
      HiddenStack(hidden: [], activation: .gelu, initializer: .he, batchNorm: true, keepProb: [0.9]),
    ] {
      #expect(try JSON.convert(Network(stack), to: Network.self).stack == stack)
    }
    let annealed = Network(HiddenStack(hidden: [8], dropoutSchedule: .annealed))
    #expect(annealed.settingDropout { _, _ in 0.5 }.stack?.dropoutSchedule == .annealed)
    #expect(annealed.scalingUnits(by: 2).stack?.dropoutSchedule == .annealed)
    #expect(Recipe(Network(HiddenStack(hidden: [8], keepProb: [1.5]))).problem?.contains("probability to keep") == true)
    #expect(
      Recipe(Network(HiddenStack(hidden: [8], keepProb: [0.5, 0.5]))).problem?.contains("names 2 layers") == true)
  }

  @Test func unitsOfAllLayers() throws {
    #expect(list.hiddenUnits == [24, 48, 24, 12])
    let wide = list.scalingUnits(by: 2)
    #expect(wide.hiddenUnits == [48, 96, 48, 24] && wide.keepProbabilities == [0.9, 0.8])
    _ = try wide.graph(input: [5], outputs: 1)
  }

  @Test func dropoutAfterHiddenLayers() {
    // Of the block the layers stay; before it the first hidden layer ends without dropout.
    let more = list.settingDropout { index, now in index == 0 ? 0.7 : now - 0.2 }
    #expect(more.keepProbabilities.map { ($0 * 10).rounded() } == [7, 9, 6])
    #expect(list.settingDropout { _, _ in 1 }.keepProbabilities == [0.9])
    #expect(list.withoutNoise().keepProbabilities.isEmpty)
    let stack = Network(HiddenStack(hidden: [8, 4], batchNorm: true, keepProb: [0.9], inputNoise: 0.1))
    #expect(stack.settingDropout { index, _ in index == 0 ? 0.5 : 0.6 }.stack?.keepProb == [0.5, 0.6])
    #expect(stack.withoutNoise() == Network(HiddenStack(hidden: [8, 4], batchNorm: true)))
    #expect(
      Network(HiddenStack(hidden: [8, 4])).addingBatchNorm() == Network(HiddenStack(hidden: [8, 4], batchNorm: true)))
  }

  /// A list of layers gets what the flags get.
  @Test func aListIsPrescribedFor() throws {
    var rows: [Sample] = []
    for row in 0..<160 {
      let y = Double(row % 5) + 0.1 * Double(row % 11)
      rows.append(Sample(a: Double(row % 13), b: Double(row % 7), y: y))
    }
    let split = try Dataset(rows: rows, target: "y").split(seed: 1)
    let recipe = Recipe(list).optimizer(.momentum(learningRate: .constant(0.01))).epochs(2)
    let run = try recipe.train(on: split, threads: 1)
    let bias = Diagnosis(of: run, humanError: 0, worth: 1e-9).prescriptions
    #expect(bias.first?.what == "a bigger network, 48 and 96 and 48 and 24 units", "\(bias.map(\.what))")
    #expect(bias.first?.recipe.network == list.scalingUnits(by: 2))
    #expect(bias.first?.settings.description == "network.units = 48")
    for idea in bias {
      #expect(try idea.settings.apply(to: run.recipe) == idea.recipe, "\(idea.what)")
      _ = try idea.recipe.epochs(1).train(on: split, threads: 1)
    }
    #expect(try recipe.with(["network.units": .integer(12)]).network.hiddenUnits == [12, 24, 12, 6])
    #expect(try recipe.with(["network.keepProb": .number(0.6)]).network.keepProbabilities == [0.6, 0.9, 0.6])
    let grouped = Recipe {
      Dense(16); GroupNorm(groups: 8); ReLU()
      Residual {
        Dense(16); Dropout(keep: 0.5)
      }
    }
    let few = try SearchSpace.automatic(for: grouped)
    #expect(
      !few.parameters.contains { $0.name == "network.units" }
        && few.parameters.contains { $0.name == "network.keepProb" })
    #expect(try grouped.values(in: few)["network.keepProb"] == .number(1))
    let space = try SearchSpace.automatic(for: recipe)
    #expect(
      space.parameters.map(\.name).contains("network.units")
        && !space.parameters.contains { $0.name == "network.depth" })
  }

  private struct Sample: Encodable { let a, b, y: Double }
}
