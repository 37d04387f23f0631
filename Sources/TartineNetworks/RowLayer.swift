import TartineEngine
import TartineKernels

/// A layer that computes each row on its own: row norms, embeddings, noise, and any layer defined outside this package.
///
/// Write the computation once, generic over the scalar: training uses `Float`, the gradient check `Double`.
///
/// ```swift
/// struct Scale: RowLayer {
///   static let kind = "scale"
///   func outputShape(for input: Shape) throws -> Shape { input }
///   func parameters(for input: Shape, before next: Successors) -> [Parameter] {
///     [Parameter("factor", shape: input, initializer: .constant(1), isPenalized: false)]
///   }
///   func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) { … }
///   func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) { … }
/// }
/// ```
///
/// `Scalar.exp`, `log`, `tanh` and `squareRoot()` work for both types.
///
/// Before opening a model file that contains it, call ``LayerRegistry/register(_:)``. A batch is passed in ranges of
/// rows, on several threads; the layer must not allocate, or keep anything between calls. A layer that needs the whole
/// batch answers with ``Layer/mixesRows``, and gets it in one call. Subnormal numbers are flushed to 0 during the call.
public protocol RowLayer: Layer {
  /// Computes `pass.output` from `pass.input`.
  func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>)

  /// Computes `pass.inputGradient`, and each `pass.parameterGradient(_:)` of these rows, from `pass.outputGradient`.
  func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>)

  /// The number of elements per row that it keeps from forward to backward, as `pass.scratch`.
  func scratchWidth(for input: Shape) -> Int

  /// Updates `pass.state(_:)` after the forward pass of a training batch; `pass` has all its rows.
  func updateState<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>)

  /// Calls the requirement of a phase with a known scalar, so that it is compiled for it. Not to be implemented.
  func _perform(_ phase: LayerPhase, _ pass: LayerPass<Float>)
  /// Calls the requirement of a phase with a known scalar, so that it is compiled for it. Not to be implemented.
  func _perform(_ phase: LayerPhase, _ pass: LayerPass<Double>)
}

/// The phases of a layer in a pass.
@frozen public enum LayerPhase: Sendable {
  /// Computes the output.
  case forward
  /// Computes the gradients.
  case backward
  /// Updates the state.
  case state
}

extension RowLayer {
  /// None.
  public func scratchWidth(for input: Shape) -> Int { 0 }
  /// Does nothing.
  public func updateState<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {}

  /// Calls `forward`, `backward` or `updateState`.
  @inlinable public func _perform(_ phase: LayerPhase, _ pass: LayerPass<Float>) {
    switch phase {
    case .forward: forward(pass)
    case .backward: backward(pass)
    case .state: updateState(pass)
    }
  }

  /// Calls `forward`, `backward` or `updateState`.
  @inlinable public func _perform(_ phase: LayerPhase, _ pass: LayerPass<Double>) {
    switch phase {
    case .forward: forward(pass)
    case .backward: backward(pass)
    case .state: updateState(pass)
    }
  }
}

