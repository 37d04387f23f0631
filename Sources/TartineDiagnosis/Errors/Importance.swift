import TartineData
import TartineEngine
import TartineTraining

/// Permutation importance: the increase of the dev error when a column's values are shuffled.
///
/// The model is retrained with additional columns of pure noise. A column counts only if its importance
/// exceeds that of all noise columns.
///
/// **Source**: Breiman, *Random forests*, 2001, §10; Fisher, Rudin, Dominici, *All models are wrong, but many are useful*, 2019.
public struct Importance: Sendable, Encodable {
  /// One column.
  public struct ColumnImportance: Hashable, Sendable, Encodable {
    /// Its name.
    public let column: String
    /// The increase of the error or RMSE.
    public let increase: Estimate
    /// Whether the increase is significantly larger than that of noise.
    public let isAboveNoise: Bool
  }

  /// The columns, most important first.
  public let columns: [ColumnImportance]
  /// The largest importance of a noise column.
  public let noise: Double

  private static let noiseColumns = 3
  /// The number of shuffles of each column.
  private static let shuffles = 4
  /// The maximum number of dev rows: more do not make a digit more certain.
  private static let mostRows = 5_000

  /// Trains the recipe with noise columns, and measures each column.
  /// - Returns: Nil for images, which have no columns.
  /// - Throws: The errors of a training.
  public init?(of recipe: Recipe, on split: Split, threads: Int? = nil) throws {
    guard case .table(let columns) = split.dataset.inputs else { return nil }
    let names = Set(columns.map(\.name))
    var stream = RandomStream(seed: recipe.seed, purpose: .permutation, index: 5)
    let noisy = (0..<Self.noiseColumns).map { number in
      var name = "noise \(number + 1)"
      while names.contains(name) { name += " " }
      return Column(
        name: name, values: .numbers((0..<split.dataset.rowCount).map { _ in stream.normalPair().0 }), reason: "noise")
    }
    let part = split.adding(noisy)
    let run = try recipe.seeds(1).minutes(nil).train(on: part, threads: threads)
    let used = (columns + noisy).map(\.name).filter { !run.model.preparation.unused.contains($0) }
    var rows = part.dev
    if rows.count > Self.mostRows {
      stream.shuffle(&rows)
      rows = rows.prefix(Self.mostRows).sorted()
    }
    let workers = Workers(threads ?? Workers.processorCount)
    func evaluate(_ dataset: Dataset) throws -> Evaluation {
      var warnings: [String] = []
      return try run.model.evaluate(dataset, rows: rows, warnings: &warnings, workers: workers)
    }
    let before = try evaluate(part.dataset)
    let measured = try used.map { name -> (name: String, increase: Estimate) in
      var sums = [Double](repeating: 0, count: rows.count)
      for number in 0..<Self.shuffles {
        var stream = RandomStream(seed: recipe.seed, purpose: .permutation, step: number + 1, index: 6)
        let after = try evaluate(part.dataset.shuffling(name, over: rows, by: &stream)).outcomes
        for row in sums.indices { sums[row] += after[row] / Double(Self.shuffles) }
      }
      return (
        name,
        Estimate.fall(
          from: sums, to: before.outcomes, isNumber: run.model.task == .regression, cases: before.cases)
      )
    }
    let noiseNames = Set(noisy.map(\.name))
    let most = max(0, measured.filter { noiseNames.contains($0.name) }.map(\.increase.value).max() ?? 0)
    noise = most
    self.columns = measured.filter { !noiseNames.contains($0.name) }.map { name, increase in
      ColumnImportance(column: name, increase: increase, isAboveNoise: increase.low > most)
    }.sorted { ($1.increase.value, $0.column) < ($0.increase.value, $1.column) }
  }
}
