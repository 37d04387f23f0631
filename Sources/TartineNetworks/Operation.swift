import TartineEngine
import TartineKernels

/// What the engine runs: a computation from some values of a program to one other.
///
/// It has no storage, but knows its places in a pass's memory, which a ``Frame`` gives it, so that training and
/// prediction, on any thread, run the same operation. Its work on a batch is cut into numbered parts, as a function
/// of the shapes alone, so that results do not depend on the number of threads.
package protocol Operation: Sendable {
  /// The name of its first layer, for messages.
  var name: String { get }
  /// The values that it reads.
  var inputs: [Int] { get }
  /// The number of elements of a row of its output.
  var width: Int { get }
  /// Whether it has parameters.
  var learns: Bool { get }
  /// Where it leaves the gradient with respect to a value that nothing else reads.
  var inputGradient: InputGradientPlace { get }

  /// Determines its cut, and reserves memory of its own.
  mutating func plan(_ plan: inout OperationPlan)
  /// Computes what depends on weights and state alone, before prediction.
  func prepare(_ frame: borrowing Frame)
  /// The number of parts of a batch.
  func parts(rows: Int) -> Int
  /// The block of the output, and of its gradient, that a part computes.
  func block(_ part: Int, rows: Int) -> Block
  /// Computes part of the output.
  func forward(_ part: Int, _ block: Block, _ frame: borrowing Frame)
  /// Updates what training accumulates, after the forward pass of a batch.
  func updateState(_ frame: borrowing Frame)
  /// Writes, or adds, the gradient with respect to an input, for a block of that.
  func propagate(to input: Int, _ block: Block, adding: Bool, _ frame: borrowing Frame)
  /// The gradient with respect to the output → with respect to its own sum, in place, and the gradients of the
  /// parameters that this gives.
  ///
  /// - Returns: Σ g² of these parameters; non-finite where any of them is.
  func differentiate(_ part: Int, _ block: Block, _ frame: borrowing Frame) -> Double

  /// The parts of its parameters whose gradients are left to the end of the backward pass.
  var parameterParts: [TensorSpan] { get }
  /// Computes the gradient of one of these parts.
  ///
  /// - Returns: Σ g² of it; non-finite where any of it is.
  func parameterGradient(_ part: Int, _ frame: borrowing Frame) -> Double

  /// The weight matrices of its units, for a bound on their norm.
  var unitWeights: [UnitWeights] { get }
  /// Empty statistics of its activations and gradients.
  var signals: LayerSignals? { get }
  /// The matrices of its width in which a value may have become non-finite, first to last.
  func results(_ frame: borrowing Frame) -> [UnsafeMutableRawPointer]
}

extension Operation {
  package func prepare(_ frame: borrowing Frame) {}
  package func updateState(_ frame: borrowing Frame) {}
  package var parameterParts: [TensorSpan] { [] }
  package func parameterGradient(_ part: Int, _ frame: borrowing Frame) -> Double { 0 }
  package var unitWeights: [UnitWeights] { [] }
  package var signals: LayerSignals? { nil }
}

/// Some rows of a value, and some elements of each.
package struct Block {
  package let rows, columns: Range<Int>
}

/// Where an operation leaves the gradient with respect to its input, if nothing else reads that.
package enum InputGradientPlace {
  /// In the gradient of its output, which it leaves as it is, or changes in place.
  case inOutput
  /// In the gradient of its input, which it writes while it differentiates.
  case written
  /// It is propagated when the input's gradient is computed.
  case propagated
}

/// What an operation needs to know to determine its cut and reserve its memory.
package struct OperationPlan {
  /// The number of the operation; its output is the value after it.
  package let number: Int
  /// The most rows of its output.
  package let batch: Int
  package let precision: Precision
  package let isTraining: Bool
  /// The width of the widest reader of its output.
  package let widthAbove: Int
  /// Whether its first input needs a gradient.
  package let propagates: Bool
  /// Whether nothing else reads its first input.
  package let isSoleReader: Bool
  /// Whether its input is mostly one-hot.
  package let isOneHot: Bool
  /// The memory of the pass.
  package var layout: ArenaLayout

  /// Reserves elements, and returns their offset in bytes.
  mutating func reserve(_ elements: Int) -> Int { layout.reserve(elements, size: precision.size) }
}

/// The weights of the units of a layer: [inputs, units], a column each.
package struct UnitWeights {
  let weight: TensorSpan
  let inputs, units: Int
}

/// Where the operations of a pass find their data: plain memory, so that a part does no reference counting.
///
/// All matrices are row-major, [rows, width of the value].
package struct Frame: ~Copyable {
  let kernels: UnsafePointer<tartine_kernels>
  let precision: Precision
  /// The values; value 0 is the input, whose address changes.
  let values: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  /// The gradient of the loss with respect to each value; nil where nothing below it learns.
  let gradients: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>
  /// The number of rows of each value for a row of the batch.
  let copies: UnsafeMutableBufferPointer<Int>
  /// The memory of the pass, to which the operations' offsets refer.
  let memory: UnsafeMutableRawPointer
  let weights, state: UnsafeMutableRawPointer
  /// The gradients of the parameters; in prediction there are none.
  let parameterGradients: UnsafeMutableRawPointer?
  let seed: UInt64

  /// The one-hot elements of the input that are 1; nil: it is dense.
  var ones: OneHotRows?
  /// The rows of the batch.
  var rows = 0
  /// Whether batch statistics are used, noise is drawn, units are dropped.
  var mode = PassMode.prediction
  /// The number of the step, which random draws depend on.
  var step = 0
  /// The finished fraction of the run.
  var progress = 0.0

  var size: Int { precision.size }

  /// Whether noise is drawn.
  var isTraining: Bool { if case .training = mode { true } else { false } }

  /// The rows of a value.
  func rows(of value: Int) -> Int { rows * copies[value] }

  func weight(_ span: TensorSpan) -> UnsafeMutableRawPointer { weights + span.offset * size }

  func gradient(of span: TensorSpan) -> UnsafeMutableRawPointer {
    guard let parameterGradients else { preconditionFailure("a pass for prediction has no gradients") }
    return parameterGradients + span.offset * size
  }

  func state(_ span: TensorSpan) -> UnsafeMutableRawPointer { state + span.offset * size }
}

/// What a pass computes.
package enum PassMode: Equatable {
  /// Batch statistics, noise; units are dropped unless the network is only examined.
  case training(drops: Bool)
  /// Batch statistics, and their moving averages with this weight of the new batch; no noise, no dropout.
  case statistics(weight: Double)
  /// Moving averages; no noise, no dropout.
  case prediction
}

/// A partition of the elements of each row of a value; each part has all rows.
struct ColumnCut {
  private let cut: Cut

  init(width: Int, multiplyAdds: Int) { cut = Cut(width, multiplyAdds: multiplyAdds) }

  var parts: Int { cut.parts }
  func block(_ part: Int, rows: Int) -> Block { Block(rows: 0..<rows, columns: cut[part]) }
}

extension Frame {
  /// Copies a block of a matrix of that width to another, or adds it.
  func copy(
    _ block: Block, of source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, width: Int, adding: Bool
  ) {
    let bytes = block.columns.count * size
    for row in block.rows {
      let place = (row * width + block.columns.lowerBound) * size
      if adding {
        kernels.pointee.blend(target + place, source + place, block.columns.count, 1, 1)
      } else {
        (target + place).copyMemory(from: source + place, byteCount: bytes)
      }
    }
  }
}
