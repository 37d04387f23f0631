import TartineEngine
import TartineKernels

/// A layer that computes each row on its own, cut by rows.
///
/// It writes the gradient of its input while it differentiates. With several parts, each sums the parameters'
/// gradients over its own rows; the sums are added in the order of the parts.
struct RowOperation: Operation {
  let name: String
  private let number, input: Int
  private let layer: any RowLayer
  private let inputWidth, scratchWidth: Int
  let width: Int
  private let spans: Spans
  private var isTraining = false
  /// The most rows of a part.
  private var rowsOfPart = 1
  /// The parts of a full batch.
  private var mostParts = 1
  /// Offsets in the memory of the pass: the scratch rows, and the sums of each part.
  private var (scratch, sums) = (0, 0)
  /// Where the gradient of the input is kept until it is added to that of its other readers.
  private var kept: Int?
  private(set) var parameterParts: [TensorSpan] = []

  /// Fewer elements than this are one part: a barrier would cost more than it saves.
  private static let smallestPart = 1 << 13
  /// The most elements of a part of the parameters.
  private static let sumElements = 1 << 13

  init(_ layer: any RowLayer, _ place: PlacedLayer, number: Int, input: Int) {
    name = place.name
    self.number = number
    self.input = input
    self.layer = layer
    inputWidth = place.inputShape.count
    width = place.outputShape.count
    scratchWidth = layer.scratchWidth(for: place.inputShape)
    spans = Spans(parameters: place.parameters.map(\.span), state: place.state.map(\.span))
  }

  var inputs: [Int] { [input] }
  var learns: Bool { spans.parameters.count > 0 }
  var inputGradient: InputGradientPlace { .written }

  mutating func plan(_ plan: inout OperationPlan) {
    isTraining = plan.isTraining
    scratch = plan.reserve(plan.batch * scratchWidth)
    rowsOfPart = plan.batch
    guard plan.isTraining else { return }
    let wanted = layer.mixesRows ? 1 : min(Cut.mostParts, plan.batch * max(inputWidth, width) / Self.smallestPart)
    rowsOfPart = (plan.batch + max(1, wanted) - 1) / max(1, wanted)
    mostParts = (plan.batch + rowsOfPart - 1) / rowsOfPart
    if plan.propagates, !plan.isSoleReader { kept = plan.reserve(plan.batch * inputWidth) }
    guard mostParts > 1, learns else { return }
    sums = plan.reserve(mostParts * spans.range.count)
    for span in spans.parameters {
      for start in stride(from: 0, to: span.count, by: Self.sumElements) {
        parameterParts.append(
          TensorSpan(offset: span.offset + start, count: min(Self.sumElements, span.count - start)))
      }
    }
  }

  func parts(rows: Int) -> Int { (rows + rowsOfPart - 1) / rowsOfPart }

  func block(_ part: Int, rows: Int) -> Block {
    Block(rows: part * rowsOfPart..<min(rows, (part + 1) * rowsOfPart), columns: 0..<width)
  }

  func forward(_ part: Int, _ block: Block, _ frame: borrowing Frame) {
    perform(.forward, part, block.rows, frame)
  }

  func differentiate(_ part: Int, _ block: Block, _ frame: borrowing Frame) -> Double {
    perform(.backward, part, block.rows, frame)
    guard mostParts == 1 else { return 0 }
    return spans.parameters.reduce(0) { $0 + squares($1, frame) }
  }

  /// Updates the layer's state.
  func updateState(_ frame: borrowing Frame) {
    if spans.state.count > 0 { perform(.state, 0, 0..<frame.rows(of: number + 1), frame) }
  }

  /// For the readers of a value that others read too.
  func propagate(to value: Int, _ block: Block, adding: Bool, _ frame: borrowing Frame) {
    guard let kept, let target = frame.gradients[value] else { return }
    frame.copy(block, of: frame.memory + kept, to: target, width: inputWidth, adding: adding)
  }

