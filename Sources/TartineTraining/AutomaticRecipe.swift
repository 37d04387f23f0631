import TartineNetworks
import TartineOptimizers

extension Recipe {
  /// The recipe when nobody says otherwise: one rule for any table.
  ///
  /// Its numbers were chosen on parts that fifteen tables of 150 to 32 561 rows hold by themselves (Documentation/Defaults.md),
  /// never on a test file.
  public static var automatic: Recipe {
    var recipe = Recipe(
      Network(HiddenStack(hidden: [256, 128], activation: .relu, batchNorm: true, keepProb: [0.9])))
    recipe.optimizer = .adamW(learningRate: .cosine(from: 3e-3), decay: nil)
    return recipe
  }

  /// The same with everything that was left to the rules filled in.
  ///
  /// - Parameters:
  ///   - trainRows: the number of train rows.
  ///   - width: the elements of a row, by which L-BFGS limits its micro-batches; 0: not known.
  public func resolved(trainRows: Int, width: Int = 0) -> Recipe {
    var copy = self
    // L-BFGS takes all rows at once, some thousands after the other.
    let takesAll = optimizer.algorithm == .lbfgs
    let most = min(4_096, max(256, (1 << 22) / max(1, width)))
    let batch = min(batchSize ?? (takesAll ? trainRows : Self.batchSize(trainRows: trainRows)), trainRows)
    copy.batchSize = batch
    copy.accumulation = min(max(accumulation, takesAll ? (batch + most - 1) / most : 1), batch)
    // A linear model hardly overfits, and decay would bias its least squares solution.
    let decays = optimizer.algorithm == .adamW && !network.isLinear
    copy.optimizer.decay = optimizer.decay ?? (decays ? Self.decay(trainRows: trainRows) : 0)
    copy.epochs = epochs ?? Self.epochs(trainRows: trainRows, batchSize: batch)
    return copy
  }

  /// AdamW's, a share of the rate: 0.7 · 0.003 of a weight at each step. Few rows are soon learned by heart.
  private static func decay(trainRows: Int) -> Double { trainRows < 1_000 ? 3 : 0.7 }

  /// Larger with more rows: the noise of a batch matters less where there are many of them.
  private static func batchSize(trainRows: Int) -> Int {
    switch trainRows {
    case ..<2_000: 32
    case ..<10_000: 64
    case ..<40_000: 128
    default: 256
    }
  }

  /// As many as make about 8 000 steps, from 20 to 200.
  private static func epochs(trainRows: Int, batchSize: Int) -> Int {
    let steps = (trainRows + batchSize - 1) / batchSize
    return min(200, max(20, 8_000 / max(1, steps)))
  }
}
