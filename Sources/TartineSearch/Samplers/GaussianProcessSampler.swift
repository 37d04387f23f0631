import TartineEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Tries where a Gaussian process of what was seen expects most to be gained.
public struct GaussianProcessSampler: Sampler {
  package struct Options: Sendable {
    package var start = 0
    package var warp = 1
    package var length = 0.5
    package var lengthSpread = 1.0
    package var trend = 0.3
    package var noise = 1e-4
    package var noiseSpread = 2.5
    package var evaluations = 60
    package var region = 0
    package var incumbent = 0
    package init() {}
  }

  package var options = Options()

  /// A sampler.
  public init() {}

  /// Points that the process is fitted to, at most.
  private static let most = 300

  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    let d = space.count
    let sobol = SobolSequence(dimensions: d, seed: seed)
    let starts = options.start > 0 ? options.start : max(4, min(d + 1, 10))
    let known = history.filter { $0.value?.isFinite == true }
    guard number >= starts, known.count >= 3 else { return sobol[number] }
    return Acquisition(space, history, number: number, seed: seed, options: options)?.best() ?? sobol[number]
  }
}

struct Acquisition {
  let space: SearchSpace
  let isOrdered: [Bool]
  let process: GaussianProcess
  let threshold: Double
  let seed: UInt64
  let number: Int
  let center: [Double]
  let lowest, highest: [Double]
  let tops: [[Double]]

  init?(
    _ space: SearchSpace, _ history: [Observation], number: Int, seed: UInt64, options: GaussianProcessSampler.Options
  ) {
    self.space = space
    self.seed = seed
    self.number = number
    isOrdered = space.parameters.map(\.domain.isOrdered)
    let finite = history.compactMap { o in o.value.flatMap { $0.isFinite ? $0 : nil } }
    let worst = finite.max() ?? 0
    let finished = history.filter { $0.value != nil }
    let values = Values(finished.map { min(worst, $0.value ?? worst) }, warp: options.warp)
    var style = GaussianProcess.Style()
    (style.length, style.lengthSpread, style.trend, style.noise, style.noiseSpread) = (
      options.length, options.lengthSpread, options.trend, options.noise, options.noiseSpread
    )
    guard
      let fitted = GaussianProcess(
        finished.map(\.point), values.list, isOrdered: isOrdered, evaluations: options.evaluations, style: style)
    else { return nil }
    process = fitted.believing(history.filter { $0.value == nil }.map(\.point))
    let expected = fitted.predict(finished.map(\.point)).map(\.mean)
    let order = expected.indices.sorted { (expected[$0], $0) < (expected[$1], $1) }
    threshold = options.incumbent == 0 ? (values.list.min() ?? 0) : expected[order[0]]
    let byValue = values.list.indices.sorted { (values.list[$0], $0) < (values.list[$1], $1) }
    center = finished[options.incumbent == 0 ? byValue[0] : order[0]].point.map { $0.isNaN ? 0.5 : $0 }
    tops = byValue.prefix(4).map { finished[$0].point.map { $0.isNaN ? 0.5 : $0 } }
    if options.region == 1 {
      let side = Region.side(
        finished.map { $0.value ?? worst }, dimensions: isOrdered.count, starts: max(4, min(isOrdered.count + 1, 10)))
      let mean = process.parameters.lengths.reduce(0, +) / Double(isOrdered.count)
      let sides = process.parameters.lengths.map { side * exp(max(-2, min(2, $0 - mean))) }
      lowest = zip(center, sides).map { max(0, $0 - $1 / 2) }
      highest = zip(center, sides).map { min(1, $0 + $1 / 2) }
    } else {
      lowest = isOrdered.map { _ in 0 }
      highest = isOrdered.map { _ in 1 }
    }
  }

  /// A point as the space has it: of whole numbers and choices the middle, and what is not there left out.
  private func settled(_ point: [Double]) -> [Double] {
    space.point(of: space.values(at: point)) ?? point
  }

  private func gain(_ mean: Double, _ variance: Double) -> Double {
    LogImprovement.value(mean: mean, deviation: variance.squareRoot(), threshold: threshold).value
  }

