import TartineData
import TartineNetworks
import TartineOptimizers

extension Recipe {
  /// The default recipe: one rule for any table.
  ///
  /// Its numbers were chosen on splits of the train sets of fifteen tables of 150 to 32 561 rows (Documentation/Defaults.md) and on
  /// the choosing half of a hundred others (Documentation/Tables.md), never on a test file.
  public static var automatic: Recipe { automatic(members: automaticMembers) }

  /// The default recipe for data: ``automatic`` for a table; for images the same as a plain network, since members lower no error there.
  public static func automatic(for data: Dataset) -> Recipe {
    if case .table = data.inputs { return automatic }
    return automatic(members: 1)
  }

  /// The automatic recipe with another number of members.
  package static func automatic(members: Int) -> Recipe {
    var recipe = Recipe(
      Network(HiddenStack(hidden: [256, 128], activation: .relu, batchNorm: true, keepProb: [0.9], members: members)))
    recipe.optimizer = .adamW(learningRate: .cosine(from: 3e-3), decay: nil)
    return recipe
  }

  /// The number of ``Members`` of the automatic recipe.
  static let automaticMembers = 4
  /// The number of ``Members`` of the preset for tables.
  static let tabularMembers = 8

  /// Whether the network is that of ``automatic``, with any of its numbers of members.
  var hasAutomaticNetwork: Bool {
    [1, Self.automaticMembers, Self.tabularMembers].contains { network == Self.automatic(members: $0).network }
  }

  /// Returns the recipe with all automatic settings resolved.
  ///
  /// - Parameters:
  ///   - trainRows: the number of train rows.
  ///   - width: the elements of a row, by which L-BFGS limits its micro-batches; 0: unknown.
  public func resolved(trainRows: Int, width: Int = 0) -> Recipe {
    var copy = self
    // L-BFGS uses all rows in each step, in micro-batches of some thousands.
    let takesAll = optimizer.algorithm == .lbfgs
    let most = min(4_096, max(256, (1 << 22) / max(1, width)))
    let batch = min(batchSize ?? (takesAll ? trainRows : Self.batchSize(trainRows: trainRows)), trainRows)
    copy.batchSize = batch
    copy.accumulation = min(max(accumulation, takesAll ? (batch + most - 1) / most : 1), batch)
    // A linear model hardly overfits, and weight decay would bias its least-squares solution.
    let decays = optimizer.algorithm == .adamW && !network.isLinear
    copy.optimizer.decay = optimizer.decay ?? (decays ? Self.decay(trainRows: trainRows) : 0)
    copy.epochs = epochs ?? Self.epochs(trainRows: trainRows, batchSize: batch, members: network.members)
    return copy
  }

  /// Returns whether the recipe, resolved, is another one: micro-batches aside, which depend on the width of the rows and change a
  /// result by rounding alone.
  package func agrees(with other: Recipe, trainRows: Int) -> Bool {
    var (one, two) = (resolved(trainRows: trainRows), other)
    if optimizer.algorithm == .lbfgs { (one.accumulation, two.accumulation) = (1, 1) }
    return one == two
  }

  /// Whether something in it follows the number of epochs of the whole run.
  package var dependsOnEpochs: Bool {
    if case .stochastic? = optimizer.average { return true }
    return optimizer.learningRate.dependsOnEpochs || network.followsProgress
  }

  /// AdamW's weight decay, as a multiple of the learning rate: each step decays a weight by 0.7 · 0.003 of
  /// itself. A network memorizes few rows quickly.
  private static func decay(trainRows: Int) -> Double { trainRows < 1_000 ? 3 : 0.7 }

  /// Larger with more rows, where the noise of a batch matters less.
  private static func batchSize(trainRows: Int) -> Int {
    switch trainRows {
    case ..<2_000: 32
    case ..<10_000: 64
    case ..<40_000: 128
    default: 256
    }
  }

  /// The number that makes about 8 000 steps, from 20 to 200. Steps with members take longer and hardly overfit: four make 3 000,
  /// eight 4 500, and at least 12 epochs.
  private static func epochs(trainRows: Int, batchSize: Int, members: Int) -> Int {
    let steps = (trainRows + batchSize - 1) / batchSize
    let (most, fewest) = members == 1 ? (8_000, 20) : members < tabularMembers ? (3_000, 12) : (4_500, 12)
    return min(200, max(fewest, most / max(1, steps)))
  }
}