  /// The sums of the parts, added in their order.
  func parameterGradient(_ part: Int, _ frame: borrowing Frame) -> Double {
    let span = parameterParts[part]
    let target = frame.gradient(of: span)
    let first = frame.memory + sums + (span.offset - spans.range.lowerBound) * frame.size
    target.copyMemory(from: first, byteCount: span.count * frame.size)
    for part in 1..<max(1, parts(rows: frame.rows(of: number + 1))) {
      frame.kernels.pointee.blend(target, first + part * spans.range.count * frame.size, span.count, 1, 1)
    }
    return squares(span, frame)
  }

  func results(_ frame: borrowing Frame) -> [UnsafeMutableRawPointer] { [frame.values[number + 1]] }

  private func squares(_ span: TensorSpan, _ frame: borrowing Frame) -> Double {
    frame.kernels.pointee.sum_of_squares(frame.gradient(of: span), 1, span.count, span.count)
  }

  private func perform(_ phase: LayerPhase, _ part: Int, _ rows: Range<Int>, _ frame: borrowing Frame) {
    switch frame.precision {
    case .float32: layer._perform(phase, pass(Float.self, part, rows, frame))
    case .float64: layer._perform(phase, pass(Double.self, part, rows, frame))
    }
  }

  private func pass<Scalar: EngineScalar>(
    _: Scalar.Type, _ part: Int, _ rows: Range<Int>, _ frame: borrowing Frame
  ) -> LayerPass<Scalar> {
    func matrix(_ start: UnsafeMutableRawPointer, _ width: Int) -> Rows<Scalar> {
      Rows(start + rows.lowerBound * width * MemoryLayout<Scalar>.size, count: rows.count, width: width)
    }
    let output = frame.values[number + 1]
    var gradient = frame.gradients[input]
    if let kept, gradient != nil { gradient = frame.memory + kept }
    var stream = tartine_stream(seed: frame.seed, purpose: .noise, layer: number)
    stream.step = UInt32(truncatingIfNeeded: frame.step)
    var sums = frame.parameterGradients
    if mostParts > 1, isTraining {
      // With the offsets of the parameters.
      sums = frame.memory + self.sums + (part * spans.range.count - spans.range.lowerBound) * frame.size
    }
    return LayerPass(
      input: matrix(frame.values[input], inputWidth), output: matrix(output, width),
      outputGradient: matrix(frame.gradients[number + 1] ?? output, width),
      inputGradient: gradient.map { matrix($0, inputWidth) }, scratch: matrix(frame.memory + scratch, scratchWidth),
      isTraining: frame.isTraining, firstRow: rows.lowerBound, stream: stream,
      parameters: UnsafeBufferPointer(spans.parameters), states: UnsafeBufferPointer(spans.state),
      weights: frame.weights, state: frame.state, gradients: sums)
  }
}

/// The places of a layer's tensors, as plain memory.
private final class Spans: @unchecked Sendable {
  let parameters, state: UnsafeMutableBufferPointer<TensorSpan>
  /// The elements from the first parameter to the end of the last.
  let range: Range<Int>

  init(parameters: [TensorSpan], state: [TensorSpan]) {
    func memory(_ spans: [TensorSpan]) -> UnsafeMutableBufferPointer<TensorSpan> {
      let memory = UnsafeMutableBufferPointer<TensorSpan>.allocate(capacity: max(1, spans.count))
      _ = memory.initialize(from: spans)
      return UnsafeMutableBufferPointer(rebasing: memory[..<spans.count])
    }
    self.parameters = memory(parameters)
    self.state = memory(state)
    let first = parameters.first?.offset ?? 0
    range = first..<(parameters.last.map { ($0.offset + $0.count + 15) / 16 * 16 } ?? first)
  }

  deinit {
    parameters.deallocate()
    state.deallocate()
  }
}
