import TartineFiles
import TartineNetworks
import TartineOptimizers

/// Changes to a recipe by key: `optimizer.learningRate=1e-3`. Flags, `--set` and recipe files use the same
/// keys.
public struct RecipeSettings: Sendable, CustomStringConvertible {
  private var changes: [(key: String, value: JSONValue)] = []

  /// No changes.
  public init() {}

  /// The changes that turn one recipe into another.
  ///
  /// - Throws: `RecipeError` if no changes of keys do.
  public init(from recipe: Recipe, to other: Recipe) throws {
    // Of a list of layers a number says more than the whole list.
    if recipe.network.stack == nil, let units = other.network.hiddenUnits.first {
      var short = RecipeSettings()
      short.set("network.units", to: .integer(units))
      if try short.apply(to: recipe).network == other.network, recipe.network != other.network { self = short }
    }
    // Some keys reset others, which must then be set too.
    for _ in 0..<3 {
      let now = try apply(to: recipe)
      if now == other {
        dropNeedless(from: recipe, to: other)
        return
      }
      changes += Self.differences(
        try JSON.convert(now, to: JSONValue.self), try JSON.convert(other, to: JSONValue.self), at: "")
    }
    throw RecipeError("no settings turn the one recipe into the other.")
  }

  /// Leaves out what the other changes bring about, such as the dropout of a network without hidden layers.
  private mutating func dropNeedless(from recipe: Recipe, to other: Recipe) {
    for place in changes.indices.reversed() {
      var fewer = self
      fewer.changes.remove(at: place)
      // Without one of them the others may be no recipe.
      if (try? fewer.apply(to: recipe)) == other { self = fewer }
    }
  }

  private static func differences(
    _ one: JSONValue, _ other: JSONValue, at path: String
  ) -> [(key: String, value: JSONValue)] {
    guard one != other else { return [] }
    guard case .object(let before) = one, case .object(let after) = other, before["layers"] == nil,
      after["layers"] == nil
    else { return [(path, other)] }
    return Set(before.keys).union(after.keys).sorted().flatMap { key in
      differences(before[key] ?? .null, after[key] ?? .null, at: path.isEmpty ? key : "\(path).\(key)")
    }
  }

  /// The changes, in order.
  public var list: [(key: String, value: JSONValue)] { changes }

  /// Whether there are no changes.
  public var isEmpty: Bool { changes.isEmpty }

  /// The changed keys.
  package var keys: [String] { changes.map(\.key) }

  /// The changes as `key = value`, separated by commas.
  public var description: String {
    changes.map { "\($0.key) = \((try? JSON.text($0.value)) ?? "")" }.joined(separator: ", ")
  }

  /// Sets a key to a text.
  public mutating func set(_ key: String, to text: String) { changes.append((key, .string(text))) }
  /// Sets a key to a number.
  public mutating func set(_ key: String, to number: Double) { changes.append((key, .number(number))) }
  /// Sets a key to a whole number, without loss of precision.
  public mutating func set(_ key: String, to integer: UInt64) { changes.append((key, .unsigned(integer))) }
  /// Sets a key to a Boolean.
  public mutating func set(_ key: String, to bool: Bool) { changes.append((key, .bool(bool))) }
  /// Sets a key to a list of numbers.
  public mutating func set(_ key: String, to numbers: [Double]) {
    changes.append((key, .array(numbers.map { .number($0) })))
  }

  /// Sets a key to numbers by name.
  public mutating func set(_ key: String, to numbers: [String: Double]) {
    changes.append((key, .object(numbers.mapValues { .number($0) })))
  }

  /// Sets a key to any value.
  public mutating func set(_ key: String, to value: JSONValue) { changes.append((key, value)) }

  /// Parses `KEY=VALUE`, the value being JSON or plain text.
  /// - Throws: `RecipeError` where there is no `=`.
  public mutating func set(_ assignment: String) throws {
    guard let sign = assignment.firstIndex(of: "="), sign != assignment.startIndex else {
      throw RecipeError("'\(assignment)' is not a setting; write it as KEY=VALUE, such as optimizer.learningRate=1e-3.")
    }
    let text = String(assignment[assignment.index(after: sign)...])
    let value = (try? JSON.decode(JSONValue.self, from: text)) ?? .string(text)
    changes.append((String(assignment[..<sign]), value))
  }

