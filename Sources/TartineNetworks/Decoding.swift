extension KeyedDecodingContainer {
  /// Decodes a case of an enumeration; for an unknown name, the error lists the valid ones.
  package func decodeName<Name: RawRepresentable & CaseIterable>(
    _: Name.Type, forKey key: Key, default fallback: Name
  ) throws -> Name where Name.RawValue == String {
    guard let text = try decodeIfPresent(String.self, forKey: key) else { return fallback }
    let known = Name.allCases.map(\.rawValue)
    guard let name = KnownName.of(text, among: known).flatMap(Name.init) else {
      let names = known.joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "there is no '\(text)'; there are \(names)")
    }
    return name
  }
}

/// Names of layers, losses and the like as they are written elsewhere.
enum KnownName {
  /// What Keras, PyTorch and scikit-learn call it, in lower case.
  private static let others: [String: Set<String>] = [
    "swish": ["silu"], "linear": ["identity", "dense"], "mse": ["squared"], "meansquarederror": ["squared"],
    "squarederror": ["squared"], "l2": ["squared"], "mae": ["absolute"], "meanabsoluteerror": ["absolute"],
    "absoluteerror": ["absolute"], "l1": ["absolute"], "smoothl1": ["huber"], "log": ["crossentropy"],
    "bce": ["crossentropy"], "bcewithlogits": ["crossentropy"], "nll": ["crossentropy"],
    "binarycrossentropy": ["crossentropy"], "categoricalcrossentropy": ["crossentropy"],
    "sparsecategoricalcrossentropy": ["crossentropy"], "batchnormalization": ["batchnorm"],
    "batchnorm1d": ["batchnorm"],
    "layernormalization": ["layernorm"],
  ]

  /// Returns the name that a text stands for: in any case, with any separators, or by its name elsewhere; nil if none.
  static func of(_ text: String, among names: [String]) -> String? {
    if names.contains(text) { return text }
    func plain(_ text: String) -> String {
      let letters = text.lowercased().filter { $0.isLetter || $0.isNumber }
      return letters.hasSuffix("loss") ? String(letters.dropLast(4)) : letters
    }
    let wanted = plain(text)
    return names.first { plain($0) == wanted } ?? names.first { others[wanted]?.contains(plain($0)) == true }
  }
}