  func best() -> [Double] {
    let d = isOrdered.count
    var stream = RandomStream(seed: seed, purpose: .search, step: number, index: 9)
    let sobol = SobolSequence(dimensions: d, seed: seed &+ UInt64(number), index: 3)
    let wide = process.points.count > 120 ? 256 : 512
    var candidates = (0..<wide).map { k in
      zip(sobol[k], zip(lowest, highest)).map { $1.0 + $0 * ($1.1 - $1.0) }
    }
    // Near the best: some hyperparameters moved, by steps of many sizes.
    for top in tops {
      for k in 0..<64 {
        let size = pow(10, -0.5 - 2.5 * Double(k) / 64)
        var near = top
        let forced = stream.integer(below: d)
        for i in 0..<d where i == forced || stream.uniform() < 0.6 {
          if isOrdered[i] {
            near[i] = min(highest[i], max(lowest[i], near[i] + size * stream.normalPair().0))
          } else {
            near[i] = stream.uniform()
          }
        }
        candidates.append(near)
      }
    }
    candidates = candidates.map(settled)
    let gains = process.predict(candidates).map { gain($0.mean, $0.variance) }
    let order = candidates.indices.sorted { (gains[$1], $0) < (gains[$0], $1) }
    var best = (point: candidates[order[0]], gain: gains[order[0]])
    for place in order.prefix(6) {
      let refined = refine(candidates[place])
      if refined.gain > best.gain { best = refined }
    }
    return best.point.map { $0.isNaN ? 0.5 : $0 }
  }

  /// Climbs in the hyperparameters that have an order.
  private func refine(_ start: [Double]) -> (point: [Double], gain: Double) {
    let free = isOrdered.indices.filter { isOrdered[$0] && !start[$0].isNaN }
    guard !free.isEmpty else {
      return (start, gain(process.predict([start])[0].mean, process.predict([start])[0].variance))
    }
    let found = Minimizer.minimize(
      from: free.map { start[$0] }, lowest: free.map { lowest[$0] }, highest: free.map { highest[$0] }, evaluations: 40
    ) { list in
      var x = start
      for (k, i) in free.enumerated() { x[i] = list[k] }
      let at = process.slopes(x)
      let deviation = at.variance.squareRoot()
      let gain = LogImprovement.value(mean: at.mean, deviation: deviation, threshold: threshold)
      return (
        -gain.value,
        free.map { -(gain.byMean * at.meanSlope[$0] + gain.byDeviation * at.varianceSlope[$0] / (2 * deviation)) }
      )
    }
    var x = start
    for (k, i) in free.enumerated() { x[i] = found.place[k] }
    // Whole numbers are as they are.
    let whole = settled(x)
    let at = process.predict([whole])[0]
    return (whole, gain(at.mean, at.variance))
  }
}

/// Values of mean 0 and variance 1, the worst ones drawn in.
struct Values {
  let list: [Double]

  init(_ values: [Double], warp: Int) {
    func standard(_ v: [Double]) -> [Double] {
      let n = Double(v.count)
      let mean = v.reduce(0, +) / n
      let deviation = (v.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n).squareRoot()
      return v.map { deviation > 0 ? ($0 - mean) / deviation : 0 }
    }
    switch warp {
    case 0: list = standard(values)
    case 1:
      // By rank, as normal numbers.
      let order = values.indices.sorted { values[$0] < values[$1] }
      var ranks = [Double](repeating: 0, count: values.count)
      var start = 0
      while start < order.count {
        var end = start
        while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
        for place in start..<end { ranks[order[place]] = (Double(start + end - 1) / 2 + 0.5) / Double(values.count) }
        start = end
      }
      list = standard(ranks.map { Values.normalPoint($0) })
    case 2:
      // Logarithms of the distance from somewhat below the best.
      let best = values.min() ?? 0
      let sorted = values.sorted()
      let middle = sorted[sorted.count / 2]
      let offset = max(1e-12 * (1 + abs(best)), 0.01 * (middle - best))
      list = standard(values.map { log($0 - best + offset) })
    default:
      // Values above the median drawn in by a logarithm.
      let sorted = values.sorted()
      let middle = sorted[sorted.count / 2]
      let scale = max(1e-300, middle - sorted[0])
      list = standard(values.map { $0 > middle ? middle + scale * log1p(($0 - middle) / scale) : $0 })
    }
  }

  /// Where the normal distribution holds p.
  static func normalPoint(_ p: Double) -> Double {
    var (low, high) = (-9.0, 9.0)
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if 0.5 * erfc(-middle / 2.0.squareRoot()) < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

enum Region {
  /// The side of the box around the best.
  static func side(_ values: [Double], dimensions d: Int, starts: Int) -> Double {
    var (side, successes, failures) = (0.8, 0, 0)
    let patience = max(4, d)
    var best = values.prefix(starts).min() ?? .infinity
    for value in values.dropFirst(starts) {
      if value < best - 1e-3 * abs(best) {
        successes += 1
        failures = 0
      } else {
        failures += 1
        successes = 0
      }
      best = min(best, value)
      if successes == 3 { (side, successes) = (min(1.6, side * 2), 0) }
      if failures == patience { (side, failures) = (side / 2, 0) }
      if side < 1.0 / 128 { side = 0.8 }
    }
    return side
  }
}
