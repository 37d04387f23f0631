import TartineEngine
import TartinePlatform

/// Maximizes the log expected improvement of a Gaussian process of the trials within a box.
struct Acquisition {
  /// A box, with one interval per hyperparameter.
  struct Region: Equatable {
    let low, high: [Double]
  }

  /// The whole space.
  var everywhere: Region { Region(low: isOrdered.map { _ in 0 }, high: isOrdered.map { _ in 1 }) }

  private let space: SearchSpace
  private let isOrdered: [Bool]
  private let process: GaussianProcess
  /// The value to improve on.
  private let threshold: Double
  /// The points of all trials, pending ones included: trying one again would give no information.
  private let tried: Set<[Double]>
  /// The best points, best first; inactive hyperparameters are at 0.5.
  let best: [[Double]]
  /// The logarithms of the process's lengthscales.
  var lengths: [Double] { process.parameters.lengths }

  /// The largest number of points of the process: half of them the best, the others the latest.
  private static let mostPoints = 270
  /// The largest number of points for fitting its parameters, which takes many evaluations.
  private static let mostFitted = 90

  /// Fits the process; returns nil if there are too few finite values.
  init?(_ space: SearchSpace, _ history: [Observation]) {
    self.space = space
    isOrdered = space.parameters.map(\.domain.isOrdered)
    tried = Set(history.map { Self.key($0.point) })
    let finite = history.compactMap(\.value).filter(\.isFinite)
    guard finite.count >= 3, let worst = finite.max() else { return nil }
    let done = history.filter { $0.value != nil }.map { (point: $0.point, value: min(worst, $0.value ?? worst)) }
    let known = Self.most(done, Self.mostPoints)
    let values = WarpedValues(known.map(\.value)).list
    let few = Self.most(known, Self.mostFitted)
    guard
      let fitted = GaussianProcess(
        few.map(\.point), WarpedValues(few.map(\.value)).list, isOrdered: isOrdered, evaluations: 60),
      let whole = few.count == known.count
        ? fitted : GaussianProcess(known.map(\.point), values, isOrdered: isOrdered, fitted.parameters)
    else { return nil }
    process = whole.believing(history.filter { $0.value == nil }.map(\.point))
    threshold = values.min() ?? 0
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    best = order.prefix(4).map { known[$0].point.map { $0.isNaN ? 0.5 : $0 } }
  }

  private static func most(_ trials: [(point: [Double], value: Double)], _ count: Int) -> [(
    point: [Double], value: Double
  )] {
    guard trials.count > count else { return trials }
    let order = trials.indices.sorted { (trials[$0].value, $0) < (trials[$1].value, $1) }
    let good = Set(order.prefix(count / 2))
    let late = trials.indices.reversed().filter { !good.contains($0) }.prefix(count - good.count)
    return good.union(late).sorted().map { trials[$0] }
  }

  /// Returns a point with whole numbers and choices at the middle of their segments, and inactive
  /// hyperparameters as NaN.
  private func settled(_ point: [Double]) -> [Double] { space.point(of: space.values(at: point)) ?? point }

  private func isTried(_ point: [Double]) -> Bool { tried.contains(Self.key(point)) }

  /// Returns a point that compares equal to itself: NaN is replaced.
  private static func key(_ point: [Double]) -> [Double] { point.map { $0.isNaN ? -1 : $0 } }

  private func gain(_ mean: Double, _ variance: Double) -> Double {
    LogExpectedImprovement.value(mean: mean, deviation: variance.squareRoot(), threshold: threshold).value
  }

  /// Returns the point with the highest log expected improvement.
  ///
  /// The candidates are points spread over the box, and steps of many sizes from the best trials. The best
  /// candidates are then refined by local optimization.
  func maximum(in region: Region, seed: UInt64, number: Int) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .search, step: number, index: 9)
    let sobol = SobolSequence(dimensions: space.count, seed: seed &+ UInt64(number), index: 3)
    // With many points each candidate is expensive.
    let (wide, steps) = process.points.count > 120 ? (192, 32) : (512, 64)
    var candidates = (0..<wide).map { k in
      zip(sobol[k], zip(region.low, region.high)).map { $1.0 + $0 * ($1.1 - $1.0) }
    }
    for top in best {
      for k in 0..<steps {
        candidates.append(step(from: top, size: pow(10, -0.5 - 2.5 * Double(k) / Double(steps)), region, &stream))
      }
    }
    candidates = candidates.map(settled)
    let fresh = candidates.filter { !isTried($0) }
    // In a small discrete space all points of the box may have been tried, and at last all points.
    if fresh.isEmpty, region != everywhere { return maximum(in: everywhere, seed: seed, number: number) }
    if !fresh.isEmpty { candidates = fresh }
    let gains = process.predict(candidates).map { gain($0.mean, $0.variance) }
    let order = candidates.indices.sorted { (gains[$1], $0) < (gains[$0], $1) }
    var found = (point: candidates[order[0]], gain: gains[order[0]])
    for place in order.prefix(6) {
      let climbed = climb(from: candidates[place], region)
      if climbed.gain > found.gain, !isTried(climbed.point) { found = climbed }
    }
    return found.point.map { $0.isNaN ? 0.5 : $0 }
  }

  /// Returns a point with at least one hyperparameter moved.
  private func step(
    from point: [Double], size: Double, _ region: Region, _ stream: inout RandomStream
  ) -> [Double] {
    var near = point
    let forced = stream.integer(below: space.count)
    for place in isOrdered.indices where place == forced || stream.uniform() < 0.6 {
      near[place] =
        isOrdered[place]
        ? min(region.high[place], max(region.low[place], near[place] + size * stream.normalPair().0)) : stream.uniform()
    }
    return near
  }

  /// Optimizes the ordered hyperparameters locally.
  private func climb(from start: [Double], _ region: Region) -> (point: [Double], gain: Double) {
    let free = isOrdered.indices.filter { isOrdered[$0] && !start[$0].isNaN }
    func at(_ list: [Double]) -> [Double] {
      var x = start
      for (place, value) in zip(free, list) { x[place] = value }
      return x
    }
    let found = Minimizer.minimize(
      from: free.map { start[$0] }, lowest: free.map { region.low[$0] }, highest: free.map { region.high[$0] },
      evaluations: 40
    ) { list in
      let here = process.slopes(at(list))
      let deviation = here.variance.squareRoot()
      let gain = LogExpectedImprovement.value(mean: here.mean, deviation: deviation, threshold: threshold)
      return (
        -gain.value,
        free.map { -(gain.byMean * here.meanSlope[$0] + gain.byDeviation * here.varianceSlope[$0] / (2 * deviation)) }
      )
    }
    // Round to whole numbers.
    let whole = settled(at(found.place))
    let here = process.predict([whole])[0]
    return (whole, gain(here.mean, here.variance))
  }
}
