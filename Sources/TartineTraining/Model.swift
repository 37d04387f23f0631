import Synchronization
import TartineData
import TartineEngine
import TartineNetworks

/// A trained network with its preparation: complete, immutable, and safe to use from many tasks at once.
public final class Model: Sendable, CustomStringConvertible {
  /// The recipe it was trained with.
  public let recipe: Recipe
  /// The transformation of raw columns into its inputs.
  public let preparation: Preparation
  /// Its layers, as a table.
  public let graph: LayerGraph
  /// The epoch of its weights.
  public let epoch: Int
  /// One, or those of several seeds, whose mean answers.
  package let networks: [TrainedWeights]
  /// The conversion of its logits to predictions.
  public let decision: Decision
  /// What intervals and sets for single predictions are made from; nil for several labels, and in older files.
  public let conformal: ConformalScores?
  /// Buffers for one row each, reused between calls; as many as there have been concurrent calls.
  private let spares = Mutex<[Spare]>([])

  package init(
    recipe: Recipe, preparation: Preparation, graph: LayerGraph, epoch: Int, networks: [TrainedWeights],
    decision: Decision = .default, conformal: ConformalScores? = nil
  ) {
    self.recipe = recipe
    self.preparation = preparation
    self.graph = graph
    self.epoch = epoch
    self.decision = decision
    self.conformal = conformal
    self.networks = networks
  }

  /// The task.
  public var task: LearningTask { preparation.target.task }

  /// The class names in order; for a multilabel model the names of the labels; empty for a regression.
  public var classes: [String] {
    preparation.target.outputNames
  }

  package var output: Output { preparation.target.output(for: recipe.loss) }

  /// Its layers, as a table.
  public var description: String { graph.description }

  /// Calls a function with a predictor for a number of rows. Single-row predictors are single-threaded and
  /// reused.
  package func withPredictor<Result>(
    workers: Workers, rows: Int, _ body: (Predictor) throws -> Result
  ) rethrows -> Result {
    guard rows == 1 else { return try body(makePredictor(workers: workers, rows: rows)) }
    let spare =
      spares.withLock { $0.popLast() } ?? Spare(predictor: makePredictor(workers: Workers(1), rows: 1))
    defer { spares.withLock { if $0.count < Self.mostSpares { $0.append(spare) } } }
    return try body(spare.predictor)
  }

  /// The most predictors that are kept for reuse.
  private static let mostSpares = 16

  /// A predictor used by one call at a time.
  private struct Spare: @unchecked Sendable {
    let predictor: Predictor
  }

  private func makePredictor(workers: Workers, rows: Int) -> Predictor {
    Predictor(
      graph: graph, output: output, precision: .float32, networks: networks, workers: workers, rows: rows)
  }
}

extension Preparation {
  /// The meaning of each element of a row; nil for images.
  package var inputLayout: InputLayout? {
    guard case .table(let features) = inputs else { return nil }
    var (numbers, categories) = ([Int](), [Range<Int>]())
    var start = 0
    for feature in features {
      switch feature {
      case .number: numbers.append(start)
      case .category: categories.append(start..<start + feature.width)
      case .time(let time):
        numbers.append(start)
        if let week = time.week { categories.append(start + week.lowerBound..<start + week.upperBound) }
      case .leftOut: break
      }
      start += feature.width
    }
    return InputLayout(numbers: numbers, categories: categories)
  }

  /// The shape of the network's input.
  package var inputShape: Shape {
    switch inputs {
    case .table: [width]
    case .images(let images): [images.height, images.width, images.channels]
    }
  }
}
