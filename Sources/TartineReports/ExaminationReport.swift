import TartineData
import TartineDiagnosis
import TartineFiles
import TartineTraining

/// A self-contained HTML page about the examination of a network: the verdict, the error ladder, what would
/// help, and the evidence.
public struct ExaminationReport {
  private let examination: Examination
  private let split: Split
  private let title: String

  /// Creates a report of an examination.
  ///
  /// - Parameters:
  ///   - examination: The examination.
  ///   - split: The examined data.
  ///   - title: The page's title.
  public init(_ examination: Examination, on split: Split, title: String) {
    self.examination = examination
    self.split = split
    self.title = title
  }

  /// The page as HTML.
  public var html: String {
    var sections = [faults]
    if let run = examination.runs.first, let diagnosis = examination.diagnosis {
      let parts = RunSections(run, diagnosis, seeds: examination.ladderSeeds)
      sections += [
        "<p class=\"verdict\">\(escape(diagnosis.verdict))</p>", parts.ladder, prescriptions, parts.epochs, signals,
        learningCurve, importance, predictions(run), slices, WorstRowsSection(examination, split).html, checks, data,
        parts.data, parts.network, parts.recipe,
      ]
    } else {
      sections += [
        "<p class=\"verdict\">The training diverged, so there is no error to report.</p>", prescriptions, signals,
        checks,
        data,
        Page.section(
          "The recipe",
          Page.folded(
            "recipe.json", "<pre>\(escape((try? JSON.text(examination.recipe, pretty: true)) ?? ""))</pre>")),
      ]
    }
    return Page(title: title, body: sections.joined(separator: "\n")).html
  }

  private var isFraction: Bool { split.task != .regression }
  private var unit: String { isFraction ? "error, %" : "RMSE" }

  private func text(_ value: Double) -> String {
    isFraction ? "\(Text.significant(value * 100, digits: 3)) %" : Text.significant(value, digits: 4)
  }

  private func points(_ value: Double, isNamed: Bool = true) -> String {
    isFraction
      ? Text.fixed(value * 100, decimals: 2) + (isNamed ? " points" : "") : Text.significant(value, digits: 3)
  }

  private func gain(_ gain: Estimate) -> String {
    "\(points(gain.value)) (\(points(gain.low, isNamed: false)) to \(points(gain.high, isNamed: false)))"
  }

  // MARK: What is wrong, and what helps

  private var faults: String {
    guard !examination.faults.isEmpty else {
      return "<ul class=\"faults none\"><li><span class=\"name\">\(escape(examination.nothingFound))</span></li></ul>"
    }
    let items = examination.faults.map { fault in
      "<li><span class=\"name\">\(fault.name.rawValue)</span>: \(escape(fault.evidence)). "
        + "<span class=\"do\">→ \(escape(fault.action))</span></li>"
    }
    return "<ul class=\"faults\">\(items.joined())</ul>"
  }

  private var prescriptions: String {
    let items = examination.prescriptions.map { remedy in
      let helped = remedy.gain.map { " Removes \(escape(gain($0)))." } ?? ""
      return "<li><strong>\(escape(remedy.what))</strong>: \(escape(remedy.why)).\(helped)"
        + (remedy.command.map { "<br><code>\(escape($0))</code>" } ?? "") + "</li>"
    }
    return Page.section(
      "What would help",
      note:
        "Changes that were tried, and by how much they lower the dev error, with 95 % intervals over rows, "
        + "and over seeds where the line says so. The best of several is a little optimistic.",
      items.isEmpty ? "" : "<ol>\(items.joined())</ol>")
  }

  // MARK: Evidence

  private var signals: String {
    let layers = examination.signals
    // The output layer has no figures of its own: its outputs belong to the loss.
    func figure(_ value: Double?) -> String { value.flatMap { $0 == 0 ? nil : Text.significant($0, digits: 2) } ?? "" }
    func share(_ value: Double?) -> String { value.map { "\(Text.fixed($0 * 100, decimals: 0)) %" } ?? "" }
    let rows = layers.map { layer in
      [
        layer.layer, figure(layer.start?.standardDeviation), figure(layer.end?.standardDeviation),
        figure(layer.start?.gradient),
        figure(layer.end?.gradient), share(layer.end?.dead), share(layer.end?.saturated),
      ]
    }
    return Page.section(
      "Signals",
      note: "Activations and gradients of each layer on dev rows, before training and with the "
        + "final weights.",
      Page.charts([
        SignalPlot("Gradient", layers, \.gradient).svg,
        SignalPlot(
          "Standard deviation of the outputs", layers.filter { $0.start?.standardDeviation != 0 }, \.standardDeviation
        ).svg,
      ])
        + Page.table(
          ["", "output std, start", "end", "gradient, start", "end", "dead units", "saturated"], rows))
  }

