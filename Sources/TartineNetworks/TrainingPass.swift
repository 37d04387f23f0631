import TartineEngine
import TartineKernels

/// The forward pass, loss and backward pass of a batch, over preplanned buffers. Allocates nothing after its
/// creation.
///
/// A pass is a sequence of phases with a barrier after each: forward through each node, the loss, backward
/// through each node. A fused node's phase is partitioned by columns: a worker that computed its columns of
/// the product has all it needs for their statistics, activation and mask while they are in its cache. The
/// gradients of the weights are left to the caller, since nothing else needs them: they are independent
/// parts, and each can be followed by its own update.
package final class TrainingPass {
  private let plan: NetworkPlan
  private let output: Output
  private var loss: tartine_loss
  private let precision: Precision
  private let workers: Workers
  private let arena: Arena
  private let steps: UnsafeMutableBufferPointer<PassStep>
  private let losses: UnsafeMutablePointer<Double>
  /// Σ g² of each part of each node except its weights, then of each weight part; summed in this order.
  private let squares: UnsafeMutableBufferPointer<Double>
  /// The weights' gradients, partitioned by a function of the shapes alone.
  package let weightParts: UnsafeMutableBufferPointer<WeightPart>
  private let squaresOfWeights: Int
  private let custom: [CustomStep?]
  private let lossRows: Int

  // The state of the current pass.
  private var phase = Phase.forward
  private var node = 0
  private var rows = 0
  private var isTraining = true
  private var targets = UnsafeRawPointer(bitPattern: 64)!
  private var rowWeights: UnsafeRawPointer?

  private enum Phase { case forward, loss, backward }

  /// - Parameters:
  ///   - batch: the most rows of a pass.
  ///   - weights, gradients, state: buffers created by the plan and owned by the caller.
  ///   - seed: the seed of the dropout masks.
  ///   - isOneHot: whether `run` receives the places of the ones.
  package init(
    plan: NetworkPlan, output: Output, loss: Loss = .automatic, precision: Precision, batch: Int, seed: UInt64,
    workers: Workers, weights: Arena, gradients: Arena, state: Arena, isOneHot: Bool = false
  ) {
    precondition(output.width == plan.outputWidth, "the plan was made for another output")
    self.plan = plan
    self.output = output
    self.loss = loss.lowered
    self.precision = precision
    self.workers = workers
    var layout = ArenaLayout()
    let buffers = PassBuffers(plan: plan, precision: precision, batch: batch, in: &layout)
    let losses = layout.reserve(batch, size: MemoryLayout<Double>.size)
    arena = Arena(layout)
    self.losses = arena[losses].assumingMemoryBound(to: Double.self)
    steps = .allocate(capacity: plan.nodes.count)
    custom = buffers.link(
      plan: plan, precision: precision, seed: seed, arena: arena, weights: weights, gradients: gradients,
      state: state, batch: batch, into: steps)
    let parts = WeightPart.parts(of: plan, batch: batch, isOneHot: isOneHot)
    weightParts = .allocate(capacity: parts.count)
    _ = weightParts.initialize(from: parts)
    squaresOfWeights = plan.nodes.count * Cut.mostParts
    squares = .allocate(capacity: squaresOfWeights + weightParts.count)
    squares.initialize(repeating: 0)
    // Rows of the loss are independent; small ones are not worth distributing.
    lossRows = batch * output.width < 1 << 15 ? batch : (batch + 7) / 8
  }

  deinit {
    steps.deallocate()
    squares.deallocate()
    weightParts.deallocate()
  }

  /// Runs one batch. Leaves all gradients but the weights' in their arena and returns the loss and their Σ g².
  ///
  /// - Parameters:
  ///   - input: [rows, input elements].
  ///   - ones: the one-hot elements of the input that are 1; nil: it is dense.
  ///   - targets: class numbers, or a matrix of the width of the output, depending on the output.
  ///   - rowWeights: the weight of each row; nil: 1.
  ///   - step: the number of the step, which dropout masks depend on.
  ///   - progress: the finished fraction of the run, for scheduled dropout.
  ///   - mix: the mixup coefficient: below 1, the rest of the weight goes to the next row's class, and one
  ///     label more follows the last.
  package func run(
    input: UnsafeMutableRawPointer, ones: OneHotRows? = nil, targets: UnsafeRawPointer,
    rowWeights: UnsafeRawPointer? = nil, rows: Int,
    step: Int, progress: Double = 0, mix: Double = 1
  ) -> PassResult {
    self.rows = rows
    self.targets = targets
    self.rowWeights = rowWeights
    isTraining = true
    loss.mix = mix
    setInput(input, ones)
    for index in steps.indices {
      steps[index].setStep(step, progress: progress)
      custom[index]?.setStep(step)
    }
    for index in steps.indices { perform(.forward, node: index, parts: steps[index].parts) }
    perform(.loss, node: steps.count - 1, parts: (rows + lossRows - 1) / lossRows)
    for index in steps.indices.reversed() { perform(.backward, node: index, parts: steps[index].parts) }
    for index in squaresOfWeights..<squares.count { squares[index] = 0 }
    return result
  }

  /// Runs the forward pass only: sets each norm's averages to the plain mean over the batches so far,
  /// including this one.
  ///
  /// - Parameter number: the index of the batch, from 0.
  package func takeStatistics(input: UnsafeMutableRawPointer, ones: OneHotRows? = nil, rows: Int, number: Int) {
    self.rows = rows
    isTraining = false
    setInput(input, ones)
    for index in steps.indices { steps[index].setMomentum(1 / Double(number + 1)) }
    for index in steps.indices.dropLast() { perform(.forward, node: index, parts: steps[index].parts) }
  }

  /// Computes the gradient of one weight part, and returns whether it is finite.
  package func computeWeightGradient(_ part: Int) -> Bool {
    let place = weightParts[part]
    guard case .fused(let step) = steps[place.node] else { return true }
    let square = step.computeWeightGradient(rows: rows, inputs: place.inputs)
    squares[squaresOfWeights + part] = square
    return square.isFinite
  }

  /// The loss and Σ g² of the last batch's gradients computed so far.
  package var result: PassResult {
    var loss = 0.0
    for row in 0..<rows { loss += losses[row] }
    var total = 0.0
    for square in squares { total += square }
    return PassResult(loss: loss / Double(rows), gradientSquares: total)
  }

  private func setInput(_ input: UnsafeMutableRawPointer, _ ones: OneHotRows?) {
    steps[0].setInput(input, ones: ones)
    for index in steps.indices { steps[index].setAddedInput(input) }
  }

  private func perform(_ phase: Phase, node: Int, parts: Int) {
    self.phase = phase
    self.node = node
    workers.perform(parts, context: Unmanaged.passUnretained(self).toOpaque()) { context, part, _ in
      guard let context else { return }
      Unmanaged<TrainingPass>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.perform(Int(part)) }
    }
  }

  private func perform(_ part: Int) {
    switch phase {
    case .forward: forward(part)
    case .loss: computeLoss(part)
    case .backward: backward(part)
    }
  }

  private func forward(_ part: Int) {
    guard case .fused(let step) = steps[node] else { return forwardCustom() }
    let columns = step.cut[part]
    step.multiply(rows: rows, columns: columns)
    step.takeStatistics(rows: rows, columns: columns)
    step.sweepForward(rows: rows, columns: columns)
    step.addSkip(rows: rows, columns: columns)
  }

  private func computeLoss(_ part: Int) {
    let first = part * lossRows
    let count = min(lossRows, rows - first)
    let width = output.width
    let targetSize = output.takesLabels ? MemoryLayout<Int32>.size : width * precision.size
    output.loss(
      loss, steps[node].output + first * width * precision.size, targets: targets + first * targetSize,
      weights: rowWeights.map { $0 + first * precision.size }, rows: count, batch: rows, losses: losses + first,
      kernels: precision.kernels)
  }

  private func backward(_ part: Int) {
    guard case .fused(let step) = steps[node] else { return backwardCustom() }
    let columns = step.cut[part]
    step.receive(rows: rows, columns: columns)
    step.receiveSkip(rows: rows, columns: columns)
    step.sweepBackward(rows: rows, columns: columns)
    squares[node * Cut.mostParts + part] = step.vectorGradientSquares(columns: columns)
  }

  private func forwardCustom() {
    custom[node]?.forward(
      input: steps[node].input, output: steps[node].output, rows: rows, isTraining: isTraining, precision)
  }

  private func backwardCustom() {
    guard let layer = custom[node], case .custom(let step) = steps[node] else { return }
    if let above = step.above {
      // The gradient of a dense node above arrives through its weights.
      precision.kernels.pointee.product(
        false, true, rows, step.width, above.width, above.gradient, above.width, above.weight, above.width,
        false, step.gradient, step.width)
    }
    if let skip = step.skipGradient {
      precision.kernels.pointee.blend(step.gradient, skip, rows * step.width, 1, 1)
    }
    layer.backward(
      input: step.input, output: step.output, outputGradient: step.gradient,
      inputGradient: step.inputGradient, rows: rows, precision)
    squares[node * Cut.mostParts] = layer.gradientSquares(precision)
  }
}

