import Tartine
import Testing

@Suite struct OperatingCurveTests {
  private func run(_ rows: Int, classes: Int) throws -> Run {
    var stream = RandomStream(seed: 3, purpose: .test)
    let features = (0..<rows).map { _ in [Float(stream.normalPair().0)] }
    // Rounded, so that probabilities tie.
    let labels = features.map { row in
      min(classes - 1, max(0, Int((Double(row[0]) + stream.normalPair().0 + 1.5).rounded())))
    }
    let data = try Dataset(features: features.map { [($0[0] * 4).rounded() / 4] }, labels: labels)
    let split = try data.split(seed: 1)
    return try Recipe.linear(for: split, threads: 1).train(on: split, threads: 1)
  }

  /// Points rise from none to all of the class; the trapezoids below them are the area that is computed by ranks, and the steps
  /// of recall by precision the average precision.
  @Test(arguments: [2, 4]) func areasAreThoseOfTheMetrics(_ classes: Int) throws {
    let dev = try run(400, classes: classes).dev
    let curves = OperatingCurve.list(of: dev)
    #expect(curves.count == (classes == 2 ? 1 : classes))
    var (areas, precisions): ([Double], [Double]) = ([], [])
    for curve in curves {
      let points = curve.points
      #expect(points.first?.recall == 0 && points.last?.recall == 1 && points.last?.falsePositiveRate == 1)
      #expect(abs((points.last?.precision ?? 0) - curve.prevalence) < 1e-12)
      #expect(points.count < 200, "ties are one point")
      let pairs = zip(points, points.dropFirst())
      areas.append(
        pairs.reduce(0) {
          $0 + ($1.1.falsePositiveRate - $1.0.falsePositiveRate) * ($1.1.recall + $1.0.recall) / 2
        })
      precisions.append(pairs.reduce(0) { $0 + ($1.1.recall - $1.0.recall) * $1.1.precision })
    }
    let metrics = Metrics(dev)
    let average = classes == 2 ? "" : "-macro"
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    #expect(abs(mean(areas) - (metrics["roc-auc" + average]?.value ?? 0)) < 1e-9)
    #expect(abs(mean(precisions) - (metrics["pr-auc" + average]?.value ?? 0)) < 1e-9)
  }

  @Test func manyClassesAreAveraged() throws {
    let dev = try run(400, classes: 4).dev
    let curves = OperatingCurve.list(of: dev, upTo: 3)
    #expect(curves.map(\.name) == ["micro-average"] && abs(curves[0].prevalence - 0.25) < 1e-12)
  }

  /// Of uniform errors the kurtosis is 9/5, and of a few that are ten times as large far above 5.
  @Test func heavyTailsAreTold() throws {
    for (share, isHeavy) in [(0.0, false), (0.03, true)] {
      var stream = RandomStream(seed: 2, purpose: .test)
      let features = (0..<1_000).map { _ in [Float(stream.normalPair().0)] }
      let values = features.map { row in
        let error = (stream.uniform() * 2 - 1) * (stream.uniform() < share ? 10 : 1)
        return 3 * Double(row[0]) + error
      }
      let split = try Dataset(features: features, values: values).split(seed: 1)
      let dev = try Recipe.linear(for: split, threads: 1).train(on: split, threads: 1).dev
      let kurtosis = try #require(dev.kurtosis)
      #expect(isHeavy ? kurtosis > 5 : abs(kurtosis - 1.8) < 0.3, "\(kurtosis)")
      #expect((dev.tailWarning != nil) == isHeavy)
    }
  }
}
