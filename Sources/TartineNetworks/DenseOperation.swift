import TartineEngine
import TartineKernels
import TartinePlatform

/// Dense → norm → activation → dropout, each of them optional, in one sweep over the columns.
///
/// A worker that computed its columns of the product has all it needs for their statistics, activation and mask
/// while they are in its cache.
struct DenseOperation: Operation {
  /// What it does, in this order.
  enum Stage: Int { case dense, norm, activation, dropout }

  let name: String
  let number, input, inputWidth, width: Int
  /// The last stage that it has.
  var stage: Stage

  var weight, bias: TensorSpan?
  var norm: Norm?
  var activation = Activation.identity
  var keep = 1.0
  var keepSchedule = DropoutSchedule.constant

  struct Norm {
    let layer: BatchNorm
    let gamma, beta, movingMean, movingVariance: TensorSpan
  }

  private var cut = ColumnCut(width: 1, multiplyAdds: 1)
  /// Cuts the weights by inputs.
  private var weightCut = Cut(1, parts: 1)
  private var hasOwnSum = false
  /// Offsets in the memory of the pass: z, where it is not the output, and the mask.
  private var (sum, mask) = (0, 0)
  /// mean, variance, inverse standard deviation, scale: one element per column.
  private var (mean, variance, inverseDeviation, scale) = (0, 0, 0, 0)

  init(name: String, number: Int, input: Int, inputWidth: Int, width: Int, stage: Stage) {
    self.name = name
    self.number = number
    self.input = input
    self.inputWidth = inputWidth
    self.width = width
    self.stage = stage
  }

  var inputs: [Int] { [input] }
  var learns: Bool { weight != nil || norm != nil }
  var inputGradient: InputGradientPlace { weight == nil ? .inOutput : .propagated }

  /// Whether a stage can join.
  func takes(_ next: Stage) -> Bool {
    // A biased sum is normalized by itself, so that the bias is not lost in the mean.
    next.rawValue > stage.rawValue && !(next == .norm && bias != nil)
  }

  // MARK: Plan

  mutating func plan(_ plan: inout OperationPlan) {
    cut = ColumnCut(
      width: width, multiplyAdds: plan.batch * width * max(weight == nil ? 1 : inputWidth, plan.widthAbove))
    weightCut = Cut(inputWidth, multiplyAdds: plan.batch * inputWidth * width)
    if plan.isOneHot, weightCut.parts > 1 {
      weightCut = Cut(inputWidth, parts: max(weightCut.parts, inputWidth * width / Self.mostOneHotWeights))
    }
    if norm != nil {
      inverseDeviation = plan.reserve(width)
      scale = plan.reserve(width)
    }
    guard plan.isTraining else { return }
    // Without a norm, activation or dropout the output is z, with the bias added in place.
    hasOwnSum = weight != nil && (norm != nil || activation != .identity || keep < 1)
    if hasOwnSum { sum = plan.reserve(plan.batch * width) }
    if keep < 1 { mask = plan.layout.reserve(plan.batch * width, size: 1) }
    if norm != nil {
      mean = plan.reserve(width)
      variance = plan.reserve(width)
    }
  }

  /// The most weights of a part whose input is one-hot: gradient and update then read and write more than they compute, and
  /// both fit a second-level cache.
  private static let mostOneHotWeights = 1 << 16

  func parts(rows: Int) -> Int { cut.parts }
  func block(_ part: Int, rows: Int) -> Block { cut.block(part, rows: rows) }

  // MARK: Places

  private func output(_ frame: borrowing Frame) -> UnsafeMutableRawPointer { frame.values[number + 1] }

  private func z(_ frame: borrowing Frame) -> UnsafeMutableRawPointer {
    weight == nil ? frame.values[input] : hasOwnSum ? frame.memory + sum : output(frame)
  }

  private func usesAverages(_ frame: borrowing Frame) -> Bool { frame.mode == .prediction }

  private func mean(_ norm: Norm, _ frame: borrowing Frame) -> UnsafeMutableRawPointer {
    usesAverages(frame) ? frame.state(norm.movingMean) : frame.memory + mean
  }

  // MARK: Forward

  /// Scale and inverse deviation from the moving averages.
  func prepare(_ frame: borrowing Frame) {
    guard let norm else { return }
    frame.kernels.pointee.norm_scale(
      frame.state(norm.movingVariance), frame.weight(norm.gamma), norm.layer.epsilon, width,
      frame.memory + inverseDeviation, frame.memory + scale)
  }

