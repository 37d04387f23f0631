import Tartine

/// Scales each row to unit mean square, then scales and shifts its columns: y = γ x / √(mean of x² + ε) + β, with a running mean of
/// the factor as state.
package struct RowScale: RowLayer {
  package static let kind = "rowScale"
  package let epsilon: Double

  package init(epsilon: Double = 1e-5) { self.epsilon = epsilon }

  package func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    return input
  }

  package func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [
      Parameter("gamma", shape: input, initializer: .constant(1), isPenalized: false),
      Parameter("beta", shape: input, initializer: .constant(0), isPenalized: false),
    ]
  }

  /// The mean factor over the batches so far.
  package func state(for input: Shape) -> [StateTensor] { [StateTensor("factor", shape: [1], correctedMomentum: 0.1)] }

  /// Each row's factor.
  package func scratchWidth(for input: Shape) -> Int { 1 }

  package func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    let (gamma, beta) = (pass.parameter(0), pass.parameter(1))
    for row in 0..<pass.input.count {
      let (x, y) = (pass.input[row], pass.output[row])
      var squares: Scalar = 0
      for column in x.indices { squares += x[column] * x[column] }
      let factor = 1 / (squares / Scalar(x.count) + Scalar(epsilon)).squareRoot()
      pass.scratch[row, 0] = factor
      for column in x.indices { y[column] = gamma[column] * factor * x[column] + beta[column] }
    }
  }

  package func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    let (gamma, dGamma, dBeta) = (pass.parameter(0), pass.parameterGradient(0), pass.parameterGradient(1))
    dGamma.update(repeating: 0)
    dBeta.update(repeating: 0)
    for row in 0..<pass.input.count {
      let (x, g, factor) = (pass.input[row], pass.outputGradient[row], pass.scratch[row, 0])
      var products: Scalar = 0
      for column in x.indices {
        dGamma[column] += g[column] * factor * x[column]
        dBeta[column] += g[column]
        products += g[column] * gamma[column] * x[column]
      }
      guard let dx = pass.inputGradient?[row] else { continue }
      let share = products * factor * factor / Scalar(x.count)
      for column in x.indices { dx[column] = factor * (g[column] * gamma[column] - share * x[column]) }
    }
  }

  package func updateState<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    var sum: Scalar = 0
    for row in 0..<pass.scratch.count { sum += pass.scratch[row, 0] }
    pass.state(0)[0] = 0.9 * pass.state(0)[0] + 0.1 * sum / Scalar(max(1, pass.scratch.count))
  }
}

/// A dense layer of two factors, Y = (X U) V, with the engine's matrix product.
package struct LowRank: RowLayer {
  package static let kind = "lowRank"
  package let units, rank: Int

  package init(_ units: Int, rank: Int) {
    self.units = units
    self.rank = rank
  }

  package func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    return [units]
  }

  package func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [
      Parameter("u", shape: [input.count, rank], initializer: .leCun(fanIn: input.count), isPenalized: true),
      Parameter("v", shape: [rank, units], initializer: .he(fanIn: rank), isPenalized: true),
    ]
  }

  /// X U and the gradient of it.
  package func scratchWidth(for input: Shape) -> Int { rank }
  package var isLinear: Bool { true }
  package var problem: String? { units > 0 && rank > 0 ? nil : "units and rank must be at least 1" }

  package func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    pass.scratch.multiply(pass.input, by: Rows(pass.parameter(0), width: rank))
    pass.output.multiply(pass.scratch, by: Rows(pass.parameter(1), width: units))
  }

  package func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    let (u, v) = (Rows(pass.parameter(0), width: rank), Rows(pass.parameter(1), width: units))
    Rows(pass.parameterGradient(1), width: units).multiply(
      pass.scratch, by: pass.outputGradient, transposingFirst: true)
    // The scratch rows are not needed any more: they take the gradient of X U.
    pass.scratch.multiply(pass.outputGradient, by: v, transposingSecond: true)
    Rows(pass.parameterGradient(0), width: rank).multiply(pass.input, by: pass.scratch, transposingFirst: true)
    pass.inputGradient?.multiply(pass.scratch, by: u, transposingSecond: true)
  }
}
