import TartineEngine

/// How a parameter starts.
///
/// **Source**: He et al., *Delving deep into rectifiers*, 2015, eq. 10; Glorot and Bengio, *Understanding the
/// difficulty of training deep feedforward neural networks*, 2010, eq. 12; LeCun et al., *Efficient
/// backprop*, 1998, eq. 16.
///
/// **Differs from**: Keras draws He from a truncated normal; PyTorch's linear layer draws
/// uniform(±1/√fan-in), its bias too. Here all are plain normal and biases start at 0.
public enum Initializer: Hashable, Sendable {
  /// All elements alike.
  case constant(Double)
  /// normal(0, √(2 / fan-in)): keeps the variance through a ReLU.
  case he(fanIn: Int)
  /// normal(0, √(2 / (fan-in + fan-out))): keeps it, forward and backward, through tanh and sigmoid.
  case xavier(fanIn: Int, fanOut: Int)
  /// normal(0, √(1 / fan-in)): what SELU's fixed point needs.
  case leCun(fanIn: Int)
  /// normal(0, deviation).
  case normal(deviation: Double)

  /// The deviation of the draw, 0 for a constant.
  public var deviation: Double {
    switch self {
    case .constant: 0
    case .he(let fanIn): (2 / Double(fanIn)).squareRoot()
    case .xavier(let fanIn, let fanOut): (2 / Double(fanIn + fanOut)).squareRoot()
    case .leCun(let fanIn): (1 / Double(fanIn)).squareRoot()
    case .normal(let deviation): deviation
    }
  }
}

/// The rule that picks a dense layer's initializer.
public enum InitializerRule: String, Codable, Hashable, Sendable, CaseIterable {
  /// He for the ReLU family, Xavier for tanh, sigmoid and the output, LeCun for SELU.
  case automatic
  case he, xavier
  case leCun = "lecun"

  package func initializer(fanIn: Int, fanOut: Int, before activation: Activation) -> Initializer {
    switch self {
    case .he: .he(fanIn: fanIn)
    case .xavier: .xavier(fanIn: fanIn, fanOut: fanOut)
    case .leCun: .leCun(fanIn: fanIn)
    case .automatic:
      switch activation {
      case .relu, .leakyReLU, .gelu, .silu, .elu: .he(fanIn: fanIn)
      case .selu: .leCun(fanIn: fanIn)
      case .tanh, .sigmoid, .identity: .xavier(fanIn: fanIn, fanOut: fanOut)
      }
    }
  }
}