  func forward(_ part: Int, _ block: Block, _ frame: borrowing Frame) {
    multiply(block, frame)
    if !usesAverages(frame) { takeStatistics(block, frame) }
    let (z, output) = (z(frame), output(frame))
    if hasSweep(frame) {
      var sweep = makeSweep(block, frame)
      sweep.a = output + block.columns.lowerBound * frame.size
      frame.kernels.pointee.forward(&sweep)
    } else if z != output {
      frame.copy(block, of: z, to: output, width: width, adding: false)
    }
  }

  /// Z = X W for these columns.
  private func multiply(_ block: Block, _ frame: borrowing Frame) {
    guard let weight else { return }
    let (size, rows, count) = (frame.size, block.rows.count, block.columns.count)
    let first = block.columns.lowerBound * size
    let (x, w, z) = (frame.values[input], frame.weight(weight) + first, z(frame) + first)
    guard input == 0, let ones = frame.ones else {
      return frame.kernels.pointee.product(
        false, false, rows, count, inputWidth, x, inputWidth, w, width, false, z, width)
    }
    for row in 0..<rows { memset(z + row * width * size, 0, count * size) }
    for run in ones.dense {
      frame.kernels.pointee.product(
        false, false, rows, count, run.count, x + run.start * size, inputWidth, w + run.start * width * size, width,
        true, z, width)
    }
    frame.kernels.pointee.add_rows(ones.places, rows, ones.count, count, w, width, z, width)
  }

  /// Computes the batch's statistics, and updates the moving averages.
  private func takeStatistics(_ block: Block, _ frame: borrowing Frame) {
    guard let norm else { return }
    let (rows, count, kernels) = (block.rows.count, block.columns.count, frame.kernels)
    let first = block.columns.lowerBound * frame.size
    let (mean, variance) = (frame.memory + mean + first, frame.memory + variance + first)
    kernels.pointee.column_statistics(z(frame) + first, rows, count, width, mean, variance)
    kernels.pointee.norm_scale(
      variance, frame.weight(norm.gamma) + first, norm.layer.epsilon, count, frame.memory + inverseDeviation + first,
      frame.memory + scale + first)
    var momentum = norm.layer.momentum
    if case .statistics(let weight) = frame.mode { momentum = weight }
    kernels.pointee.blend(frame.state(norm.movingMean) + first, mean, count, 1 - momentum, momentum)
    let isUnbiased = rows > 1 && norm.layer.averages != .keras
    kernels.pointee.blend(
      frame.state(norm.movingVariance) + first, variance, count, 1 - momentum,
      momentum * (isUnbiased ? Double(rows) / Double(rows - 1) : 1))
  }

  private func drops(_ frame: borrowing Frame) -> Bool { keep < 1 && frame.mode == .training(drops: true) }

  /// Whether anything lies between z and the output.
  private func hasSweep(_ frame: borrowing Frame) -> Bool {
    bias != nil || norm != nil || activation != .identity || drops(frame)
  }

  private func makeSweep(_ block: Block, _ frame: borrowing Frame) -> tartine_sweep {
    let first = block.columns.lowerBound * frame.size
    var sweep = tartine_sweep()
    sweep.rows = block.rows.count
    sweep.columns = block.columns.count
    sweep.stride = width
    sweep.z = z(frame) + first
    sweep.activation = activation.code
    sweep.slope = activation.slope
    if let norm {
      sweep.center = UnsafeRawPointer(mean(norm, frame) + first)
      sweep.scale = UnsafeRawPointer(frame.memory + scale + first)
      sweep.shift = UnsafeRawPointer(frame.weight(norm.beta) + first)
    } else if let bias {
      sweep.shift = UnsafeRawPointer(frame.weight(bias) + first)
    }
    guard drops(frame) else { return sweep }
    sweep.mask = (frame.memory + mask).assumingMemoryBound(to: UInt8.self) + block.columns.lowerBound
    // A 16-bit random number decides.
    let kept = (1 - (1 - keep) * keepSchedule.share(at: frame.progress)) * 65536
    sweep.keep = UInt32(max(1, kept.rounded()))
    sweep.first_column = block.columns.lowerBound
    sweep.stream = tartine_stream(seed: frame.seed, purpose: .dropout, layer: number)
    sweep.stream.step = UInt32(truncatingIfNeeded: frame.step)
    return sweep
  }

  // MARK: Backward

