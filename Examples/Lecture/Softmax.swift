import Foundation
import Tartine

/// The softmax.
enum Softmax {
  static let all = [stable, twoClasses, gradient]

  /// The formula as printed, without a shift.
  static func naive(_ z: [Double]) -> [Double] { stable(z, less: 0) }

  /// The formula with a shift, by default the row's largest logit.
  static func stable(_ z: [Double], less shift: Double? = nil) -> [Double] {
    let powers = z.map { exp($0 - (shift ?? z.max() ?? 0)) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  static let stable = Experiment(
    name: "stable-softmax",
    claim: "The naive softmax overflows, the stable one does not.",
    method:
      "100 rows of ten logits, normal, with a standard deviation of 1 000, in Double: rows whose result is NaN, "
      + "by the plain formula and shifted by the row's largest logit. And the library's own: digits, with an "
      + "output layer whose inputs are multiplied by 10⁵, one epoch with a learning rate of 10⁻⁹: predictions "
      + "whose probabilities are not finite or do not add up to 1.",
    questions: [
      Question("rows that are NaN, %", "naive", "stable", .below(0)),
      Question("the library's invalid predictions, %", "possible", "found", .within(0)),
    ]
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
    let answers = try run.model.predict(lab.images, threads: 1)
    let wrong = answers.count { !(abs($0.probabilities.reduce(0, +) - 1) < 1e-5) }
    return [Pair(broken(naive), broken { stable($0) }), Pair(0, 100 * Double(wrong) / Double(answers.count))]
  }

  static let twoClasses = Experiment(
    name: "softmax-two-classes",
    claim: "With two classes the softmax is the sigmoid of the logits' difference, and probabilities add up to 1.",
    method: "1 000 pairs of logits, normal, with a standard deviation of 5, in Double.",
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
    claim: "The gradient of the cross-entropy with respect to the logits is A − Y.",
    method:
      "100 rows of ten logits, normal, with a standard deviation of 3, in Double, against central differences of "
      + "10⁻⁵.",
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
}

extension Experiment {
  /// The experiments in the order of the notes.
  static let all =
    BiasAndVariance.all + Regularization.all + DropoutClaims.all + Ensembles.all + Inputs.all + Descent.all
    + AdaptiveRates.all + Search.all + Normalization.all + Softmax.all + [Slips.experiment]
}
