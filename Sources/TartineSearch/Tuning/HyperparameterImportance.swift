import TartineDiagnosis
import TartineEngine
import TartinePlatform

/// The importance of a hyperparameter: its total Sobol index in a Gaussian process fitted to the trials, with
/// a bootstrap interval over the trials.
///
/// The index is the share of the variance over the whole space that remains when all other hyperparameters
/// are fixed. Interactions count for each hyperparameter involved, so the shares may add up to more than 1.
///
/// **Source**: Sobol, *Sensitivity estimates for nonlinear mathematical models*, 1993, total index; Jansen 1999 for the estimate;
/// Hutter, Hoos, Leyton-Brown, *An efficient approach for assessing hyperparameter importance*, 2014, for the idea.
public struct HyperparameterImportance: Hashable, Sendable, Encodable {
  /// The hyperparameter.
  public let name: String
  /// The share of the variance, from 0 to 1.
  public let share: Estimate

  private static let draws = 40
  private static let points = 256
  private static let mostTrials = 120

  /// - Parameters:
  ///   - history: The trials, as a sampler sees them.
  ///   - space: The search space.
  ///   - seed: The seed of the bootstrap.
  /// - Returns: The importances, the most important first; empty if there are too few trials.
  package static func all(_ history: [Observation], in space: SearchSpace, seed: UInt64 = 0)
    -> [HyperparameterImportance]
  {
    let known = history.filter { $0.value?.isFinite == true }
    guard known.count >= max(8, 2 * space.count) else { return [] }
    // A random sample of many trials is as good: the latest ones cover a small part of the space alone.
    var stream = RandomStream(seed: seed, purpose: .search, index: 20)
    var sample = known
    if sample.count > mostTrials {
      stream.shuffle(&sample)
      sample = Array(sample.prefix(mostTrials))
    }
    guard let whole = shares(sample, space, seed: seed) else { return [] }
    var drawn = space.parameters.map { _ in [Double]() }
    for _ in 0..<draws {
      let again = sample.indices.map { _ in sample[stream.integer(below: sample.count)] }
      guard let found = shares(again, space, seed: seed) else { continue }
      for (place, share) in found.enumerated() { drawn[place].append(share) }
    }
    return space.parameters.indices.map { place in
      let sorted = drawn[place].sorted()
      let low = sorted.isEmpty ? 0 : sorted[sorted.count * 25 / 1000]
      let high = sorted.isEmpty ? 1 : sorted[min(sorted.count - 1, sorted.count * 975 / 1000)]
      return HyperparameterImportance(
        name: space.parameters[place].name,
        share: Estimate(whole[place], low: min(low, whole[place]), high: max(high, whole[place])))
    }.sorted { ($1.share.value, $0.name) < ($0.share.value, $1.name) }
  }

  /// Returns the total Sobol index of each hyperparameter.
  private static func shares(_ sample: [Observation], _ space: SearchSpace, seed: UInt64) -> [Double]? {
    let isOrdered = space.parameters.map(\.domain.isOrdered)
    let values = WarpedValues(sample.compactMap(\.value))
    guard
      let process = GaussianProcess(sample.map(\.point), values.list, isOrdered: isOrdered, evaluations: 24)
    else { return nil }
    let (one, two) = (
      SobolSequence(dimensions: space.count, seed: seed, index: 31),
      SobolSequence(dimensions: space.count, seed: seed &+ 1, index: 32)
    )
    func settled(_ point: [Double]) -> [Double] { space.point(of: space.values(at: point)) ?? point }
    let base = (0..<points).map { one[$0] }
    let means = process.predict(base.map(settled)).map(\.mean)
    let middle = means.reduce(0, +) / Double(points)
    let variance = means.reduce(0.0) { sum, mean in sum + (mean - middle) * (mean - middle) } / Double(points)
    return space.parameters.indices.map { place in
      guard variance > 1e-9 else { return 0 }
      let moved = (0..<points).map { k in
        var point = base[k]
        point[place] = two[k][place]
        return settled(point)
      }
      let other = process.predict(moved).map(\.mean)
      let squares = zip(means, other).reduce(0.0) { sum, pair in sum + (pair.0 - pair.1) * (pair.0 - pair.1) }
      return min(1, squares / Double(2 * points) / variance)
    }
  }
}

/// A hyperparameter whose best values are at the edge of its range: the optimum may lie outside.
public struct EdgeOptimum: Hashable, Sendable, Encodable {
  /// The hyperparameter.
  public let name: String
  /// Whether the best values are at the low end.
  public let isLow: Bool
  /// The best trial's value.
  public let value: Double
  /// The range to search next.
  public let low, high: Double