  /// G_X = G Wᵀ for a block.
  func propagate(to value: Int, _ block: Block, adding: Bool, _ frame: borrowing Frame) {
    guard let gradient = frame.gradients[number + 1], let target = frame.gradients[value] else { return }
    guard let weight else { return frame.copy(block, of: gradient, to: target, width: width, adding: adding) }
    let (rows, columns, size) = (block.rows, block.columns, frame.size)
    frame.kernels.pointee.product(
      false, true, rows.count, columns.count, width, gradient + rows.lowerBound * width * size, width,
      frame.weight(weight) + columns.lowerBound * width * size, width, adding,
      target + (rows.lowerBound * inputWidth + columns.lowerBound) * size, inputWidth)
  }

  /// The gradient with respect to the output → with respect to z, in place, with the gradients of bias, γ and β.
  func differentiate(_ part: Int, _ block: Block, _ frame: borrowing Frame) -> Double {
    guard hasSweep(frame), let gradient = frame.gradients[number + 1] else { return 0 }
    let first = block.columns.lowerBound * frame.size
    let kernels = frame.kernels
    var sweep = makeSweep(block, frame)
    sweep.gradient = gradient + first
    guard let norm else {
      guard let bias else {
        kernels.pointee.backward(&sweep)
        return 0
      }
      let sum = frame.gradient(of: bias) + first
      sweep.gradient_sum = sum
      kernels.pointee.backward(&sweep)
      return kernels.pointee.sum_of_squares(sum, 1, block.columns.count, width)
    }
    let (sum, product) = (frame.gradient(of: norm.beta) + first, frame.gradient(of: norm.gamma) + first)
    let inverse = frame.memory + inverseDeviation + first
    sweep.gradient_sum = sum
    sweep.gradient_product_sum = product
    sweep.inverse_deviation = UnsafeRawPointer(inverse)
    kernels.pointee.backward(&sweep)
    var backward = tartine_norm_backward(
      rows: block.rows.count, columns: block.columns.count, stride: width, z: z(frame) + first,
      gradient: gradient + first, mean: mean(norm, frame) + first, inverse_deviation: inverse,
      gamma: frame.weight(norm.gamma) + first, gradient_sum: sum, gradient_product_sum: product)
    kernels.pointee.norm_backward(&backward)
    // The sums over the rows reveal non-finite values of the gradient too.
    return kernels.pointee.sum_of_squares(product, 1, block.columns.count, width)
      + kernels.pointee.sum_of_squares(sum, 1, block.columns.count, width)
  }

  var parameterParts: [TensorSpan] {
    guard let weight else { return [] }
    return (0..<weightCut.parts).map { part in
      let inputs = weightCut[part]
      return TensorSpan(offset: weight.offset + inputs.lowerBound * width, count: inputs.count * width)
    }
  }

  /// dW = Xᵀ G for the weights of some inputs.
  func parameterGradient(_ part: Int, _ frame: borrowing Frame) -> Double {
    guard let weight, let gradient = frame.gradients[number + 1] else { return 0 }
    let (inputs, rows, size, kernels) = (weightCut[part], frame.rows(of: number + 1), frame.size, frame.kernels)
    let x = frame.values[input]
    let all = frame.gradient(of: weight)
    let result = all + inputs.lowerBound * width * size
    if input == 0, let ones = frame.ones {
      memset(result, 0, inputs.count * width * size)
      for run in ones.dense {
        let run = (run.start..<run.start + run.count).clamped(to: inputs)
        guard !run.isEmpty else { continue }
        kernels.pointee.product(
          true, false, run.count, width, rows, x + run.lowerBound * size, inputWidth, gradient, width, false,
          all + run.lowerBound * width * size, width)
      }
      kernels.pointee.scatter_rows(
        ones.places, rows, ones.count, width, inputs.lowerBound, inputs.upperBound, gradient, width, result, width)
    } else {
      kernels.pointee.product(
        true, false, inputs.count, width, rows, x + inputs.lowerBound * size, inputWidth, gradient, width, false,
        result,
        width)
    }
    return kernels.pointee.sum_of_squares(result, 1, inputs.count * width, inputs.count * width)
  }

  // MARK: For others

  var unitWeights: [UnitWeights] {
    weight.map { [UnitWeights(weight: $0, inputs: inputWidth, units: width)] } ?? []
  }

  var signals: LayerSignals? {
    weight == nil && norm == nil && activation == .identity
      ? nil : LayerSignals(name: name, width: width, activation: activation, hasWeights: weight != nil)
  }

  func results(_ frame: borrowing Frame) -> [UnsafeMutableRawPointer] { [z(frame), output(frame)] }
}
