import TartinePlatform

/// Numbers formatted for people.
package enum Text {
  /// A number with this many decimals, a true minus sign, and no minus before a zero.
  package static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return notFinite(value) }
    let scale = pow(10, Double(decimals))
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 1e15 else { return String(value) }
    let whole = Int(scaled / scale)
    let sign = value < 0 && scaled > 0 ? "−" : ""
    guard decimals > 0 else { return "\(sign)\(whole)" }
    let rest = String(Int(scaled) - whole * Int(scale))
    return "\(sign)\(whole).\(String(repeating: "0", count: decimals - rest.count))\(rest)"
  }

  private static func notFinite(_ value: Double) -> String {
    value.isNaN ? "–" : value > 0 ? "∞" : "−∞"
  }

  /// A number with this many significant digits, but never fewer than all before the point; below about 10⁻⁶
  /// and from 10⁹ on with an exponent.
  package static func significant(_ value: Double, digits: Int) -> String {
    guard value.isFinite else { return notFinite(value) }
    guard value != 0 else { return "0" }
    let magnitude = Int(log10(abs(value)).rounded(.down))
    let decimals = digits - 1 - magnitude
    if decimals > 8 || magnitude > 8 {
      let power = pow(10, Double(magnitude))
      return "\(fixed(value / power, decimals: digits - 1))e\(magnitude)"
    }
    return fixed(value, decimals: max(0, decimals))
  }

  /// An interval drawn in characters, on a scale from 0.
  static func interval(_ estimate: Estimate, to highest: Double, width: Int = 24) -> String {
    func place(_ value: Double) -> Int {
      guard highest > 0, value.isFinite else { return value > 0 ? width - 1 : 0 }
      return max(0, min(width - 1, Int((value / highest * Double(width - 1)).rounded())))
    }
    let (low, middle, high) = (place(estimate.low), place(estimate.value), place(estimate.high))
    return String(
      (0..<width).map { at -> Character in at == middle ? "●" : at >= low && at <= high ? "─" : "·" })
  }

  /// Values as a line of bars; the largest is the highest.
  package static func bars(_ values: [Double]) -> String {
    let shades: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    let highest = values.filter(\.isFinite).max() ?? 0
    return String(
      values.map { highest > 0 && $0.isFinite ? shades[max(0, min(7, Int($0 / highest * 8 - 0.5)))] : shades[0] })
  }
}
