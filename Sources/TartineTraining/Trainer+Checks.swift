import TartineData
import TartineFiles
import TartineNetworks
import TartineOptimizers
import TartineEngine

extension Trainer {
  static func warnOfDebugBuild() {
    #if DEBUG
      Files.warn(
        "this is a debug build, many times slower than a release build; build with: swift build -c release")
    #endif
  }

  /// - Throws: `RecipeError` for a loss or a decision that the output does not have.
  static func check(_ recipe: Recipe, _ output: Output, _ task: LearningTask) throws {
    let problem =
      recipe.loss.problem(for: output) ?? recipe.decision.problem(for: output, isBinary: task == .binary)
    if let problem { throw RecipeError(problem + ".") }
  }

  /// - Throws: `RecipeError` for batches that the optimizer or a layer cannot use.
  static func checkBatches(_ recipe: Recipe, _ cut: BatchCut, _ graph: LayerGraph, trainRows: Int) throws {
    if recipe.optimizer.algorithm == .lbfgs, cut.count > 1 {
      throw RecipeError(
        "lbfgs uses all \(trainRows) train rows in one batch; leave batchSize out, and set accumulation if "
          + "memory is low.")
    }
    let norms = graph.layers.filter { $0.layer is any NormalizingLayer && $0.layer.mixesRows }
    if norms.contains(where: { cut.smallest * $0.copies < 2 * recipe.accumulation }) {
      throw RecipeError(
        "batch norm needs at least two rows in every batch, and \(trainRows) train rows in batches of "
          + "\(recipe.batchSize ?? 1)\(recipe.accumulation > 1 ? ", each in \(recipe.accumulation) micro-batches," : "") leave "
          + "one with a single row; use larger batches or no batch norm.")
    }
  }

  /// - Throws: `RecipeError` for a network that does not fit in this machine's memory.
  static func checkMemory(_ graph: LayerGraph, _ optimizer: Optimizer, networks: Int, batch: Int) throws {
    // Weights, gradients, the best epoch's copy, and the optimizer's state; all but the gradients are also in
    // a checkpoint.
    let copies = 2 + optimizer.arenas
    let bytes = graph.parameterElements.multipliedReportingOverflow(
      by: networks * (2 * copies + 1) * Precision.float32.size)
    let most = Workers.physicalMemory
    if bytes.overflow || bytes.partialValue > most {
      throw RecipeError(
        "\(networks == 1 ? "a network" : "\(networks) networks") of \(graph.parameterCount.grouped) parameters needs more than this machine's \(most >> 30) GiB of "
          + "memory to train; use fewer units.")
    }
    // Values and gradients of a pass.
    let width = graph.layers.reduce(0.0) { $0 + Double($1.copies * $1.outputShape.count) }
    guard width * Double(2 * batch * Precision.float32.size) > Double(most) else { return }
    throw RecipeError(
      "batches of \(batch) rows of this network need more than this machine's \(most >> 30) GiB of memory; use smaller "
        + "batches, more micro-batches, or fewer members or units.")
  }
}
