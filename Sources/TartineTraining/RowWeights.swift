import TartineData
import TartineFiles
import TartineNetworks

/// The weight of each row in the loss: its sample weight times its class weight.
struct RowWeights {
  private let own: [Double]?
  private let byClass: [Double]?

  /// - Parameter train: the rows that balanced class weights are computed from.
  init(_ dataset: Dataset, _ loss: Loss, _ target: TargetPreparation, train: PreparedRows) throws {
    own = dataset.weights
    guard let classWeights = loss.classWeights else {
      byClass = nil
      return
    }
    let names = target.outputNames
    guard target.task.isClassification, let classes = train.classes(of: names.count) else {
      throw RecipeError("loss.classWeights needs a target of classes; leave it out.")
    }
    var counts = [Int](repeating: 0, count: names.count)
    for place in classes { counts[place] += 1 }
    byClass = try classWeights.values(of: names, rows: counts)
  }

  /// The rows with their weights, scaled to mean 1; without weights if all are equal.
  func apply(to rows: PreparedRows) throws -> PreparedRows {
    guard own != nil || byClass != nil else { return rows }
    var weights = rows.origin.map { own?[$0] ?? 1 }
    if let byClass, let classes = rows.classes(of: byClass.count) {
      for (row, place) in classes.enumerated() { weights[row] *= byClass[place] }
    }
    // Scaled by the largest first, so that no sum overflows.
    let largest = weights.max() ?? 0
    if largest > 0 { weights = weights.map { $0 / largest } }
    let mean = weights.reduce(0, +) / Double(max(1, weights.count))
    guard largest.isFinite, mean > 0 else {
      throw RecipeError(
        "all rows of train or dev have the weight 0, or one has an infinite weight, so that training or model selection is "
          + "impossible: check the column of \(OptionName.sampleWeights), and \(OptionName.classWeights).")
    }
    return rows.weighted(weights.map { $0 / mean })
  }
}