/// The result of a pass.
package struct PassResult {
  /// Mean over the rows.
  package let loss: Double
  /// Σ g² over all gradients; non-finite where any of them is.
  package let gradientSquares: Double

  package init(loss: Double, gradientSquares: Double) {
    self.loss = loss
    self.gradientSquares = gradientSquares
  }

  package var isFinite: Bool { loss.isFinite && gradientSquares.isFinite }
}

/// The place where a value became non-finite.
package struct PassFault: Hashable, Sendable {
  /// The layer, `input` or `loss`.
  package let layer: String
  /// Whether it occurred in the backward pass.
  package let isInGradient: Bool
  /// The positions in the batch, at most ten.
  package let rows: [Int]
  /// Whether it affects all rows, so that no single one is to blame.
  package let isEverywhere: Bool

  package init(layer: String, isInGradient: Bool, rows: [Int] = [], isEverywhere: Bool = false) {
    self.isEverywhere = isEverywhere
    self.layer = layer
    self.isInGradient = isInGradient
    self.rows = rows
  }

  /// Returns the fault with row positions shifted, for a pass of some rows of a batch.
  package func movedRows(by offset: Int) -> PassFault {
    PassFault(
      layer: layer, isInGradient: isInGradient, rows: rows.map { $0 + offset }, isEverywhere: isEverywhere)
  }

  /// A fault in the forward pass, in all these rows.
  fileprivate init(layer: String, in rows: [Int], of all: Int) {
    self.init(
      layer: layer, isInGradient: false, rows: Array(rows.prefix(10)), isEverywhere: rows.count == all)
  }
}

