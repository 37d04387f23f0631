import TartineEngine

/// The initialization of a parameter.
///
/// **Source**: He et al., *Delving deep into rectifiers*, 2015, eq. 10; Glorot and Bengio, *Understanding the
/// difficulty of training deep feedforward neural networks*, 2010, eq. 12 and 16; LeCun et al., *Efficient
/// backprop*, 1998, eq. 16; Saxe et al., *Exact solutions to the nonlinear dynamics of learning in deep linear neural
/// networks*, 2014, §3.
///
/// **Differs from**: Keras' He and LeCun use a truncated normal (``truncated(standardDeviation:)``); PyTorch's linear
/// layer uses uniform(±1/√fan-in), for its bias too. Here ``he(fanIn:)``, ``xavier(fanIn:fanOut:)`` and
/// ``leCun(fanIn:)`` are normal, and biases are initialized with 0.
public enum Initializer: Hashable, Sendable {
  /// All elements equal.
  case constant(Double)
  /// normal(0, √(2 / fan-in)): preserves the variance through a ReLU.
  case he(fanIn: Int)
  /// normal(0, √(2 / (fan-in + fan-out))): preserves the variance, forward and backward, through tanh and
  /// sigmoid.
  case xavier(fanIn: Int, fanOut: Int)
  /// normal(0, √(1 / fan-in)), as SELU's fixed point requires.
  case leCun(fanIn: Int)
  /// normal(0, `standardDeviation`).
  case normal(standardDeviation: Double)
  /// uniform(±√3 · `standardDeviation`).
  case uniform(standardDeviation: Double)
  /// A normal distribution truncated at two standard deviations, scaled so that the result has this standard
  /// deviation.
  case truncated(standardDeviation: Double)
  /// A uniformly random matrix of orthonormal rows or columns, whichever are fewer, times the gain.
  case orthogonal(gain: Double)
  /// 1 or −1 with even chances.
  case signs

  /// Whether all elements begin equal.
  package var isConstant: Bool { if case .constant = self { true } else { false } }

  /// The standard deviation of an element, 0 for a constant; for an orthogonal matrix, times the root of its
  /// longer side.
  public var standardDeviation: Double {
    switch self {
    case .constant: 0
    case .he(let fanIn): (2 / Double(fanIn)).squareRoot()
    case .xavier(let fanIn, let fanOut): (2 / Double(fanIn + fanOut)).squareRoot()
    case .leCun(let fanIn): (1 / Double(fanIn)).squareRoot()
    case .normal(let deviation), .uniform(let deviation), .truncated(let deviation): deviation
    case .orthogonal(let gain): gain
    case .signs: 1
    }
  }
}

/// The rule that selects the initialization of a dense layer.
///
/// In a recipe it is a name, or a number, which is the standard deviation of a normal distribution; 0 makes
/// all weights equal, so that a layer's units stay identical.
public enum InitializerRule: Hashable, Sendable {
  /// He for the ReLU family, Xavier for tanh, sigmoid and the output, LeCun for SELU.
  case automatic
  /// normal(0, √(2 / fan-in)).
  case he
  /// normal(0, √(2 / (fan-in + fan-out))).
  case xavier
  /// normal(0, √(1 / fan-in)).
  case leCun
  /// He's standard deviation, uniform.
  case heUniform
  /// Xavier's standard deviation, uniform.
  case xavierUniform
  /// The standard deviation of `automatic`, truncated normal.
  case truncated
  /// Orthonormal, with the gain √2 before the ReLU family, else 1.
  case orthogonal
  /// normal(0, `standardDeviation`), independent of the layer's size.
  case normal(standardDeviation: Double)

  package func initializer(fanIn: Int, fanOut: Int, before activation: Activation) -> Initializer {
    switch self {
    case .he: .he(fanIn: fanIn)
    case .xavier: .xavier(fanIn: fanIn, fanOut: fanOut)
    case .leCun: .leCun(fanIn: fanIn)
    case .heUniform: .uniform(standardDeviation: Initializer.he(fanIn: fanIn).standardDeviation)
    case .xavierUniform: .uniform(standardDeviation: Initializer.xavier(fanIn: fanIn, fanOut: fanOut).standardDeviation)
    case .truncated:
      .truncated(
        standardDeviation: Self.automatic.initializer(fanIn: fanIn, fanOut: fanOut, before: activation)
          .standardDeviation)
    case .orthogonal: .orthogonal(gain: activation.isRectifier ? 2.0.squareRoot() : 1)
    case .normal(let deviation): deviation == 0 ? .constant(0) : .normal(standardDeviation: deviation)
    case .automatic:
      switch activation {
      case _ where activation.isRectifier: .he(fanIn: fanIn)
      case .selu: .leCun(fanIn: fanIn)
      default: .xavier(fanIn: fanIn, fanOut: fanOut)
      }
    }
  }
}

extension Activation {
  /// Whether it passes positive values and suppresses negative ones.
  fileprivate var isRectifier: Bool {
    switch self {
    case .relu, .leakyReLU, .gelu, .silu, .elu: true
    case .selu, .tanh, .sigmoid, .identity: false
    }
  }
}

extension InitializerRule: Codable {
  /// All rules that have a name.
  public static let named: [(name: String, rule: InitializerRule)] = [
    ("automatic", .automatic), ("he", .he), ("xavier", .xavier), ("lecun", .leCun), ("he-uniform", .heUniform),
    ("xavier-uniform", .xavierUniform), ("truncated", .truncated), ("orthogonal", .orthogonal),
  ]

  /// Decodes a name or a number.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    func fail(_ text: String) -> DecodingError {
      DecodingError.dataCorruptedError(in: value, debugDescription: text)
    }
    let names = Self.named.map(\.name).joined(separator: ", ")
    if let deviation = try? value.decode(Double.self) {
      guard deviation >= 0, deviation.isFinite else {
        throw fail("the standard deviation of initial weights must be at least 0, not \(deviation)")
      }
      self = .normal(standardDeviation: deviation)
    } else {
      let name = try value.decode(String.self)
      guard let rule = Self.named.first(where: { $0.name == name })?.rule else {
        throw fail("there is no initializer '\(name)'; there are \(names), or a standard deviation")
      }
      self = rule
    }
  }

  /// Encodes the name or the number.
  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    if case .normal(let deviation) = self {
      try value.encode(deviation)
    } else {
      try value.encode(Self.named.first { $0.rule == self }?.name)
    }
  }
}
