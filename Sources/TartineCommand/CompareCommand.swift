import ArgumentParser
import Tartine

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Tests whether runs are significantly better than the first one.",
    discussion: """
      The runs are evaluated on the same dev rows and paired row by row, so the difference has a narrower \
      interval than either figure. Join several seeds of one recipe with commas; the interval then covers \
      the seeds as well.

        tartine compare runs/titanic-1 runs/titanic-2
        tartine compare runs/a-1,runs/a-2,runs/a-3 runs/b-1,runs/b-2,runs/b-3
        tartine compare runs/titanic-1 runs/titanic-2 runs/titanic-3

      The difference is a run's figure minus the first's: below 0 the run is better. With more than two runs \
      the p-values are adjusted (Holm), so that the chance of any false positive is at most 5 %.
      """)

  @Argument(help: ArgumentHelp("The run's folder, or several, separated by commas.", valueName: "run"))
  var first: String

  @Argument(help: ArgumentHelp("The runs to compare with the first one.", valueName: "run"))
  var others: [String]

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func run() throws {
    let named = ([first] + others).flatMap { $0.split(separator: ",") }.map { Files.absolute(String($0)) }
    guard Set(named).count == named.count else {
      throw UsageError("a run is named twice; compare different runs.")
    }
    let old = try Self.open(first)
    let all = try others.map { name in
      let runs = try Self.open(name)
      return (name: name, runs: runs, comparison: try Comparison(of: runs, to: old))
    }
    let adjusted = HypothesisTest.familyWise(all.map(\.comparison.p))
    if json {
      let result = Several(
        first: first,
        comparisons: zip(all, adjusted).map { .init(run: $0.name, adjustedP: $1, comparison: $0.comparison) })
      return try Files.print(try (all.count == 1 ? JSON.text(all[0].comparison) : JSON.text(result)) + "\n")
    }
    try Files.print(text(old, all, adjusted))
  }

  /// The object that is printed for more than two runs.
  private struct Several: Encodable {
    struct One: Encodable {
      let run: String
      let adjustedP: Double
      let comparison: Comparison
    }

    let first: String
    let comparisons: [One]
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

  private func text(
    _ old: [Run], _ all: [(name: String, runs: [Run], comparison: Comparison)], _ adjusted: [Double]
  ) -> String {
    let figure = old[0].model.task == .regression ? "RMSE" : "error"
    func count(_ runs: [Run]) -> String { runs.count == 1 ? "" : ", mean of \(runs.count) seeds" }
    func line(_ name: String, _ value: String, _ runs: [Run]) -> String {
      "\(name): dev \(figure) \(value)\(count(runs))"
    }
    var lines = [line(first, all[0].comparison.text(all[0].comparison.otherFigure), old)]
    lines += all.map { line($0.name, $0.comparison.text($0.comparison.figure), $0.runs) }
    lines.append("")
    if all.count == 1 {
      let comparison = all[0].comparison
      lines.append(
        "Second minus first, on the same \(comparison.rows) rows: \(comparison.description), p "
          + PartComparison.text(p: comparison.p))
    } else {
      lines.append(
        "Minus the first, on the same \(all[0].comparison.rows) rows; p-values adjusted for \(all.count) tests, intervals not:"
      )
      lines += zip(all, adjusted).map { one, p in
        "  \(one.name): \(one.comparison.description(adjusted: p)), p \(PartComparison.text(p: p))"
      }
    }
    if all.contains(where: { $0.comparison.seeds.0 + $0.comparison.seeds.1 == 2 }) {
      lines.append(
        "One seed each: this compares networks. To compare the recipes, train more runs with other "
          + "values of --seed and the same --split-seed."
      )
    }
    if old[0].recipe.keeps == .best {
      lines.append(
        all.count == 1
          ? "Both epochs were chosen on dev, so both figures are a little optimistic."
          : "The epochs were chosen on dev, so the figures are a little optimistic.")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