/// The view of a pass for a layer: some rows of a batch in the engine's own buffers, valid during the call only.
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
  /// [rows, `scratchWidth`]: what `forward` writes in training is there in `backward`.
  public let scratch: Rows<Scalar>
  /// Whether this is a training pass.
  public let isTraining: Bool
  /// The place of the first of these rows in the batch.
  public let firstRow: Int

  let stream: tartine_stream
  let parameters, states: UnsafeBufferPointer<TensorSpan>
  let weights, state: UnsafeMutableRawPointer
  /// Gradients of the parameters, with their offsets.
  let gradients: UnsafeMutableRawPointer?

  private func tensor(_ index: Int, of list: UnsafeBufferPointer<TensorSpan>, _ what: String) -> TensorSpan {
    guard list.indices.contains(index) else {
      fatalError("there is no \(what) \(index): the layer lists \(list.count), counted from 0")
    }
    return list[index]
  }

  /// The parameter with that index in the layer's list.
  public func parameter(_ index: Int) -> UnsafeBufferPointer<Scalar> {
    UnsafeBufferPointer(Self.elements(of: tensor(index, of: parameters, "parameter"), in: weights))
  }

  /// The gradient of a parameter, to be written in full in `backward`: summed over these rows.
  public func parameterGradient(_ index: Int) -> UnsafeMutableBufferPointer<Scalar> {
    guard let gradients else { fatalError("gradients exist in the backward pass only") }
    return Self.elements(of: tensor(index, of: parameters, "parameter"), in: gradients)
  }

  /// The state tensor with that index in the layer's list; written in `updateState` only.
  public func state(_ index: Int) -> UnsafeMutableBufferPointer<Scalar> {
    Self.elements(of: tensor(index, of: states, "state tensor"), in: state)
  }

  /// Fills rows with normal numbers of that standard deviation. They are a function of the run's seed, the
  /// step, the layer and the row's place in the batch alone, so `backward` gets the same numbers as `forward`.
  public func drawNormals(standardDeviation: Double, into rows: Rows<Scalar>) {
    let kernels = Scalar.precision.kernels
    withUnsafePointer(to: stream) { stream in
      for row in 0..<rows.count {
        kernels.pointee.normals(
          stream, UInt32(firstRow + row), rows.width, standardDeviation, rows.base + row * rows.width)
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

  /// Views a parameter's elements as a matrix with that number of elements in a row.
  public init(_ elements: UnsafeBufferPointer<Scalar>, width: Int) {
    guard width > 0, elements.count % width == 0 else {
      fatalError("\(elements.count) elements are no matrix with rows of \(width)")
    }
    self.init(UnsafeMutableRawPointer(mutating: elements.baseAddress!), count: elements.count / width, width: width)
  }

  /// Views the elements of a parameter's gradient as a matrix with that number of elements in a row.
  public init(_ elements: UnsafeMutableBufferPointer<Scalar>, width: Int) {
    self.init(UnsafeBufferPointer(elements), width: width)
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

  /// Accesses the elements of a row.
  @inlinable public subscript(row: Int) -> UnsafeMutableBufferPointer<Scalar> {
    assert(row >= 0 && row < count, "index out of range")
    return UnsafeMutableBufferPointer(start: base + row * width, count: width)
  }

  /// Copies another matrix of the same shape.
  @inlinable public func copy(_ other: Rows) {
    checkShape(of: other)
    base.update(from: other.base, count: count * width)
  }

  /// Adds another matrix of the same shape.
  @inlinable public func add(_ other: Rows) {
    checkShape(of: other)
    for index in 0..<count * width { base[index] += other.base[index] }
  }

  @usableFromInline func checkShape(of other: Rows) {
    guard other.count == count, other.width == width else {
      fatalError("a matrix of \(other.count) × \(other.width) is no matrix of \(count) × \(width)")
    }
  }

  /// Sets all elements.
  @inlinable public func fill(_ value: Scalar) {
    base.update(repeating: value, count: count * width)
  }

  /// Writes the matrix product A B, with either of them transposed, or adds it.
  ///
  /// **Shapes**: A [count, n], B [n, width], as they are after transposition.
  public func multiply(
    _ a: Rows, by b: Rows, transposingFirst isTransposedA: Bool = false,
    transposingSecond isTransposedB: Bool = false, adding: Bool = false
  ) {
    let inner = isTransposedA ? a.count : a.width
    let (rows, columns) = (isTransposedA ? a.width : a.count, isTransposedB ? b.count : b.width)
    let terms = isTransposedB ? b.width : b.count
    guard rows == count, columns == width, terms == inner else {
      fatalError("a product of \(rows) × \(inner) and \(terms) × \(columns) is no matrix of \(count) × \(width)")
    }
    Scalar.precision.kernels.pointee.product(
      isTransposedA, isTransposedB, count, width, inner, a.base, a.width, b.base, b.width, adding, base, width)
  }
}
