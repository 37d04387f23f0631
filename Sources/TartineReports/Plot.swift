import TartineDiagnosis
import TartineEngine
import TartinePlatform

/// The range of one axis.
struct Scale {
  let low, high: Double
  let isLogarithmic: Bool

  /// Fits the range to values: from 0 unless `fromZero` is false or the scale is logarithmic, with a margin
  /// above.
  init(of values: [Double], fromZero: Bool = true, isLogarithmic: Bool = false) {
    let known = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    self.isLogarithmic = isLogarithmic
    let (least, most) = (known.min() ?? (isLogarithmic ? 1e-3 : 0), known.max() ?? 1)
    if isLogarithmic {
      // At least one power of ten, so that small differences look small.
      low = min(least, most / 10) / 1.3
      high = most * 1.3
    } else {
      low = fromZero ? min(0, least) : least
      high = most > low ? most + (fromZero ? 0.06 * (most - low) : 0) : low + 1
    }
  }

  /// Returns the position along the axis, from 0 to 1.
  func place(_ value: Double) -> Double {
    guard value.isFinite else { return value == .infinity ? 1 : 0 }
    let share =
      isLogarithmic
      ? log(max(value, low) / low) / log(high / low) : (value - low) / max(high - low, .leastNormalMagnitude)
    return max(0, min(1.02, share))
  }

  /// Returns about `count` round values.
  func ticks(_ count: Int) -> [Double] {
    guard isLogarithmic else {
      // Far from 0 the multiples are few.
      if low > -1e-12, low < 0.3 * high { return Axis.ticks(to: high, count: count).filter { $0 >= low } }
      let step = Axis.ticks(to: high - low, count: count).dropFirst().first ?? 1
      let first = (low / step).rounded(.up)
      return stride(from: first, through: high / step, by: 1).map { $0 * step }
    }
    let (first, last) = (Int(log10(low).rounded(.up)), Int(log10(high).rounded(.down)))
    guard last >= first else { return [low * 1.3, high / 1.3] }
    let every = max(1, (last - first + count - 1) / count)
    let powers = stride(from: first, through: last, by: every).map { pow(10, Double($0)) }
    return powers.count > 1 ? powers : powers + [2, 5].map { $0 * powers[0] }.filter { $0 <= high }
  }
}

/// A frame with two axes, and the marks drawn in it.
struct Plot {
  private let title: String
  private let label: String
  /// The name of the horizontal axis.
  private let axis: String
  private let x, y: Scale
  private var parts: [String] = []
  private static let frame = (left: 56.0, right: 402.0, top: 44.0, bottom: 218.0)

  /// - Parameters:
  ///   - title: The text above the frame.
  ///   - label: The accessibility label.
  ///   - axis: The name of the horizontal axis, with its unit.
  init(_ title: String, label: String, axis: String = "", x: Scale, y: Scale) {
    self.title = title
    self.axis = axis
    self.label = label
    self.x = x
    self.y = y
  }

  private func across(_ value: Double) -> String {
    Text.plain(Self.frame.left + (Self.frame.right - Self.frame.left) * x.place(value))
  }

  private func down(_ value: Double) -> String {
    Text.plain(Self.frame.bottom - (Self.frame.bottom - Self.frame.top) * y.place(value))
  }

  // MARK: Axes

  /// Adds grid lines at round values of the vertical axis.
  mutating func addGrid(_ named: ((Double) -> String)? = nil) {
    let ticks = y.ticks(4)
    let text = named ?? Self.text(ofTicks: ticks, isLogarithmic: y.isLogarithmic)
    for tick in ticks {
      let at = down(tick)
      parts.append(
        "<line x1=\"\(Text.plain(Self.frame.left))\" x2=\"\(Text.plain(Self.frame.right))\" y1=\"\(at)\" y2=\"\(at)\" "
          + "stroke=\"var(--line)\"/><text x=\"\(Text.plain(Self.frame.left - 6))\" y=\"\(at)\" dy=\"4\" "
          + "text-anchor=\"end\">\(escape(text(tick)))</text>")
    }
  }

  /// Returns the text of ticks with as many digits as tell them apart.
  private static func text(ofTicks ticks: [Double], isLogarithmic: Bool) -> (Double) -> String {
    guard !isLogarithmic, ticks.count > 1, let most = ticks.map(abs).max(), most >= 1e-3, most < 1e6 else {
      return { Text.tick($0) }
    }
    let step = ticks[1] - ticks[0]
    let decimals =
      (0...6).first { decimals in
        let scaled = step * pow(10, Double(decimals))
        return scaled >= 0.5 && abs(scaled.rounded() - scaled) < 1e-6 * scaled
      } ?? 6
    return { Text.fixed($0, decimals: decimals) }
  }

  /// Adds round values below the horizontal axis.
  mutating func addScale(_ count: Int = 5) {
    let ticks = x.ticks(count)
    let text = Self.text(ofTicks: ticks, isLogarithmic: x.isLogarithmic)
    addTicks(ticks.map { ($0, text($0)) })
  }

  /// Adds texts below the horizontal axis; the first and last stay inside the frame.
  mutating func addTicks(_ ticks: [(value: Double, text: String)]) {
    for (place, tick) in ticks.enumerated() {
      let share = x.place(tick.value)
      let anchor = place == 0 && share < 0.05 ? "start" : share > 0.93 ? "end" : "middle"
      parts.append("<text x=\"\(across(tick.value))\" y=\"235\" text-anchor=\"\(anchor)\">\(escape(tick.text))</text>")
    }
  }

