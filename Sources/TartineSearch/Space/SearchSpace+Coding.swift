import TartineFiles

extension SearchSpace {
  /// Reads a search space from JSON.
  /// - Throws: `SearchError` that names the wrong key.
  public init(json text: String) throws {
    let tree: JSONValue
    do {
      tree = try JSON.decode(JSONValue.self, from: text)
    } catch {
      throw SearchError("the search space cannot be read: \(JSON.explain(error, text: text)).")
    }
    if let name = JSON.repeatedName(in: text) {
      throw SearchError("the search space has '\(name)' twice; leave one of them out.")
    }
    try self.init(tree)
  }

  init(_ tree: JSONValue) throws {
    if case .array(let list) = tree {
      try self.init(list)
      return
    }
    guard case .object(let entries) = tree else {
      throw SearchError(
        "a search space is an object of hyperparameters, as in {\"optimizer.learningRate\": {\"low\": 1e-4, \"high\": 0.1, "
          + "\"scale\": \"log\"}}.")
    }
    var parameters = try entries.sorted { $0.key < $1.key }.map { try Hyperparameter($0.key, $0.value) }
    // A hyperparameter that a condition refers to comes first.
    var sorted: [Hyperparameter] = []
    while let next = parameters.firstIndex(where: { parameter in
      parameter.condition.map { condition in sorted.contains { $0.name == condition.name } } ?? true
    }) {
      sorted.append(parameters.remove(at: next))
    }
    try self.init(sorted + parameters)
  }

  /// Reads a list of hyperparameters, each with its name, in its order.
  private init(_ list: [JSONValue]) throws {
    try self.init(
      list.enumerated().map { place, entry in
        guard case .object(var keys) = entry, let name = keys.removeValue(forKey: "name")?.string else {
          throw SearchError("hyperparameter \(place + 1) of the list has no name.")
        }
        return try Hyperparameter(name, .object(keys))
      })
  }

  /// The space as JSON.
  public var json: String { (try? JSON.text(tree, pretty: true)) ?? "" }

  /// The space as a JSON list, which keeps the order of the hyperparameters.
  var tree: JSONValue {
    .array(
      parameters.map { parameter in
        guard case .object(var keys) = parameter.tree else { return .null }
        keys["name"] = .string(parameter.name)
        return .object(keys)
      })
  }
}

extension Hyperparameter {
  private static let keys: Set<String> = ["low", "high", "scale", "step", "integer", "choices", "when"]

  fileprivate init(_ name: String, _ tree: JSONValue) throws {
    guard case .object(let entries) = tree else {
      throw SearchError("'\(name)' must be an object with low and high, or with choices.")
    }
    if let unknown = entries.keys.sorted().first(where: { !Self.keys.contains($0) }) {
      throw SearchError(
        "'\(name)' has a key '\(unknown)', which is unknown; there are "
          + "\(Self.keys.sorted().joined(separator: ", "))."
      )
    }
    func number(_ key: String) throws -> Double? {
      guard let value = entries[key] else { return nil }
      guard let number = value.number else { throw SearchError("'\(name)': \(key) must be a number.") }
      return number
    }
    var condition: Condition?
    if let when = entries["when"] {
      guard case .object(let others) = when, others.count == 1, let other = others.first else {
        throw SearchError(
          "'\(name)': when is an object with one other key and its values, as in {\"optimizer.algorithm\": "
            + "[\"adamw\"]}."
        )
      }
      if case .array(let values) = other.value {
        condition = Condition(other.key, isOneOf: values)
      } else {
        condition = Condition(other.key, isOneOf: [other.value])
      }
    }
    if let choices = entries["choices"] {
      guard case .array(let values) = choices else { throw SearchError("'\(name)': choices must be a list.") }
      if let other = ["low", "high", "scale", "step", "integer"].first(where: { entries[$0] != nil }) {
        throw SearchError("'\(name)' has choices, and so no \(other).")
      }
      self.init(name, .choice(values), when: condition)
      return
    }
    guard let low = try number("low"), let high = try number("high") else {
      throw SearchError("'\(name)' needs low and high, or choices.")
    }
    let scaleName = entries["scale"] ?? .string("linear")
    guard let scale = scaleName.string.flatMap({ Domain.Scale(rawValue: $0) }) else {
      throw SearchError("'\(name)': scale must be \(Domain.Scale.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    let step = try number("step")
    guard let isWhole = (entries["integer"] ?? .bool(false)).bool else {
      throw SearchError("'\(name)': integer must be true or false.")
    }
    guard isWhole else {
      self.init(name, .number(low: low, high: high, scale: scale, step: step), when: condition)
      return
    }
    guard let first = Int(exactly: low), let last = Int(exactly: high), let by = Int(exactly: step ?? 1) else {
      throw SearchError("'\(name)' has whole numbers, so its low, high and step must be whole.")
    }
    self.init(name, .integer(low: first, high: last, scale: scale, step: by), when: condition)
  }

  fileprivate var tree: JSONValue {
    var entries: [String: JSONValue] = [:]
    switch domain {
    case .choice(let values): entries["choices"] = .array(values)
    case .number(let low, let high, let scale, let step):
      (entries["low"], entries["high"]) = (.number(low), .number(high))
      if scale != .linear { entries["scale"] = .string(scale.rawValue) }
      if let step { entries["step"] = .number(step) }
    case .integer(let low, let high, let scale, let step):
      (entries["low"], entries["high"], entries["integer"]) = (.integer(low), .integer(high), true)
      if scale != .linear { entries["scale"] = .string(scale.rawValue) }
      if step != 1 { entries["step"] = .integer(step) }
    }
    if let condition { entries["when"] = .object([condition.name: .array(condition.values)]) }
    return .object(entries)
  }
}
