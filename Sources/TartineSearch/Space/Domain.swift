import TartineFiles
import TartinePlatform

/// The possible values of a hyperparameter, and the scale on which they are sampled.
///
/// A sampler sees each hyperparameter as a number u from 0 to 1. Choose the scale on which equal steps have
/// about equal effects:
///
/// | scale | value at u | for |
/// |---|---|---|
/// | linear | low + u (high − low) | fractions, depths |
/// | log | low · (high/low)^u | learning rates, penalties: quantities compared by order of magnitude |
/// | reverse log | 1 − (1 − low) · ((1 − high)/(1 − low))^u | β: 0.9, 0.99 and 0.999 are equally far apart |
public enum Domain: Hashable, Sendable {
  /// Real numbers, or low plus multiples of a step.
  case number(low: Double, high: Double, scale: Scale = .linear, step: Double? = nil)
  /// Whole numbers, both ends included.
  case integer(low: Int, high: Int, scale: Scale = .linear, step: Int = 1)
  /// One of a list of values, unordered.
  case choice([JSONValue])

  /// The scale of a range.
  public enum Scale: String, Hashable, Sendable, Codable, CaseIterable {
    /// A linear scale.
    case linear
    /// A logarithmic scale.
    case log
    /// A logarithmic scale of the distance from 1.
    case reverseLog = "reverse-log"
  }

  /// Whether the values are ordered.
  var isOrdered: Bool { if case .choice = self { false } else { true } }

  /// The number of values; nil if the domain is continuous.
  var count: Int? {
    switch self {
    case .choice(let values): values.count
    case .integer(let low, let high, _, let step): (high - low) / step + 1
    case .number(let low, let high, _, let step): step.map { Int(((high - low) / $0 + 1e-9).rounded(.down)) + 1 }
    }
  }

  /// What is wrong with the domain; nil if it is valid.
  var problem: String? {
    switch self {
    case .choice(let values):
      if values.isEmpty { return "there is nothing to choose from" }
      if Set(values).count < values.count { return "a choice is listed twice" }
    case .integer(let low, let high, let scale, let step):
      if low > high { return "its range is empty: low is \(low), high \(high)" }
      if low < -Self.most || high > Self.most { return "whole numbers must lie within ±2⁵³" }
      if step < 1 { return "its step must be at least 1, not \(step)" }
      if scale == .reverseLog {
        return "whole numbers have no reverse-log scale, which measures the distance from 1"
      }
      if scale == .log, low < 1 { return "a log scale needs a low end of at least 1, not \(low)" }
      if scale == .log, step != 1 { return "a log scale takes no step" }
    case .number(let low, let high, let scale, let step):
      if !low.isFinite || !high.isFinite { return "its ends must be finite numbers" }
      if low > high { return "its range is empty: low is \(low), high \(high)" }
      if !(high - low).isFinite { return "its range is too wide" }
      if scale == .log, low <= 0 { return "a log scale needs a low end above 0, not \(low)" }
      if scale == .reverseLog, high >= 1 { return "a reverse-log scale needs a high end below 1, not \(high)" }
      if let step, !(step > 0 && step.isFinite) { return "its step must be above 0, not \(step)" }
      if step != nil, scale != .linear { return "a \(scale.rawValue) scale takes no step" }
      if let step, (high - low) / step > Double(Self.most) { return "its step of \(step) is too small for its range" }
    }
    return nil
  }

  /// The largest whole number below which every whole number is a Double.
  private static let most = 1 << 53

  /// Returns the value at a coordinate from 0 to 1.
  package func value(at unit: Double) -> JSONValue {
    let u = min(1, max(0, unit))
    switch self {
    case .choice(let values): return values[min(values.count - 1, Int(u * Double(values.count)))]
    case .integer(let low, let high, let scale, let step):
      if scale == .log {
        let (from, to) = (log(Double(low) - 0.5), log(Double(high) + 0.5))
        return .integer(min(high, max(low, Int(exp(from + u * (to - from)).rounded()))))
      }
      return .integer(low + min((high - low) / step, Int(u * Double((high - low) / step + 1))) * step)
    case .number(let low, let high, let scale, let step):
      switch scale {
      case .linear:
        guard let step else { return .number(min(high, low + u * (high - low))) }
        let most = ((high - low) / step + 1e-9).rounded(.down)
        return .number(min(high, Self.decimal(low, step, min(most, (u * (most + 1)).rounded(.down)))))
      case _ where u == 0: return .number(low)
      case _ where u == 1: return .number(high)
      case .log: return .number(min(high, max(low, exp(log(low) + u * (log(high) - log(low))))))
      case .reverseLog:
        let far = log1p(-low)
        return .number(min(high, max(low, -expm1(far + u * (log1p(-high) - far)))))
      }
    }
  }

  /// Returns low plus a number of steps, rounded as people write it: 0.3, not 0.1 + 2 · 0.1, which is a
  /// little more.
  private static func decimal(_ low: Double, _ step: Double, _ count: Double) -> Double {
    var parts = 1.0
    for _ in 0..<10 {
      let (start, each) = (low * parts, step * parts)
      if abs(start - start.rounded()) < 1e-9, abs(each - each.rounded()) < 1e-9 {
        return (start.rounded() + count * each.rounded()) / parts
      }
      parts *= 10
    }
    return low + count * step
  }

  /// Returns the value in the domain's own form: 1 and 1.0 are the same number.
  func written(_ value: JSONValue) -> JSONValue {
    switch (self, value) {
    case (.number, .integer(let whole)): .number(Double(whole))
    case (.integer, .number(let number)): Int(exactly: number).map { .integer($0) } ?? value
    default: value
    }
  }

  /// Returns the coordinate of a value, for discrete values the middle of their segment; nil if it is not in
  /// the domain.
  package func unit(of value: JSONValue) -> Double? {
    func middle(_ place: Int, of count: Int) -> Double { (Double(place) + 0.5) / Double(count) }
    switch self {
    case .choice(let values): return values.firstIndex { $0.isSame(as: value) }.map { middle($0, of: values.count) }
    case .integer(let low, let high, let scale, let step):
      guard let number = value.number, let whole = Int(exactly: number), (low...high).contains(whole) else {
        return nil
      }
      if scale == .log {
        let (from, to) = (log(Double(low) - 0.5), log(Double(high) + 0.5))
        return (log(number) - from) / (to - from)
      }
      return middle((whole - low) / step, of: (high - low) / step + 1)
    case .number(let low, let high, let scale, let step):
      guard let number = value.number, number >= low, number <= high else { return nil }
      guard high > low else { return 0.5 }
      if let step {
        let count = Int(((high - low) / step + 1e-9).rounded(.down)) + 1
        return middle(min(count - 1, Int(((number - low) / step).rounded())), of: count)
      }
      switch scale {
      case .linear: return (number - low) / (high - low)
      case .log: return (log(number) - log(low)) / (log(high) - log(low))
      case .reverseLog:
        let far = log1p(-low)
        return (log1p(-number) - far) / (log1p(-high) - far)
      }
    }
  }
}
