import Foundation
import Tartine
import Testing

/// Choices on dev after training: the temperature and the threshold.
@Suite struct DecisionTests {
  /// Labels drawn with the probabilities of the logits, which are then scaled: the scale is recovered.
  @Test(arguments: [0.4, 1, 3]) func findsTheTemperature(_ stretch: Double) {
    var stream = RandomStream(seed: 4, purpose: .test)
    var (logits, truths) = ([Float](), [Double]())
    for _ in 0..<20_000 {
      let z = (0..<3).map { _ in stream.normalPair().0 * 1.5 }
      let p = z.map { exp($0) }
      var left = stream.uniform() * p.reduce(0, +)
      truths.append(
        Double(
          p.indices.first {
            left -= p[$0]; return left < 0
          } ?? 2))
      logits += z.map { Float($0 * stretch) }
    }
    let many = Decision(.init(calibrates: true), logits: logits, truths: truths, output: .softmax(classes: 3))
    #expect(abs(many.temperature / stretch - 1) < 0.05, "\(many.temperature)")
    #expect(many.threshold == 0.5)
    let one = (0..<20_000).map { _ in stream.normalPair().0 * 1.5 }
    let yes = one.map { stream.uniform() < 1 / (1 + exp(-$0)) ? 1.0 : 0 }
    let two = Decision(
      .init(calibrates: true), logits: one.map { Float($0 * stretch) }, truths: yes, output: .sigmoid(labels: 1))
    #expect(abs(two.temperature / stretch - 1) < 0.05, "\(two.temperature)")
  }

  /// No threshold between any two scores is better, for each metric computed directly.
  @Test(arguments: ThresholdMetric.allCases) func findsTheThreshold(_ metric: ThresholdMetric) {
    var stream = RandomStream(seed: 8, purpose: .test)
    let truths = (0..<200).map { $0 % 7 == 0 ? 1.0 : 0 }
    let logits = truths.map { Float(($0 - 1.2) * 1.5 + stream.normalPair().0) }
    func value(_ threshold: Double) -> Double {
      let answers = logits.map { 1 / (1 + exp(-Double($0))) > threshold }
      let hits = zip(answers, truths).count { $0 && $1 == 1 }
      let alarms = zip(answers, truths).count { $0 && $1 == 0 }
      let yes = truths.count { $0 == 1 }
      let (tp, fp, fn) = (Double(hits), Double(alarms), Double(yes - hits))
      let tn = Double(200 - yes) - fp
      switch metric {
      case .accuracy: return (tp + tn) / 200
      case .balancedAccuracy: return (tp / (tp + fn) + tn / (tn + fp)) / 2
      case .f1: return 2 * tp / (2 * tp + fp + fn)
      case .mcc:
        let root = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)).squareRoot()
        return root > 0 ? (tp * tn - fp * fn) / root : 0
      }
    }
    let decision = Decision(.init(threshold: metric), logits: logits, truths: truths, output: .sigmoid(labels: 1))
    let best = stride(from: 0.0005, to: 1, by: 0.0005).map(value).max()!
    #expect(
      value(decision.threshold) >= best - 1e-12, "\(value(decision.threshold)) at \(decision.threshold), not \(best)")
    #expect(decision.temperature == 1)
  }

  @Test func aModelKeepsWhatWasDecided() throws {
    var stream = RandomStream(seed: 6, purpose: .test)
    let rows = (0..<2000).map { _ in [Float(stream.uniform()), Float(stream.uniform())] }
    let labels = rows.map { stream.uniform() < 0.3 * Double($0[0]) ? "yes" : "no" }
    let split = try Dataset(features: rows, labels: labels).split(seed: 1)
    let recipe = Recipe {
      Dense(32); ReLU()
    }.epochs(20).bins(0)
    let plain = try recipe.train(on: split, seed: 2)
    let decided = try recipe.decision(DecisionRule(calibrates: true, threshold: .balancedAccuracy)).train(
      on: split, seed: 2)
    #expect(decided.model.decision.threshold < 0.4 && decided.model.decision.temperature != 1)
    #expect(decided.dev.loss < plain.dev.loss)
    let recall = { (run: Run) in Metrics(run.dev)["balanced-accuracy"]?.value ?? 0 }
    #expect(recall(decided) > recall(plain) + 0.05)
    let again = try Model(file: try decided.model.fileContents(), path: "memory")
    #expect(again.decision == decided.model.decision)
    // A single row is predicted like the rows of a table.
    for x in [0.05, 0.5, 0.95] {
      let one = try again.predict(["x1": .number(x), "x2": 0.5])
      #expect((one.text == "yes") == (one.probabilities[1] > again.decision.threshold))
    }
    #expect(throws: RecipeError.self) {
      let numbers = try Dataset(features: rows, values: rows.map { Double($0[0]) }).split(seed: 1)
      return try recipe.decision(DecisionRule(calibrates: true)).train(on: numbers, seed: 2)
    }
  }

  @Test func aQuantileHasItsFigures() throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    let rows = (0..<3000).map { _ in [Float(stream.uniform())] }
    let values = rows.map { Double($0[0]) + stream.normalPair().0 }
    let run = try Recipe {
      Dense(8); ReLU()
    }.epochs(30).loss(.quantile(0.9)).train(on: try Dataset(features: rows, values: values).split(seed: 1), seed: 1)
    let metrics = Metrics(try run.test())
    let coverage = try #require(metrics["coverage"])
    #expect(coverage.low < 0.9 && coverage.high > 0.9, "\(coverage)")
    // For a standard normal distribution: the density at its 90 % point.
    let loss = try #require(metrics["quantile-loss"])
    #expect(loss.low < 0.1755 && loss.high > 0.1755, "\(loss)")
  }
}