  /// Returns the recipe with the changes applied.
  /// - Throws: `RecipeError` that names the key.
  public func apply(to recipe: Recipe) throws -> Recipe {
    guard !isEmpty else { return recipe }
    for (key, value) in changes {
      if case .array(let list) = value,
        list.contains(where: { if case .number(let x) = $0 { abs(x) > 1e15 } else { false } })
      {
        throw RecipeError("\(key) holds a number far outside its range.")
      }
      if key == "seed", case .number(let number) = value, number < 0 || number.rounded() != number {
        throw RecipeError("seed must be a whole number from 0 to 18446744073709551615, not \(number).")
      }
      if Self.wholeKeys.contains(key), case .number(let number) = value,
        Int(exactly: number).map({ $0 > 1 << 40 }) ?? true
      {
        throw RecipeError("\(key) must be a whole number in its range, not \(number).")
      }
      let numbers =
        switch value {
        case .array(let list): list
        case .object(let object): object.sorted { $0.key < $1.key }.map(\.value)
        default: [value]
        }
      for case .number(let number) in numbers where !number.isFinite {
        throw RecipeError("\(key) must be a finite number, not \(number).")
      }
    }
    do {
      var tree = try JSON.convert(recipe, to: JSONValue.self)
      let (edits, rest) = try Self.edits(changes, tree)
      let changes = try Self.spelledOut(rest, tree)
      for (key, value) in changes { Self.prepare(&tree, for: key, value) }
      for (key, value) in changes { Self.put(value, at: key.split(separator: ".").map(String.init), in: &tree) }
      var changed = try Recipe.checked(tree)
      for edit in edits { changed.network = edit(changed.network) }
      return changed
    } catch let error as DecodingError {
      throw RecipeError("\(JSON.explain(error, isJSON: true)).")
    }
  }

  /// What `network.units` and `network.keepProb` do to a network that is a list of layers: its first hidden layer gets as many
  /// units and the others in proportion; its dropout layers, one after each hidden layer, keep that share.
  private static func edits(
    _ changes: [(key: String, value: JSONValue)], _ tree: JSONValue
  ) throws -> (edits: [(Network) -> Network], rest: [(key: String, value: JSONValue)]) {
    guard tree["network"]?["layers"] != nil, !changes.contains(where: { $0.key == "network.hidden" }) else {
      return ([], changes)
    }
    var edits: [(Network) -> Network] = []
    let rest = try changes.filter { key, value in
      switch key {
      case "network.units":
        guard let units = value.integer, (1...1 << 20).contains(units) else {
          throw RecipeError("network.units must be a whole number from 1 to 1048576.")
        }
        edits.append { network in
          network.hiddenUnits.first.map { network.scalingUnits(by: Double(units) / Double($0)) } ?? network
        }
        return false
      case "network.keepProb":
        guard let keep = value.number else { return true }
        guard keep > 0, keep <= 1 else {
          throw RecipeError("network.keepProb must be above 0 and at most 1, not \(keep).")
        }
        edits.append { $0.settingDropout { _, _ in keep } }
        return false
      default: return true
      }
    }
    return (edits, rest)
  }

  /// Expands `network.depth` and `network.units` to `network.hidden`: the number of layers, and of units in
  /// each; a single number becomes a list where a list is expected.
  private static func spelledOut(
    _ changes: [(key: String, value: JSONValue)], _ tree: JSONValue
  ) throws -> [(key: String, value: JSONValue)] {
    func last(_ key: String) throws -> Int? {
      guard let value = changes.last(where: { $0.key == key })?.value else { return nil }
      guard let whole = value.integer, whole >= 1, whole <= 1_000_000 else {
        throw RecipeError("\(key) must be a whole number of at least 1.")
      }
      return whole
    }
    let (depth, units) = (try last("network.depth"), try last("network.units"))
    var list = changes.filter { $0.key != "network.depth" && $0.key != "network.units" }
    for place in list.indices where list[place].key == "network.keepProb" && list[place].value.number != nil {
      list[place].value = .array([list[place].value])
    }
    guard depth != nil || units != nil else { return list }
    let named = list.last { $0.key == "network.hidden" }?.value ?? tree["network"]?["hidden"]
    guard case .array(let hidden)? = named else {
      throw RecipeError(
        "the recipe lists its layers one by one, so network.depth and network.units have no effect.")
    }
    var widths = hidden.isEmpty ? [JSONValue.integer(units ?? 128)] : hidden
    while widths.count < depth ?? 0 { widths.append(widths[widths.count - 1]) }
    widths = Array(widths.prefix(depth ?? widths.count))
    if let units { widths = widths.map { _ in .integer(units) } }
    return list.filter { $0.key != "network.hidden" } + [("network.hidden", .array(widths))]
  }

