import TartineDiagnosis
import TartineEngine
import TartineTraining

/// A plot of the error ladder: each rung a point with its interval.
struct LadderPlot {
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
struct CurvePlot {
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
    let typical = values[min(values.count - 1, values.count * 97 / 100)]
    let count = max(2, train.count)
    var plot = Plot(
      title, label: "\(title) of train and dev over the epochs", axis: "epoch",
      x: Scale(of: [1, Double(count)], fromZero: false),
      y: Scale(of: [0, max(min(largest, typical * 1.6), 1e-12)]))
    plot.addGrid()
    plot.addEpochs(train.count)
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
    for (name, values) in [("train", train), ("dev", dev)] {
      plot.addValues(values.enumerated().map { (Double($0 + 1), $1) }) { epoch, value in
        "epoch \(Int(epoch)), \(name): \(Text.significant(value, digits: 4))"
      }
    }
    return plot.svg
  }
}

extension Plot {
  /// Adds the numbers of epochs below the horizontal axis.
  mutating func addEpochs(_ count: Int) {
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000].first { count / $0 <= 6 } ?? 2_000
    let inner = stride(from: every, to: count, by: every).filter { $0 > 1 && $0 + every / 2 < count }
    addTicks(([1] + inner + (count > 1 ? [count] : [])).map { (Double($0), "\($0)") })
  }

  /// Returns a colour between those of the first and the last series.
  static func color(_ place: Int, of count: Int) -> String {
    let share = count > 1 ? 100 * place / (count - 1) : 0
    return "color-mix(in srgb, var(--dev) \(share)%, var(--train))"
  }
}

/// A plot of one value per epoch.
struct EpochPlot {
  private let title: String
  private let values: [Double]

  init(_ title: String, _ values: [Double]) {
    self.title = title
    self.values = values
  }

  var svg: String {
    guard values.contains(where: \.isFinite) else { return "" }
    var plot = Plot(
      title, label: "\(title) over the epochs", axis: "epoch",
      x: Scale(of: [1, Double(max(2, values.count))], fromZero: false), y: Scale(of: values))
    plot.addGrid { Text.significant($0, digits: 2) }
    plot.addEpochs(values.count)
    let points = values.enumerated().map { (x: Double($0 + 1), y: $1) }
    plot.addLine(points, color: "var(--train)")
    plot.addValues(points) { "epoch \(Int($0)): \(Text.significant($1, digits: 4))" }
    return plot.svg
  }
}

/// The ROC and precision-recall curves.
struct OperatingCurvePlots {
  private let curves: [OperatingCurve]
  private let threshold: Double?
  /// The largest number of points drawn of a curve.
  private static let mostPoints = 300

  /// - Parameter threshold: The decision threshold to mark, for two classes.
  init(_ curves: [OperatingCurve], threshold: Double?) {
    self.curves = curves
    self.threshold = curves.count == 1 ? threshold : nil
  }

  var svgs: [String] {
    guard !curves.isEmpty else { return [] }
    let base = curves[0].prevalence
    return [
      svg(
        "ROC curve: true positive rate", axis: "false positive rate", \.falsePositiveRate, \.recall,
        guide: (start: (x: 0, y: 0), end: (x: 1, y: 1))),
      svg(
        "Precision-recall curve: precision", axis: "recall", \.recall, \.precision,
        guide: curves.count == 1 ? (start: (x: 0, y: base), end: (x: 1, y: base)) : nil),
    ]
  }

  private typealias Coordinate = KeyPath<OperatingCurve.Point, Double>

  private func svg(
    _ title: String, axis: String, _ x: Coordinate, _ y: Coordinate,
    guide: (start: (x: Double, y: Double), end: (x: Double, y: Double))?
  ) -> String {
    var plot = Plot(
      title, label: "\(title) over \(axis)", axis: axis, x: Scale(of: [0, 1], fromZero: false),
      y: Scale(of: [0, 1], fromZero: false))
    plot.addGrid()
    plot.addScale()
    if let guide { plot.addGuide(from: guide.start, to: guide.end) }
    for (place, curve) in curves.enumerated() {
      let color = Plot.color(place, of: curves.count)
      // Where no row is predicted there is no precision.
      let points = Array(curve.points.dropFirst(y == \.precision ? 1 : 0))
      let every = max(1, points.count / Self.mostPoints)
      let drawn = points.indices.filter { $0 % every == 0 || $0 == points.count - 1 }.map { points[$0] }
      let places = drawn.map { (x: $0[keyPath: x], y: $0[keyPath: y]) }
      plot.addLine(places, color: color)
      plot.addValues(places) {
        "\(curve.name): \(axis) \(Text.fixed($0, decimals: 3)), \(Text.fixed($1, decimals: 3))"
      }
      if let threshold, let at = curve.points.last(where: { $0.threshold >= threshold }) {
        plot.addPoint(at[keyPath: x], at[keyPath: y], color: "var(--dev)", radius: 4.5)
        plot.addNote("point: threshold \(Text.significant(threshold, digits: 2))", isLow: true)
      }
    }
    plot.addKey(
      curves.enumerated().map {
        (curves.count > 1 ? String($1.name.prefix(10)) : $1.title, Plot.color($0, of: curves.count))
      })
    return plot.svg
  }
}

