import TartineDiagnosis
import TartineEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much of what trials differ in is due to each hyperparameter: the share of the variance over the whole space that would be
/// left if all others were known, as a Gaussian process of the trials has it; with an interval over draws of the trials.
///
/// Shares of hyperparameters that act together count for each of them, so that they may add up to more than 1.
///
/// **Source**: Sobol, *Sensitivity estimates for nonlinear mathematical models*, 1993, total index; Jansen 1999 for the estimate;
/// Hutter, Hoos, Leyton-Brown, *An efficient approach for assessing hyperparameter importance*, 2014, for the idea.
public struct HyperparameterImportance: Hashable, Sendable, Encodable {
  /// The hyperparameter.
  public let name: String
  /// Its share, from 0 to 1.
  public let share: Estimate

  private static let draws = 40
  private static let points = 256
  private static let mostTrials = 120

  /// - Parameters:
  ///   - history: trials as a sampler sees them.
  ///   - space: what was searched.
  /// - Returns: the most important first; empty where there are too few trials to say anything.
  package static func all(_ history: [Observation], in space: SearchSpace, seed: UInt64 = 0)
    -> [HyperparameterImportance]
  {
    let known = history.filter { $0.value?.isFinite == true }
    guard known.count >= max(8, 2 * space.count) else { return [] }
    // The last ones lie where it matters; of many trials a sample says as much.
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

  /// Each hyperparameter's total index.
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

/// A hyperparameter whose best values lie at an end of its range, where the best may lie beyond.
public struct EdgeOptimum: Hashable, Sendable, Encodable {
  /// The hyperparameter.
  public let name: String
  /// Whether it is the low end.
  public let isLow: Bool
  /// The best trial's value.
  public let value: Double
  /// The range to search next.
  public let low, high: Double

  /// The same, the range to search next ending there beyond the edge.
  func ending(at end: Double) -> EdgeOptimum {
    EdgeOptimum(name: name, isLow: isLow, value: value, low: isLow ? end : low, high: isLow ? high : end)
  }

  /// As in `optimizer.learningRate is best at its low end (1e-4); search from 1e-5 to 3e-3`.
  public var sentence: String {
    "\(name) is best near its \(isLow ? "low" : "high") end, at \(Self.text(value)); next search from \(Self.text(low)) to "
      + Self.text(high)
  }

  /// With as many decimals as tell a number just below 1 from it.
  private static func text(_ value: Double) -> String {
    value > 0.9 && value < 1
      ? Text.fixed(value, decimals: min(9, Int((1 - log10(1 - value)).rounded(.up))))
      : value == value.rounded() && abs(value) < 1e6
        ? Text.fixed(value, decimals: 0) : Text.significant(value, digits: 2)
  }

  /// Places this near an end are at it.
  private static let margin = 0.08

  /// Looks at the best of the trials: an end is told of where the best lies there, and the few best do in the mean.
  ///
  /// - Parameter best: the point that counts as the best; nil: that of the best value.
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
      // Of the few none may have it, where it depends on another.
      let middle = places.isEmpty ? best[place] : places[places.count / 2]
      // Values that are counted have the middle of their piece, the ends too.
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
  /// Where the value at a place lies.
  fileprivate func settled(_ unit: Double) -> Double { self.unit(of: value(at: unit)) ?? unit }

  /// Beyond it no count goes.
  private var most: Double { 1e12 }

  /// As wide a range, moved by a share of its width on its scale; nil where there is nothing beyond.
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
      // Counts stay counts.
      let from = max(low >= 1 ? 1 : low >= 0 ? 0 : -.infinity, Double(low) + move)
      return from == Double(low) ? nil : (from, min(most, Double(high) + move))
    case .number(let low, let high, let scale, _):
      switch scale {
      case .linear:
        // Shares end at 0 and 1, amounts at 0.
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
