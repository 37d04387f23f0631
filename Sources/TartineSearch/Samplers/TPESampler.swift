import TartineEngine
import TartinePlatform

/// A tree-structured Parzen estimator: tries points where good trials are dense and bad ones are not.
///
/// The best tenth of the trials, at most 25, are good, the others bad. The density of each group is a mixture
/// of normal kernels over all hyperparameters together, one per trial, and one component over the whole
/// space. Of 24 points drawn from the good density, the one with the largest density ratio is tried. Pending
/// trials count as bad.
///
/// **Source**: Bergstra, Bardenet, Bengio, Kégl, *Algorithms for hyper-parameter optimization*, 2011; Falkner, Klein, Hutter, *BOHB*,
/// 2018, for the joint density; Optuna 5.0 for the share of good trials and the number of candidates.
public struct TPESampler: Sampler {
  /// The number of random trials at the start.
  public var startTrials = 10
  /// The number of candidates per suggestion.
  public var candidates = 24

  /// Creates a sampler.
  public init() {}

  /// Returns the candidate with the largest density ratio.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .search, step: number, index: 4)
    let done = history.filter { $0.value != nil }
    guard done.count >= startTrials else { return space.parameters.map { _ in stream.uniform() } }
    let sorted = done.sorted { ($0.value ?? 0) < ($1.value ?? 0) }
    let good = min(25, (done.count + 9) / 10)
    let best = Density(sorted.prefix(good).map(\.point), space)
    let rest = Density(sorted.dropFirst(good).map(\.point) + history.filter { $0.value == nil }.map(\.point), space)
    var chosen: (point: [Double], ratio: Double)?
    for _ in 0..<candidates {
      let point = best.draw(&stream)
      // Inactive hyperparameters do not enter the densities.
      let settled = space.point(of: space.values(at: point)) ?? point
      let ratio = best.logDensity(settled) - rest.logDensity(settled)
      if ratio > chosen?.ratio ?? -.infinity { chosen = (point, ratio) }
    }
    return chosen?.point ?? space.parameters.map { _ in stream.uniform() }
  }

  /// A mixture of kernels, one at each point and one over the whole space.
  private struct Density {
    private let points: [[Double]]
    private let counts: [Int?]
    private let width: Double
    /// The logarithm of each kernel's mass between 0 and 1.
    private let masses: [[Double]]

    init(_ points: [[Double]], _ space: SearchSpace) {
      self.points = points
      counts = space.parameters.map { $0.domain.isOrdered ? nil : $0.domain.count }
      // Scott's rule for uniform points in all dimensions together.
      let n = Double(points.count + 1)
      let width = 0.2 * pow(n, -1 / Double(space.count + 4)) + 1 / min(100, n) * 0.1
      self.width = width
      masses = points.map { centre in
        centre.map { x in
          func below(_ end: Double) -> Double { 0.5 * erfc(-(end - x) / width / 2.0.squareRoot()) }
          return x.isNaN ? 0 : log(below(1) - below(0))
        }
      }
    }

    func draw(_ stream: inout RandomStream) -> [Double] {
      let kernel = stream.integer(below: points.count + 1)
      return counts.indices.map { place in
        guard kernel < points.count, !points[kernel][place].isNaN else { return stream.uniform() }
        let centre = points[kernel][place]
        if counts[place] != nil {
          return stream.uniform() < 1 / Double(points.count + 1) ? stream.uniform() : centre
        }
        // Truncate at the ends by rejection sampling.
        for _ in 0..<20 {
          let x = centre + width * stream.normalPair().0
          if x >= 0, x <= 1 { return x }
        }
        return min(1, max(0, centre))
      }
    }

    func logDensity(_ point: [Double]) -> Double {
      var terms = [0.0]
      let scale = log(width * (2 * Double.pi).squareRoot())
      for (centre, masses) in zip(points, masses) {
        var sum = 0.0
        for place in counts.indices where !point[place].isNaN && !centre[place].isNaN {
          if let count = counts[place] {
            // The kernel's own choice has all of the mass but a share that is spread evenly over all choices.
            let share = 1 / Double(points.count + 1)
            let isSame = Int(point[place] * Double(count)) == Int(centre[place] * Double(count))
            sum += log(Double(count) * ((isSame ? 1 - share : 0) + share / Double(count)))
          } else {
            let z = (point[place] - centre[place]) / width
            sum += -0.5 * z * z - scale - masses[place]
          }
        }
        terms.append(sum)
      }
      let most = terms.max() ?? 0
      return most + log(terms.reduce(0) { $0 + exp($1 - most) } / Double(terms.count))
    }
  }
}
