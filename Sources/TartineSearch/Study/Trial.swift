import TartineDiagnosis
import TartineFiles

/// One trial of a study: what was tried, and what came of it.
public struct Trial: Hashable, Sendable {
  /// How far it is.
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// To be tried with values that somebody chose.
    case waiting = "WAITING"
    /// Being tried.
    case running = "RUNNING"
    /// Done.
    case complete = "COMPLETE"
    /// Stopped early, since others were better by then.
    case pruned = "PRUNED"
    /// It could not be done.
    case failed = "FAIL"

    /// Whether nothing more comes of it.
    public var isFinished: Bool { self == .complete || self == .pruned || self == .failed }
  }

  /// From 0, in the order in which they were begun.
  public let number: Int
  /// How far it is.
  public internal(set) var state: State
  /// Each hyperparameter's value, by name.
  public internal(set) var values: [String: JSONValue]
  /// What came of it; nil unless it is done.
  public internal(set) var value: Double?
  /// What it reported on the way, by step.
  public internal(set) var reports: [Int: Double]
  /// When it began and ended, in seconds since 1970; nil where that is not known.
  public internal(set) var began, ended: Double?
  /// Why it could not be done; nil where it could, or nobody said.
  public internal(set) var reason: String?

  /// Its key in the file.
  let id: Int
  /// Where its values lie in the study's space; nil where they lie outside.
  let point: [Double]?
  /// Numbers of the trials that were not done when it was suggested.
  var pending: [Int]?

  /// How long it took, in seconds.
  public var seconds: Double? { began.flatMap { began in ended.map { $0 - began } } }
}

extension JSONValue {
  /// As people read a hyperparameter's value.
  package var shortText: String {
    if let text = string { return text }
    if let whole = integer { return "\(whole)" }
    if let number { return Text.significant(number, digits: 4) }
    return (try? JSON.text(self)) ?? ""
  }
}
