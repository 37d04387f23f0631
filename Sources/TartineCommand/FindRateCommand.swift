import ArgumentParser
import Tartine

struct FindRateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "find-rate",
    abstract: "Finds the range of learning rates at which a network learns.",
    discussion: """
      A learning rate range test: takes steps at increasing learning rates, with several seeds, and reports \
      where the loss begins to fall and where it is lowest, with the spread over the seeds, and suggests a \
      learning rate.

        tartine find-rate titanic.csv --target Survived
        tartine find-rate mnist/ --hidden 512,256 --optimizer momentum
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of sweeps, each with its own seed.", valueName: "n"))
  var seeds = 5

  @Option(parsing: .unconditional, help: ArgumentHelp("The number of steps per sweep.", valueName: "n"))
  var steps = 200

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads; by default one per processor. It does not change the result.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
    if !(1...100).contains(seeds) { throw ValidationError("--seeds must be from 1 to 100, not \(seeds).") }
    if !(50...10_000).contains(steps) { throw ValidationError("--steps must be from 50 to 10000, not \(steps).") }
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }

  func run() throws {
    let changes = try recipe.changes()
    let first = try changes.apply(to: try recipe.base(for: nil))
    var source = try data.source(seed: first.seed, loss: first.loss)
    let split = try source.load()
    let chosen = try changes.apply(to: try recipe.base(for: split.dataset.task.task))
    let range = try chosen.learningRateRange(on: split, seeds: seeds, steps: steps, threads: threads)
    try Files.print(json ? try JSON.text(range) + "\n" : text(range, chosen))
  }

  private func text(_ range: LearningRateRange, _ recipe: Recipe) -> String {
    func rate(_ value: Double) -> String { Text.significant(value, digits: 2) }
    func spread(_ estimate: Estimate) -> String {
      seeds == 1
        ? "\(rate(estimate.value)), one seed"
        : "\(rate(estimate.value)) (\(rate(estimate.low)) to \(rate(estimate.high)) over \(seeds) seeds)"
    }
    guard let low = range.low, let high = range.high, let suggestion = range.suggestion else {
      return
        "With most seeds the loss falls at no learning rate from \(rate(1e-7)) to \(rate(10)): the network "
        + "does not learn. 'tartine inspect' checks the data.\n"
    }
    return [
      "The loss begins to fall at a learning rate of \(spread(low)),", "and is lowest at \(spread(high)).",
      "Suggested: --learning-rate \(rate(suggestion)); the recipe has "
        + "\(rate(recipe.optimizer.learningRate.initial)).",
    ].joined(separator: "\n") + "\n"
  }
}
