import TartineEngine
import TartineKernels

/// The output layer: the meaning of its logits.
public enum Output: Hashable, Sendable {
  /// One of `classes` classes: softmax, shifted by each row's maximum.
  case softmax(classes: Int)
  /// `labels` independent labels; sigmoid.
  case sigmoid(labels: Int)
  /// `values` numbers.
  case identity(values: Int)
  /// `values` non-negative numbers, such as counts: e to the power of the logit.
  case rate(values: Int)

  /// The width of the output layer.
  public var width: Int {
    switch self {
    case .softmax(let count), .sigmoid(let count), .identity(let count), .rate(let count): count
    }
  }

  /// Whether the targets are class numbers rather than a matrix as wide as the output.
  package var takesLabels: Bool { if case .softmax = self { true } else { false } }

  package var isProbability: Bool {
    switch self {
    case .softmax, .sigmoid: true
    case .identity, .rate: false
    }
  }

  /// Turns logits into predictions, in place.
  ///
  /// - Parameter temperature: the temperature that divides them first.
  package func activate(
    _ logits: UnsafeMutableRawPointer, rows: Int, temperature: Double = 1, kernels: UnsafePointer<tartine_kernels>
  ) {
    if temperature != 1 { kernels.pointee.blend(logits, logits, rows * width, 0, 1 / temperature) }
    switch self {
    case .softmax(let classes): kernels.pointee.softmax(logits, rows, classes)
    case .sigmoid(let labels): kernels.pointee.sigmoid(logits, rows * labels)
    case .rate(let values): kernels.pointee.exponential(logits, rows * values)
    case .identity: break
    }
  }

  /// Writes each row's loss, and replaces the logits by the gradient of the batch's mean loss, in place.
  ///
  /// - Parameter weights: the weight of each row, in the kernels' precision; nil: 1.
  package func loss(
    _ loss: LoweredLoss, _ logits: UnsafeMutableRawPointer, targets: UnsafeRawPointer,
    weights: UnsafeRawPointer? = nil, rows: Int, batch: Int, losses: UnsafeMutablePointer<Double>, precision: Precision
  ) {
    if let custom = loss.custom {
      func rowsOfBatch<Scalar: EngineScalar>(_: Scalar.Type) -> LossBatch<Scalar> {
        LossBatch(
          logits, targets: targets, areLabels: takesLabels, weights: weights, rows: rows, width: width, batch: batch,
          losses: losses)
      }
      switch precision {
      case .float32: custom._perform(rowsOfBatch(Float.self))
      case .float64: custom._perform(rowsOfBatch(Double.self))
      }
      return
    }
    var loss = loss.kernel
    let kernels = precision.kernels
    switch self {
    case .softmax(let classes):
      kernels.pointee.softmax_loss(
        &loss, logits, targets.assumingMemoryBound(to: Int32.self), weights, rows, classes, Double(batch), losses)
    case .sigmoid(let labels):
      kernels.pointee.sigmoid_loss(&loss, logits, targets, weights, rows, labels, Double(batch), losses)
    case .identity(let values), .rate(let values):
      kernels.pointee.regression_loss(&loss, logits, targets, weights, rows, values, Double(batch), losses)
    }
  }
}