  /// Returns the edge with a range to search next that ends at `end`.
  func ending(at end: Double) -> EdgeOptimum {
    EdgeOptimum(name: name, isLow: isLow, value: value, low: isLow ? end : low, high: isLow ? high : end)
  }

  /// A sentence such as `batchSize is best near its low end, at 16; next search from 4 to 128`.
  public var sentence: String {
    "\(name) is best near its \(isLow ? "low" : "high") end, at \(Self.text(value)); next search from \(Self.text(low)) to "
      + Self.text(high)
  }

  /// Returns a short text, with enough decimals to distinguish a number just below 1 from 1.
  private static func text(_ value: Double) -> String {
    value > 0.9 && value < 1
      ? Text.fixed(value, decimals: min(9, Int((1 - log10(1 - value)).rounded(.up))))
      : value == value.rounded() && abs(value) < 1e6
        ? Text.fixed(value, decimals: 0) : Text.significant(value, digits: 2)
  }

  /// The distance from an end within which a point is at the edge.
  private static let margin = 0.08

  /// Returns the edges where both the best trial and the median of the best tenth are near an end.
  ///
  /// - Parameter best: The point of the best trial; nil: the trial with the best value.
  package static func all(
    _ history: [Observation], in space: SearchSpace, best point: [Double]? = nil
  ) -> [EdgeOptimum] {
    let known = history.filter { $0.value?.isFinite == true }.sorted { ($0.value ?? 0) < ($1.value ?? 0) }
    guard known.count >= 8, let best = point ?? known.first?.point else { return [] }
    let few = known.prefix(max(3, known.count / 10))
    return space.parameters.enumerated().compactMap { place, parameter in
      guard parameter.domain.isOrdered, (parameter.domain.count ?? .max) > 2, !best[place].isNaN else {
        return nil
      }
      let places = few.map(\.point[place]).filter { !$0.isNaN }.sorted()
      // A conditional hyperparameter may be inactive in all of the best trials.
      let middle = places.isEmpty ? best[place] : places[places.count / 2]
      // Discrete values are at the middle of their segments, the first and last included.
      func isAt(_ best: Double, _ middle: Double, end: Double) -> Bool {
        best <= max(margin, end + 1e-9) && middle <= 2 * margin + end
      }
      let (low, high) = (parameter.domain.settled(0), parameter.domain.settled(1))
      let isLow = isAt(best[place], middle, end: low)
      let isHigh = isAt(1 - best[place], 1 - middle, end: 1 - high)
      guard isLow || isHigh, let value = parameter.domain.value(at: best[place]).number,
        let (low, high) = parameter.domain.beyond(isLow ? -0.5 : 0.5)
      else { return nil }
      return EdgeOptimum(name: parameter.name, isLow: isLow, value: value, low: low, high: high)
    }
  }
}

extension Domain {
  /// Returns the coordinate of the value at a coordinate, which differs for discrete values.
  fileprivate func settled(_ unit: Double) -> Double { self.unit(of: value(at: unit)) ?? unit }

  /// The upper limit of whole numbers.
  private var most: Double { 1e12 }

  /// Returns the range moved by a share of its width on its scale, or nil if nothing lies beyond.
  fileprivate func beyond(_ share: Double) -> (low: Double, high: Double)? {
    switch self {
    case .choice: return nil
    case .integer(let low, let high, let scale, let step):
      if scale == .log {
        let factor = pow(Double(high) / Double(low), share)
        let (from, to) = ((Double(low) * factor).rounded(), (Double(high) * factor).rounded())
        let moved = (max(1, from), min(to, most))
        return (share < 0 ? moved.0 == Double(low) : moved.1 == Double(high)) ? nil : moved
      }
      let move = (Double(high - low) * share / Double(step)).rounded() * Double(step)
      // Keep positive ranges positive.
      let from = max(low >= 1 ? 1 : low >= 0 ? 0 : -.infinity, Double(low) + move)
      return from == Double(low) ? nil : (from, min(most, Double(high) + move))
    case .number(let low, let high, let scale, _):
      switch scale {
      case .linear:
        // Fractions stay between 0 and 1, amounts above 0.
        let move = (high - low) * share
        let from = low >= 0 ? max(0, low + move) : low + move
        let to = low >= 0 && high <= 1 ? min(1, high + move) : high + move
        return share < 0 ? (from == low ? nil : (from, to)) : to == high ? nil : (from, to)
      case .log:
        let factor = pow(high / low, share)
        return (low * factor, high * factor)
      case .reverseLog:
        let factor = pow((1 - high) / (1 - low), share)
        let from = max(0, 1 - (1 - low) * factor)
        return share < 0 && from == low ? nil : (from, 1 - (1 - high) * factor)
      }
    }
  }
}
