import Tartine
import Testing

/// Settings that exist to show the effect of leaving a technique out.
@Suite struct PlantingTests {
  @Test func rowsInTheFilesOrder() throws {
    // Sorted by class: the last rows of an epoch have the same label.
    let data = try Dataset(
      features: (0..<400).map { [Float($0 % 20), Float($0 / 200)] }, labels: (0..<400).map { $0 < 200 ? "a" : "b" }
    ).split(seed: 1)
    var recipe = Recipe(Network(HiddenStack(hidden: [4]))).epochs(2).batchSize(20)
    let shuffled = try recipe.train(on: data, threads: 1)
    recipe.shuffle = false
    let sorted = try recipe.train(on: data, threads: 1)
    #expect(sorted.model.recipe.shuffle == false && sorted.history != shuffled.history)
    #expect(try RecipeSettings.set("shuffle=false", on: .automatic).shuffle == false)
  }

  @Test func numbersAsTheyCome() throws {
    let data = try Dataset(
      features: (0..<100).map { [Float($0 * 37 % 100) * 100, Float($0 % 7)] }, labels: (0..<100).map { $0 % 2 })
    let rows = Array(0..<100)
    let plain = try Preparation(fitting: data, rows: rows, bins: 0, standardize: false)
    var warnings: [String] = []
    let prepared = try plain.apply(to: data, rows: [3, 10], warnings: &warnings)
    guard case .floats(let arena, _) = prepared.elements else { throw UnexpectedCase(prepared.elements) }
    #expect(arena.floats.prefix(4) == [1100, 3, 7000, 3])
    let scaled = try Preparation(fitting: data, rows: rows, bins: 0)
    #expect(scaled != plain)
    #expect(try RecipeSettings.set("preparation.standardize=false", on: .automatic).preparation.standardize == false)
  }
}

extension RecipeSettings {
  fileprivate static func set(_ assignment: String, on recipe: Recipe) throws -> Recipe {
    var settings = RecipeSettings()
    try settings.set(assignment)
    return try settings.apply(to: recipe)
  }
}