  /// Adds a legend below the title.
  mutating func addKey(_ names: [(name: String, color: String)]) {
    let spans = names.enumerated().map { place, entry in
      "<tspan\(place > 0 ? " dx=\"10\"" : "") style=\"fill:\(entry.color)\">\(escape(entry.name))</tspan>"
    }
    parts.append(
      "<text x=\"\(Text.plain(Self.frame.right))\" y=\"31\" text-anchor=\"end\">\(spans.joined())</text>")
  }

  /// Adds a remark at the top of the frame.
  mutating func addNote(_ text: String, isLow: Bool = false) {
    let y = isLow ? Self.frame.bottom - 8 : Self.frame.top + 12
    parts.append(
      "<text x=\"\(Text.plain(Self.frame.right - 4))\" y=\"\(Text.plain(y))\" text-anchor=\"end\" "
        + "opacity=\".8\">\(escape(text))</text>")
  }

  // MARK: Marks

  /// The largest number of points of a line that show their values under the pointer.
  private static let mostTold = 400

  /// Adds the values that are shown under the pointer at these points.
  mutating func addValues(_ points: [(x: Double, y: Double)], _ text: (Double, Double) -> String) {
    let known = points.filter { $0.y.isFinite }
    let every = max(1, known.count / Self.mostTold)
    for (place, point) in known.enumerated() where place % every == 0 {
      parts.append(
        "<circle cx=\"\(across(point.x))\" cy=\"\(down(point.y))\" r=\"7\" fill=\"transparent\"><title>"
          + "\(escape(text(point.x, point.y)))</title></circle>")
    }
  }

  mutating func addLine(_ points: [(x: Double, y: Double)], color: String, width: Double = 2, isFaint: Bool = false) {
    let places = points.filter { $0.y.isFinite }.map { "\(across($0.x)),\(down($0.y))" }
    parts.append(
      "<polyline points=\"\(places.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(Text.plain(width))\""
        + "\(isFaint ? " opacity=\".45\"" : "") stroke-linejoin=\"round\"/>")
  }

  /// Adds a band between two lines.
  mutating func addBand(_ points: [(x: Double, low: Double, high: Double)], color: String) {
    let there = points.map { "\(across($0.x)),\(down($0.high))" }
    let back = points.reversed().map { "\(across($0.x)),\(down($0.low))" }
    parts.append("<polygon points=\"\((there + back).joined(separator: " "))\" fill=\"\(color)\" opacity=\".18\"/>")
  }

  /// - Parameter value: The text that is shown under the pointer.
  mutating func addPoint(
    _ x: Double, _ y: Double, color: String, radius: Double = 3.5, opacity: Double = 1, value: String? = nil
  ) {
    parts.append(
      "<circle cx=\"\(across(x))\" cy=\"\(down(y))\" r=\"\(Text.plain(radius))\" fill=\"\(color)\""
        + "\(opacity < 1 ? " opacity=\"\(opacity)\"" : "")"
        + (value.map { "><title>\(escape($0))</title></circle>" } ?? "/>"))
  }

  /// Adds an interval as a vertical bar.
  mutating func addRange(_ x: Double, _ low: Double, _ high: Double, color: String) {
    parts.append(
      "<line x1=\"\(across(x))\" x2=\"\(across(x))\" y1=\"\(down(low))\" y2=\"\(down(high))\" stroke=\"\(color)\" "
        + "stroke-width=\"5\" stroke-linecap=\"round\" opacity=\".35\"/>")
  }

  /// Adds a dashed line from one point to another.
  mutating func addGuide(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
    parts.append(
      "<line x1=\"\(across(start.x))\" y1=\"\(down(start.y))\" x2=\"\(across(end.x))\" y2=\"\(down(end.y))\" "
        + "stroke=\"var(--soft)\" stroke-dasharray=\"3 4\"/>")
  }

  /// Adds a dashed vertical line.
  mutating func addMark(at value: Double) { addGuide(from: (value, y.low), to: (value, y.high)) }

  var svg: String {
    let name =
      axis.isEmpty
      ? ""
      : "<text x=\"\(Text.plain((Self.frame.left + Self.frame.right) / 2))\" y=\"253\" text-anchor=\"middle\">"
        + "\(escape(axis))</text>"
    return "<svg viewBox=\"0 0 412 \(axis.isEmpty ? 241 : 258)\" role=\"img\" aria-label=\"\(escape(label))\">"
      + "<text x=\"0\" y=\"13\" class=\"title\">\(escape(title))\(y.isLogarithmic ? ", log scale" : "")</text>"
      + "\(parts.joined())\(name)</svg>"
  }
}

/// Round numbers for an axis that starts at 0.
enum Axis {
  static func ticks(to highest: Double, count: Int) -> [Double] {
    guard highest > 0, highest.isFinite else { return [0] }
    let raw = highest / Double(count)
    var power = 1.0
    while power > raw { power /= 10 }
    while power * 10 <= raw { power *= 10 }
    let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= raw } ?? raw
    return stride(from: 0, through: highest, by: step).map { $0 }
  }
}

extension Text {
  /// Returns a short text of a number on an axis.
  static func tick(_ value: Double) -> String {
    guard value != 0, abs(value) < 1e-3 || abs(value) >= 1e5 else {
      return abs(value) >= 10 && value == value.rounded() ? fixed(value, decimals: 0) : significant(value, digits: 2)
    }
    let power = Int(log10(abs(value)).rounded(.down))
    let mantissa = value / pow(10, Double(power))
    let head = abs(mantissa - mantissa.rounded()) < 1e-6 ? fixed(mantissa, decimals: 0) : fixed(mantissa, decimals: 1)
    return "\(head)e\(power < 0 ? "−" : "")\(abs(power))"
  }

  /// Returns the text of a coordinate.
  static func plain(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return Int(exactly: rounded).map(String.init) ?? String(rounded)
  }
}
