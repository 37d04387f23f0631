import TartineDiagnosis
import TartineFiles

/// One trial of a study: its hyperparameters and its result.
public struct Trial: Hashable, Sendable {
  /// The state of a trial.
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// Enqueued with given values.
    case waiting = "WAITING"
    /// In progress.
    case running = "RUNNING"
    /// Finished.
    case complete = "COMPLETE"
    /// Pruned: stopped early, since other trials were better at that point.
    case pruned = "PRUNED"
    /// Failed.
    case failed = "FAIL"

    /// Whether the trial has ended.
    public var isFinished: Bool { self == .complete || self == .pruned || self == .failed }
  }

  /// The number of the trial, from 0.
  public let number: Int
  /// The state.
  public internal(set) var state: State
  /// The values of the hyperparameters, by name.
  public internal(set) var values: [String: JSONValue]
  /// The result; nil unless there is one.
  public internal(set) var value: Double?
  /// The intermediate values, by step.
  public internal(set) var reports: [Int: Double]
  /// The times of start and end, in seconds since 1970; nil if unknown.
  public internal(set) var began, ended: Double?
  /// The reason of a failure; nil if there is none.
  public internal(set) var reason: String?

  /// The trial's key in the file.
  let id: Int
  /// The point of the values in the search space; nil if they are outside it.
  let point: [Double]?
  /// The numbers of the trials that were pending when this one was suggested.
  var pending: [Int]?

  /// The value of a numeric hyperparameter; nil if it is not active, or not a number.
  public subscript(name: String) -> Double? { values[name]?.number }

  /// The duration, in seconds.
  public var seconds: Double? { began.flatMap { began in ended.map { $0 - began } } }
}

extension JSONValue {
  /// A short text of the value, for display.
  package var shortText: String {
    if let text = string { return text }
    if let whole = integer { return "\(whole)" }
    if let number { return Text.significant(number, digits: 4) }
    return (try? JSON.text(self)) ?? ""
  }
}