extension TrainingPass {
  /// Adds the buffers of the last pass, in Float, to each layer's signals.
  package func addSignals(to signals: inout [LayerSignals]) {
    var place = 0
    for (index, node) in plan.nodes.enumerated() {
      guard case .fused(let fused) = node, fused.skipFrom == nil, case .fused(let step) = steps[index] else { continue }
      // The loss has overwritten the logits with its gradient.
      let isLast = index == plan.nodes.count - 1
      signals[place].add(
        output: isLast ? nil : UnsafePointer(step.output.assumingMemoryBound(to: Float.self)),
        gradient: step.gradient.map { UnsafePointer($0.assumingMemoryBound(to: Float.self)) }, rows: rows)
      place += 1
    }
  }

  /// Searches the buffers of the last pass for the first non-finite value.
  package func findFault() -> PassFault {
    let bad = badRows(steps[0].input, width: plan.input.count)
    if !bad.isEmpty { return PassFault(layer: "input", in: bad, of: rows) }
    for (index, node) in plan.nodes.enumerated() where index < plan.nodes.count - 1 {
      for values in [steps[index].z, steps[index].output] {
        let bad = badRows(values, width: node.width)
        if !bad.isEmpty { return PassFault(layer: node.name, in: bad, of: rows) }
      }
    }
    let badLosses = (0..<rows).filter { !losses[$0].isFinite }
    if !badLosses.isEmpty {
      return PassFault(layer: "output", in: badLosses, of: rows)
    }
    let first = plan.nodes.indices.last { index in
      (0..<Cut.mostParts).contains { !squares[index * Cut.mostParts + $0].isFinite }
        || weightParts.indices.contains {
          weightParts[$0].node == index && !squares[squaresOfWeights + $0].isFinite
        }
    }
    return PassFault(layer: plan.nodes[first ?? 0].name, isInGradient: true)
  }

  private func badRows(_ matrix: UnsafeMutableRawPointer, width: Int) -> [Int] {
    let kernels = precision.kernels
    return (0..<rows).filter { row in
      !kernels.pointee.sum_of_squares(matrix + row * width * precision.size, 1, width, width).isFinite
    }
  }
}
