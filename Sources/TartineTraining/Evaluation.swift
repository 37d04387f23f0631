import TartinePlatform
import TartineData
import TartineEngine
import TartineNetworks

/// A model's figures on some rows, in prediction mode.
public struct Evaluation: Sendable {
  /// The task.
  public let task: LearningTask
  /// The mean over the rows.
  public let loss: Double
  /// The loss of each row, weighted.
  package let losses: [Double]
  /// The error of each row: 0 or 1 for classes, the fraction of wrong labels, or the squared error in the
  /// target's unit.
  package let outcomes: [Double]
  /// The absolute error of each row, for a regression.
  package let absoluteErrors: [Double]
  /// The variance of the target over these rows, for a regression.
  package let targetVariance: Double
  /// The prediction for each row: class numbers or values.
  package let predictions: [Double]
  /// The true target of each row: class numbers, values, or all labels, 0 or 1.
  package let truths: [Double]
  /// The predicted probabilities, [rows, outputs]; two classes have one output. Empty for a regression.
  package let scores: [Float]
  /// The −log p of each row's class, computed from logits; empty for labels and a regression.
  package let logLosses: [Double]
  /// The names of the classes, or of the labels; empty for a regression.
  package let outputNames: [String]
  /// The predicted quantile; nil: none.
  package let quantile: Double?
  /// What the model's intervals are made from; nil: it has none.
  let conformal: ConformalScores?
  /// The temperature of the probabilities.
  let temperature: Double

  /// The index of each row in the original data set.
  package let origin: [Int]
  /// Which rows belong together, such as those of one patient; nil: rows are independent.
  package let cases: [Int]?

  /// The number of rows.
  public var rowCount: Int { outcomes.count }

  /// The probability of each class, [rows, classes].
  package var classProbabilities: [Double] {
    guard outputNames.count == 2, task == .binary else { return scores.map(Double.init) }
    return scores.flatMap { [1 - Double($0), Double($0)] }
  }

  /// The mean error of the rows.
  package var meanOutcome: Double { outcomes.reduce(0, +) / Double(max(1, outcomes.count)) }

  /// The fraction of misclassified rows, or of wrong labels; nil for a regression.
  public var error: Double? { task == .regression ? nil : meanOutcome }

  /// The root mean squared error, in the target's unit; nil for classes.
  public var rmse: Double? { task == .regression ? meanOutcome.squareRoot() : nil }

  /// The mean absolute error, in the target's unit; nil for classes.
  public var mae: Double? {
    task == .regression ? absoluteErrors.reduce(0, +) / Double(max(1, rowCount)) : nil
  }

  /// 1 − squared error / variance; nil for classes and for a constant target.
  public var r2: Double? {
    task == .regression && targetVariance > 0 ? 1 - meanOutcome / targetVariance : nil
  }

  /// The primary metric of the task: error or RMSE.
  public var score: Double { error ?? rmse ?? loss }
}

