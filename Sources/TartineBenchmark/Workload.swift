import Tartine

/// A network, its data and its optimizer, the same as in script/peers.py.
struct Workload: Sendable {
  let name: String
  let inputs: Int
  var hidden: [Int]
  let classes: Int
  var samples: Int
  let batch: Int
  var batchNorm = false
  var keep = 1.0
  /// The members that share the weights.
  var members = 1
  /// Whether the hidden layers are residual blocks of two, each after a layer norm and a ReLU.
  var isResidual = false
  var optimizer = Optimizer.adam(learningRate: .constant(1e-3))
  /// The size of the images, which are held as bytes; nil if the inputs are not images.
  var image: (height: Int, width: Int)?
  var augmentation = Augmentation.none

  static let all: [Workload] = [
    Workload(name: "digits", inputs: 64, hidden: [64, 32], classes: 10, samples: 1_437, batch: 64),
    Workload(
      name: "tabular", inputs: 105, hidden: [256, 128], classes: 2, samples: 32_768, batch: 256, batchNorm: true,
      keep: 0.8),
    mnist("mnist"),
    mnist("mnist-bytes", image: (28, 28)),
    mnist("mnist-augmented", image: (28, 28), augmentation: .preset),
    Workload(name: "mnist-plain", inputs: 784, hidden: [512, 256], classes: 10, samples: 60_000, batch: 128),
    Workload(
      name: "wide", inputs: 784, hidden: [2_048, 2_048, 2_048], classes: 10, samples: 60_000, batch: 512, keep: 0.5,
      optimizer: .momentum(learningRate: .constant(1e-2), variant: .torch)),
    Workload(
      name: "members", inputs: 128, hidden: [256, 256], classes: 2, samples: 32_768, batch: 256, keep: 0.9, members: 8),
    Workload(
      name: "residual", inputs: 256, hidden: [Int](repeating: 256, count: 24), classes: 10, samples: 16_384,
      batch: 256, isResidual: true),
  ]

  private static func mnist(
    _ name: String, image: (height: Int, width: Int)? = nil, augmentation: Augmentation = .none
  ) -> Workload {
    Workload(
      name: name, inputs: 784, hidden: [512, 256], classes: 10, samples: 60_000, batch: 128, batchNorm: true, keep: 0.8,
      image: image, augmentation: augmentation)
  }

  var summary: String {
    let units =
      isResidual
      ? "\(inputs)-\(hidden.count / 2) residual blocks of two layers of \(hidden[0])-\(classes), layer norm"
      : ([inputs] + hidden + [classes]).map(String.init).joined(separator: "-")
    var parts = [units]
    if members > 1 { parts.append("\(members) members") }
    if batchNorm { parts.append("batch norm") }
    if keep < 1 { parts.append("keep \(keep)") }
    parts.append(optimizer.algorithm.rawValue)
    parts.append("\(batch) of \(samples) rows" + (image == nil ? "" : " of bytes"))
    if !augmentation.isNone { parts.append("augmented") }
    return parts.joined(separator: ", ")
  }

  /// The number of elements of the weight matrices.
  var weightCount: Int {
    let widths = [inputs] + hidden + [classes]
    return zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
  }

  var network: Network {
    guard isResidual else {
      return Network(
        HiddenStack(hidden: hidden, activation: .relu, batchNorm: batchNorm, keepProb: [keep], members: members))
    }
    return Network {
      for first in stride(from: 0, to: hidden.count - 1, by: 2) {
        Residual {
          LayerNorm(); ReLU(); Dense(hidden[first]); LayerNorm(); ReLU(); Dense(hidden[first + 1])
        }
      }
    }
  }

  /// Returns random rows: uniform inputs of variance 1, random classes.
  func makeData() -> PreparedRows {
    // A linear congruential generator's high bits: 47 million numbers should not take longer than the steps.
    var state: UInt64 = 1
    func next() -> UInt32 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt32(truncatingIfNeeded: state >> 40)
    }
    let elements: PreparedRows.Elements
    if let image {
      let bytes = Arena(byteCount: samples * inputs)
      let output = bytes.base.assumingMemoryBound(to: UInt8.self)
      for index in 0..<samples * inputs { output[index] = UInt8(truncatingIfNeeded: next() >> 16) }
      elements = .bytes(
        ImageBlock(shape: (image.height, image.width, 1), fullScale: 255, bytes: bytes),
        rows: (0..<Int32(samples)).map { $0 },
        scale: 1 / 255)
    } else {
      let floats = Arena(byteCount: samples * inputs * 4)
      let output = floats.base.assumingMemoryBound(to: Float.self)
      let scale = Float(12).squareRoot() / Float(1 << 24)
      for index in 0..<samples * inputs { output[index] = Float(next()) * scale - Float(3).squareRoot() }
      elements = .floats(floats)
    }
    return PreparedRows(
      width: inputs, elements: elements, targets: .labels((0..<samples).map { _ in Int32(next() % UInt32(classes)) }),
      origin: Array(0..<samples))
  }
}