  private var learningCurve: String {
    guard let curve = examination.learningCurve else { return "" }
    let scale = isFraction ? 100.0 : 1
    let note: String
    switch curve.answer {
    case .twice(let error):
      note =
        "With twice the rows, \(2 * split.trainCount), the dev error would be \(text(error.value)) "
        + "(90 % interval \(text(error.low)) to \(text(error.high)); in tests \(LearningCurve.measuredCoverage) % of such "
        + "intervals contained the truth)."
    case .declined(let reason): note = "No prediction for more data: \(reason)."
    }
    return Page.section(
      "The learning curve", note: note, Page.charts([LearningCurvePlot(curve, scale: scale, unit: unit).svg]))
  }

  private var importance: String {
    guard let importance = examination.importance, !importance.columns.isEmpty else { return "" }
    return Page.section(
      "Importance of each column",
      note: "Permutation importance: the increase of the dev error when a column is shuffled. Pure noise "
        + "reaches up to "
        + "\(points(importance.noise)).",
      BarsPlot(
        importance.columns.prefix(20).map { ($0.column, $0.increase, $0.isAboveNoise) }, scale: isFraction ? 100 : 1,
        unit: isFraction ? "points" : ""
      ).svg)
  }

  private func predictions(_ run: Run) -> String {
    PredictionSections(
      run.dev, part: "dev", dataset: run.split.dataset, threshold: run.model.decision.threshold
    ).html
  }

  private var slices: String {
    guard let slices = examination.slices, !slices.worst.isEmpty else { return "" }
    let rows = slices.worst.prefix(10).map { slice in
      [
        slice.name, "\(slice.rows)", text(slice.error.value), "\(text(slice.error.low)) to \(text(slice.error.high))",
        text(slice.otherError), Text.significant(slice.p, digits: 1),
      ]
    }
    return Page.section(
      "Slices with a higher error",
      note:
        "Those of \(slices.examined) slices of dev with a significantly higher error, at a false discovery "
        + "rate of 5 %.",
      Page.table(["slice", "rows", "error", "interval", "error elsewhere", "p"], rows))
  }

  private var checks: String {
    let rows = examination.checks.map { check in
      "<b>\(escape(check.name))</b><span class=\"\(check.verdict.rawValue)\">\(check.verdict.rawValue)</span>"
        + "<span class=\"text\">\(escape(check.evidence))\(check.action.map { "; \(escape($0))" } ?? "")</span>"
    }
    return Page.section("All checks", "<div class=\"checks\">\(rows.joined(separator: "\n"))</div>")
  }

  private var data: String {
    let inspection = examination.inspection
    let columns = inspection.columns.prefix(60).map { column in
      [
        column.name, column.type, "\(column.values)", "\(column.missing)",
        "\(Text.fixed(column.tells * 100, decimals: 0)) %",
        column.use,
      ]
    }
    let pairs = inspection.sameDistribution.map { pair in
      [
        "\(pair.first) and \(pair.second)", "\(Text.fixed(pair.area * 100, decimals: 0)) %",
        Text.significant(pair.adjustedP, digits: 2),
        "\(Text.fixed(pair.smallestVisibleShift, decimals: 2)) standard deviations",
        pair.isDifferent ? "different" : "no difference found",
      ]
    }
    let total = Double(max(1, inspection.classes.reduce(0) { $0 + $1.rows }))
    let classes = inspection.classes.prefix(30).map { level in
      [level.value, "\(level.rows)", "\(Text.fixed(Double(level.rows) / total * 100, decimals: 1)) %"]
    }
    return Page.section(
      "Distribution shift",
      note:
        "The AUC of a classifier that tells the two sets apart, 50 % by chance; and the smallest shift of "
        + "one column that would be detected with so many rows.",
      Page.table(["sets", "AUC", "p", "smallest detectable shift", ""], pairs))
      + (classes.isEmpty
        ? "" : Page.section("Classes", note: "In train and dev.", Page.table(["", "rows", "share"], classes)))
      + Page.section("Columns", Page.table(["", "type", "values", "missing", "explains alone", "use"], columns))
  }
}
