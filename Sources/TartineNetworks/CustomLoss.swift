import TartineEngine

/// A loss function defined outside this package.
///
/// ```swift
/// struct LogCosh: CustomLoss {
///   static let name = "log-cosh"
///   static let isForNumbers = true
///   func evaluate<Scalar: EngineScalar>(
///     _ outputs: UnsafeMutableBufferPointer<Scalar>, target: LossTarget<Scalar>
///   ) -> Double { … }
/// }
/// recipe.loss(Loss(.custom(LogCosh())))
/// ```
///
/// Register it before a recipe or model file that names it is opened, or a tuner changes a recipe that has it:
/// ``Loss/register(_:)``. Mixup and label smoothing do not apply to it. `network.checkGradients(input:output:loss:)` compares
/// its derivatives.
public protocol CustomLoss: NamedExtension {
  /// Whether the target is a number, or several; otherwise it is classes or labels.
  static var isForNumbers: Bool { get }

  /// Returns the loss of a row, and replaces its outputs by the derivatives of that.
  ///
  /// - Parameters:
  ///   - outputs: the logits of classes or labels, or the predicted numbers, in units of the target's standard deviation.
  ///   - target: the row's class, or its labels or numbers in the same unit.
  func evaluate<Scalar: EngineScalar>(
    _ outputs: UnsafeMutableBufferPointer<Scalar>, target: LossTarget<Scalar>
  ) -> Double

  /// Calls `evaluate` for each row with a known scalar, so that it is compiled for it. Not to be implemented.
  func _perform(_ batch: LossBatch<Float>)
  /// Calls `evaluate` for each row with a known scalar, so that it is compiled for it. Not to be implemented.
  func _perform(_ batch: LossBatch<Double>)
}

/// The target of a row.
@frozen public enum LossTarget<Scalar: EngineScalar> {
  /// The number of the class.
  case label(Int)
  /// The labels, 0 or 1, or the numbers.
  case values(UnsafeBufferPointer<Scalar>)
}

extension CustomLoss {
  /// Calls `evaluate` for each row.
  @inlinable public func _perform(_ batch: LossBatch<Float>) {
    for row in 0..<batch.count { batch.finish(row, evaluate(batch.outputs(of: row), target: batch.target(of: row))) }
  }

  /// Calls `evaluate` for each row.
  @inlinable public func _perform(_ batch: LossBatch<Double>) {
    for row in 0..<batch.count { batch.finish(row, evaluate(batch.outputs(of: row), target: batch.target(of: row))) }
  }
}

/// Some rows of a batch in the engine's own buffers.
public struct LossBatch<Scalar: EngineScalar> {
  @usableFromInline let outputs: UnsafeMutablePointer<Scalar>
  @usableFromInline let labels: UnsafePointer<Int32>?
  @usableFromInline let values: UnsafePointer<Scalar>?
  @usableFromInline let weights: UnsafePointer<Scalar>?
  @usableFromInline let losses: UnsafeMutablePointer<Double>
  /// The number of rows.
  public let count: Int
  /// The number of outputs of a row.
  public let width: Int
  /// The number of rows of the whole batch, whose mean is the loss.
  @usableFromInline let batch: Double

  init(
    _ outputs: UnsafeMutableRawPointer, targets: UnsafeRawPointer, areLabels: Bool, weights: UnsafeRawPointer?,
    rows: Int, width: Int, batch: Int, losses: UnsafeMutablePointer<Double>
  ) {
    self.outputs = outputs.assumingMemoryBound(to: Scalar.self)
    labels = areLabels ? targets.assumingMemoryBound(to: Int32.self) : nil
    values = areLabels ? nil : targets.assumingMemoryBound(to: Scalar.self)
    self.weights = weights?.assumingMemoryBound(to: Scalar.self)
    self.losses = losses
    count = rows
    self.width = width
    self.batch = Double(batch)
  }

  @inlinable func outputs(of row: Int) -> UnsafeMutableBufferPointer<Scalar> {
    UnsafeMutableBufferPointer(start: outputs + row * width, count: width)
  }

  @inlinable func target(of row: Int) -> LossTarget<Scalar> {
    if let labels { return .label(Int(labels[row])) }
    return .values(UnsafeBufferPointer(start: values.map { $0 + row * width }, count: width))
  }

  /// Weights the loss of a row and its derivatives, which become those of the mean over the batch.
  @inlinable func finish(_ row: Int, _ loss: Double) {
    let weight = Double(weights?[row] ?? 1)
    losses[row] = weight * loss
    let outputs = outputs(of: row)
    for place in 0..<width { outputs[place] *= Scalar(weight / batch) }
  }
}

extension Loss {
  /// Registers a loss, so that recipes and model files can name it. Its name must differ from ``names`` and their aliases,
  /// ignoring case and separators, and from that of another registered type.
  public static func register(_ type: (some CustomLoss).Type) {
    registry.register(type, unlike: names)
  }
  static let registry = ExtensionRegistry<any CustomLoss>()
}
