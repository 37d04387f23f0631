import Foundation
import Tartine

/// The printed code of the notes compared with what it is meant to compute.
enum Slips {
  static let experiment = Experiment(
    name: "slips",
    claim: "The notes' code, as printed, does not always compute what their text means.",
    method: "Everything that can be run is run in Double, as intended and as printed.",
    questions: [
      Question("He: mean activation after 10 ReLU layers of 32", "normal", "uniform on [0, 1)", nil),
      Question("L2: distance of ΣΣ (WᵀW) from Σ w², over Σ w², 4 × 4", "sum of squares", "np.dot", nil),
      Question("normalized inputs: standard deviation of a feature of size 10⁻⁵", "no ε", "ε 10⁻⁸ under the root", nil),
      Question("batch norm undone, σ 3: standard deviation of Znew − Z", "γ = σ", "γ = σ²", nil),
      Question("RMSProp, β 0.999: first step over the learning rate", "corrected", "as printed", nil),
      Question("Adam: first step over the learning rate", "corrected", "as printed", nil),
      Question("softmax of 100 rows: rows that are NaN, %", "row's maximum", "one maximum", nil),
      Question("cross-entropy of confident predictions: rows that are NaN, %", "from logits", "0 · log 0", nil),
    ], measure: measure)

  @Sendable private static func measure(_ lab: Lab, _ seed: UInt64) throws -> [Pair] {
    var stream = Tables.stream(seed, 13)
    return [
      Pair(activation(&stream) { $0.normal() }, activation(&stream) { $0.uniform() }), squares(&stream),
      smallFeature(&stream), gamma(&stream), try rmsprop(lab, seed), adam(&stream), softmax(&stream), certain(&stream),
    ]
  }

  /// The mean activation after ten layers of 32 ReLU units with weights from this distribution, times
  /// √(2/32).
  private static func activation(_ stream: inout RandomStream, _ draw: (inout RandomStream) -> Double) -> Double {
    var values = (0..<32).map { _ in abs(stream.normal()) }
    for _ in 0..<10 {
      values = (0..<32).map { _ in
        max(0, values.reduce(0) { $0 + $1 * draw(&stream) * (2.0 / 32).squareRoot() })
      }
    }
    return mean(values)
  }

  /// `np.dot(W.T, W)` is a matrix; NumPy adds it to the cost element by element, and its sum is not Σ w².
  private static func squares(_ stream: inout RandomStream) -> Pair {
    let w = (0..<4).map { _ in (0..<4).map { _ in stream.normal() } }
    let meant = w.joined().reduce(0) { $0 + $1 * $1 }
    var printed = 0.0
    for i in 0..<4 {
      for j in 0..<4 { for k in 0..<4 { printed += w[k][i] * w[k][j] } }
    }
    return Pair(0, abs(printed - meant) / meant)
  }

  /// ε under the root shrinks a feature of small scale.
  private static func smallFeature(_ stream: inout RandomStream) -> Pair {
    let x = (0..<1_000).map { _ in 1e-5 * stream.normal() }
    let (mu, sigma) = (mean(x), deviation(x))
    return Pair(
      deviation(x.map { ($0 - mu) / sigma }), deviation(x.map { ($0 - mu) / (sigma * sigma + 1e-8).squareRoot() }))
  }

  /// γ must be the standard deviation, not the variance, to undo the normalization.
  private static func gamma(_ stream: inout RandomStream) -> Pair {
    let z = (0..<1_000).map { _ in 3 * stream.normal() }
    let (mu, sigma) = (mean(z), deviation(z))
    let norm = z.map { ($0 - mu) / sigma }
    return Pair(
      deviation(zip(norm, z).map { sigma * $0 + mu - $1 }), deviation(zip(norm, z).map { sigma * sigma * $0 + mu - $1 })
    )
  }

  /// The first steps of the library: bias-corrected, and as the notes define them.
  private static func rmsprop(_ lab: Lab, _ seed: UInt64) throws -> Pair {
    let split = try lab.split(.few, seed: seed)
    // Adam without momentum is RMSProp with bias correction. A tiny ε, so that the correction shows.
    let rate = 1e-4
    let optimizers = [
      Optimizer.adam(learningRate: .constant(rate), beta1: 0, epsilon: 1e-12),
      .rmsprop(learningRate: .constant(rate), epsilon: 1e-16, variant: .lecture),
    ]
    let steps = try optimizers.map { optimizer in
      let id = Notebook.page()
      _ = try Recipe {
        Flatten(); Dense(32); Trail(id: id); ReLU()
      }.optimizer(optimizer).epochs(1).run(split, seed)
      return Notebook.read(id).firstStep / rate
    }
    return Pair(steps[0], steps[1])
  }

  /// V = 0.1 g and S = (1 − β₁) g², as printed.
  private static func adam(_ stream: inout RandomStream) -> Pair {
    let g = stream.normal()
    let (v, s) = (0.1 * g, 0.1 * g * g)
    return Pair(abs(v / 0.1) / ((0.001 * g * g) / 0.001).squareRoot(), abs(v) / (s + 1e-5).squareRoot())
  }

  /// One maximum for all rows: a row far below it is 0 / 0.
  private static func softmax(_ stream: inout RandomStream) -> Pair {
    let rows = (0..<100).map { _ in
      let level = 500 * stream.normal()
      return (0..<10).map { _ in level + stream.normal() }
    }
    let most = rows.joined().max() ?? 0
    func broken(_ softmax: ([Double]) -> [Double]) -> Double {
      Double(rows.count { softmax($0).contains { !$0.isFinite } })
    }
    return Pair(broken { Softmax.stable($0) }, broken { Softmax.stable($0, less: most) })
  }

  /// A probability that underflows to 0 where Y is 0 too: 0 · log 0.
  private static func certain(_ stream: inout RandomStream) -> Pair {
    let rows = (0..<100).map { _ in (0..<10).map { _ in 1_000 * stream.normal() } }
    func share(_ loss: ([Double]) -> Double) -> Double { Double(rows.count { !loss($0).isFinite }) }
    return Pair(
      share { z in
        let most = z.max() ?? 0
        return most + log(z.reduce(0) { $0 + exp($1 - most) }) - z[0]
      },
      share { z in
        zip(Softmax.stable(z), z.indices).reduce(0) { $0 - ($1.1 == 0 ? 1 : 0) * log($1.0) }
      })
  }
}