  private static let wholeKeys: Set<String> = [
    "preparation.bins", "optimizer.schedulePatience", "augmentation.crop", "network.embedCategories",
    "network.embedNumbers", "network.members", "batchSize",
    "accumulation", "epochs", "earlyStopping", "seeds",
  ]

  /// The changes that a recipe file makes, one for each key; a list of layers replaces the whole network.
  init(_ tree: JSONValue) throws {
    guard case .object(let entries) = tree else { throw RecipeError("a recipe must be a JSON object.") }
    for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
      if case .object(let inner) = value, inner["layers"] == nil {
        for (name, value) in inner.sorted(by: { $0.key < $1.key }) { changes.append(("\(key).\(name)", value)) }
      } else {
        changes.append((key, value))
      }
    }
  }

  /// A new algorithm, schedule or network resets the parameters that depend on it to their defaults.
  private static func prepare(_ tree: inout JSONValue, for key: String, _ value: JSONValue) {
    guard case .object(var root) = tree else { return }
    defer { tree = .object(root) }
    if key == "optimizer.algorithm", root["optimizer"]?["algorithm"] != value,
      case .object(var optimizer)? = root["optimizer"]
    {
      for own in ["beta1", "beta2", "epsilon", "decay", "variant", "centered", "momentum", "custom"] {
        optimizer[own] = nil
      }
      // Adam's variants share a step size; for any other pair the learning rate has a different meaning.
      let adams: Set<String> = ["adam", "adamw", "amsgrad", "nadam", "radam"]
      if !adams.isSuperset(of: [value.string ?? "", root["optimizer"]?["algorithm"]?.string ?? ""]) {
        optimizer["learningRate"] = nil
      }
      if value.string == "lbfgs" {
        // It takes all rows in one batch.
        (root["batchSize"], root["accumulation"]) = (nil, nil)
        for own in LearningRate.scheduleKeys { optimizer[own] = nil }
        optimizer["schedule"] = .string("constant")
      }
      root["optimizer"] = .object(optimizer)
    }
    if key == "optimizer.schedule", root["optimizer"]?["schedule"] != value,
      case .object(var optimizer)? = root["optimizer"]
    {
      for own in LearningRate.scheduleKeys { optimizer[own] = nil }
      root["optimizer"] = .object(optimizer)
    }
    if key == "loss.kind", root["loss"]?["kind"] != value, case .object(var loss)? = root["loss"] {
      for own in Loss.ownKeys { loss[own] = nil }
      root["loss"] = .object(loss)
    }
    if key == "optimizer.average", root["optimizer"]?["average"] != value,
      case .object(var optimizer)? = root["optimizer"]
    {
      for own in WeightAverage.ownKeys { optimizer[own] = nil }
      root["optimizer"] = .object(optimizer)
    }
    // A number of epochs takes the place of a time.
    if key == "epochs", value != .null { root["minutes"] = nil }
    // Without hidden layers it is a linear model, which has no members.
    if key == "network.hidden", value == .array([]), case .object(var network)? = root["network"] {
      network["members"] = .integer(1)
      root["network"] = .object(network)
    }
    // A list of layers replaces the previous description.
    if key == "network.layers" { root["network"] = .object([:]) }
    if key == "network.hidden", case .array(let hidden) = value, case .object(var network)? = root["network"],
      case .array(let keep)? = network["keepProb"], keep.count > max(1, hidden.count)
    {
      network["keepProb"] = .array(Array(keep.prefix(max(1, hidden.count))))
      root["network"] = .object(network)
    }
  }

  private static func put(_ value: JSONValue, at path: [String], in tree: inout JSONValue) {
    guard let first = path.first else { return tree = value }
    var object: [String: JSONValue] = [:]
    if case .object(let existing) = tree { object = existing }
    var child = object[first] ?? .object([:])
    put(value, at: Array(path.dropFirst()), in: &child)
    object[first] = child
    tree = .object(object)
  }
}

