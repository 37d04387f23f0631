import TartineFiles

/// One hyperparameter: its name, its domain, and the condition under which it is active.
public struct Hyperparameter: Hashable, Sendable {
  /// The name; for a recipe, the key in `--set` and recipe files.
  public let name: String
  /// The possible values.
  public let domain: Domain
  /// The condition under which the hyperparameter is active; nil: always.
  public let condition: Condition?

  /// A condition on the value of another hyperparameter, listed earlier in the space.
  public struct Condition: Hashable, Sendable {
    /// The name of the other hyperparameter.
    public let name: String
    /// The values of the other hyperparameter for which this one is active.
    public let values: [JSONValue]

    /// Creates a condition.
    public init(_ name: String, isOneOf values: [JSONValue]) {
      self.name = name
      self.values = values
    }
  }

  /// Creates a hyperparameter.
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
/// A file is a JSON object of hyperparameters. Each has `low` and `high`, with `scale` (`linear`, `log`,
/// `reverse-log`), `step` and `integer`, or `choices`; and optionally `when`, an object with one other key
/// and its values. A list of hyperparameters, each with its `name`, keeps their order.
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
  /// The hyperparameters; conditional ones follow those they depend on.
  public let parameters: [Hyperparameter]

  /// Creates a search space.
  /// - Throws: `SearchError` that names the wrong hyperparameter.
  public init(_ parameters: [Hyperparameter]) throws {
    guard !parameters.isEmpty else { throw SearchError("a search space needs at least one hyperparameter.") }
    var before: [String: Domain] = [:]
    for parameter in parameters {
      if let problem = parameter.domain.problem { throw SearchError("'\(parameter.name)': \(problem).") }
      guard before[parameter.name] == nil else { throw SearchError("'\(parameter.name)' is listed twice.") }
      if let condition = parameter.condition {
        guard let other = before[condition.name] else {
          throw SearchError(
            "'\(parameter.name)' depends on '\(condition.name)', which must be a hyperparameter "
              + "listed before it.")
        }
        guard !condition.values.isEmpty, condition.values.allSatisfy({ other.unit(of: $0) != nil }) else {
          throw SearchError("'\(parameter.name)' depends on values of '\(condition.name)' that it never has.")
        }
      }
      before[parameter.name] = parameter.domain
    }
    self.parameters = parameters
  }

  /// The number of hyperparameters.
  public var count: Int { parameters.count }

  /// Returns the values at a point of the unit cube, without inactive hyperparameters.
  ///
  /// - Parameters:
  ///   - point: The coordinates, from 0 to 1.
  ///   - fixed: Values that replace those of the point.
  public func values(at point: [Double], fixed: [String: JSONValue] = [:]) -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    for (parameter, unit) in zip(parameters, point) where isThere(parameter, values) {
      values[parameter.name] = fixed[parameter.name] ?? parameter.domain.value(at: unit)
    }
    return values
  }

  /// Returns the point of some values, with NaN for inactive hyperparameters.
  /// - Returns: The point, or nil if a value is missing or outside its domain.
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

  /// Returns whether two settings are nearly equal: less than 2 % of each range apart, with equal choices.
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

/// An error of a search space, a study or a search.
public struct SearchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The message: what is wrong and what to do.
  public let description: String

  package init(_ description: String) { self.description = description }
}
