import Synchronization

/// The kinds of layers that recipes and model files may use.
public enum LayerRegistry {
  private static let kinds = Mutex<[String: any Layer.Type]>(
    [String: any Layer.Type](
      uniqueKeysWithValues: [
        Dense.self, BatchNorm.self, Dropout.self, Flatten.self, ReLU.self, LeakyReLU.self, Tanh.self,
        Sigmoid.self, GELU.self, SiLU.self, SELU.self, ELU.self, PReLU.self, LayerNorm.self,
        RMSNorm.self, GroupNorm.self, GaussianNoise.self, LayerScale.self, Residual.self, CategoryEmbedding.self,
        NumberEmbedding.self,
      ].map { (type: any Layer.Type) in (type.kind, type) }))

  /// Registers a custom layer, so that recipes and model files can use it.
  public static func register(_ type: (some RowLayer).Type) {
    kinds.withLock { $0[type.kind] = type }
  }

  /// All registered kinds, sorted.
  static var names: [String] { kinds.withLock { $0.keys.sorted() } }

  static func type(of kind: String) -> (any Layer.Type)? { kinds.withLock { $0[kind] } }
}

/// A layer encoded with its kind beside its own fields: `{"layer": "dense", "units": 128}`.
struct CodedLayer: Codable {
  let layer: any Layer

  private enum Key: String, CodingKey { case layer }

  init(_ layer: any Layer) { self.layer = layer }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let kind = try container.decode(String.self, forKey: .layer)
    guard let type = KnownName.of(kind, among: LayerRegistry.names).flatMap(LayerRegistry.type(of:)) else {
      throw DecodingError.dataCorruptedError(
        forKey: .layer, in: container,
        debugDescription:
          "there is no layer '\(kind)' here; there are \(LayerRegistry.names.joined(separator: ", ")). A custom layer must be "
          + "registered first (LayerRegistry.register)")
    }
    layer = try type.init(from: decoder)
  }

  func encode(to encoder: any Encoder) throws {
    try layer.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(type(of: layer).kind, forKey: .layer)
  }
}
