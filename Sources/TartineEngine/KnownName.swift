/// Names of layers, losses and the like as they are written elsewhere.
package enum KnownName {
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
  package static func of(_ text: String, among names: [String]) -> String? {
    if names.contains(text) { return text }
    func plain(_ text: String) -> String {
      let letters = text.lowercased().filter { $0.isLetter || $0.isNumber }
      return letters.hasSuffix("loss") ? String(letters.dropLast(4)) : letters
    }
    let wanted = plain(text)
    return names.first { plain($0) == wanted } ?? names.first { others[wanted]?.contains(plain($0)) == true }
  }

  /// A clause that says why an extension cannot have a name, or nil: a recipe with it would be read as the package's own.
  package static func problem(ofExtension name: String, unlike taken: [String]) -> String? {
    if name.isEmpty { return "'' is empty; give the extension a name" }
    return of(name, among: taken).map { own in
      "'\(name)' is \(name == own ? "a built-in" : "an alias of the built-in '\(own)'"); give the extension another name"
    }
  }

  /// Registers a type under its name; ends the program with a sentence where the name is another type's, or cannot be used.
  ///
  /// - Parameter problem: a clause that says why the name cannot be used, or nil.
  package static func register<Metatype>(
    _ type: Metatype, _ name: String, problem: String?, in types: inout [String: Metatype]
  ) {
    if let problem { fatalError(problem) }
    // Whatever the existential, a metatype is a type.
    func identity(_ type: Metatype) -> ObjectIdentifier { ObjectIdentifier(type as! Any.Type) }
    if let before = types.updateValue(type, forKey: name), identity(before) != identity(type) {
      fatalError("'\(name)' is registered already, as the name of \(before)")
    }
  }
}
