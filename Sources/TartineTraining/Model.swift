import Synchronization
import TartineData
import TartineEngine
import TartineNetworks

/// A trained network with its preparation: complete, unchanging, and safe to use from many tasks at once.
public final class Model: Sendable, CustomStringConvertible {
  /// What it was trained by.
  public let recipe: Recipe
  /// How raw columns become its inputs.
  public let preparation: Preparation
  /// Its layers, as a table.
  public let plan: NetworkPlan
  /// The epoch its weights are from.
  public let epoch: Int
  package let weights: Arena
  /// How its logits become answers.
  public let decision: Decision
  /// Moving averages, corrected.
  package let state: Arena
  /// Buffers for one row each, kept from call to call; as many as calls have been under way at once.
  private let spares = Mutex<[Spare]>([])

  package init(
    recipe: Recipe, preparation: Preparation, plan: NetworkPlan, epoch: Int, weights: Arena, state: Arena,
    decision: Decision = .usual
  ) {
    self.recipe = recipe
    self.preparation = preparation
    self.plan = plan
    self.epoch = epoch
    self.decision = decision
    self.weights = weights
    self.state = state
  }

  /// What it predicts.
  public var task: LearningTask { preparation.target.task }

  /// Class names in order; for a multi-label model the labels' names; empty for a regression.
  public var classes: [String] {
    preparation.target.outputNames
  }

  package var output: Output { preparation.target.output(for: recipe.loss) }

  /// Its layers, as a table.
  public var description: String { plan.description }

  /// Lends a predictor for that many rows. One for a single row works alone, and is kept for the next.
  package func withPredictor<Result>(
    workers: Workers, rows: Int, _ body: (Predictor) throws -> Result
  ) rethrows -> Result {
    guard rows == 1 else { return try body(makePredictor(workers: workers, rows: rows)) }
    let spare =
      spares.withLock { $0.popLast() } ?? Spare(predictor: makePredictor(workers: Workers(1), rows: 1))
    defer { spares.withLock { if $0.count < Self.mostSpares { $0.append(spare) } } }
    return try body(spare.predictor)
  }

  /// More calls at once than this make and drop theirs.
  private static let mostSpares = 16

  /// Used by one call at a time.
  private struct Spare: @unchecked Sendable {
    let predictor: Predictor
  }

  private func makePredictor(workers: Workers, rows: Int) -> Predictor {
    Predictor(
      plan: plan, output: output, precision: .float32, weights: weights, state: state,
      workers: workers, rows: rows)
  }
}

extension Preparation {
  /// Which elements of a row are what; nil for images.
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

  /// The shape that the network takes.
  package var inputShape: Shape {
    switch inputs {
    case .table: [width]
    case .images(let images): [images.height, images.width, images.channels]
    }
  }
}
