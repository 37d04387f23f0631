import Synchronization
import TartineEngine

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The kinds of layers that recipes and model files may use.
public enum LayerRegistry {
  private static let own = [String: any Layer.Type](
    uniqueKeysWithValues: [
      Dense.self, BatchNorm.self, Dropout.self, Flatten.self, ReLU.self, LeakyReLU.self, Tanh.self,
      Sigmoid.self, GELU.self, SiLU.self, SELU.self, ELU.self, PReLU.self, LayerNorm.self,
      RMSNorm.self, GroupNorm.self, GaussianNoise.self, LayerScale.self, Residual.self, CategoryEmbedding.self,
      NumberEmbedding.self, Members.self, MemberScale.self,
    ].map { (type: any Layer.Type) in (type.kind, type) })
  private static let registered = Mutex<[String: any Layer.Type]>([:])

  /// Registers a custom layer, so that recipes and model files can use it. Its kind must differ from every built-in kind and its
  /// aliases, ignoring case and separators, and from that of another registered type; it must not end in a digit, since layers are
  /// numbered.
  public static func register(_ type: (some RowLayer).Type) {
    let problem = problem(of: type)
    registered.withLock { KnownName.register(type, type.kind, problem: problem, in: &$0) }
  }

  /// A clause that says why a layer cannot have its kind, or nil.
  static func problem(of type: any Layer.Type) -> String? {
    if isOwn(type) { return nil }
    return type.kind.last?.isNumber == true
      ? "'\(type.kind)' ends in a digit, and layers are numbered; give the layer another kind"
      : KnownName.problem(ofExtension: type.kind, unlike: own.keys.sorted())
  }

  /// A clause that says why a layer of a program's own could not be read from a recipe, or nil.
  static func problem(of layer: any Layer) -> String? {
    guard !isOwn(Swift.type(of: layer)) else { return nil }
    return problem(of: Swift.type(of: layer))
      ?? (CodedLayer.hidesKind(layer)
        ? "it codes a property as 'layer', the key of its kind; give the property another name, or another coding key"
        : nil)
  }

  private static func isOwn(_ type: any Layer.Type) -> Bool {
    own.values.contains { ObjectIdentifier($0) == ObjectIdentifier(type) }
  }

  /// All known kinds, sorted.
  static var names: [String] { (Array(own.keys) + registered.withLock { Array($0.keys) }).sorted() }

  /// The layer of a name, as it is written in this package or elsewhere.
  static func type(named name: String) -> (any Layer.Type)? {
    if let type = registered.withLock({ $0[name] }) { return type }
    return KnownName.of(name, among: names).flatMap { kind in own[kind] ?? registered.withLock { $0[kind] } }
  }
}

/// A layer encoded with its kind beside its own fields: `{"layer": "dense", "units": 128}`.
struct CodedLayer: Codable {
  let layer: any Layer

  private enum Key: String, CodingKey { case layer }

  init(_ layer: any Layer) { self.layer = layer }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let kind = try container.decode(String.self, forKey: .layer)
    guard let type = LayerRegistry.type(named: kind) else {
      throw DecodingError.dataCorruptedError(
        forKey: .layer, in: container,
        debugDescription:
          "there is no layer '\(kind)' here; there are \(LayerRegistry.names.joined(separator: ", ")). A custom layer must be "
          + "registered first (LayerRegistry.register)")
    }
    layer = try type.init(from: decoder)
  }

  /// Whether a layer codes a field of its own under the key of the kind.
  static func hidesKind(_ layer: any Layer) -> Bool {
    struct Fields: Decodable {
      let hasKind: Bool
      init(from decoder: any Decoder) throws { hasKind = try decoder.container(keyedBy: Key.self).contains(.layer) }
    }
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let text = try? encoder.encode(layer) else { return false }
    return (try? JSONDecoder().decode(Fields.self, from: text))?.hasKind == true
  }

  func encode(to encoder: any Encoder) throws {
    try layer.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(type(of: layer).kind, forKey: .layer)
  }
}
