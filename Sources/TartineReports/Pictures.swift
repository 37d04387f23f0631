import TartineDiagnosis
import TartineEngine

/// The rungs as points with their intervals on one axis.
struct LadderPicture {
  private let diagnosis: Diagnosis

  init(_ diagnosis: Diagnosis) { self.diagnosis = diagnosis }

  var svg: String {
    let rungs = diagnosis.ladder
    // The interval of a single row has no end.
    let ends = rungs.flatMap { [$0.estimate.value, $0.estimate.high] }.filter(\.isFinite)
    let highest = (ends.max() ?? 1) * 1.08
    let left = 48.0
    let right = 440.0
    func x(_ value: Double) -> String {
      Text.plain(left + (right - left) * max(0, min(1, value.isNaN ? 0 : value / max(highest, 1e-300))))
    }
    let height = 44 * rungs.count + 34
    var parts: [String] = []
    for tick in Axis.ticks(to: highest, count: 4) {
      parts.append(
        "<line x1=\"\(x(tick))\" x2=\"\(x(tick))\" y1=\"8\" y2=\"\(height - 24)\" stroke=\"var(--line)\"/>"
          + "<text x=\"\(x(tick))\" y=\"\(height - 8)\" text-anchor=\"middle\">\(escape(diagnosis.text(tick)))</text>")
    }
    for (place, rung) in rungs.enumerated() {
      let y = 30 + 44 * place
      let color = "var(--\(rung.name))"
      parts.append(
        """
        <text x="0" y="\(y + 4)">\(rung.name)</text>
        <line x1="\(x(rung.estimate.low))" x2="\(x(rung.estimate.high))" y1="\(y)" y2="\(y)" stroke="\(color)" \
        stroke-width="6" stroke-linecap="round" opacity=".35"/>
        <circle cx="\(x(rung.estimate.value))" cy="\(y)" r="6" fill="\(color)"/>
        """)
    }
    let label = rungs.map { "\($0.name) \(diagnosis.text($0.estimate.value))" }.joined(separator: ", ")
    return "<svg viewBox=\"0 0 480 \(height)\" role=\"img\" aria-label=\"\(escape(label))\">\(parts.joined())</svg>"
  }
}

/// Train and dev over the epochs, with the best epoch marked.
struct CurvePicture {
  /// As many as a moving average of ten values needs to be worth looking at.
  private static let manyEpochs = 30

  private let title: String
  private let train, dev: [Double]
  private let best: Int

  init(_ title: String, _ train: [Double], _ dev: [Double], best: Int) {
    self.title = title
    self.train = train
    self.dev = dev
    self.best = best
  }

  var svg: String {
    let values = (train + dev).filter(\.isFinite).sorted()
    guard let largest = values.last else { return "" }
    // The first epochs can be far above the rest: the axis ends where nearly all values lie.
    let usual = values[min(values.count - 1, values.count * 97 / 100)]
    let highest = max(min(largest, usual * 1.6), 1e-12)
    let (left, right, top, bottom) = (56.0, 400.0, 26.0, 200.0)
    let count = max(1, train.count - 1)
    func x(_ index: Int) -> Double { left + (right - left) * Double(index) / Double(count) }
    func y(_ value: Double) -> Double { bottom - (bottom - top) * min(1.02, value / highest) }
    func line(_ values: [Double], _ name: String, isFaint: Bool = false) -> String {
      let points = values.enumerated().map { "\(Text.plain(x($0))),\(Text.plain(y($1)))" }
      return "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"var(--\(name))\" "
        + "stroke-width=\"\(isFaint ? 1 : 2)\"\(isFaint ? " opacity=\".45\"" : "") stroke-linejoin=\"round\"/>"
    }
    /// A long curve is read by its moving average, with what it is made of behind.
    func lines(_ values: [Double], _ name: String) -> String {
      guard values.count >= Self.manyEpochs else { return line(values, name) }
      var average = MovingAverage(beta: 0.9)
      let smooth = values.map { value in
        average.add(value)
        return average.value ?? value
      }
      return line(values, name, isFaint: true) + line(smooth, name)
    }
    var parts = [
      "<text x=\"0\" y=\"12\">\(title)</text>",
      "<text x=\"\(Text.plain(right))\" y=\"12\" text-anchor=\"end\"><tspan fill=\"var(--train)\">train</tspan>"
        + "<tspan dx=\"10\" fill=\"var(--dev)\">dev</tspan></text>",
    ]
    for tick in Axis.ticks(to: highest, count: 4) {
      let at = Text.plain(y(tick))
      parts.append(
        "<line x1=\"\(Text.plain(left))\" x2=\"\(Text.plain(right))\" y1=\"\(at)\" y2=\"\(at)\" "
          + "stroke=\"var(--line)\"/><text x=\"\(Text.plain(left - 6))\" y=\"\(Text.plain(y(tick) + 4))\" "
          + "text-anchor=\"end\">\(Text.significant(tick, digits: 2))</text>")
    }
    for (index, anchor) in [(0, "start"), (count, "end")] where index == 0 || train.count > 1 {
      parts.append(
        "<text x=\"\(Text.plain(x(index)))\" y=\"218\" text-anchor=\"\(anchor)\">epoch \(index + 1)</text>")
    }
    if best > 0 {
      let at = Text.plain(x(best - 1))
      parts.append(
        "<line x1=\"\(at)\" x2=\"\(at)\" y1=\"\(Text.plain(top))\" y2=\"\(Text.plain(bottom))\" "
          + "stroke=\"var(--soft)\" stroke-dasharray=\"3 4\"/>")
    }
    parts += [lines(train, "train"), lines(dev, "dev")]
    return "<svg viewBox=\"0 0 410 224\" role=\"img\" aria-label=\"\(title) of train and dev over the epochs\">"
      + parts.joined() + "</svg>"
  }
}

/// Round numbers for an axis from 0.
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
  /// A coordinate.
  static func plain(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return Int(exactly: rounded).map(String.init) ?? String(rounded)
  }
}
