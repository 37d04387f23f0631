import TartineEngine
import TartineKernels
import TartinePlatform

/// A fused node with all addresses resolved: plain memory, so that a step does no reference counting.
///
/// All matrices are row-major with `width` columns, the input with `inputWidth`.
struct FusedStep {
  let kernels: UnsafePointer<tartine_kernels>
  let size: Int
  let inputWidth, width: Int

  // Activations. `output` is `z` itself where nothing lies between them.
  var input: UnsafeMutableRawPointer
  /// Where the input is one-hot.
  var ones: OneHotRows?
  var z: UnsafeMutableRawPointer
  var output: UnsafeMutableRawPointer
  /// The gradient of the loss with respect to `output`, then to z.
  var gradient: UnsafeMutableRawPointer?

  // The parameters, with their gradients.
  var weight, bias, gamma, beta: UnsafeMutableRawPointer?
  var weightGradient, biasGradient, gammaGradient, betaGradient: UnsafeMutableRawPointer?

  // Batch normalization: one value per column.
  var mean, variance, inverseDeviation, scale: UnsafeMutableRawPointer?
  var movingMean, movingVariance: UnsafeMutableRawPointer?
  var epsilon = 0.0
  var momentum = 0.0
  var averagesBiasedVariance = false

  let activation: Int32
  let slope: Double

  // Dropout.
  var mask: UnsafeMutablePointer<UInt8>?
  var keep: UInt32 = 0
  var mostDropped = 0.0
  var keepSchedule = DropoutSchedule.constant
  var stream = tartine_stream()

  /// The partition of the columns; a function of the shapes alone.
  var cut = Cut(1, parts: 1)

  /// The data that the node above needs of this one's gradient, or adds to it.
  var weightAbove: UnsafeMutableRawPointer?
  var gradientAbove: UnsafeMutableRawPointer?
  var widthAbove = 0

  // For a node that adds the output of another to z.
  var addend: UnsafeMutableRawPointer?
  /// Whether that is the network's input.
  var addsInput = false
  /// Where the gradient flows on into the other branch.
  var inputGradient: UnsafeMutableRawPointer?
  /// The gradient of a node further up to which this one's output is added.
  var skipGradient: UnsafeMutableRawPointer?

  /// Whether anything lies between z and the output.
  var hasSweep: Bool { bias != nil || gamma != nil || activation != 0 || mask != nil }

  private func at(_ pointer: UnsafeMutableRawPointer?, _ column: Int) -> UnsafeMutableRawPointer? {
    pointer.map { $0 + column * size }
  }

  /// Z = X W for these columns.
  func multiply(rows: Int, columns: Range<Int>) {
    guard let weight else { return }
    let first = columns.lowerBound * size
    guard let ones else {
      return kernels.pointee.product(
        false, false, rows, columns.count, inputWidth, input, inputWidth, weight + first, width, false, z + first, width
      )
    }
    for row in 0..<rows { memset(z + row * width * size + first, 0, columns.count * size) }
    for run in ones.dense {
      kernels.pointee.product(
        false, false, rows, columns.count, run.count, input + run.start * size, inputWidth,
        weight + run.start * width * size + first, width, true, z + first, width)
    }
    kernels.pointee.add_rows(ones.places, rows, ones.count, columns.count, weight + first, width, z + first, width)
  }

  /// Computes the batch's statistics, and updates the moving averages.
  func takeStatistics(rows: Int, columns: Range<Int>) {
    let first = columns.lowerBound
    guard let mean = at(mean, first), let variance = at(variance, first) else { return }
    kernels.pointee.column_statistics(z + first * size, rows, columns.count, width, mean, variance)
    kernels.pointee.norm_scale(
      variance, at(gamma, first), epsilon, columns.count, at(inverseDeviation, first), at(scale, first))
    kernels.pointee.blend(at(movingMean, first), mean, columns.count, 1 - momentum, momentum)
    kernels.pointee.blend(
      at(movingVariance, first), variance, columns.count, 1 - momentum,
      momentum * (rows > 1 && !averagesBiasedVariance ? Double(rows) / Double(rows - 1) : 1))
  }

  /// z → norm → activation → dropout → output, for these columns.
  func sweepForward(rows: Int, columns: Range<Int>) {
    guard hasSweep else { return }
    var sweep = makeSweep(rows: rows, columns: columns)
    sweep.a = output + columns.lowerBound * size
    kernels.pointee.forward(&sweep)
  }

  /// z + addend → output, for these columns.
  func addSkip(rows: Int, columns: Range<Int>) {
    guard let addend else { return }
    let (first, bytes) = (columns.lowerBound * size, columns.count * size)
    for row in 0..<rows {
      let place = row * width * size + first
      (output + place).copyMemory(from: z + place, byteCount: bytes)
      kernels.pointee.blend(output + place, addend + place, columns.count, 1, 1)
    }
  }

