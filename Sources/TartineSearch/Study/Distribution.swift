import TartineFiles

/// A hyperparameter's distribution in Optuna's format.
///
/// Numbers are stored as they are, choices as their index. A reverse-log scale is stored as a linear one, and
/// a choice that is a list as its text.
package struct Distribution {
  package let domain: Domain

  /// The distribution as JSON.
  package var json: String {
    let name: String
    let attributes: [String: JSONValue]
    switch domain {
    case .number(let low, let high, let scale, let step):
      name = "FloatDistribution"
      attributes = [
        "low": .number(low), "high": .number(high), "log": .bool(scale == .log),
        "step": step.map { .number($0) } ?? .null,
      ]
    case .integer(let low, let high, let scale, let step):
      name = "IntDistribution"
      attributes = [
        "low": .integer(low), "high": .integer(high), "log": .bool(scale == .log), "step": .integer(step),
      ]
    case .choice(let values):
      name = "CategoricalDistribution"
      attributes = ["choices": .array(values.map(Self.plain))]
    }
    return (try? JSON.text(JSONValue.object(["name": .string(name), "attributes": .object(attributes)]))) ?? "{}"
  }

  /// Returns a list as its text: Optuna's choices cannot be lists.
  static func plain(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array, .object: .string((try? JSON.text(value)) ?? "")
    default: value
    }
  }

  /// Returns whether trials of both can be in one study: the ranges may differ; kind, choices and log scale
  /// may not.
  static func agree(_ a: Domain, _ b: Domain) -> Bool {
    switch (a, b) {
    case (.choice, .choice): Distribution(a).json == Distribution(b).json
    case (.number(_, _, let one, _), .number(_, _, let other, _)): (one == .log) == (other == .log)
    case (.integer(_, _, let one, _), .integer(_, _, let other, _)): (one == .log) == (other == .log)
    default: false
    }
  }

  /// Returns the number that a value is stored as.
  package func number(of value: JSONValue) -> Double? {
    if case .choice(let values) = domain { return values.firstIndex { $0.isSame(as: value) }.map(Double.init) }
    return value.number
  }

  /// Returns the value that a number is stored for.
  package func value(of number: Double) -> JSONValue? {
    switch domain {
    case .choice(let values):
      Int(exactly: number).flatMap { values.indices.contains($0) ? values[$0] : nil }
    case .integer: Int(exactly: number.rounded()).map { .integer($0) }
    case .number: .number(number)
    }
  }

  package init(_ domain: Domain) { self.domain = domain }

  /// Reads either JSON form that Optuna accepts; returns nil for anything else.
  package init?(json: String) {
    guard let tree = try? JSON.decode(JSONValue.self, from: json) else { return nil }
    let kind = (tree["name"] ?? tree["type"])?.string ?? ""
    let attributes = tree["attributes"] ?? tree
    let isLog = attributes["log"]?.bool ?? false
    switch kind {
    case "FloatDistribution", "float":
      guard let low = attributes["low"]?.number, let high = attributes["high"]?.number else { return nil }
      domain = .number(
        low: low, high: high, scale: isLog ? .log : .linear,
        step: attributes["step"]?.number)
    case "IntDistribution", "int":
      guard let low = attributes["low"]?.integer, let high = attributes["high"]?.integer else { return nil }
      domain = .integer(low: low, high: high, scale: isLog ? .log : .linear, step: attributes["step"]?.integer ?? 1)
    case "CategoricalDistribution", "categorical":
      guard case .array(let values)? = attributes["choices"] else { return nil }
      domain = .choice(values)
    default: return nil
    }
  }
}
