import TartineData

/// The splits of the train and dev rows that pairs are trained on: the split itself first, then five folds, then five others. A
/// fold judges what was trained, and chose its epoch, on the other four.
///
/// On a split of its own each pair shows how much the choice of rows matters, and no single dev set decides over many ideas. Groups
/// are kept whole. Where rows are in time order, given by a column or hashed, or too few for folds, there is only the split itself.
package final class PairSplits {
  package let own: Split
  /// Whether all pairs have the same dev rows.
  package let isFixed: Bool
  /// The folds of each repetition so far.
  private var folds: [Int: [Rows]] = [:]
  private static let foldCount = 5
  /// The most pairs after the first.
  package static let mostPairs = 20

  /// Train and dev rows, and the rows that judge; nil: dev does.
  package struct Rows {
    package let split: Split
    package let judging: [Int]?
  }

  package init(_ split: Split) {
    own = split
    let first: [Rows]? =
      switch split.method {
      case .time, .fixed, .hash: nil
      case .stratified, .grouped: Self.folds(of: split, repetition: 0)
      }
    isFixed = first == nil
    folds[0] = first
  }

  /// The rows of a pair, from 0.
  package func rows(ofPair pair: Int) -> Rows {
    guard pair > 0, !isFixed else { return Rows(split: own, judging: nil) }
    let (repetition, fold) = ((pair - 1) / Self.foldCount, (pair - 1) % Self.foldCount)
    let known = folds[repetition] ?? Self.folds(of: own, repetition: repetition) ?? folds[0]
    folds[repetition] = known
    return known?[fold] ?? Rows(split: own, judging: nil)
  }

  /// Nil where there are too few rows or groups.
  private static func folds(of split: Split, repetition: Int) -> [Rows]? {
    let rows = split.train + split.dev
    let made = try? split.folds(foldCount, seed: split.seed &+ UInt64(repetition)).map { fold in
      let others = Set(fold.train + fold.dev)
      return Rows(
        split: split.with(train: fold.train, dev: fold.dev), judging: rows.filter { !others.contains($0) }.sorted())
    }
    return made.flatMap { list in
      list.allSatisfy { !$0.split.dev.isEmpty && !$0.split.train.isEmpty && $0.judging?.isEmpty == false } ? list : nil
    }
  }
}
