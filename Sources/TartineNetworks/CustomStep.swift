import TartineEngine
import TartineKernels

/// A custom layer with the addresses of its parameters, ready to be called.
final class CustomStep {
  private let layer: any CustomLayer
  private let inputWidth, outputWidth: Int
  private let spans: UnsafeMutableBufferPointer<TensorSpan>
  private let weights: Arena
  private let gradients: Arena?

  /// The random stream of the layer; its step is the pass's.
  private var stream: tartine_stream

  /// - Parameter number: the index of the node.
  init(_ node: CustomNode, number: Int, seed: UInt64, weights: Arena, gradients: Arena?) {
    layer = node.layer
    stream = tartine_stream(seed: seed, purpose: .noise, layer: number)
    inputWidth = node.input.count
    outputWidth = node.output.count
    spans = .allocate(capacity: max(1, node.parameters.count))
    for (index, span) in node.parameters.enumerated() { spans.initializeElement(at: index, to: span) }
    parameterCount = node.parameters.count
    self.weights = weights
    self.gradients = gradients
  }

  private let parameterCount: Int

  deinit { spans.deallocate() }

  func setStep(_ number: Int) { stream.step = UInt32(truncatingIfNeeded: number) }

  func forward(
    input: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer, rows: Int, isTraining: Bool = true,
    _ precision: Precision
  ) {
    switch precision {
    case .float32: layer.forward(pass(Float.self, input, output, output, nil, rows, isTraining))
    case .float64: layer.forward(pass(Double.self, input, output, output, nil, rows, isTraining))
    }
  }

  func backward(
    input: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer, outputGradient: UnsafeMutableRawPointer,
    inputGradient: UnsafeMutableRawPointer?, rows: Int, _ precision: Precision
  ) {
    switch precision {
    case .float32:
      layer.backward(pass(Float.self, input, output, outputGradient, inputGradient, rows, true))
    case .float64:
      layer.backward(pass(Double.self, input, output, outputGradient, inputGradient, rows, true))
    }
  }

  private func pass<Scalar: EngineScalar>(
    _: Scalar.Type, _ input: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer,
    _ outputGradient: UnsafeMutableRawPointer, _ inputGradient: UnsafeMutableRawPointer?, _ rows: Int,
    _ isTraining: Bool
  ) -> LayerPass<Scalar> {
    LayerPass(
      input: Rows(input, count: rows, width: inputWidth),
      output: Rows(output, count: rows, width: outputWidth),
      outputGradient: Rows(outputGradient, count: rows, width: outputWidth),
      inputGradient: inputGradient.map { Rows($0, count: rows, width: inputWidth) },
      isTraining: isTraining, stream: stream, parameters: UnsafePointer(spans.baseAddress!), weights: weights.base,
      gradients: gradients?.base)
  }

  func gradientSquares(_ precision: Precision) -> Double {
    guard let gradients else { return 0 }
    var total = 0.0
    for index in 0..<parameterCount {
      let span = spans[index]
      total += precision.kernels.pointee.sum_of_squares(
        gradients[span.offset * precision.size], 1, span.count, span.count)
    }
    return total
  }
}
