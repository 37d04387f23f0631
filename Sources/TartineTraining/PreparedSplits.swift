import Synchronization
import TartineData
import TartineNetworks

/// The rows of a division as networks take them, made once for all trainings that prepare them alike; read by several threads.
package final class PreparedSplits: Sendable {
  /// What trainings that differ in nothing else may share.
  struct Rows: Sendable {
    let preparation: Preparation
    let train, dev: PreparedRows
  }

  private struct Key: Hashable {
    let preparation: PreparationRecipe
    let bins: Int?
    let targetScale: TargetScale
  }

  private let split: Split
  private let known = Mutex<[Key: Rows]>([:])

  package init(_ split: Split) { self.split = split }

  /// - Throws: `DataError` where there is nothing to learn.
  func rows(for recipe: Recipe) throws -> Rows {
    let bins = recipe.preparation.bins ?? (recipe.network.isLinear ? 0 : nil)
    let key = Key(preparation: recipe.preparation, bins: bins, targetScale: recipe.loss.targetScale)
    return try known.withLock { known in
      if let rows = known[key] { return rows }
      let rows = try Self.prepare(split, bins: bins, recipe)
      known[key] = rows
      return rows
    }
  }

  /// Fits the preparation to the train rows, and applies it.
  static func prepare(_ split: Split, bins: Int?, _ recipe: Recipe) throws -> Rows {
    var warnings: [String] = []
    let preparation = try Preparation(
      fitting: split.dataset, rows: split.train, bins: bins, standardize: recipe.preparation.standardize,
      targetScale: recipe.loss.targetScale)
    return Rows(
      preparation: preparation, train: try preparation.apply(to: split.dataset, rows: split.train, warnings: &warnings),
      dev: try preparation.apply(to: split.dataset, rows: split.dev, warnings: &warnings))
  }
}

extension Loss {
  /// What its target is divided by: δ of a Huber loss is a number of the units that its errors come in.
  fileprivate var targetScale: TargetScale {
    switch kind {
    case .poisson: .mean
    case .huber: .robust
    default: .standard
    }
  }
}
