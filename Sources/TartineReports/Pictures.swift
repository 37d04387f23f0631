import TartineDiagnosis
import TartineEngine
import TartineTraining

/// A plot of the error ladder: each rung a point with its interval.
struct LadderPicture {
  private let diagnosis: Diagnosis

  init(_ diagnosis: Diagnosis) { self.diagnosis = diagnosis }

  var svg: String {
    let rungs = diagnosis.ladder
    // The interval of a single row has no end.
    let ends = rungs.flatMap { [$0.estimate.value, $0.estimate.high] }.filter(\.isFinite)
    let highest = (ends.max() ?? 1) * 1.08
    let left = rungs.contains { $0.name.count > 5 } ? 72.0 : 48
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

/// A plot of train and dev over the epochs, with the best epoch marked.
struct CurvePicture {
  /// The number of epochs from which the curve is smoothed.
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

  /// Smooths with the mean of a forward and a backward moving average, which has no lag.
  private static func smooth(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    func averages(_ values: [Double]) -> [Double] {
      var average = MovingAverage(beta: 0.8)
      return values.map { value in
        average.add(value)
        return average.value ?? value
      }
    }
    let values = points.map(\.y)
    let back = averages(values.reversed()).reversed()
    return zip(points, zip(averages(values), back)).map { ($0.x, ($1.0 + $1.1) / 2) }
  }

  var svg: String {
    let values = (train + dev).filter(\.isFinite).sorted()
    guard let largest = values.last else { return "" }
    // The first epochs can be far above the rest: the axis ends where nearly all values lie.
    let usual = values[min(values.count - 1, values.count * 97 / 100)]
    let count = max(2, train.count)
    var plot = Plot(
      title, label: "\(title) of train and dev over the epochs", x: Scale(of: [1, Double(count)], fromZero: false),
      y: Scale(of: [0, max(min(largest, usual * 1.6), 1e-12)]))
    plot.addGrid()
    plot.addTicks([(1, "epoch 1")] + (train.count > 1 ? [(Double(train.count), "epoch \(train.count)")] : []))
    plot.addKey([("train", "var(--train)"), ("dev", "var(--dev)")])
    if train.count >= Self.manyEpochs { plot.addNote("thin: each epoch; thick: its moving average") }
    if best > 0 { plot.addMark(at: Double(best)) }
    for (values, color) in [(train, "var(--train)"), (dev, "var(--dev)")] {
      let points = values.enumerated().map { (x: Double($0 + 1), y: $1) }
      guard values.count >= Self.manyEpochs else {
        plot.addLine(points, color: color)
        continue
      }
      // A long curve is drawn smoothed, with the raw values behind.
      plot.addLine(points, color: color, width: 1, isFaint: true)
      plot.addLine(Self.smooth(points), color: color)
    }
    return plot.svg
  }
}

/// A plot of the dev error over the number of train rows, with the fitted curve extrapolated to twice the
/// rows.
struct LearningCurvePicture {
  private let curve: LearningCurve
  private let scale: Double
  private let unit: String

  /// - Parameters:
  ///   - scale: 100 for errors in percent, else 1.
  init(_ curve: LearningCurve, scale: Double, unit: String) {
    self.curve = curve
    self.scale = scale
    self.unit = unit
  }

  var svg: String {
    let measured = curve.points.flatMap(\.errors)
    let rows = curve.points.map { Double($0.rows) } + curve.band.map { Double($0.rows) }
    var isAnswered = false
    if case .twice = curve.answer { isAnswered = true }
    let bands = isAnswered ? curve.band.flatMap { [$0.estimate.low, $0.estimate.high] } : []
    var plot = Plot(
      "dev \(unit)", label: "The dev error over the number of train rows",
      x: Scale(of: rows, fromZero: false, isLogarithmic: true), y: Scale(of: (measured + bands).map { $0 * scale }))
    plot.addGrid()
    let last = curve.points.last?.rows ?? 0
    plot.addTicks(
      ([curve.points.first?.rows ?? 0, last] + (curve.band.isEmpty ? [] : [2 * last])).map {
        (Double($0), $0 == last ? "\($0) rows" : "\($0)")
      })
    if isAnswered {
      plot.addBand(
        curve.band.map { (Double($0.rows), $0.estimate.low * scale, $0.estimate.high * scale) }, color: "var(--dev)")
      plot.addLine(curve.band.map { (Double($0.rows), $0.estimate.value * scale) }, color: "var(--dev)")
    }
    for point in curve.points {
      for error in point.errors {
        plot.addPoint(Double(point.rows), error * scale, color: "var(--ink)", radius: 2.6, opacity: 0.7)
      }
    }
    return plot.svg
  }
}

/// A plot of one figure of each layer over the epochs, on a log scale.
struct SignalPicture {
  private let title: String
  private let layers: [Examination.LayerReport]
  private let figure: KeyPath<Examination.LayerReport.Figures, Double>

  init(
    _ title: String, _ layers: [Examination.LayerReport], _ figure: KeyPath<Examination.LayerReport.Figures, Double>
  ) {
    self.title = title
    self.layers = layers
    self.figure = figure
  }

  var svg: String {
    let lines = layers.map { layer -> [(x: Double, y: Double)] in
      let start = layer.start.map { [(x: 0.0, y: $0[keyPath: figure])] } ?? []
      return start + layer.epochs.map { (x: Double($0.epoch), y: $0.figures[keyPath: figure]) }
    }
    guard let last = lines.first?.last?.x, last > 0 else { return "" }
    var plot = Plot(
      title, label: "\(title) of each layer over the epochs", x: Scale(of: [0, last], fromZero: false),
      y: Scale(of: lines.flatMap { $0.map(\.y) }, isLogarithmic: true))
    plot.addGrid { Text.significant($0, digits: 1) }
    plot.addTicks([(0, "start"), (last, "epoch \(Int(last))")])
    let colors = lines.indices.map { Self.color($0, of: lines.count) }
    for (points, color) in zip(lines, colors) { plot.addLine(points, color: color) }
    let named = lines.count > 1 ? [0, lines.count - 1] : [0]
    plot.addKey(named.map { (layers[$0].layer, colors[$0]) })
    return plot.svg
  }

  /// Returns a layer's colour, between those of the first and the last layer.
  private static func color(_ place: Int, of count: Int) -> String {
    let share = count > 1 ? 100 * place / (count - 1) : 0
    return "color-mix(in srgb, var(--dev) \(share)%, var(--train))"
  }
}

/// A reliability diagram: accuracy over confidence.
struct CalibrationPicture {
  private let calibration: Calibration

  init(_ calibration: Calibration) { self.calibration = calibration }

  var svg: String {
    let lowest = min(0.5, calibration.bins.first.map { ($0.predicted * 10).rounded(.down) / 10 } ?? 0)
    var plot = Plot(
      "accuracy, %", label: "Reliability diagram: accuracy over confidence",
      x: Scale(of: [lowest * 100, 100], fromZero: false), y: Scale(of: [0, 100], fromZero: false))
    plot.addGrid()
    plot.addTicks([(lowest * 100, "\(Text.plain(lowest * 100)) % confidence"), (100, "100 %")])
    plot.addGuide(from: (lowest * 100, lowest * 100), to: (100, 100))
    for bin in calibration.bins {
      plot.addRange(bin.predicted * 100, bin.right.low * 100, bin.right.high * 100, color: "var(--dev)")
      plot.addPoint(bin.predicted * 100, bin.right.value * 100, color: "var(--dev)", radius: 4)
    }
    return plot.svg
  }
}

/// A plot of predicted over actual values, for regression.
struct AnswersPicture {
  private let dev: Evaluation

  init(_ dev: Evaluation) { self.dev = dev }

  var svg: String {
    let places = dev.sparsePlaces
    let values = places.flatMap { [dev.truths[$0], dev.predictions[$0]] }
    let scale = Scale(of: values, fromZero: false)
    var plot = Plot("predicted", label: "Predicted over actual values", x: scale, y: scale)
    func text(_ value: Double) -> String { Text.significant(value, digits: 3) }
    plot.addGrid(text)
    plot.addTicks([(scale.low, text(scale.low)), (scale.high, "actual \(text(scale.high))")])
    plot.addGuide(from: (scale.low, scale.low), to: (scale.high, scale.high))
    for place in places {
      plot.addPoint(dev.truths[place], dev.predictions[place], color: "var(--dev)", radius: 2.2, opacity: 0.5)
    }
    return plot.svg
  }
}
