import TartineFiles

/// An error thrown when training produces non-finite values.
public struct DivergenceError: Error, Sendable, CustomStringConvertible {
  /// The step, from 1.
  public let step: Int
  /// The epoch, from 1.
  public let epoch: Int
  /// The first layer with a non-finite value, or `input`.
  public let layer: String
  /// The rows of the data set, from 1, in the batch where it occurred; empty where all were.
  public let rows: [Int]
  /// Whether it occurred only in the gradients.
  public let isInGradient: Bool
  /// The best epoch's model before it occurred, if any.
  public let lastGood: Model?

  /// A sentence that says what happened, where, and what to do.
  public var description: String {
    let what = isInGradient ? "the gradient of layer \(layer)" : layer == "input" ? "the input" : "layer \(layer)"
    let shown = rows.prefix(5).map(String.init).joined(separator: ", ")
    let place =
      rows.isEmpty ? "" : ", in data row\(rows.count == 1 ? "" : "s") \(shown)\(rows.count > 5 ? " and more" : "")"
    let kept = lastGood.map { "The weights of epoch \($0.epoch) are kept." } ?? "No epoch had finished."
    return "the training diverged: \(what) is no longer finite at step \(step), epoch \(epoch)\(place). \(kept) "
      + "Try a learning rate ten times lower, or clip the gradient (\(OptionName.clip) 1)."
  }
}
