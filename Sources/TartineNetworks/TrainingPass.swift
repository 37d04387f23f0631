import TartineEngine
import TartineKernels

/// The forward pass, loss and backward pass of a batch. Allocates nothing after its creation.
///
/// It is a sequence of phases with a barrier after each: forward through each operation, the loss, backward through
/// each operation. The gradients of the weights are left to the caller, since nothing else needs them: they are
/// independent parts, and each can be followed by its own update.
package final class TrainingPass {
  private let pass: Pass
  private let output: Output
  private var loss: LoweredLoss
  private let precision: Precision
  private let workers: Workers
  private let losses: UnsafeMutableBufferPointer<Double>
  /// Σ g² of each part of each operation, then of each part of the parameters; summed in this order.
  private let squares: UnsafeMutableBufferPointer<Double>
  /// The gradients that are left to the caller, cut by a function of the shapes alone.
  package let parameterParts: UnsafeMutableBufferPointer<ParameterPart>
  private let lossRows: Int
  /// The number of networks that share weights; the loss is the mean of theirs.
  private let members: Int

  // The state of the current pass.
  private var phase = Phase.forward
  private var operation = 0
  private var targets = UnsafeRawPointer(bitPattern: 64)!
  private var rowWeights: UnsafeRawPointer?

  private enum Phase { case forward, loss, backward }

  /// - Parameters:
  ///   - batch: the most rows of a pass.
  ///   - weights, gradients, state: buffers created by the graph.
  ///   - seed: the seed of the dropout masks.
  ///   - isOneHot: whether `run` receives the places of the ones.
  package init(
    graph: LayerGraph, output: Output, loss: Loss = .automatic, precision: Precision, batch: Int, seed: UInt64,
    workers: Workers, weights: Arena, gradients: Arena, state: Arena, isOneHot: Bool = false
  ) {
    precondition(output.width == graph.outputWidth, "the graph was made for another output")
    self.output = output
    self.loss = loss.lowered
    self.precision = precision
    self.workers = workers
    let program = Program(graph, batch: batch, precision: precision, isTraining: true, isOneHot: isOneHot)
    pass = Pass(
      program, precision: precision, seed: seed, weights: weights, state: state, parameterGradients: gradients)
    let parts = ParameterPart.parts(of: program)
    parameterParts = .allocate(capacity: parts.count)
    _ = parameterParts.initialize(from: parts)
    members = graph.members
    losses = .allocate(capacity: batch * members)
    losses.initialize(repeating: 0)
    squares = .allocate(capacity: program.operations.count * Cut.mostParts + parts.count)
    squares.initialize(repeating: 0)
    // Rows of the loss are independent; small ones are not worth distributing.
    lossRows = batch * members * output.width < 1 << 15 ? batch : (batch + 7) / 8
  }

  deinit {
    parameterParts.deallocate()
    losses.deallocate()
    squares.deallocate()
  }

  /// The operations.
  package var program: Program { pass.program }
  private var rows: Int { pass.frame.pointee.rows }
  /// The parts of the loss of a member.
  private var lossParts: Int { (rows + lossRows - 1) / lossRows }
  private var squaresOfParameters: Int { pass.count * Cut.mostParts }

  /// Runs one batch. Leaves all gradients but those of `parameterParts` in their arena, and returns the loss and their
  /// Σ g².
  ///
  /// - Parameters:
  ///   - input: [rows, input elements].
  ///   - ones: the one-hot elements of the input that are 1; nil: it is dense.
  ///   - targets: class numbers, or a matrix of the width of the output, depending on the output.
  ///   - rowWeights: the weight of each row; nil: 1.
  ///   - step: the number of the step, which random draws depend on.
  ///   - progress: the finished fraction of the run, for scheduled dropout.
  ///   - mix: the mixup coefficient: below 1, the rest of the weight goes to the next row's class, and one
  ///     label more follows the last.
  ///   - drops: whether units are dropped.
  package func run(
    input: UnsafeMutableRawPointer, ones: OneHotRows? = nil, targets: UnsafeRawPointer,
    rowWeights: UnsafeRawPointer? = nil, rows: Int,
    step: Int, progress: Double = 0, mix: Double = 1, drops: Bool = true
  ) -> PassResult {
    self.targets = targets
    self.rowWeights = rowWeights
    loss.kernel.mix = mix
    pass.frame.pointee.step = step
    pass.frame.pointee.progress = progress
    forward(input, ones, rows, .training(drops: drops), through: pass.count)
    perform(.loss, parts: members * lossParts)
    for number in (0..<pass.count).reversed() { perform(.backward, number, parts: pass.parts(number)) }
    for index in squaresOfParameters..<squares.count { squares[index] = 0 }
    return result
  }

  /// Runs the forward pass only: sets each norm's averages to the plain mean over the batches so far,
  /// including this one.
  ///
  /// - Parameter number: the index of the batch, from 0.
  package func takeStatistics(input: UnsafeMutableRawPointer, ones: OneHotRows? = nil, rows: Int, number: Int) {
    // The output layer has none.
    forward(input, ones, rows, .statistics(weight: 1 / Double(number + 1)), through: pass.count - 1)
  }

  private func forward(
    _ input: UnsafeMutableRawPointer, _ ones: OneHotRows?, _ rows: Int, _ mode: PassMode, through count: Int
  ) {
    pass.input = input
    pass.frame.pointee.ones = ones
    pass.frame.pointee.rows = rows
    pass.frame.pointee.mode = mode
    for number in 0..<count {
      perform(.forward, number, parts: pass.parts(number))
      // What a layer accumulates over training is not measured again.
      if pass.frame.pointee.isTraining { pass.updateState(number) }
    }
  }

  /// Computes the gradient of one of `parameterParts`, and returns whether it is finite.
  package func computeGradient(_ part: Int) -> Bool {
    let square = pass.parameterGradient(parameterParts[part].operation, parameterParts[part].number)
    squares[squaresOfParameters + part] = square
    return square.isFinite
  }

  /// The loss and Σ g² of the last batch's gradients computed so far.
  package var result: PassResult {
    let rows = rows * members
    var loss = 0.0
    for row in 0..<rows { loss += losses[row] }
    var total = 0.0
    for square in squares { total += square }
    return PassResult(loss: loss / Double(rows), gradientSquares: total)
  }

  private func perform(_ phase: Phase, _ operation: Int = 0, parts: Int) {
    self.phase = phase
    self.operation = operation
    workers.perform(parts, context: Unmanaged.passUnretained(self).toOpaque()) { context, part, _ in
      guard let context else { return }
      Unmanaged<TrainingPass>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.perform(Int(part)) }
    }
  }

  private func perform(_ part: Int) {
    switch phase {
    case .forward: pass.forward(operation, part)
    case .loss: computeLoss(part)
    case .backward: squares[operation * Cut.mostParts + part] = pass.backward(operation, part)
    }
  }

  private func computeLoss(_ part: Int) {
    let (member, first) = (part / lossParts, part % lossParts * lossRows)
    let count = min(lossRows, rows - first)
    let width = output.width
    let place = member * rows + first
    let targetSize = output.takesLabels ? MemoryLayout<Int32>.size : width * precision.size
    output.loss(
      loss, pass.output + place * width * precision.size, targets: targets + first * targetSize,
      weights: rowWeights.map { $0 + first * precision.size }, rows: count, batch: rows * members,
      losses: losses.baseAddress! + place, precision: precision)
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
  /// Empty statistics for each layer that has any, first to last, including the output layer.
  package var signals: [LayerSignals] { program.operations.compactMap(\.signals) }

  /// Adds the buffers of the last pass, in Float, to each layer's signals.
  package func addSignals(to signals: inout [LayerSignals]) {
    var place = 0
    for (number, operation) in program.operations.enumerated() where operation.signals != nil {
      // The loss has overwritten the logits with its gradient.
      let isLast = number == pass.count - 1
      signals[place].add(
        output: isLast ? nil : UnsafePointer(pass.value(number).assumingMemoryBound(to: Float.self)),
        gradient: pass.gradient(number).map { UnsafePointer($0.assumingMemoryBound(to: Float.self)) },
        rows: pass.rows(number))
      place += 1
    }
  }

  /// A layer's outputs in the last pass, in Float, one member's rows after the other's; nil where they are not stored.
  package func activations(of layer: String) -> [[Float]]? {
    guard let operation = program.stored[layer], operation < pass.count - 1 else { return nil }
    let width = program.operations[operation].width
    let values = pass.value(operation).assumingMemoryBound(to: Float.self)
    return (0..<pass.rows(operation)).map { Array(UnsafeBufferPointer(start: values + $0 * width, count: width)) }
  }

  /// Searches the buffers of the last pass for the first non-finite value.
  package func findFault() -> PassFault {
    let bad = badRows(pass.input, width: program.inputWidth, count: rows)
    if !bad.isEmpty { return PassFault(layer: "input", in: bad, of: rows) }
    for (number, operation) in program.operations.enumerated().dropLast() {
      for values in pass.results(number) {
        let bad = badRows(values, width: operation.width, count: pass.rows(number))
        if !bad.isEmpty { return PassFault(layer: operation.name, in: bad, of: rows) }
      }
    }
    let badLosses = (0..<rows).filter { row in (0..<members).contains { !losses[$0 * rows + row].isFinite } }
    if !badLosses.isEmpty {
      return PassFault(layer: "output", in: badLosses, of: rows)
    }
    let last = program.operations.indices.last { number in
      writesBadInputGradient(number)
        || (0..<Cut.mostParts).contains { !squares[number * Cut.mostParts + $0].isFinite }
        || parameterParts.indices.contains {
          parameterParts[$0].operation == number && !squares[squaresOfParameters + $0].isFinite
        }
    }
    return PassFault(layer: program.operations[last ?? 0].name, isInGradient: true)
  }

  /// Whether an operation that alone reads its input makes a gradient of that which is not finite, of one that is.
  ///
  /// It differentiates once more, since the operation that makes the input has changed the gradient in place.
  private func writesBadInputGradient(_ number: Int) -> Bool {
    let operation = program.operations[number]
    guard operation.inputGradient == .written, let input = operation.inputs.first, input > 0,
      program.propagators[input].isEmpty, let own = pass.gradient(number), let written = pass.gradient(input - 1),
      badRows(own, width: operation.width, count: pass.rows(number)).isEmpty
    else { return false }
    for part in 0..<pass.parts(number) { _ = pass.differentiate(number, part) }
    return !badRows(written, width: program.operations[input - 1].width, count: pass.rows(input - 1)).isEmpty
  }

  /// The batch rows with a non-finite row in the matrix.
  private func badRows(_ matrix: UnsafeMutableRawPointer, width: Int, count: Int) -> [Int] {
    let kernels = precision.kernels
    return (0..<rows).filter { row in
      stride(from: row, to: count, by: rows).contains { place in
        !kernels.pointee.sum_of_squares(matrix + place * width * precision.size, 1, width, width).isFinite
      }
    }
  }
}
