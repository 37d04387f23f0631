import TartineKernels

/// The output layer's meaning: what its logits become.
public enum Output: Hashable, Sendable {
  /// One of `classes`: softmax, shifted by each row's maximum.
  case softmax(classes: Int)
  /// `labels` independent yes or no; sigmoid.
  case sigmoid(labels: Int)
  /// `values` numbers.
  case identity(values: Int)
  /// `values` numbers of at least 0, such as counts: e to the power of the logit.
  case rate(values: Int)

  /// Width of the output layer.
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
  /// - Parameter temperature: what they are divided by first.
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

  /// Writes each row's loss, and turns the logits into the gradient of the batch's mean loss by them, in place.
  ///
  /// - Parameter weights: what each row counts, in the kernels' precision; nil: 1.
  package func loss(
    _ loss: tartine_loss, _ logits: UnsafeMutableRawPointer, targets: UnsafeRawPointer,
    weights: UnsafeRawPointer? = nil, rows: Int, batch: Int, losses: UnsafeMutablePointer<Double>,
    kernels: UnsafePointer<tartine_kernels>
  ) {
    var loss = loss
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