/// A plot of the dev error over the number of train rows, with the fitted curve extrapolated to twice the
/// rows.
struct LearningCurvePlot {
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
      "Dev \(unit)", label: "The dev error over the number of train rows", axis: "train rows",
      x: Scale(of: rows, fromZero: false, isLogarithmic: true), y: Scale(of: (measured + bands).map { $0 * scale }))
    plot.addGrid()
    let last = curve.points.last?.rows ?? 0
    plot.addTicks(
      ([curve.points.first?.rows ?? 0, last] + (curve.band.isEmpty ? [] : [2 * last])).map {
        (Double($0), "\($0)")
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
struct SignalPlot {
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
      title, label: "\(title) of each layer over the epochs", axis: "epoch", x: Scale(of: [0, last], fromZero: false),
      y: Scale(of: lines.flatMap { $0.map(\.y) }, isLogarithmic: true))
    plot.addGrid { Text.significant($0, digits: 1) }
    plot.addTicks([(0, "start"), (last, "\(Int(last))")])
    let colors = lines.indices.map { Plot.color($0, of: lines.count) }
    for (points, color) in zip(lines, colors) { plot.addLine(points, color: color) }
    // As many names as there is space for.
    let every = max(1, (lines.count + 5) / 6)
    plot.addKey(
      lines.indices.filter { $0 % every == 0 || $0 == lines.count - 1 }.map { (layers[$0].layer, colors[$0]) })
    for (layer, points) in zip(layers, lines) {
      plot.addValues(points) { "\(layer.layer), epoch \(Int($0)): \(Text.significant($1, digits: 2))" }
    }
    return plot.svg
  }
}

/// A reliability diagram: accuracy over confidence.
struct CalibrationPlot {
  private let calibration: Calibration
  private let color: String

  init(_ calibration: Calibration, color: String) {
    self.calibration = calibration
    self.color = color
  }

  var svg: String {
    let lowest = min(0.5, calibration.bins.first.map { ($0.predicted * 10).rounded(.down) / 10 } ?? 0)
    var plot = Plot(
      "Calibration: accuracy, %", label: "Reliability diagram: accuracy over confidence", axis: "confidence, %",
      x: Scale(of: [lowest * 100, 100], fromZero: false), y: Scale(of: [0, 100], fromZero: false))
    plot.addGrid()
    plot.addScale()
    plot.addGuide(from: (lowest * 100, lowest * 100), to: (100, 100))
    for bin in calibration.bins {
      plot.addRange(bin.predicted * 100, bin.right.low * 100, bin.right.high * 100, color: color)
      plot.addPoint(
        bin.predicted * 100, bin.right.value * 100, color: color, radius: 4,
        value: "confidence \(Text.fixed(bin.predicted * 100, decimals: 1)) %, accuracy "
          + "\(Text.fixed(bin.right.value * 100, decimals: 1)) %, \(bin.rows) rows")
    }
    return plot.svg
  }
}

/// Plots of predicted over actual values, and of the residuals over the predicted ones, for regression.
struct PredictedPlots {
  private let evaluation: Evaluation
  private let color: String

  init(_ evaluation: Evaluation, color: String) {
    self.evaluation = evaluation
    self.color = color
  }

  var svgs: [String] {
    let places = evaluation.sparsePlaces
    let (truths, predictions) = (places.map { evaluation.truths[$0] }, places.map { evaluation.predictions[$0] })
    let scale = Scale(of: truths + predictions, fromZero: false)
    var plot = Plot("Predicted", label: "Predicted over actual values", axis: "actual", x: scale, y: scale)
    plot.addGrid()
    plot.addScale(4)
    plot.addGuide(from: (scale.low, scale.low), to: (scale.high, scale.high))
    let across = Scale(of: predictions, fromZero: false)
    let most = zip(truths, predictions).map { abs($0 - $1) }.max() ?? 1
    var other = Plot(
      "Residual: actual minus predicted", label: "Residuals over predicted values", axis: "predicted", x: across,
      y: Scale(of: [-most, most], fromZero: false))
    other.addGrid()
    other.addScale(4)
    other.addGuide(from: (across.low, 0), to: (across.high, 0))
    func text(_ value: Double) -> String { Text.significant(value, digits: 4) }
    for (truth, prediction) in zip(truths, predictions) {
      let value = "actual \(text(truth)), predicted \(text(prediction))"
      plot.addPoint(truth, prediction, color: color, radius: 2.2, opacity: 0.5, value: value)
      other.addPoint(prediction, truth - prediction, color: color, radius: 2.2, opacity: 0.5, value: value)
    }
    return [plot.svg, other.svg]
  }
}