/// An evaluator of a network on rows with targets, with reusable buffers.
package final class Evaluator {
  private let output: Output
  private let loss: Loss
  private let target: TargetPreparation
  private let predictor: Predictor
  private let decision: Decision
  private let conformal: ConformalScores?

  package init(
    graph: LayerGraph, target: TargetPreparation, loss: Loss, networks: [TrainedWeights], workers: Workers,
    decision: Decision = .default, conformal: ConformalScores? = nil
  ) {
    self.decision = decision
    self.conformal = conformal
    self.target = target
    self.loss = loss.unsmoothed
    output = target.output(for: loss)
    predictor = Predictor(
      graph: graph, output: output, precision: .float32, networks: networks, workers: workers)
  }

  /// The outputs of the network, [rows, outputs].
  package func logits(of rows: PreparedRows) -> [Float] {
    predictor.refresh()
    var logits = [Float](repeating: 0, count: rows.rowCount * output.width)
    let width = output.width
    logits.withUnsafeMutableBufferPointer { all in
      // Each chunk writes to its own rows.
      nonisolated(unsafe) let all = all
      predictor.run(rows) { _, range, logits in
        (all.baseAddress! + range.lowerBound * width).update(
          from: logits.assumingMemoryBound(to: Float.self), count: range.count * width)
      }
    }
    return logits
  }

  package func evaluate(_ rows: PreparedRows) -> Evaluation {
    predictor.refresh()
    let count = rows.rowCount
    var losses = [Double](repeating: 0, count: count)
    var scores = [Float](repeating: 0, count: count * output.width)
    var logLosses: [Double] = []
    if case .classes = target { logLosses = losses }
    losses.withUnsafeMutableBufferPointer { losses in
      scores.withUnsafeMutableBufferPointer { scores in
        logLosses.withUnsafeMutableBufferPointer { logLosses in
          // Each chunk writes to its own rows.
          nonisolated(unsafe) let losses = losses
          nonisolated(unsafe) let scores = scores
          nonisolated(unsafe) let logLosses = logLosses
          predictor.run(rows) { _, range, logits in
            self.measure(
              logits, range, of: rows, losses: losses.baseAddress! + range.lowerBound,
              scores: scores.baseAddress! + range.lowerBound * self.output.width,
              logLosses: logLosses.isEmpty ? nil : logLosses.baseAddress! + range.lowerBound)
          }
        }
      }
    }
    let (answers, truths, outcomes) = judge(scores, rows)
    let isRegression = target.task == .regression
    return Evaluation(
      task: target.task, loss: losses.reduce(0, +) / Double(max(1, count)), losses: losses, outcomes: outcomes,
      absoluteErrors: isRegression ? outcomes.map { $0.squareRoot() } : [],
      targetVariance: isRegression ? Self.variance(truths) : 0, predictions: answers, truths: truths,
      scores: isRegression ? [] : scores, logLosses: logLosses, outputNames: target.outputNames, quantile: loss.share,
      conformal: conformal, temperature: decision.temperature,
      origin: rows.origin, cases: rows.cases)
  }

  /// Computes the losses of a chunk's rows, their −log p for classes, and their outputs from the logits.
  private func measure(
    _ logits: UnsafeMutableRawPointer, _ range: Range<Int>, of rows: PreparedRows,
    losses: UnsafeMutablePointer<Double>, scores: UnsafeMutablePointer<Float>, logLosses: UnsafeMutablePointer<Double>?
  ) {
    let kernels = Precision.float32.kernels
    scores.update(from: logits.assumingMemoryBound(to: Float.self), count: range.count * output.width)
    output.activate(scores, rows: range.count, temperature: decision.temperature, kernels: kernels)
    if decision.temperature != 1 {
      kernels.pointee.blend(logits, logits, range.count * output.width, 0, 1 / decision.temperature)
    }
    // Before the loss, which overwrites the logits with its gradient.
    if let logLosses {
      let logits = logits.assumingMemoryBound(to: Float.self)
      for row in 0..<range.count {
        logLosses[row] = logLoss(logits + row * output.width, truth: rows.targets, range.lowerBound + row)
      }
    }
    func measure(_ targets: UnsafeRawPointer) {
      output.loss(
        loss.lowered, logits, targets: targets,
        weights: rows.weights.map { UnsafeRawPointer($0[range.lowerBound * 4]) },
        rows: range.count, batch: 1, losses: losses, precision: .float32)
    }
    switch rows.targets {
    case .labels(let labels): labels.withUnsafeBufferPointer { measure($0.baseAddress! + range.lowerBound) }
    case .matrix(let arena, let width): measure(arena[range.lowerBound * width * 4])
    case .none: break
    }
  }

  /// The −log p of a row's class: log Σ eᶻ − z, which stays exact where p underflows a Float.
  private func logLoss(_ logits: UnsafePointer<Float>, truth: PreparedRows.Targets, _ row: Int) -> Double {
    switch truth {
    case .labels(let labels):
      let largest = (0..<output.width).reduce(-Double.infinity) { max($0, Double(logits[$1])) }
      let sum = (0..<output.width).reduce(0.0) { $0 + exp(Double(logits[$1]) - largest) }
      return largest + log(sum) - Double(logits[Int(labels[row])])
    case .matrix(let arena, _):
      let isSecond = arena.base.assumingMemoryBound(to: Float.self)[row] > 0.5
      let z = isSecond ? Double(logits[0]) : -Double(logits[0])
      return max(0, -z) + log1p(exp(-abs(z)))
    case .none: return .nan
    }
  }

  /// The prediction, target and error of each row.
  private func judge(
    _ scores: [Float], _ rows: PreparedRows
  ) -> (answers: [Double], truths: [Double], outcomes: [Double]) {
    var answers: [Double] = []
    var truths: [Double] = []
    var outcomes: [Double] = []
    for row in 0..<rows.rowCount {
      switch (target, rows.targets) {
      case (.classes(_, let names), .labels(let labels)):
        let first = row * names.count
        var best = 0
        for place in 1..<names.count where scores[first + place] > scores[first + best] { best = place }
        answers.append(Double(best))
        truths.append(Double(labels[row]))
        outcomes.append(best == Int(labels[row]) ? 0 : 1)
      case (.classes, .matrix(let arena, _)):
        let truth = arena.base.assumingMemoryBound(to: Float.self)[row]
        let answer: Float = Double(scores[row]) > decision.threshold ? 1 : 0
        answers.append(Double(answer))
        truths.append(Double(truth))
        outcomes.append(answer == truth ? 0 : 1)
      case (.labels(let labels), .matrix(let arena, let width)):
        let truth = arena.base.assumingMemoryBound(to: Float.self) + row * width
        var wrong = 0
        for place in labels.indices {
          truths.append(Double(truth[place]))
          if (scores[row * width + place] > 0.5 ? 1 : 0) != truth[place] { wrong += 1 }
        }
        answers.append(0)
        outcomes.append(Double(wrong) / Double(labels.count))
      case (.number(_, let mean, let deviation), .matrix(let arena, _)):
        let truth = Double(arena.base.assumingMemoryBound(to: Float.self)[row])
        let difference = (Double(scores[row]) - truth) * deviation
        answers.append(Double(scores[row]) * deviation + mean)
        truths.append(truth * deviation + mean)
        outcomes.append(difference * difference)
      default:
        answers.append(.nan)
        truths.append(.nan)
        outcomes.append(.nan)
      }
    }
    return (answers, truths, outcomes)
  }

  private static func variance(_ values: [Double]) -> Double {
    let count = Double(max(1, values.count))
    let mean = values.reduce(0, +) / count
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
  }
}

extension TargetPreparation {
  /// The output layer for this target.
  package func output(for loss: Loss) -> Output {
    switch self {
    case .classes(_, let names): names.count == 2 ? .sigmoid(labels: 1) : .softmax(classes: names.count)
    case .labels(let labels): .sigmoid(labels: labels.count)
    case .number: loss.kind == .poisson ? .rate(values: 1) : .identity(values: 1)
    }
  }

  /// The class names, or the labels' columns.
  package var outputNames: [String] {
    switch self {
    case .classes(_, let names): names
    case .labels(let labels): labels.map(\.column)
    case .number: []
    }
  }
}
