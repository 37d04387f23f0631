import Foundation
import Tartine
import Testing

/// Intervals and sets for single predictions.
@Suite struct ConformalTests {
  private func scores(
    _ errors: [Double], predictions: [Double]? = nil, weights: [Double]? = nil, groups: [Int]? = nil
  ) throws -> ConformalScores {
    try #require(ConformalScores(errors: errors, predictions: predictions, weights: weights, groups: groups))
  }

  /// Of n = 9 scores, 0.9 · 10 = 9 must not be above the quantile, and 0.5 · 10 = 5.
  @Test func quantilesByHand() throws {
    let nine = try scores((1...9).map { Double($0) }.reversed())
    #expect(nine.quantile(0.9) == 9 && nine.quantile(0.5) == 5 && nine.quantile(0.45) == 5 && nine.quantile(0.1) == 1)
    #expect(nine.quantile(0.91) == nil && nine.highestCoverage == 0.9)
    #expect(nine.problem(coverage: 0.9) == nil)
    #expect(
      nine.problem(coverage: 0.95)
        == "intervals of 0.95 need at least 19 dev rows or groups, and there were 9; ask for 0.9 or less, or train with more dev rows"
    )
    #expect(nine.problem(coverage: 1)?.contains("between 0 and 1") == true)
    // Without rows, or of rows without a finite error, there is none.
    #expect(ConformalScores(errors: [], predictions: nil, weights: nil, groups: nil) == nil)
    #expect(ConformalScores(errors: [1, .nan], predictions: nil, weights: nil, groups: nil) == nil)
  }

  /// A row of weight 2 counts twice; a group counts once, however many rows it has.
  @Test func weightsAndGroups() throws {
    // Cumulative shares 1/6, 1/3, 1; Kish's n is 6² / (1 + 1 + 16) = 2.
    let weighted = try scores([1, 2, 3], weights: [1, 1, 4])
    #expect(abs(weighted.highestCoverage - 2.0 / 3) < 1e-12)
    // 0.2 · 1.5 = 0.3 of the weight.
    #expect(weighted.quantile(0.2) == 2 && weighted.quantile(0.1) == 1 && weighted.quantile(0.3) == 3)
    // Four groups: shares 1/4 up to 0 (six rows), then 1/4 each.
    let grouped = try scores([0, 0, 0, 0, 0, 0, 5, 6, 7], groups: [8, 8, 8, 8, 8, 8, 1, 2, 3])
    #expect(grouped.highestCoverage == 0.8)
    #expect(grouped.quantile(0.2) == 0 && grouped.quantile(0.4) == 5 && grouped.quantile(0.8) == 7)
  }

  /// Of many scores a thousand are kept, and none promises too much.
  @Test func manyScores() throws {
    var stream = RandomStream(seed: 5, purpose: .test)
    let all = (0..<30_000).map { _ in abs(stream.normalPair().0) }
    let found = try scores(all)
    let sorted = all.sorted()
    for coverage in [0.5, 0.8, 0.9, 0.95, 0.99] {
      let exact = sorted[Int((coverage * 30_001).rounded(.up)) - 1]
      let quantile = try #require(found.quantile(coverage))
      #expect(quantile >= exact - 1e-6 && quantile <= sorted[Int(min(29_999, (coverage + 0.0011) * 30_001))] + 1e-6)
    }
  }

  /// The truth is held as often as asked, and where errors grow with the prediction intervals are narrower than those of one width.
  @Test func coverageAndWidth() throws {
    var stream = RandomStream(seed: 6, purpose: .test)
    func draw(_ count: Int) -> (errors: [Double], predictions: [Double]) {
      let predictions = (0..<count).map { _ in stream.uniform() * 10 }
      return (predictions.map { abs(stream.normalPair().0) * (0.2 + $0) }, predictions)
    }
    for (rows, allowed) in [(60, 0.02), (1_000, 0.01)] {
      var (held, width, constant) = (0.0, 0.0, 0.0)
      let rounds = rows > 100 ? 60 : 300
      for _ in 0..<rounds {
        let (dev, test) = (draw(rows), draw(500))
        let found = try scores(dev.errors, predictions: dev.predictions)
        for (error, prediction) in zip(test.errors, test.predictions) {
          let reach = try #require(found.reach(of: prediction, coverage: 0.9))
          held += error <= reach ? 1 : 0
          width += reach
        }
        constant += 500 * dev.errors.sorted()[Int((0.9 * Double(rows + 1)).rounded(.up)) - 1]
      }
      let share = held / Double(500 * rounds)
      #expect(abs(share - 0.9) < allowed, "\(rows) rows: \(share)")
      #expect(width < (rows > 100 ? 0.9 : 0.97) * constant, "\(rows) rows: \(width / constant)")
    }
  }

  /// Each half of dev is measured at the epoch with the other half's lowest loss.
  @Test func halvesChooseForEachOther() throws {
    let data = try Dataset.digits()
    let split = try data.split(seed: 1)
    let recipe = Recipe {
      Flatten(); Dense(12); ReLU()
    }.keeping(.last)
    let evaluations = try [4, 1, 2].map {
      try recipe.epochs($0).train(on: split, threads: 1).model.evaluate(data, threads: 1)
    }
    let count = evaluations[0].rowCount
    var held = HeldOutErrors(count: count, cases: nil, seed: 3, keeps: .best)
    #expect(abs(held.isSecond.count { $0 } - count / 2) <= 1)
    // Made so that the halves choose different epochs.
    var order: [Int] = []
    for (place, evaluation) in evaluations.enumerated() {
      held.take(evaluation)
      order.append(place)
    }
    func best(of isSecond: Bool) -> Int {
      let losses = evaluations.map { evaluation in
        held.isSecond.indices.filter { held.isSecond[$0] == isSecond }.reduce(0.0) { $0 + evaluation.losses[$1] }
      }
      return losses.indices.min { losses[$0] < losses[$1] }!
    }
    for row in 0..<count {
      #expect(held.errors[row] == Float(evaluations[best(of: !held.isSecond[row])].logLosses[row]))
    }
    // A group is in one half.
    let grouped = HeldOutErrors(count: 100, cases: (0..<100).map { $0 / 7 }, seed: 3, keeps: .best)
    for row in 1..<100 where row % 7 > 0 { #expect(grouped.isSecond[row] == grouped.isSecond[row - 1]) }
    // Where the last epoch is kept, no row chooses.
    var last = HeldOutErrors(count: count, cases: nil, seed: 3, keeps: .last)
    for evaluation in evaluations { last.take(evaluation) }
    #expect(last.errors == evaluations[2].logLosses.map { Float($0) })
  }

  /// A model file keeps its intervals; a set holds the predicted class, and the likeliest come first.
  @Test func modelsKeepThem() throws {
    var stream = RandomStream(seed: 9, purpose: .test)
    let features = (0..<600).map { _ in (0..<3).map { _ in Float(stream.normalPair().0) } }
    let values = features.map { Double($0[0]) + 0.3 * stream.normalPair().0 }
    let split = try Dataset(features: features, values: values).split(seed: 1)
    let run = try Recipe.automatic.epochs(6).train(on: split, threads: 1)
    let path = FileManager.default.temporaryDirectory.appending(
      path: "tartine-conformal-\(UInt64.random(in: 0 ... .max))"
    ).path
    try run.model.save(to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = try Model(path)
    #expect(model.conformal == run.model.conformal && model.conformal != nil)
    let data = try Dataset(features: features, values: values)
    let predictions = try model.predict(data, threads: 1)
    let intervals = try predictions.map { try #require($0.interval(0.9)) }
    for (prediction, interval) in zip(predictions, intervals) {
      #expect(abs((interval.lowerBound + interval.upperBound) / 2 - prediction.number!) < 1e-9)
      #expect(prediction.classes(0.9) == nil && prediction.interval(0.9999) == nil)
    }
    let test = try run.test()
    let coverage = try #require(IntervalCoverage(test, coverage: 0.9, of: data))
    #expect(coverage.held.value > 0.8 && coverage.held.value <= 1 && coverage.held.low < coverage.held.value)
    let wide = try #require(IntervalCoverage(test, coverage: 0.95))
    #expect(wide.size >= coverage.size)

    let digits = try Dataset.digits()
    let other = try Recipe {
      Flatten(); Dense(8); ReLU()
    }.decision(DecisionRule(calibrates: true)).epochs(2)
      .train(on: try digits.split(seed: 1), threads: 1)
    #expect(other.model.decision.isCalibrated)
    let sets = try other.model.predict(digits, threads: 1)
    #expect(sets.contains { ($0.classes(0.99)?.count ?? 0) > 1 })
    for prediction in sets {
      let set = try #require(prediction.classes(0.99))
      #expect(set.first == prediction.text && prediction.interval(0.9) == nil)
      #expect(Set(try #require(prediction.classes(0.8))).isSubset(of: set))
    }
    // Evaluation and prediction agree on whose truth is held.
    let held = try #require(other.model.evaluate(digits, threads: 1).intervals(0.95))
    for (row, prediction) in sets.enumerated() {
      let set = try #require(prediction.classes(0.95))
      #expect(held[row].size == Double(set.count) && held[row].isHeld == set.contains(digits.targets[0].text(row)!))
    }
  }
}
