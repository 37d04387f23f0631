import Foundation
import Tartine

extension Estimate {
  /// The mean of paired differences with Student's 95 % interval.
  static func paired(_ differences: [Double]) -> Estimate {
    let n = Double(differences.count)
    let mean = differences.reduce(0, +) / n
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let half = studentPoint(differences.count - 1) * (variance / n).squareRoot()
    return Estimate(mean, low: mean - half, high: mean + half)
  }

  /// The difference as text, `−0.42 (−0.61 to −0.23)`: to two digits of the half-width, and at most four of
  /// the largest figure.
  var text: String {
    let (half, largest) = ((high - low) / 2, max(abs(low), abs(high)))
    guard largest == 0 || largest >= 1e-4 else { return "\(format(value)) (\(format(low)) to \(format(high)))" }
    func places(_ value: Double, digits: Int) -> Int { value > 0 ? max(0, digits - 1 - magnitude(value)) : 2 }
    var decimals = min(places(half, digits: 2), places(largest, digits: 4))
    // An end near 0 shows its sign.
    while [low, high].contains(where: { $0 != 0 && abs($0) < 0.5 * pow(10, -Double(decimals)) }), decimals < 6 {
      decimals += 1
    }
    func text(_ value: Double) -> String { signed(String(format: "%.\(decimals)f", value)) }
    return "\(text(value)) (\(text(low)) to \(text(high)))"
  }
}

/// Student's 97.5 % point: exact for 1 and 2 degrees of freedom, else by Fisher's expansion, within 0.01 from
/// 5 on.
func studentPoint(_ freedom: Int) -> Double {
  if freedom < 3 { return freedom == 1 ? 12.706 : 4.303 }
  let (n, z) = (Double(freedom), 1.959963984540054)
  let powers = (z * z * z, pow(z, 5), pow(z, 7))
  return z + (powers.0 + z) / (4 * n) + (5 * powers.1 + 16 * powers.0 + 3 * z) / (96 * n * n)
    + (3 * powers.2 + 19 * powers.1 + 17 * powers.0 - 15 * z) / (384 * n * n * n)
}

/// The exponent of the first digit.
private func magnitude(_ value: Double) -> Int { Int(log10(abs(value)).rounded(.down)) }

/// Three significant digits, without trailing zeros.
func format(_ value: Double) -> String {
  guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
  let parts = String(format: "%.1e", value).split(separator: "e")
  if let exponent = Int(parts[1]), exponent < -4 || exponent > 4 {
    return signed(String(parts[0])) + " · 10" + superscript(exponent)
  }
  var text = String(format: "%.\(max(0, 2 - magnitude(value)))f", value)
  if text.contains(".") {
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
  }
  return signed(text)
}

private func superscript(_ exponent: Int) -> String {
  let digits = Dictionary(uniqueKeysWithValues: zip("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
  return String(String(exponent).compactMap { digits[$0] })
}

/// A number with a true minus sign, and none before zero.
private func signed(_ text: String) -> String {
  let isNothing = !text.contains { $0 >= "1" && $0 <= "9" }
  return isNothing ? text.replacingOccurrences(of: "-", with: "") : text.replacingOccurrences(of: "-", with: "−")
}

/// Wraps lines at 120 columns.
func wrapped(_ text: String) -> String {
  var lines = [""]
  for word in text.split(separator: " ") {
    if lines[lines.count - 1].count + word.count + 1 > 120 { lines.append("") }
    lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
  }
  return lines.joined(separator: "\n")
}

/// The mean of some numbers.
func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

/// The population standard deviation of some numbers.
func deviation(_ values: [Double]) -> Double {
  let middle = mean(values)
  return mean(values.map { ($0 - middle) * ($0 - middle) }).squareRoot()
}
