import TartineDiagnosis
import TartineFiles
import TartineImprovement
import TartineTraining

/// A self-contained HTML page about an improvement: what was gained and what of it is real, the accepted steps, what was tried, and
/// what is for the person to do.
public struct ImprovementReport {
  private let improvement: Improvement
  private let title: String
  private let command: String

  /// Creates a report of an improvement.
  ///
  /// - Parameters:
  ///   - improvement: The improvement.
  ///   - title: The page's title.
  ///   - command: The command that trains the last recipe.
  public init(_ improvement: Improvement, title: String, command: String) {
    self.improvement = improvement
    self.title = title
    self.command = command
  }

  /// The page as HTML.
  public var html: String {
    let sections = [
      "<p class=\"verdict\">\(escape(improvement.sentence))</p>", figures, steps, accepted, refused, advice, recipe,
    ]
    return Page(title: title, body: sections.joined(separator: "\n")).html
  }

  private var scale: Double { improvement.isFraction ? 100 : 1 }

  private func text(_ estimate: Estimate?) -> String {
    estimate.map { "\(improvement.text($0.value)) (\(improvement.text($0.low)) to \(improvement.text($0.high)))" }
      ?? "–"
  }

  private var figures: String {
    let (first, last) = (improvement.first, improvement.last)
    var rows = [["first recipe", text(first.dev), text(first.test)]]
    if improvement.gain != nil {
      rows.append(["last recipe", text(last.dev), text(last.test)])
      rows.append([
        "gain", improvement.gain.map { improvement.text(ofGain: $0.dev) } ?? "",
        improvement.gain?.test.map { improvement.text(ofGain: $0) } ?? "–",
      ])
    }
    var notes = [
      "With 95 % intervals over rows and seeds. Gains are paired: both recipes have the same rows and seeds. "
        + "Of differences below \(improvement.points(improvement.worth)) none counts."
    ]
    if let deviation = improvement.seedStandardDeviation {
      notes.append(
        "The first recipe's dev error has a standard deviation of \(improvement.points(deviation)) over seeds.")
    }
    if let minimumDetectableGain = improvement.minimumDetectableGain {
      notes.append(
        "The smallest gain that this test set shows in four of five cases is about \(improvement.points(minimumDetectableGain))."
      )
    }
    return Page.section(
      "First and last", note: notes.joined(separator: " "), Page.table([improvement.figureName, "dev", "test"], rows))
  }

  /// The dev error after each accepted step.
  private var steps: String {
    let accepted = improvement.trials.filter { $0.subject == .idea && $0.verdict == .accepted }
    guard !accepted.isEmpty else { return "" }
    // Each step is measured on pairs of its own.
    let points = accepted.map { trial in
      let counted = trial.pairs.dropFirst(trial.pairs.count - trial.counted).map(\.idea)
      let value = counted.reduce(0, +) / Double(max(1, counted.count))
      let gain = trial.gain ?? Estimate(0, low: 0, high: 0)
      return (
        low: (value + gain.value - gain.high) * scale, value: value * scale,
        high: (value + gain.value - gain.low) * scale
      )
    }
    let start = improvement.first.dev.value * scale
    let all =
      [start] + points.flatMap { [$0.low, $0.high] }
      + [improvement.first.test, improvement.last.test].compactMap { $0.map { $0.value * scale } }
    let (least, most) = (all.min() ?? 0, all.max() ?? 1)
    let margin = max(0.08 * (most - least), 1e-9)
    var plot = Plot(
      improvement.isFraction ? "Error, %" : "RMSE", label: "The dev error after each accepted step",
      axis: "accepted steps",
      x: Scale(of: [-0.3, Double(points.count) + 0.3], fromZero: false),
      y: Scale(of: [max(0, least - margin), most + margin], fromZero: false))
    plot.addGrid()
    plot.addTicks((0...points.count).map { (Double($0), $0 == 0 ? "first" : "\($0)") })
    plot.addLine(
      [(0, start)] + points.enumerated().map { (Double($0.offset + 1), $0.element.value) }, color: "var(--dev)")
    plot.addPoint(
      0, start, color: "var(--dev)", value: "first recipe, dev \(improvement.text(improvement.first.dev.value))")
    for (place, point) in points.enumerated() {
      plot.addRange(Double(place + 1), point.low, point.high, color: "var(--dev)")
      plot.addPoint(
        Double(place + 1), point.value, color: "var(--dev)",
        value: "\(accepted[place].what): \(improvement.text(point.value / scale))")
    }
    var key = [("dev", "var(--dev)")]
    if let before = improvement.first.test, let after = improvement.last.test {
      key.append(("test", "var(--test)"))
      for (x, test) in [(0.0, before), (Double(points.count), after)] {
        plot.addPoint(
          x, test.value * scale, color: "var(--test)", radius: 4.5, value: "test \(improvement.text(test.value))")
      }
    }
    plot.addKey(key)
    return Page.section(
      "The steps",
      note: "Each step's interval is that of its own gain. The test set was evaluated once, at the end.",
      Page.charts([plot.svg]))
  }

  private func rows(_ trials: [IdeaTrial]) -> [[String]] {
    trials.map { trial in
      [
        trial.what, trial.aim.rawValue, trial.gain.map { improvement.text(ofGain: $0) } ?? "–", "\(trial.counted)",
        trial.reason, "\(Text.significant(trial.seconds, digits: 2)) s",
        trial.change,
      ]
    }
  }

  private static let head = ["change", "against", "gain on dev", "pairs", "verdict", "time", "settings"]

  private var accepted: String {
    let list = improvement.trials.filter { $0.verdict == .accepted && $0.subject == .idea }
    return Page.section(
      "Accepted", note: list.isEmpty ? nil : "In this order, each on top of those before it.",
      list.isEmpty ? "<p>Nothing was accepted.</p>" : Page.table(Self.head, rows(list)))
  }

  private var refused: String {
    let tried = improvement.trials.filter { $0.verdict != .accepted && $0.subject == .idea }
    let ablations = improvement.trials.filter { $0.subject == .ablation }
    var parts = ""
    if !tried.isEmpty {
      parts += Page.section(
        "Tried and not accepted",
        note:
          "An idea is dropped after the first pair if that shows no gain, and later as soon as it can hardly gain what counts. From the second pair on, the first one is not counted. "
          + improvement.ending, Page.table(Self.head, rows(tried)))
    }
    if !ablations.isEmpty {
      parts += Page.section(
        "Accepted changes, taken out again", note: "A gain below 0 means that the change is needed.",
        Page.table(Self.head, rows(ablations)))
    }
    return parts
  }

  private var advice: String {
    let items = improvement.advice.map {
      "<li><strong>\(escape($0.name))</strong>: \(escape($0.evidence)). <span class=\"do\">→ \(escape($0.action))</span></li>"
    }
    return Page.section(
      "For you", note: items.isEmpty ? nil : "What no program should do alone.",
      items.isEmpty ? "<p>Nothing was found about the data.</p>" : "<ul class=\"faults\">\(items.joined())</ul>")
  }

  private var recipe: String {
    guard let json = try? JSON.text(improvement.last.recipe, pretty: true) else { return "" }
    return Page.section(
      "The last recipe",
      "<p><code>\(escape(command))</code></p>" + Page.folded("recipe.json", "<pre>\(escape(json))</pre>"))
  }
}