extension Recipe {
  /// Reads a recipe file; omitted settings are those of ``automatic``.
  /// - Throws: `FileError`; `RecipeError` for an unknown key.
  public init(file path: String) throws {
    let text = try Files.readText(path)
    do {
      let tree = try JSON.decode(JSONValue.self, from: text)
      if let name = JSON.repeatedName(in: text) {
        throw RecipeError("the key '\(name)' occurs twice in one object; leave one of them out.")
      }
      var settings = try RecipeSettings(tree)
      // Naming the hidden layers makes a plain network; older files do not name the members.
      if tree["network"]?["hidden"] != nil, tree["network"]?["members"] == nil {
        settings.set("network.members", to: 1.0)
      }
      self = try settings.apply(to: .automatic)
    } catch let error as DecodingError {
      throw RecipeError("'\(path)' is not a recipe: \(JSON.explain(error, text: text)).")
    } catch let error as RecipeError {
      throw RecipeError("'\(path)': \(error)")
    }
  }

  /// Decodes a tree, and rejects unknown keys.
  static func checked(_ tree: JSONValue) throws -> Recipe {
    let tree = renamed(tree)
    let recipe = try JSON.convert(tree, to: Recipe.self)
    if let problem = recipe.problem { throw RecipeError(problem + ".") }
    let known = try JSON.convert(recipe, to: JSONValue.self)
    if let (key, siblings) = unknownKey(in: tree, known: known, path: "") {
      if key.hasPrefix("network."), tree["network"]?["layers"] != nil,
        HiddenStack.keys.contains(String(key.dropFirst(8)))
      {
        throw RecipeError(
          "the recipe lists its layers one by one, so '\(key)' has no effect: change the list, or start from a "
            + "recipe without one.")
      }
      throw RecipeError(
        "there is no setting '\(key)'; there are \(siblings.joined(separator: ", "))."
          + Suggestion.text(for: key, among: siblings.map { Self.path(key, endingIn: $0) }))
    }
    return recipe
  }

  /// Replaces keys of older recipes, with a notice.
  private static func renamed(_ tree: JSONValue) -> JSONValue {
    switch tree {
    case .array(let list): return .array(list.map(renamed))
    case .object(var object):
      if object["layer"]?.string == "batchNorm", let momentum = object.removeValue(forKey: "fraction") {
        Files.warn("batchNorm's 'fraction' is now called 'momentum'; the old key is read as before")
        object["momentum"] = momentum
      }
      if let layer = object["layer"]?.string, ["gaussianNoise", "numberEmbedding"].contains(layer),
        let deviation = object.removeValue(forKey: "deviation")
      {
        Files.warn("\(layer)'s 'deviation' is now called 'standardDeviation'; the old key is read as before")
        object["standardDeviation"] = deviation
      }
      return .object(object.mapValues(renamed))
    default: return tree
    }
  }

  /// The key with another last part.
  private static func path(_ key: String, endingIn name: String) -> String {
    key.lastIndex(of: ".").map { "\(key[...$0])\(name)" } ?? name
  }

  private static func unknownKey(
    in tree: JSONValue, known: JSONValue, path: String
  ) -> (String, [String])? {
    switch (tree, known) {
    case (.object(let mine), .object(let theirs)):
      for (key, value) in mine.sorted(by: { $0.key < $1.key }) where value != .null {
        let full = path.isEmpty ? key : "\(path).\(key)"
        guard let match = theirs[key] else {
          return (full, Set(theirs.keys).union(allKeys[path] ?? []).sorted())
        }
        if let found = unknownKey(in: value, known: match, path: full) { return found }
      }
    case (.array(let mine), .array(let theirs)):
      for (index, pair) in zip(mine, theirs).enumerated() {
        if let found = unknownKey(in: pair.0, known: pair.1, path: "\(path)[\(index)]") { return found }
      }
    default: break
    }
    return nil
  }

  /// Keys that a recipe omits where they do not apply.
  private static let allKeys: [String: Set<String>] = [
    "": topLevelKeys, "optimizer": Set(Optimizer.keys), "loss": Set(Loss.keys),
    "network": Set(HiddenStack.keys + ["layers"]),
  ]

  private static let topLevelKeys: Set<String> = [
    "preparation", "augmentation", "mixup", "network", "outputBias", "decision", "loss", "optimizer", "penalty",
    "batchSize", "shuffle", "accumulation", "epochs",
    "earlyStopping", "keeps", "refit", "seeds", "minutes", "seed",
  ]
}
