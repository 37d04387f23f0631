import TartineData

/// The divisions of the rows of train and dev that pairs are trained on: the split's own first, then five folds, each of which is
/// dev once, then five others.
///
/// On divisions of its own each pair shows how much the choice of rows matters, and no single dev set decides over many ideas. Groups
/// are kept whole. Where dev is later than train, or given, there is only the split's own division.
package struct Divisions {
  package let own: Split
  /// Whether all pairs have the same dev rows.
  package let isFixed: Bool
  private var folds: [[Split]] = []
  private static let foldCount = 5
  /// The most pairs after the first.
  package static let mostPairs = 20

  package init(_ split: Split) {
    own = split
    switch split.method {
    case .time, .fixed, .hash: isFixed = true
    case .stratified, .grouped:
      folds = (0..<Self.mostPairs / Self.foldCount).compactMap { try? Self.folds(of: split, repetition: $0) }
      isFixed = folds.count < Self.mostPairs / Self.foldCount
    }
  }

  /// The division of a pair, from 0.
  package func split(ofPair pair: Int) -> Split {
    guard pair > 0, !isFixed else { return own }
    return folds[(pair - 1) / Self.foldCount][(pair - 1) % Self.foldCount]
  }

  private static func folds(of split: Split, repetition: Int) throws -> [Split] {
    let rows = split.train + split.dev
    return try split.folds(foldCount, seed: split.seed &+ UInt64(repetition)).map { fold in
      let others = Set(fold.train + fold.dev)
      return split.with(train: others.sorted(), dev: rows.filter { !others.contains($0) }.sorted())
    }
  }
}
