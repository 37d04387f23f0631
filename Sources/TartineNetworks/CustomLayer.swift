import TartineEngine
import TartineKernels

/// A layer defined outside this package.
///
/// Write the computation once, generic over the scalar, and call it from both requirements: training uses
/// `Float`, and the gradient check uses `Double`.
///
/// ```swift
/// struct Scale: CustomLayer {
///   static let kind = "scale"
///   func outputShape(for input: Shape) throws -> Shape { input }
///   func parameters(for input: Shape) -> [Parameter] {
///     [Parameter("factor", shape: input, initializer: .constant(1), isPenalized: false)]
///   }
///   func forward(_ pass: LayerPass<Float>) { run(pass) }
///   …
/// }
/// ```
///
/// Before opening a model file that contains it, call ``LayerRegistry/register(_:)``. The whole batch is
/// passed in one call, on one thread; the layer must not allocate, or keep anything between calls. Subnormal
/// numbers are flushed to 0 during the call.
public protocol CustomLayer: Layer {
  /// Computes `pass.output` from `pass.input`.
  func forward(_ pass: LayerPass<Float>)
  /// Computes `pass.output` from `pass.input`.
  func forward(_ pass: LayerPass<Double>)
  /// Computes `pass.inputGradient` and each `pass.parameterGradient(_:)` from `pass.outputGradient`.
  func backward(_ pass: LayerPass<Float>)
  /// Computes `pass.inputGradient` and each `pass.parameterGradient(_:)` from `pass.outputGradient`.
  func backward(_ pass: LayerPass<Double>)
}

/// The view of a pass for a custom layer: the engine's own buffers, valid during the call only.
public struct LayerPass<Scalar: EngineScalar> {
  /// [rows, input elements].
  public let input: Rows<Scalar>
  /// [rows, output elements].
  public let output: Rows<Scalar>
  /// The gradient of the loss with respect to the output; in `backward` only.
  public let outputGradient: Rows<Scalar>
  /// The gradient of the loss with respect to the input, to be written in full; nil where no layer below has
  /// parameters.
  public let inputGradient: Rows<Scalar>?
  /// Whether this is a training pass.
  public let isTraining: Bool

  package let stream: tartine_stream
  package let parameters: UnsafePointer<TensorSpan>
  package let weights: UnsafeMutableRawPointer
  package let gradients: UnsafeMutableRawPointer?

  /// The parameter with that index in the layer's list.
  public func parameter(_ index: Int) -> UnsafeBufferPointer<Scalar> {
    UnsafeBufferPointer(Self.elements(of: parameters[index], in: weights))
  }

  /// The gradient of a parameter, to be written in full in `backward`.
  public func parameterGradient(_ index: Int) -> UnsafeMutableBufferPointer<Scalar> {
    guard let gradients else { preconditionFailure("gradients exist in the backward pass only") }
    return Self.elements(of: parameters[index], in: gradients)
  }

  /// Fills rows with normal numbers of that standard deviation. They are a function of the run's seed, the
  /// step and the layer alone, so `backward` gets the same numbers as `forward`.
  public func drawNormals(standardDeviation: Double, into rows: Rows<Scalar>) {
    let kernels = Scalar.precision.kernels
    withUnsafePointer(to: stream) { stream in
      for row in 0..<rows.count {
        kernels.pointee.normals(stream, UInt32(row), rows.width, standardDeviation, rows.base + row * rows.width)
      }
    }
  }

  private static func elements(
    of tensor: TensorSpan, in base: UnsafeMutableRawPointer
  ) -> UnsafeMutableBufferPointer<Scalar> {
    UnsafeMutableBufferPointer(
      start: (base + tensor.offset * Scalar.precision.size).assumingMemoryBound(to: Scalar.self),
      count: tensor.count)
  }
}

/// A matrix with one row for each sample, in memory owned by the engine.
public struct Rows<Scalar: EngineScalar> {
  /// The number of samples.
  public let count: Int
  /// The number of elements of a sample.
  public let width: Int
  @usableFromInline let base: UnsafeMutablePointer<Scalar>

  package init(_ base: UnsafeMutableRawPointer, count: Int, width: Int) {
    self.base = base.assumingMemoryBound(to: Scalar.self)
    self.count = count
    self.width = width
  }

  /// Accesses one element.
  @inlinable public subscript(row: Int, column: Int) -> Scalar {
    get {
      assert(row >= 0 && row < count && column >= 0 && column < width, "index out of range")
      return base[row * width + column]
    }
    nonmutating set {
      assert(row >= 0 && row < count && column >= 0 && column < width, "index out of range")
      base[row * width + column] = newValue
    }
  }

  /// Copies another matrix of the same shape.
  public func copy(_ other: Rows) {
    base.update(from: other.base, count: count * width)
  }

  /// Adds another matrix of the same shape.
  public func add(_ other: Rows) {
    for index in 0..<count * width { base[index] += other.base[index] }
  }
}
