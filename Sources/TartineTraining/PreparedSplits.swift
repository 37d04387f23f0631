import Synchronization
import TartineData
import TartineNetworks

/// The prepared rows of a split, shared by all trainings with the same preparation; safe for concurrent
/// reads.
package final class PreparedSplits: Sendable {
  /// The fitted preparation, and the prepared train and dev rows.
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
  /// The scale of the target: the δ of a Huber loss is in the units of its errors.
  fileprivate var targetScale: TargetScale {
    switch kind {
    case .poisson: .mean
    case .huber: .robust
    default: .standard
    }
  }
}
