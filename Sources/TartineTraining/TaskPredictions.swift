/// The predictions of a model on some rows, and the truths, by task.
public enum TaskPredictions: Hashable, Sendable {
  /// Two or more classes, by their numbers in the order of the model's class names.
  case classes(truths: [Int], predictions: [Int], probabilities: [[Double]])
  /// Several labels of each row, each there or not.
  case labels(truths: [[Bool]], predictions: [[Bool]], probabilities: [[Double]])
  /// A number of each row, in the target's unit.
  case numbers(truths: [Double], predictions: [Double])

  /// The number of rows.
  public var rowCount: Int {
    switch self {
    case .classes(let truths, _, _): truths.count
    case .labels(let truths, _, _): truths.count
    case .numbers(let truths, _): truths.count
    }
  }

  /// Returns some of the rows, in the given order; a row may occur several times.
  public func rows(_ rows: [Int]) -> TaskPredictions {
    func take<Value>(_ values: [Value]) -> [Value] { rows.map { values[$0] } }
    switch self {
    case .classes(let truths, let predictions, let probabilities):
      return .classes(truths: take(truths), predictions: take(predictions), probabilities: take(probabilities))
    case .labels(let truths, let predictions, let probabilities):
      return .labels(truths: take(truths), predictions: take(predictions), probabilities: take(probabilities))
    case .numbers(let truths, let predictions):
      return .numbers(truths: take(truths), predictions: take(predictions))
    }
  }
}

extension Evaluation {
  /// The predictions for each row, and the truths, by task.
  public var taskPredictions: TaskPredictions {
    let width = outputNames.count
    func table(_ values: [Double]) -> [[Double]] {
      stride(from: 0, to: values.count, by: max(1, width)).map { Array(values[$0..<$0 + width]) }
    }
    switch task {
    case .binary, .multiclass:
      return .classes(
        truths: truths.map { Int($0) }, predictions: predictions.map { Int($0) },
        probabilities: table(classProbabilities))
    case .multilabel:
      let probabilities = table(scores.map(Double.init))
      return .labels(
        truths: table(truths).map { $0.map { $0 > 0.5 } }, predictions: probabilities.map { $0.map { $0 > 0.5 } },
        probabilities: probabilities)
    case .regression: return .numbers(truths: truths, predictions: predictions)
    }
  }

  /// The group of each row, such as a patient's number; nil: rows are independent.
  public var groups: [Int]? { cases }
}
