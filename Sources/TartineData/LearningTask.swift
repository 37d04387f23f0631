import TartineFiles

/// The task of a network.
public enum LearningTask: String, Codable, Hashable, Sendable, CaseIterable {
  /// One of two classes; one sigmoid output.
  case binary
  /// One of several classes; a softmax.
  case multiclass
  /// Any number of labels, each yes or no; a sigmoid each.
  case multilabel
  /// A number; squared error on the standardized target, predictions in the target's own unit.
  case regression

  /// Whether the prediction is a class.
  public var isClassification: Bool { self == .binary || self == .multiclass }
}

/// A task and why it was chosen.
public struct TaskChoice: Hashable, Sendable {
  /// The task.
  public let task: LearningTask
  /// The reason, as a clause that follows a colon.
  public let reason: String

  /// The most levels of whole numbers that are classes.
  static let mostNumberClasses = 20

  /// Infers the task: text or two values are classes; whole numbers of at most 20 levels are classes; other
  /// numbers are a regression. Several target columns are labels.
  static func infer(_ targets: [Column]) -> TaskChoice {
    guard targets.count == 1, let target = targets.first else {
      return TaskChoice(task: .multilabel, reason: "there are several target columns")
    }
    switch target.values {
    case .texts(_, let levels):
      return TaskChoice(
        task: levels.count == 2 ? .binary : .multiclass,
        reason: "'\(target.name)' is text with \(levels.count) values"
          + (levels.count > 20 ? " (\(target.reason))" : ""))
    case .numbers(let numbers):
      let mostCounted = 1000
      let count = target.valueCount(upTo: mostCounted)
      if count == 2 { return TaskChoice(task: .binary, reason: "'\(target.name)' has two values") }
      if count <= mostNumberClasses, numbers.allSatisfy({ $0 == $0.rounded() || $0.isNaN }) {
        return TaskChoice(
          task: .multiclass,
          reason: "'\(target.name)' has \(count) values, all whole numbers; \(OptionName.task) regression overrides")
      }
      let many = count > mostCounted ? "more than \(mostCounted)" : String(count)
      return TaskChoice(
        task: .regression,
        reason: "'\(target.name)' has \(many) values, all numbers; \(OptionName.task) multiclass overrides")
    }
  }
}
