import TartineFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The values that a hyperparameter may have, and the scale on which they are drawn.
///
/// A sampler sees each as a number from 0 to 1, in which equal steps matter about equally:
///
/// | scale | from 0 to 1 | for |
/// |---|---|---|
/// | linear | low + u (high − low) | shares, depths |
/// | log | low · (high/low)^u | rates, penalties: what matters by its order of magnitude |
/// | reverse log | 1 − (1 − low) · ((1 − high)/(1 − low))^u | β's: 0.9, 0.99 and 0.999 lie equally far from each other |
public enum Domain: Hashable, Sendable {
  /// Numbers, all of them or multiples of a step above the lowest.
  case number(low: Double, high: Double, scale: Scale = .linear, step: Double? = nil)
  /// Whole numbers, both ends included.
  case integer(low: Int, high: Int, scale: Scale = .linear, step: Int = 1)
  /// One of these, in no order.
  case choice([JSONValue])

  /// How equal steps are counted.
  public enum Scale: String, Hashable, Sendable, Codable, CaseIterable {
    /// Evenly.
    case linear
    /// By orders of magnitude.
    case log
    /// By orders of magnitude of the distance from 1.
    case reverseLog = "reverse-log"
  }

  /// Whether its values have an order.
  var isOrdered: Bool { if case .choice = self { false } else { true } }

  /// Values that there are; nil: any number.
  var count: Int? {
    switch self {
    case .choice(let values): values.count
    case .integer(let low, let high, _, let step): (high - low) / step + 1
    case .number(let low, let high, _, let step): step.map { Int(((high - low) / $0 + 1e-9).rounded(.down)) + 1 }
    }
  }

  /// What is wrong with it, in a sentence; nil if nothing is.
  var problem: String? {
    switch self {
    case .choice(let values):
      if values.isEmpty { return "there is nothing to choose from" }
      if Set(values).count < values.count { return "a choice stands there twice" }
    case .integer(let low, let high, let scale, let step):
      if low > high { return "its range is empty: low is \(low), high \(high)" }
      if low < -Self.most || high > Self.most { return "whole numbers must lie within ±2⁵³" }
      if step < 1 { return "its step must be at least 1, not \(step)" }
      if scale == .reverseLog { return "whole numbers have no reverse-log scale, which counts by the distance from 1" }
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

  /// Beyond it not every whole number is a Double.
  private static let most = 1 << 53

  /// The value at a place from 0 to 1.
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

  /// So many steps above the lowest, as people write that: 0.3, and not 0.1 + 2 · 0.1, which is a little more.
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

  /// The value as the domain writes it: 1 and 1.0 are the same number.
  func written(_ value: JSONValue) -> JSONValue {
    switch (self, value) {
    case (.number, .integer(let whole)): .number(Double(whole))
    case (.integer, .number(let number)): Int(exactly: number).map { .integer($0) } ?? value
    default: value
    }
  }

  /// The place of a value: of values that are counted, the middle of the places that give it. Nil where it is none of them.
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
