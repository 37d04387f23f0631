import Synchronization

/// A kind of value that a program adds to the package, known by its name in recipes and model files.
///
/// Its own fields are coded beside the name. A program registers it before it opens such a file.
public protocol NamedExtension: Codable, Hashable, Sendable {
  /// The name in recipes, in lower case, such as `"log-cosh"`. It must differ from every built-in name and its aliases, ignoring
  /// case and separators, and from the names of other registered types.
  static var name: String { get }
}

/// A program's own loss, schedule or update rule as a value: equal to another of its type with the same fields.
public struct AnyExtension<Value: Sendable>: Hashable, Sendable {
  /// The loss, schedule or update rule.
  public let value: Value
  /// The same, as what is coded and compared.
  private let named: any NamedExtension

  package init(_ value: Value, _ named: any NamedExtension) {
    self.value = value
    self.named = named
  }

  /// Its name in recipes.
  package var name: String { type(of: named).name }

  /// A clause that says why its name cannot be used, or nil.
  package func problem(unlike taken: [String]) -> String? { KnownName.problem(ofExtension: name, unlike: taken) }

  /// Encodes its fields.
  package func encode<Key>(into values: inout KeyedEncodingContainer<Key>, forKey key: Key) throws {
    try named.encode(to: values.superEncoder(forKey: key))
  }

  /// Whether both are of one type, with the same fields.
  public static func == (one: AnyExtension, other: AnyExtension) -> Bool {
    AnyHashable(one.named) == AnyHashable(other.named)
  }
  /// Hashes type and fields.
  public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(named)) }
}

/// The registered extensions of one kind.
package final class ExtensionRegistry<Value: Sendable>: Sendable {
  private let types = Mutex<[String: any NamedExtension.Type]>([:])

  package init() {}

  package var names: [String] { types.withLock { $0.keys.sorted() } }

  /// - Parameter taken: the package's own names.
  package func register(_ type: any NamedExtension.Type, unlike taken: [String]) {
    let problem = KnownName.problem(ofExtension: type.name, unlike: taken)
    types.withLock { KnownName.register(type, type.name, problem: problem, in: &$0) }
  }

  /// Decodes the extension of a name; nil if none is registered.
  package func decode<Key>(
    _ name: String, from values: KeyedDecodingContainer<Key>, forKey key: Key, of decoder: any Decoder
  ) throws -> AnyExtension<Value>? {
    guard let type = types.withLock({ $0[name] }) else { return nil }
    // Without fields there may be no key.
    let named = try type.init(from: values.contains(key) ? values.superDecoder(forKey: key) : decoder)
    return (named as? Value).map { AnyExtension($0, named) }
  }
}
