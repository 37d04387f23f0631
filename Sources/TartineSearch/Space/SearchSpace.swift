import TartineFiles

/// One hyperparameter: its key, its values, and when it is there at all.
public struct Hyperparameter: Hashable, Sendable {
  /// What it is called; of a recipe, a key as `--set` and recipe files name it.
  public let name: String
  /// The values that it may have.
  public let domain: Domain
  /// Another hyperparameter, before this one in the space, and the values of it for which this one is there; nil: always.
  public let condition: Condition?

  /// When a hyperparameter is there.
  public struct Condition: Hashable, Sendable {
    /// The other one's name.
    public let name: String
    /// Its values for which this one is there.
    public let values: [JSONValue]

    /// A condition.
    public init(_ name: String, isOneOf values: [JSONValue]) {
      self.name = name
      self.values = values
    }
  }

  /// A hyperparameter.
  public init(_ name: String, _ domain: Domain, when condition: Condition? = nil) {
    self.name = name
    self.domain = domain
    self.condition = condition
  }
}

/// The hyperparameters of a search.
///
/// ```swift
/// let space = try SearchSpace([
///   Hyperparameter("optimizer.learningRate", .number(low: 1e-4, high: 1e-1, scale: .log)),
///   Hyperparameter("batchSize", .choice([32, 64, 128, 256])),
///   Hyperparameter("optimizer.beta1", .number(low: 0.8, high: 0.99, scale: .reverseLog)),
/// ])
/// ```
///
/// A file is an object of them: `low` and `high`, with `scale` (`linear`, `log`, `reverse-log`), `step` and `integer`, or
/// `choices`; and `when`, an object of one other key and its values. A list of them, each with its `name`, keeps their order.
///
/// ```json
/// {
///   "optimizer.learningRate": {"low": 1e-4, "high": 0.1, "scale": "log"},
///   "network.units": {"low": 32, "high": 512, "scale": "log", "integer": true},
///   "optimizer.algorithm": {"choices": ["adamw", "momentum"]},
///   "optimizer.decay": {"low": 0.01, "high": 10, "scale": "log", "when": {"optimizer.algorithm": ["adamw"]}}
/// }
/// ```
public struct SearchSpace: Hashable, Sendable {
  /// In the order that they depend on each other.
  public let parameters: [Hyperparameter]

  /// - Throws: `SearchError` that names the hyperparameter that is wrong.
  public init(_ parameters: [Hyperparameter]) throws {
    guard !parameters.isEmpty else { throw SearchError("a search space needs at least one hyperparameter.") }
    var before: [String: Domain] = [:]
    for parameter in parameters {
      if let problem = parameter.domain.problem { throw SearchError("'\(parameter.name)': \(problem).") }
      guard before[parameter.name] == nil else { throw SearchError("'\(parameter.name)' stands there twice.") }
      if let condition = parameter.condition {
        guard let other = before[condition.name] else {
          throw SearchError(
            "'\(parameter.name)' depends on '\(condition.name)', which must be a hyperparameter that stands before it.")
        }
        guard !condition.values.isEmpty, condition.values.allSatisfy({ other.unit(of: $0) != nil }) else {
          throw SearchError("'\(parameter.name)' depends on values of '\(condition.name)' that it never has.")
        }
      }
      before[parameter.name] = parameter.domain
    }
    self.parameters = parameters
  }

  /// Hyperparameters that there are.
  public var count: Int { parameters.count }

  /// The values at a point of places from 0 to 1; those that are not there for the others' values are left out.
  ///
  /// - Parameters:
  ///   - point: the places.
  ///   - fixed: values that hold in place of the point's.
  public func values(at point: [Double], fixed: [String: JSONValue] = [:]) -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for (parameter, unit) in zip(parameters, point) where isThere(parameter, values) {
      values[parameter.name] = fixed[parameter.name] ?? parameter.domain.value(at: unit)
    }
    return values
  }

  /// The point of some values, with not a number where there is none.
  /// - Returns: nil where a value is none of its hyperparameter's, or is missing.
  public func point(of values: [String: JSONValue]) -> [Double]? {
    var point: [Double] = []
    for parameter in parameters {
      guard isThere(parameter, values) else {
        point.append(.nan)
        continue
      }
      guard let value = values[parameter.name], let unit = parameter.domain.unit(of: value) else { return nil }
      point.append(unit)
    }
    return point
  }

  /// Whether two settings are hardly different: no more than a fiftieth of any range apart, and the same in all choices.
  func isNear(_ values: [String: JSONValue], _ others: [String: JSONValue]) -> Bool {
    guard let a = point(of: values), let b = point(of: others) else { return values.isSame(as: others) }
    return zip(zip(a, b), parameters).allSatisfy { pair, parameter in
      if pair.0.isNaN || pair.1.isNaN { return pair.0.isNaN && pair.1.isNaN }
      return parameter.domain.isOrdered ? abs(pair.0 - pair.1) < 0.02 : pair.0 == pair.1
    }
  }

  private func isThere(_ parameter: Hyperparameter, _ values: [String: JSONValue]) -> Bool {
    guard let condition = parameter.condition else { return true }
    guard let value = values[condition.name] else { return false }
    return condition.values.contains { $0.isSame(as: value) }
  }
}

/// A search that cannot be done as it was asked for.
public struct SearchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong and what to do, in a sentence.
  public let description: String

  package init(_ description: String) { self.description = description }
}
