import Tartine

/// A grid with the same number of points along each hyperparameter, last one fastest; then again from the start.
package struct GridSampler: Sampler {
  private let points: Int

  package init(points: Int) { self.points = max(2, points) }

  package func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    var rest = number
    var point: [Double] = []
    for _ in space.parameters {
      point.insert(Double(rest % points) / Double(points - 1), at: 0)
      rest /= points
    }
    return point
  }
}
