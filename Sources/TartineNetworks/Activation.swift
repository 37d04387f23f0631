import TartineEngine
import TartineKernels

/// An activation function with its parameter.
public enum Activation: Hashable, Sendable {
  /// The identity, u.
  case identity
  /// ``ReLU``.
  case relu
  /// ``Tanh``.
  case tanh
  /// ``Sigmoid``.
  case sigmoid
  /// ``GELU``.
  case gelu
  /// ``SiLU``.
  case silu
  /// ``SELU``.
  case selu
  /// ``LeakyReLU``.
  case leakyReLU(slope: Double)
  /// ``ELU``.
  case elu(alpha: Double)

  /// The layer of this activation; nil for the identity.
  public var layer: (any Layer)? {
    switch self {
    case .identity: nil
    case .relu: ReLU()
    case .leakyReLU(let slope): LeakyReLU(slope: slope)
    case .tanh: Tanh()
    case .sigmoid: Sigmoid()
    case .gelu: GELU()
    case .silu: SiLU()
    case .selu: SELU()
    case .elu(let alpha): ELU(alpha: alpha)
    }
  }

  package var code: Int32 {
    let code =
      switch self {
      case .identity: TARTINE_IDENTITY
      case .relu: TARTINE_RELU
      case .leakyReLU: TARTINE_LEAKY_RELU
      case .tanh: TARTINE_TANH
      case .sigmoid: TARTINE_SIGMOID
      case .gelu: TARTINE_GELU
      case .silu: TARTINE_SILU
      case .selu: TARTINE_SELU
      case .elu: TARTINE_ELU
      }
    return Int32(code.rawValue)
  }

  package var slope: Double {
    switch self {
    case .leakyReLU(let slope): slope
    case .elu(let alpha): alpha
    default: 0
    }
  }
}

/// The names that recipes and flags use.
extension Activation: Codable, CaseIterable {
  /// All activations, leaky ReLU with its default slope, ELU with α = 1.
  public static let allCases: [Activation] = [
    .identity, .relu, .leakyReLU(slope: 0.01), .tanh, .sigmoid, .gelu, .silu, .selu,
    .elu(alpha: 1),
  ]

  /// The name in recipes and flags, such as `"leaky-relu"`.
  public var name: String {
    switch self {
    case .identity: "identity"
    case .relu: "relu"
    case .leakyReLU: "leaky-relu"
    case .tanh: "tanh"
    case .sigmoid: "sigmoid"
    case .gelu: "gelu"
    case .silu: "silu"
    case .selu: "selu"
    case .elu: "elu"
    }
  }

  /// Returns the activation with that name, or nil.
  public init?(name: String) {
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// Decodes a name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    let names = Self.allCases.map(\.name)
    guard let found = KnownName.of(name, among: names).flatMap(Activation.init(name:)) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "there is no activation '\(name)'; there are \(names.joined(separator: ", "))")
    }
    self = found
  }

  /// Encodes the name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