  /// Adds the gradient of a residual branch, and passes the gradient on into both branches.
  func receiveSkip(rows: Int, columns: Range<Int>) {
    guard let gradient, skipGradient != nil || addend != nil else { return }
    let (first, bytes) = (columns.lowerBound * size, columns.count * size)
    for row in 0..<rows {
      let place = row * width * size + first
      if let skipGradient { kernels.pointee.blend(gradient + place, skipGradient + place, columns.count, 1, 1) }
      if addend != nil, let inputGradient {
        (inputGradient + place).copyMemory(from: gradient + place, byteCount: bytes)
      }
    }
  }

  /// The gradient with respect to the output → with respect to z, in place, with the gradients of bias, γ and
  /// β.
  func sweepBackward(rows: Int, columns: Range<Int>) {
    guard hasSweep else { return }
    let first = columns.lowerBound
    var sweep = makeSweep(rows: rows, columns: columns)
    sweep.gradient = at(gradient, first)
    sweep.gradient_sum = at(betaGradient ?? biasGradient, first)
    sweep.gradient_product_sum = at(gammaGradient, first)
    sweep.inverse_deviation = UnsafeRawPointer(at(inverseDeviation, first))
    kernels.pointee.backward(&sweep)
    guard gammaGradient != nil else { return }
    var norm = tartine_norm_backward(
      rows: rows, columns: columns.count, stride: width, z: z + first * size, gradient: at(gradient, first),
      mean: at(mean, first), inverse_deviation: at(inverseDeviation, first), gamma: at(gamma, first),
      gradient_sum: at(betaGradient, first), gradient_product_sum: at(gammaGradient, first))
    kernels.pointee.norm_backward(&norm)
  }

  private func makeSweep(rows: Int, columns: Range<Int>) -> tartine_sweep {
    let first = columns.lowerBound
    var sweep = tartine_sweep()
    sweep.rows = rows
    sweep.columns = columns.count
    sweep.stride = width
    sweep.z = z + first * size
    sweep.activation = activation
    sweep.slope = slope
    sweep.center = UnsafeRawPointer(at(mean, first))
    sweep.scale = UnsafeRawPointer(at(scale, first))
    sweep.shift = UnsafeRawPointer(at(gamma == nil ? bias : beta, first))
    sweep.mask = mask.map { $0 + first }
    sweep.keep = keep
    sweep.first_column = first
    sweep.stream = stream
    return sweep
  }

  /// The gradient from the dense node above: G = G' W'ᵀ for these columns.
  func receive(rows: Int, columns: Range<Int>) {
    guard let weightAbove, let gradientAbove, let gradient else { return }
    let first = columns.lowerBound
    kernels.pointee.product(
      false, true, rows, columns.count, widthAbove, gradientAbove, widthAbove,
      weightAbove + first * widthAbove * size, widthAbove, false, gradient + first * size, width)
  }

  /// Σ g² of bias, γ and β over these columns: non-finite where any of them is. They are sums over the rows,
  /// so that they reveal non-finite values in G too.
  func vectorGradientSquares(columns: Range<Int>) -> Double {
    func squares(_ values: UnsafeMutableRawPointer?) -> Double {
      guard let values = at(values, columns.lowerBound) else { return 0 }
      return kernels.pointee.sum_of_squares(values, 1, columns.count, width)
    }
    return squares(biasGradient) + squares(gammaGradient) + squares(betaGradient)
  }

  /// Computes dW = Xᵀ G for the weights of these inputs, and its Σ g².
  func computeWeightGradient(rows: Int, inputs: Range<Int>) -> Double {
    guard let weightGradient, let gradient else { return 0 }
    let result = weightGradient + inputs.lowerBound * width * size
    if let ones {
      memset(result, 0, inputs.count * width * size)
      for run in ones.dense {
        let run = (run.start..<run.start + run.count).clamped(to: inputs)
        guard !run.isEmpty else { continue }
        kernels.pointee.product(
          true, false, run.count, width, rows, input + run.lowerBound * size, inputWidth, gradient, width, false,
          weightGradient + run.lowerBound * width * size, width)
      }
      kernels.pointee.scatter_rows(
        ones.places, rows, ones.count, width, inputs.lowerBound, inputs.upperBound, gradient, width, result, width)
    } else {
      kernels.pointee.product(
        true, false, inputs.count, width, rows, input + inputs.lowerBound * size, inputWidth, gradient, width, false,
        result, width)
    }
    return kernels.pointee.sum_of_squares(result, 1, inputs.count * width, inputs.count * width)
  }
}
