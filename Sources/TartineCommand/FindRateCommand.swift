import ArgumentParser
import Tartine
import TartinePlatform

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

      The flags of the recipe, such as --hidden, --epochs and --lr, are those of tartine train; tartine \
      find-rate --help-hidden lists them.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe", visibility: .hidden) var recipe: RecipeOptions

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
    let chosen = try changes.apply(to: try recipe.base(for: split.dataset))
    let range = try chosen.learningRateRange(on: split, seeds: seeds, steps: steps, threads: threads)
    try Files.print(json ? try JSON.text(range) + "\n" : text(range, chosen).joined(separator: "\n") + "\n")
  }

  private func text(_ range: LearningRateRange, _ recipe: Recipe) -> [String] {
    func rate(_ value: Double) -> String { Text.significant(value, digits: 2) }
    func spread(_ estimate: Estimate) -> String {
      seeds == 1
        ? "\(rate(estimate.value)), one seed"
        : "\(rate(estimate.value)) (\(rate(estimate.low)) to \(rate(estimate.high)) over \(seeds) seeds)"
    }
    guard let low = range.low, let high = range.high, let suggestion = range.suggestion else {
      return [
        "With most seeds the loss falls at no learning rate from \(rate(1e-7)) to \(rate(10)): the network "
          + "does not learn. 'tartine inspect' checks the data."
      ]
    }
    return RateCurve(range, width: min(72, (Files.outputWidth ?? 72) - 10)).lines + [
      "",
      "The loss begins to fall at a learning rate of \(spread(low)),", "and is lowest at \(spread(high)).",
      (suggestion...high.low).contains(recipe.optimizer.learningRate.peak)
        ? "The recipe's \(rate(recipe.optimizer.learningRate.peak)) lies between the suggested \(rate(suggestion)) and the lowest loss: keep it."
        : "Suggested, a third of that range below its end: --learning-rate \(rate(suggestion));\nthe recipe has "
          + "\(rate(recipe.optimizer.learningRate.peak)).",
    ]
  }
}

/// The loss over the learning rate as text: the median over the seeds, and the suggestion.
struct RateCurve {
  private static let height = 12
  private let range: LearningRateRange
  private let width: Int

  init(_ range: LearningRateRange, width: Int) {
    self.range = range
    self.width = max(20, width)
  }

  var lines: [String] {
    let rates = range.sweeps.flatMap(\.rates).filter { $0 > 0 }
    guard let low = rates.min(), let high = rates.max(), high > low else { return [] }
    func column(_ rate: Double) -> Int { min(width - 1, Int(log10(rate / low) / log10(high / low) * Double(width))) }
    var losses = [[Double]](repeating: [], count: width)
    for sweep in range.sweeps {
      for (rate, loss) in zip(sweep.rates, sweep.losses) where rate > 0 && loss.isFinite {
        losses[column(rate)].append(loss)
      }
    }
    let medians = losses.map { list -> Double? in list.isEmpty ? nil : list.sorted()[list.count / 2] }
    let known = medians.compactMap { $0 }
    // The rise at the end is cut off, so that the fall is seen.
    guard let lowest = known.min(), let first = known.first, first > lowest else { return [] }
    let highest = min(known.max() ?? first, lowest + 1.5 * (first - lowest))
    var grid = [[Character]](repeating: [Character](repeating: " ", count: width), count: Self.height)
    if let suggestion = range.suggestion {
      for row in grid.indices { grid[row][column(suggestion)] = "┊" }
    }
    for (place, median) in medians.enumerated() {
      guard let median, median <= highest else { continue }
      let share = (median - lowest) / (highest - lowest)
      grid[Int((1 - share) * Double(Self.height - 1) + 0.5)][place] = "●"
    }
    func label(_ text: String) -> String { text.padded(to: 8, atEnd: true) + " " }
    var lines = ["loss".padded(to: 8, atEnd: true)]
    for (row, cells) in grid.enumerated() {
      let value = row == 0 ? highest : row == Self.height - 1 ? lowest : nil
      lines.append(label(value.map { Text.significant($0, digits: 3) } ?? "") + "│" + String(cells))
    }
    var axis = [Character](repeating: "─", count: width)
    var names = [Character](repeating: " ", count: width + 8)
    for power in stride(from: Int(log10(low).rounded(.up)), through: Int(log10(high).rounded(.down)), by: 1) {
      let place = column(pow(10, Double(power)))
      axis[place] = "┴"
      for (offset, character) in "1e\(power)".enumerated() where place + offset < names.count {
        names[place + offset] = character
      }
    }
    lines.append(label("") + "└" + String(axis))
    lines.append(label("") + " " + String(names) + "learning rate")
    return lines
  }
}
