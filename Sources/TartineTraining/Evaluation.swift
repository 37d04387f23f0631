import TartineData
import TartineEngine
import TartineNetworks

/// How well a model does on some rows, in prediction mode.
public struct Evaluation: Sendable {
  /// What was predicted.
  public let task: LearningTask
  /// Mean over the rows.
  public let loss: Double
  /// Each row's own error: 0 or 1 for classes, the share of wrong labels, the squared error in the target's
  /// own unit.
  package let outcomes: [Double]
  /// Each row's absolute error, for a regression.
  package let absoluteErrors: [Double]
  /// Variance of the target over these rows, for a regression.
  package let targetVariance: Double
  /// Each row's answer: class numbers or values.
  package let predictions: [Double]

  /// Each row's place in the data set it came from.
  package let origin: [Int]

  /// Rows measured.
  public var rowCount: Int { outcomes.count }

  /// Mean of the rows' own errors.
  package var meanOutcome: Double { outcomes.reduce(0, +) / Double(max(1, outcomes.count)) }

  /// The fraction misclassified, or of labels wrong; nil for a regression.
  public var error: Double? { task == .regression ? nil : meanOutcome }

  /// Root of the mean squared error, in the target's own unit; nil for classes.
  public var rmse: Double? { task == .regression ? meanOutcome.squareRoot() : nil }

  /// Mean absolute error, in the target's own unit; nil for classes.
  public var mae: Double? {
    task == .regression ? absoluteErrors.reduce(0, +) / Double(max(1, rowCount)) : nil
  }

  /// 1 − squared error / variance; nil for classes and for a constant target.
  public var r2: Double? {
    task == .regression && targetVariance > 0 ? 1 - meanOutcome / targetVariance : nil
  }

  /// The one number that the task is judged by: error or RMSE.
  public var score: Double { error ?? rmse ?? loss }
}

/// Measures a network on rows that have a target, again and again, in buffers of its own.
package final class Evaluator {
  private let output: Output
  private let target: TargetPreparation
  private let predictor: Predictor

  package init(plan: NetworkPlan, target: TargetPreparation, weights: Arena, state: Arena, workers: Workers) {
    self.target = target
    output = target.output
    predictor = Predictor(
      plan: plan, output: output, precision: .float32, weights: weights, state: state, workers: workers)
  }

  package func evaluate(_ rows: PreparedRows) -> Evaluation {
    predictor.refresh()
    let count = rows.rowCount
    let width = output.width
    let kernels = Precision.float32.kernels
    var losses = [Double](repeating: 0, count: count)
    var outcomes = losses
    var predictions = losses
    var absolute = target.task == .regression ? losses : []
    losses.withUnsafeMutableBufferPointer { losses in
      outcomes.withUnsafeMutableBufferPointer { outcomes in
        predictions.withUnsafeMutableBufferPointer { predictions in
          absolute.withUnsafeMutableBufferPointer { absolute in
            // Chunks write to rows of their own.
            nonisolated(unsafe) let losses = losses
            nonisolated(unsafe) let outcomes = outcomes
            nonisolated(unsafe) let predictions = predictions
            nonisolated(unsafe) let absolute = absolute
            predictor.run(rows) { _, range, raw in
              let logits = raw.assumingMemoryBound(to: Float.self)
              for (index, row) in range.enumerated() {
                let answer = self.judge(logits + index * width, row: row, of: rows.targets)
                outcomes[row] = answer.outcome
                predictions[row] = answer.prediction
                if !absolute.isEmpty { absolute[row] = answer.outcome.squareRoot() }
              }
              let start = losses.baseAddress! + range.lowerBound
              switch rows.targets {
              case .labels(let labels):
                labels.withUnsafeBufferPointer {
                  self.output.loss(
                    raw, targets: $0.baseAddress! + range.lowerBound, rows: range.count, batch: 1,
                    losses: start, kernels: kernels)
                }
              case .matrix(let arena, let width):
                self.output.loss(
                  raw, targets: arena[range.lowerBound * width * 4], rows: range.count, batch: 1,
                  losses: start, kernels: kernels)
              case .none: break
              }
            }
          }
        }
      }
    }
    return Evaluation(
      task: target.task, loss: losses.reduce(0, +) / Double(max(1, count)), outcomes: outcomes,
      absoluteErrors: absolute, targetVariance: targetVariance(rows), predictions: predictions, origin: rows.origin)
  }

  private func judge(
    _ logits: UnsafePointer<Float>, row: Int, of targets: PreparedRows.Targets
  ) -> (outcome: Double, prediction: Double) {
    switch (target, targets) {
    case (.classes(_, let names), .labels(let labels)):
      var best = 0
      for place in 1..<names.count where logits[place] > logits[best] { best = place }
      return (best == Int(labels[row]) ? 0 : 1, Double(best))
    case (.classes, .matrix(let arena, _)):
      let truth = arena.base.assumingMemoryBound(to: Float.self)[row]
      let answer: Float = logits[0] > 0 ? 1 : 0
      return (answer == truth ? 0 : 1, Double(answer))
    case (.labels(let labels), .matrix(let arena, let width)):
      let truth = arena.base.assumingMemoryBound(to: Float.self) + row * width
      var wrong = 0
      for place in labels.indices where (logits[place] > 0 ? 1 : 0) != truth[place] { wrong += 1 }
      return (Double(wrong) / Double(labels.count), 0)
    case (.number(_, let mean, let deviation), .matrix(let arena, _)):
      let truth = Double(arena.base.assumingMemoryBound(to: Float.self)[row])
      let difference = (Double(logits[0]) - truth) * deviation
      return (difference * difference, Double(logits[0]) * deviation + mean)
    default: return (.nan, .nan)
    }
  }

  private func targetVariance(_ rows: PreparedRows) -> Double {
    guard case .number(_, _, let deviation) = target, case .matrix(let arena, _) = rows.targets else { return 0 }
    let values = arena.base.assumingMemoryBound(to: Float.self)
    let count = Double(max(1, rows.rowCount))
    let mean = (0..<rows.rowCount).reduce(0.0) { $0 + Double(values[$1]) } / count
    let squares = (0..<rows.rowCount).reduce(0.0) { sum, row in
      let difference = (Double(values[row]) - mean) * deviation
      return sum + difference * difference
    }
    return squares / count
  }
}

extension TargetPreparation {
  /// The output layer that answers it.
  package var output: Output {
    switch self {
    case .classes(_, let names): names.count == 2 ? .sigmoid(labels: 1) : .softmax(classes: names.count)
    case .labels(let labels): .sigmoid(labels: labels.count)
    case .number: .identity(values: 1)
    }
  }
}
