import Foundation
import Tartine

/// The softmax, and where the notes' code slips.
enum Softmax {
  static let all = [stable, twoClasses, gradient, slips]

  /// As printed, without a shift.
  static func naive(_ z: [Double]) -> [Double] { stable(z, less: 0) }

  /// Shifted by a number, by default the row's largest.
  static func stable(_ z: [Double], less shift: Double? = nil) -> [Double] {
    let powers = z.map { exp($0 - (shift ?? z.max() ?? 0)) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  static let stable = Experiment(
    name: "stable-softmax",
    claim: "The naive softmax overflows, the stable one does not.",
    method:
      "100 rows of ten logits, normal, with a deviation of 1 000, in Double: rows whose answer is no number, by the formula "
      + "as it stands and shifted by the row's largest. And the library's own: digits, whose output layer takes inputs "
      + "times 10⁵, one epoch at a rate of 10⁻⁹: predictions whose probabilities are not finite or do not add up to 1.",
    questions: [
      Question("rows that are no number, %", "naive", "stable", .below(0)),
      Question("the library's predictions that are none, %", "possible", "found", .within(0)),
    ], seeds: 10
  ) { lab, seed in
    var stream = Tables.stream(seed, 10)
    let rows = (0..<100).map { _ in (0..<10).map { _ in 1_000 * stream.normal() } }
    func broken(_ softmax: ([Double]) -> [Double]) -> Double {
      Double(rows.count { row in softmax(row).contains { !$0.isFinite } })
    }
    let run = try Recipe {
      Flatten(); Scale(factors: [1e5])
    }.optimizer(.gradientDescent(learningRate: 1e-9)).batchSize(32)
      .epochs(1).run(lab.split(seed: seed), seed)
    let answers = try run.model.predict(lab.pictures, threads: 1)
    let wrong = answers.count { !(abs($0.probabilities.reduce(0, +) - 1) < 1e-5) }
    return [Pair(broken(naive), broken { stable($0) }), Pair(0, 100 * Double(wrong) / Double(answers.count))]
  }

  static let twoClasses = Experiment(
    name: "softmax-two-classes",
    claim: "With two classes the softmax is the sigmoid of the logits' difference, and probabilities add up to 1.",
    method: "1 000 pairs of logits, normal, with a deviation of 5, in Double.",
    questions: [
      Question("largest distance from the sigmoid", "exact", "computed", .within(1e-15)),
      Question("largest distance of the sum from 1", "exact", "computed", .within(1e-15)),
    ]
  ) { _, seed in
    var stream = Tables.stream(seed, 11)
    var (distance, sum) = (0.0, 0.0)
    for _ in 0..<1_000 {
      let z = [5 * stream.normal(), 5 * stream.normal()]
      let a = stable(z)
      distance = max(distance, abs(a[1] - 1 / (1 + exp(z[0] - z[1]))))
      sum = max(sum, abs(a[0] + a[1] - 1))
    }
    return [Pair(0, distance), Pair(0, sum)]
  }

  static let gradient = Experiment(
    name: "softmax-gradient",
    claim: "The gradient of the cross-entropy by the logits is A − Y.",
    method: "100 rows of ten logits, normal, with a deviation of 3, in Double, against central differences of 10⁻⁵.",
    questions: [Question("largest distance", "exact", "computed", .within(1e-8))]
  ) { _, seed in
    var stream = Tables.stream(seed, 12)
    var distance = 0.0
    for _ in 0..<100 {
      let z = (0..<10).map { _ in 3 * stream.normal() }
      let label = stream.integer(below: 10)
      func loss(_ z: [Double]) -> Double {
        let most = z.max() ?? 0
        return most + log(z.reduce(0) { $0 + exp($1 - most) }) - z[label]
      }
      let a = stable(z)
      for place in z.indices {
        var (up, down) = (z, z)
        up[place] += 1e-5
        down[place] -= 1e-5
        let slope = (loss(up) - loss(down)) / 2e-5
        distance = max(distance, abs(slope - (a[place] - (place == label ? 1 : 0))))
      }
    }
    return [Pair(0, distance)]
  }

  static let slips = Experiment(
    name: "slips",
    claim: "The notes' code, as printed, computes what their text means.",
    method:
      "What can be run is, in Double, once as printed and once as meant; what cannot, by its consequence. All alike means "
      + "no difference.",
    questions: [
      Question("He: mean activation after 10 ReLU layers of 32", "as meant", "uniform on [0, 1)", .within(0.01)),
      Question("L2: sum of the elements of W·W (4 × 4) in place of Σ w²", "as meant", "np.dot", .within(0.01)),
      Question("normalization: deviation of a feature of size 10⁻⁵", "as meant", "with ε 10⁻⁸", .within(0.01)),
      Question("batch norm: deviation of Znew less Z, σ 3", "γ = σ", "γ = σ²", .within(0.01)),
      Question("RMSProp: first step over the rate", "β₂ 0.9", "β₂ 0.999", .within(0.01)),
      Question("Adam: first step over the rate", "corrected", "as printed", .within(0.01)),
      Question("softmax: rows that are no number, %", "row's maximum", "one maximum", .within(0.01)),
      Question("−Y·log A: rows of sure answers that are no number, %", "from logits", "0 · log 0", .within(0.01)),
    ]
  ) { lab, seed in try Slips.measure(lab, seed) }
}

extension Experiment {
  /// In the order of the notes.
  static let all =
    BiasAndVariance.all + Regularization.all + DropoutClaims.all + Inputs.all + Descent.all + AdaptiveRates.all
    + Search.all + Normalization.all + Softmax.all
}
