import TartineKernels

/// The output layer's meaning: what its logits become, and the loss computed from them.
///
/// All losses are means over rows of a sum over outputs, and each one's gradient by the logits is
/// (A − Y) / rows.
public enum Output: Hashable, Sendable {
  /// One of `classes`: softmax, shifted by each row's maximum; cross-entropy by log-sum-exp, never by the log
  /// of a probability.
  case softmax(classes: Int)
  /// `labels` independent yes or no; sigmoid; binary cross-entropy max(z, 0) − zy + log(1 + e^(−|z|)), summed
  /// over the labels.
  case sigmoid(labels: Int)
  /// `values` numbers; ½ Σ (a − y)².
  case identity(values: Int)

  /// Width of the output layer.
  public var width: Int {
    switch self {
    case .softmax(let count), .sigmoid(let count), .identity(let count): count
    }
  }

  /// Whether the targets are class numbers rather than a matrix as wide as the output.
  package var takesLabels: Bool { if case .softmax = self { true } else { false } }

  /// Turns logits into predictions, in place.
  package func activate(
    _ logits: UnsafeMutableRawPointer, rows: Int, kernels: UnsafePointer<tartine_kernels>
  ) {
    switch self {
    case .softmax(let classes): kernels.pointee.softmax(logits, rows, classes)
    case .sigmoid(let labels): kernels.pointee.sigmoid(logits, rows * labels)
    case .identity: break
    }
  }

  /// Writes each row's loss, and turns the logits into the loss's gradient by them, in place.
  package func loss(
    _ logits: UnsafeMutableRawPointer, targets: UnsafeRawPointer, rows: Int, batch: Int,
    losses: UnsafeMutablePointer<Double>, kernels: UnsafePointer<tartine_kernels>
  ) {
    switch self {
    case .softmax(let classes):
      kernels.pointee.softmax_loss(
        logits, targets.assumingMemoryBound(to: Int32.self), rows, classes, Double(batch), losses)
    case .sigmoid(let labels):
      kernels.pointee.sigmoid_loss(logits, targets, rows, labels, Double(batch), losses)
    case .identity(let values):
      kernels.pointee.squared_loss(logits, targets, rows, values, Double(batch), losses)
    }
  }
}
