import Tartine

extension RecipeSettings {
  /// The flags of `train` that set a key to a value alone.
  private static let names: [(key: String, flag: String)] = [
    ("preparation.bins", "--bins"), ("network.hidden", "--hidden"), ("network.activation", "--activation"),
    ("network.initializer", "--initializer"), ("network.keepProb", "--keep-prob"),
    ("network.keepInput", "--keep-input"),
    ("network.embedCategories", "--embed-categories"), ("network.embedNumbers", "--embed-numbers"),
    ("network.members", "--members"),
    ("network.dropoutSchedule", "--dropout-schedule"), ("network.inputNoise", "--input-noise"), ("mixup", "--mixup"),
    ("outputBias", "--output-bias"), ("loss.kind", "--loss"), ("loss.smoothing", "--label-smoothing"),
    ("decision.threshold", "--threshold-for"), ("penalty.l1", "--l1"), ("penalty.l2", "--l2"),
    ("penalty.maxNorm", "--max-norm"), ("optimizer.algorithm", "--optimizer"),
    ("optimizer.learningRate", "--learning-rate"), ("optimizer.schedule", "--schedule"),
    ("optimizer.warmup", "--warmup"), ("optimizer.decay", "--decay"), ("optimizer.clip", "--clip"),
    ("optimizer.clipNorm", "--clip-norm"), ("optimizer.clipValue", "--clip-value"), ("optimizer.average", "--average"),
    ("batchSize", "--batch-size"), ("accumulation", "--accumulation"), ("epochs", "--epochs"),
    ("earlyStopping", "--early-stopping"), ("seeds", "--seeds"), ("minutes", "--minutes"), ("seed", "--seed"),
  ]

  /// The flags of some keys with one value.
  private static let switches: [(key: String, value: JSONValue, flag: String)] = [
    ("network.batchNorm", .bool(true), "--batch-norm"), ("network.batchNorm", .bool(false), "--no-batch-norm"),
    ("network.hidden", .array([]), "--hidden 0"), ("decision.calibrates", .bool(true), "--calibrate"),
    ("keeps", .string("last"), "--keep-last"), ("refit", .bool(true), "--refit"), ("refit", .bool(false), "--no-refit"),
  ]

  /// The changes as flags of `train`, in the order of its help; what no flag sets, with `--set`.
  package var flags: String {
    var parts: [String] = []
    let images = list.filter { $0.key.hasPrefix("augmentation.") && $0.value.number != nil }
    if !images.isEmpty {
      let values = images.map { "\($0.key.dropFirst("augmentation.".count))=\(Self.text($0.value))" }
      parts.append("--augment " + values.joined(separator: ","))
    }
    var rest = list.filter { change in !images.contains { $0.key == change.key } }
    func take(_ key: String, _ flag: (JSONValue) -> String?) {
      guard let place = rest.firstIndex(where: { $0.key == key }), let text = flag(rest[place].value) else { return }
      parts.append(text)
      rest.remove(at: place)
    }
    for own in Self.switches { take(own.key) { $0 == own.value ? own.flag : nil } }
    for own in Self.names {
      take(own.key) { value in
        if case .array(let values) = value { return "\(own.flag) \(values.map(Self.text).joined(separator: ","))" }
        guard value.number != nil || value.string != nil else { return nil }
        return "\(own.flag) \(Shell.quoted(Self.text(value)))"
      }
    }
    return (parts + rest.map { "--set \(Shell.quoted("\($0.key)=\((try? JSON.text($0.value)) ?? "null")"))" })
      .joined(separator: " ")
  }

  private static func text(_ value: JSONValue) -> String {
    value.string ?? value.integer.map(String.init) ?? value.number.map { "\($0)" } ?? ""
  }
}
