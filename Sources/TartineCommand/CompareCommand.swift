import ArgumentParser
import Tartine

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Tests whether one run is significantly better than another.",
    discussion: """
      Both runs are evaluated on the same dev rows and paired row by row, so the difference has a narrower \
      interval than either figure. Join several seeds of one recipe with commas; the interval then covers \
      the seeds as well.

        tartine compare runs/titanic-1 runs/titanic-2
        tartine compare runs/a-1,runs/a-2,runs/a-3 runs/b-1,runs/b-2,runs/b-3

      The difference is the second run's figure minus the first's: below 0 the second is better.
      """)

  @Argument(help: ArgumentHelp("The run's folder, or several, separated by commas.", valueName: "run"))
  var first: String

  @Argument(help: ArgumentHelp("The run to compare it with, or several.", valueName: "run"))
  var second: String

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func run() throws {
    let (old, new) = (try Self.open(first), try Self.open(second))
    let comparison = try Comparison(of: new, to: old)
    try Files.print(json ? try JSON.text(comparison) + "\n" : text(comparison, old, new))
  }

  private static func open(_ list: String) throws -> [Run] {
    let folders = list.split(separator: ",").map(String.init)
    guard !folders.isEmpty else { throw UsageError("a run's folder has an empty name.") }
    guard Set(folders.map { Files.absolute($0) }).count == folders.count else {
      throw UsageError("'\(list)' names a run twice, which would count as two.")
    }
    let runs = try folders.map { try RunFolder(opening: $0).open() }
    // The runs must differ in their seed alone: together they are a sample of one recipe.
    var recipes = runs.map(\.recipe)
    for place in recipes.indices { recipes[place].seed = 0 }
    guard Set(recipes).count == 1 else {
      throw UsageError("the runs of '\(list)' have different recipes; join runs that differ in their seed alone.")
    }
    return runs
  }

  private func text(_ comparison: Comparison, _ old: [Run], _ new: [Run]) -> String {
    let figure = new[0].model.task == .regression ? "RMSE" : "error"
    func count(_ runs: [Run]) -> String { runs.count == 1 ? "" : ", mean of \(runs.count) seeds" }
    var lines = [
      "\(first): dev \(figure) \(comparison.text(comparison.otherFigure))\(count(old))",
      "\(second): dev \(figure) \(comparison.text(comparison.figure))\(count(new))",
      "",
      "Second minus first, on the same \(comparison.rows) rows: \(comparison.description), p "
        + PartComparison.text(p: comparison.p),
    ]
    if comparison.seeds.0 + comparison.seeds.1 == 2 {
      lines.append(
        "One seed each: this compares two networks. To compare the recipes, train more runs with other "
          + "values of --seed and the same --split-seed."
      )
    }
    if new[0].recipe.keeps == .best {
      lines.append("Both epochs were chosen on dev, so both figures are a little optimistic.")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
