import Foundation
import Tartine
import Testing

/// Losses computed by hand, and their gradients compared with central differences.
@Suite struct LossTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let loss: Loss
    let output: Output
    var testDescription: String { "\(loss), \(output)" }
  }

  static let cases: [Case] =
    [Loss.automatic, .crossEntropy(smoothing: 0.2), .focal(gamma: 2), .focal(gamma: 0.5)].flatMap { loss in
      [Output.softmax(classes: 4), .softmax(classes: 2), .sigmoid(labels: 1), .sigmoid(labels: 3)].map {
        Case(loss: loss, output: $0)
      }
    }
    + [Loss.squared, .absolute, .huber(delta: 0.7), .quantile(0.9)].map { Case(loss: $0, output: .identity(values: 2)) }
    + [Case(loss: .poisson, output: .rate(values: 2))]

  /// Returns the rows' losses, and overwrites the logits with the gradient.
  private func losses(
    _ one: Case, _ logits: inout [Double], _ targets: [Double], weights: [Double]? = nil, batch: Int, mix: Double = 1
  ) -> [Double] {
    let rows = logits.count / one.output.width
    var losses = [Double](repeating: 0, count: rows)
    let labels = targets.map { Int32($0) }
    var lowered = one.loss.lowered
    lowered.kernel.mix = mix
    logits.withUnsafeMutableBytes { logits in
      targets.withUnsafeBytes { targets in
        labels.withUnsafeBytes { labels in
          func run(_ weights: UnsafeRawPointer?) {
            one.output.loss(
              lowered, logits.baseAddress!,
              targets: one.output.takesLabels ? labels.baseAddress! : targets.baseAddress!, weights: weights,
              rows: rows, batch: batch, losses: &losses, precision: .float64)
          }
          if let weights { weights.withUnsafeBytes { run($0.baseAddress) } } else { run(nil) }
        }
      }
    }
    return losses
  }

  /// Targets that suit an output.
  private func targets(_ one: Case, rows: Int, _ stream: inout RandomStream) -> [Double] {
    switch one.output {
    case .softmax(let classes): (0..<rows).map { _ in Double(stream.integer(below: classes)) }
    case .sigmoid(let labels): (0..<rows * labels).map { _ in Double(stream.integer(below: 2)) }
    case .identity(let values): (0..<rows * values).map { _ in stream.uniform() * 4 - 2 }
    case .rate(let values): (0..<rows * values).map { _ in Double(stream.integer(below: 5)) }
    }
  }

  /// λ of the row's own class with its weight, and the rest of the next row's with that one's weight; both
  /// gradients too.
  @Test(arguments: [Loss.automatic, .crossEntropy(smoothing: 0.2), .focal(gamma: 2)])
  func aMixedClassIsTwoClasses(_ loss: Loss) {
    let one = Case(loss: loss, output: .softmax(classes: 4))
    var stream = RandomStream(seed: 14, purpose: .test)
    let logits = (0..<12).map { _ in stream.uniform() * 6 - 3 }
    let (labels, weights, share) = ([2.0, 0, 3, 2], [0.5, 3, 1, 0.5], 0.7)
    var (mixed, own, next) = (logits, logits, logits)
    let losses = self.losses(one, &mixed, labels, weights: weights, batch: 3, mix: share)
    let ofOwn = self.losses(one, &own, Array(labels.prefix(3)), weights: Array(weights.prefix(3)), batch: 3)
    let ofNext = self.losses(one, &next, Array(labels.suffix(3)), weights: Array(weights.suffix(3)), batch: 3)
    for row in 0..<3 { #expect(abs(losses[row] - share * ofOwn[row] - (1 - share) * ofNext[row]) < 1e-12) }
    for place in 0..<12 { #expect(abs(mixed[place] - share * own[place] - (1 - share) * next[place]) < 1e-12) }
  }

  /// A label that is 0.6 yes.
  @Test(arguments: [Loss.automatic, .focal(gamma: 2)]) func aMixedLabelIsTwoLabels(_ loss: Loss) {
    let one = Case(loss: loss, output: .sigmoid(labels: 1))
    func cost(_ target: Double) -> (Double, Double) {
      var logit = [0.3]
      return (losses(one, &logit, [target], batch: 1)[0], logit[0])
    }
    let (yes, no, mixed) = (cost(1), cost(0), cost(0.6))
    #expect(abs(mixed.0 - 0.6 * yes.0 - 0.4 * no.0) < 1e-12 && abs(mixed.1 - 0.6 * yes.1 - 0.4 * no.1) < 1e-12)
  }

  @Test(arguments: cases) func gradientsAreThoseOfTheLoss(_ one: Case) {
    #expect(one.loss.problem == nil && one.loss.problem(for: one.output) == nil)
    var stream = RandomStream(seed: 4, purpose: .test)
    let rows = 6
    let logits = (0..<rows * one.output.width).map { _ in stream.uniform() * 6 - 3 }
    let targets = targets(one, rows: rows, &stream)
    let weights = (0..<rows).map { _ in stream.uniform() * 3 }
    func mean(_ logits: [Double]) -> Double {
      var copy = logits
      return losses(one, &copy, targets, weights: weights, batch: rows).reduce(0, +) / Double(rows)
    }
    var gradient = logits
    _ = losses(one, &gradient, targets, weights: weights, batch: rows)
    for place in logits.indices {
      var (above, below) = (logits, logits)
      above[place] += 1e-5
      below[place] -= 1e-5
      let difference = (mean(above) - mean(below)) / 2e-5
      #expect(abs(gradient[place] - difference) < 1e-8, "element \(place)")
    }
  }

  @Test func lossesByHand() {
    func loss(_ loss: Loss, _ output: Output, _ logits: [Double], _ targets: [Double]) -> Double {
      var logits = logits
      return losses(Case(loss: loss, output: output), &logits, targets, batch: 1)[0]
    }
    func close(_ a: Double, _ b: Double, _ place: SourceLocation = #_sourceLocation) {
      #expect(abs(a - b) < 1e-12, sourceLocation: place)
    }
    close(loss(.absolute, .identity(values: 2), [3, -1], [1, 1]), 4)
    close(loss(.huber(delta: 1), .identity(values: 2), [3, 0.5], [0, 0]), 2.5 + 0.125)
    close(loss(.quantile(0.9), .identity(values: 2), [3, 0], [1, 1]), 0.1 * 2 + 0.9)
    close(loss(.poisson, .rate(values: 1), [log(3)], [2]), 3 - 2 * log(3))
    // Probabilities ¼ and ¾, the first one true: −¾² log ¼.
    close(loss(.focal(gamma: 2), .softmax(classes: 2), [0, log(3)], [0]), 0.5625 * log(4))
    close(loss(.focal(gamma: 2), .sigmoid(labels: 1), [log(3)], [0]), 0.5625 * log(4))
    // Smoothed by 0.2 over two classes the truth is 0.9 and 0.1.
    let smooth = 0.9 * log(4) + 0.1 * log(4.0 / 3)
    close(loss(.crossEntropy(smoothing: 0.2), .softmax(classes: 2), [0, log(3)], [0]), smooth)
    close(loss(.crossEntropy(smoothing: 0.2), .sigmoid(labels: 1), [log(3)], [0]), smooth)
  }

  @Test func aLossMustFitTheTarget() throws {
    let rows = (0..<40).map { [Float($0), Float($0 % 7)] }
    let numbers = try Dataset(features: rows, values: rows.map { Double($0[1]) - 2 }).split(seed: 1)
    let classes = try Dataset(features: rows, labels: rows.map { $0[1] > 3 ? "a" : "b" }).split(seed: 1)
    let recipe = Recipe {
      Dense(3); ReLU()
    }.epochs(1)
    func message(_ loss: Loss, _ split: Split) -> String {
      do {
        _ = try recipe.loss(loss).train(on: split)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message(.focal(), numbers).contains("for classes"))
    #expect(message(.huber(), classes).contains("for numbers"))
    #expect(message(.crossEntropy(smoothing: 0.1), numbers).contains("for classes"))
    #expect(message(Loss(.huber(delta: 1), smoothing: 0.1), numbers).contains("smoothing"))
    #expect(message(.quantile(1.5), numbers).contains("quantile"))
    #expect(message(.poisson, numbers).contains("-2.0"))
    #expect(message(.absolute, numbers).isEmpty && message(.focal(), classes).isEmpty)
  }

  @Test func countsArePredictedAsTheyAre() throws {
    var stream = RandomStream(seed: 8, purpose: .test)
    let rows = (0..<600).map { _ in [Float(stream.uniform())] }
    // Counts with mean e^(2x): a sum of many rare events.
    let counts = rows.map { row in
      let chance = exp(Double(row[0]) * 2) / 200
      return Double((0..<200).filter { _ in stream.uniform() < chance }.count)
    }
    let split = try Dataset(features: rows, values: counts).split(seed: 1)
    let run = try Recipe {
      Dense(8); Tanh()
    }.loss(.poisson).epochs(60).train(on: split, seed: 1)
    let answer = try run.model.predict(["x1": 0.5]).number
    #expect(abs((answer ?? 0) - exp(1)) < 0.6)
    #expect(try run.model.predict(["x1": -3]).number! > 0)
    // The median is below the mean, and nine of ten values are below the 0.9 quantile.
    let high = try Recipe {
      Dense(8); Tanh()
    }.loss(.quantile(0.9)).epochs(60).train(on: split, seed: 1).model
    var below = 0
    for (row, count) in zip(rows, counts) {
      let quantile = try high.predict(["x1": RowValue(floatLiteral: Double(row[0]))]).number ?? .nan
      if count <= quantile { below += 1 }
    }
    #expect(abs(Double(below) / 600 - 0.9) < 0.06)
  }
}
