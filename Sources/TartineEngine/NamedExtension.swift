import Synchronization

/// A kind of value that a program adds to the package, known by its name in recipes and model files.
///
/// Its own fields are coded beside the name. A program registers it before it opens such a file.
public protocol NamedExtension: Codable, Hashable, Sendable {
  /// The name in recipes, in lower case, such as `"log-cosh"`.
  static var name: String { get }
}

/// The registered extensions of one kind.
package final class ExtensionRegistry: Sendable {
  private let types = Mutex<[String: any NamedExtension.Type]>([:])

  package init() {}

  package func register(_ type: any NamedExtension.Type) { types.withLock { $0[type.name] = type } }
  package func type(named name: String) -> (any NamedExtension.Type)? { types.withLock { $0[name] } }
  package var names: [String] { types.withLock { $0.keys.sorted() } }
}
