#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Numbers as people read them.
package enum Text {
  /// With so many decimals, a true minus sign, and no minus before a zero.
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

  /// With so many significant digits, but never fewer than all before the point.
  package static func significant(_ value: Double, digits: Int) -> String {
    guard value.isFinite else { return notFinite(value) }
    guard value != 0 else { return "0" }
    let magnitude = Int(log10(abs(value)).rounded(.down))
    let decimals = digits - 1 - magnitude
    if decimals > 8 {
      let power = pow(10, Double(magnitude))
      return "\(fixed(value / power, decimals: digits - 1))e\(magnitude)"
    }
    return fixed(value, decimals: max(0, decimals))
  }
}
