import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining
import TartinePlatform

/// The share of the target that several columns explain together, like `ColumnScore`'s but by a small
/// network.
enum TogetherScore {
  private static let mostRows = 10_000

  /// - Parameter names: Columns to leave out of the inputs.
  static func score(_ split: Split, without names: Set<String>, threads: Int?) throws -> Double {
    var rows = split.train
    var stream = RandomStream(seed: split.seed, purpose: .permutation, index: 4)
    stream.shuffle(&rows)
    var judged = split.dev
    stream.shuffle(&judged)
    // Test is not used, since it may have other columns.
    let part = split.without(names).withoutTest.with(
      train: rows.prefix(mostRows).sorted(), dev: judged.prefix(mostRows).sorted())
    let recipe = Recipe(Network(layers: [Dense(64), ReLU()]))
      .optimizer(.adamW(learningRate: .cosine(from: 3e-3), decay: 0.05)).batchSize(64)
      .epochs(max(10, min(60, 100_000 / part.trainCount)))
    let run: Run
    do {
      run = try recipe.train(on: part, seed: split.seed, threads: threads)
    } catch is DataError {
      // No other column can be learned from.
      return 0
    }
    if let r2 = run.dev.r2 { return r2 }
    let entropy = entropy(of: run.dev)
    return entropy > 0 ? 1 - run.dev.loss / entropy : 0
  }

  /// The loss of the constant baseline, which knows the class shares or the mean alone; summed over labels.
  static func entropy(of evaluation: Evaluation) -> Double {
    let labels = evaluation.task == .multilabel ? evaluation.outputNames.count : 1
    let rows = Double(max(1, evaluation.rowCount))
    return (0..<labels).reduce(0.0) { sum, label in
      var counts: [Double: Double] = [:]
      for place in stride(from: label, to: evaluation.truths.count, by: labels) {
        counts[evaluation.truths[place], default: 0] += 1
      }
      return sum - counts.values.reduce(0) { $0 + $1 / rows * log($1 / rows) }
    }
  }
}
