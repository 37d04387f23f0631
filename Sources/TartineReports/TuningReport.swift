import TartineData
import TartineDiagnosis
import TartineFiles
import TartineSearch
import TartineTraining

/// A self-contained HTML page about a hyperparameter search: the winner, then how it was found.
public struct TuningReport {
  private let result: TuningResult
  private let title: String
  private let unit: Unit
  private let rows: (train: Int, dev: Int, test: Int)
  /// The complete trials, with their points in the search space.
  private let done: [(trial: Trial, point: [Double], value: Double)]
  /// The numbers of the best tenth of these trials.
  private let bestTenth: Set<Int>
  /// The axis limit, in the plot's unit: it cuts off the few trials that are far worse than the rest.
  private let usual: Double

  /// Creates a report of a search.
  ///
  /// - Parameters:
  ///   - result: The result of the search.
  ///   - split: The data.
  ///   - title: The page's title.
  public init(_ result: TuningResult, on split: Split, title: String) {
    self.result = result
    self.title = title
    unit = Unit(task: split.task, target: "")
    rows = (split.trainCount, split.devCount, split.testCount)
    done = result.trials.compactMap { trial in
      guard trial.state == .complete, let value = trial.value, value.isFinite,
        let point = result.space.point(of: trial.values)
      else { return nil }
      return (trial, point, value)
    }
    let sorted = done.sorted { $0.value < $1.value }
    bestTenth = Set(sorted.prefix(max(3, sorted.count / 10)).map(\.trial.number))
    let scale = unit.isFraction ? 100.0 : 1
    if let best = sorted.first?.value, let worst = sorted.last?.value {
      let middle = sorted[sorted.count / 2].value
      usual = scale * max(middle, min(worst, best + 4 * max(middle - best, 1e-12)))
    } else {
      usual = 1
    }
  }

  /// The page as HTML.
  public var html: String {
    let sections = [
      winner, facts,
      Page.section(
        "Optimization history",
        note:
          "Each trial, and the best value so far; trials that are far worse are cut off or drawn at the "
          + "upper edge.",
        bestSoFar),
      Page.section(
        "Hyperparameter importance",
        note:
          "Total Sobol index: the share of the variance over the space that remains when all others are "
          + "fixed, with 95 % "
          + "intervals. Interactions count for each hyperparameter, so the shares may add up to more than "
          + "100 %; those in colour are significant.",
        importance),
      Page.section("Best values at the edge of a range", edges), rounds,
      Page.section(
        "Each hyperparameter",
        note:
          "All complete trials; the best tenth, at least three, in colour. Lower is better; trials that "
          + "are far worse are at the upper edge.",
        scatters),
      Page.section(
        "Parallel coordinates",
        note: "One line per trial; the best tenth, at least three, in colour.", parallel),
      Page.section("The trials", trials), recipe,
    ]
    return Page(title: title, body: sections.joined(separator: "\n")).html
  }

  private func text(_ value: Double?) -> String { value.map { $0.isFinite ? unit.text($0) : "–" } ?? "" }
  private var axis: String { unit.isFraction ? "dev error, %" : "dev RMSE" }
  private var scale: Double { unit.isFraction ? 100 : 1 }

  // MARK: Sections

  private var winner: String {
    guard let winner = result.winner else {
      let reason =
        result.best == nil ? "No trial is complete" : "None of the best trials can be trained with every seed"
      return "<p class=\"verdict\">\(reason), so there is no winner.</p>"
    }
    let best = winner.best
    var words =
      "Trial \(best.trial.number): \(text(best.dev.value)) on dev (\(unit.range(best.dev))) over \(best.runs.count) fresh seeds."
    words += " \(result.luck(unit))"
    if let sentence = result.gainSentence { words += " \(sentence)" }
    if let lead = winner.lead, winner.candidates.count > 1 {
      words += " Winner minus runner-up, trial \(winner.candidates[1].trial.number): \(lead)."
    }
    if let test = winner.test { words += " On \(result.testWords): \(text(test.value)) (\(unit.range(test)))." }
    if let old = result.oldWinner { words += " \(old.sentence)" }
    let rows = winner.candidates.map { candidate in
      [
        "\(candidate.trial.number)", text(candidate.trial.value), text(candidate.choice),
        candidate.isConfirmed ? text(candidate.dev.value) : "", candidate.isConfirmed ? unit.range(candidate.dev) : "",
      ] + result.space.parameters.map { candidate.trial.values[$0.name]?.shortText ?? "–" }
    }
    return "<p class=\"verdict\">\(escape(words))</p>"
      + Page.section(
        "The best trials, retrained",
        note:
          "The first score of the best of many trials is optimistic. The best trials were retrained with "
          + "fresh seeds to choose the winner, and the first two once more with seeds not used for "
          + "the choice.",
        Page.table(
          ["trial", "first score", "seeds for the choice", "seeds for the estimate", "95 % interval"]
            + result.space.parameters.map(\.name), rows))
  }

  private var facts: String {
    let counts = Trial.State.allCases.compactMap { state in
      result.count(state) > 0 ? "\(result.count(state)) \(Self.word(state))" : nil
    }
    let drawn = counts.count > 1 ? " The plots show complete trials only." : ""
    let words =
      "Trials: \(counts.joined(separator: ", ")); sampler \(result.sampler.rawValue). \(rows.train) train, "
      + "\(rows.dev) dev, \(rows.test) test rows.\(drawn)\(result.failures.map { " " + $0 } ?? "")"
    return "<p>\(escape(words))</p>"
  }

  private var bestSoFar: String {
    guard let last = result.trials.last, !done.isEmpty else { return "" }
    var plot = Plot(
      axis, label: "The best dev error after each trial",
      x: Scale(of: [0, Double(max(1, last.number))], fromZero: false),
      y: Scale(of: done.map { $0.value * scale }.filter { $0 <= usual }, fromZero: false))
    plot.addGrid()
    plot.addTicks([(0, "trial 0"), (Double(last.number), "trial \(last.number)")])
    var best = Double.infinity
    var line: [(x: Double, y: Double)] = []
    for (trial, _, value) in done {
      plot.addPoint(Double(trial.number), value * scale, color: "var(--soft)", radius: 2.5, opacity: 0.5)
      if best.isFinite { line.append((Double(trial.number), best * scale)) }
      best = min(best, value)
      line.append((Double(trial.number), best * scale))
    }
    if let end = line.last { line.append((Double(last.number), end.y)) }
    plot.addLine(line, color: "var(--dev)")
    return Page.charts([plot.svg])
  }

  private var importance: String {
    let bars = result.importance.map { (name: $0.name, estimate: $0.share, isSure: $0.share.low > 0.05) }
    return bars.isEmpty ? "" : BarsPicture(bars, scale: 100, unit: "%").svg
  }

  private var edges: String {
    result.edges.isEmpty ? "" : "<ul>\(result.edges.map { "<li>\(escape($0.sentence)).</li>" }.joined())</ul>"
  }

  private var rounds: String {
    if !result.sides.isEmpty, result.sides.count > 1 {
      var plot = Plot(
        "box width", label: "The width of the searched box, by trial",
        x: Scale(of: [0, Double(result.sides.count - 1)], fromZero: false), y: Scale(of: [0, 1.6]))
      plot.addGrid()
      plot.addTicks([(0, "trial 0"), (Double(result.sides.count - 1), "trial \(result.sides.count - 1)")])
      plot.addLine(result.sides.enumerated().map { (Double($0), $1) }, color: "var(--train)")
      return Page.section(
        "From coarse to fine",
        note: "The width of the box around the best trial, as a share of each hyperparameter's range.",
        Page.charts([plot.svg]))
    }
    guard result.boxes.count > 1 else { return "" }
    let ordered = result.space.parameters.enumerated().filter { place, parameter in
      if case .choice = parameter.domain { false } else { true }
    }
    let rows = result.boxes.enumerated().map { round, box in
      ["\(round + 1)", "\(box.first)"]
        + ordered.map { place, parameter in
          "\(parameter.domain.value(at: box.low[place]).shortText) to \(parameter.domain.value(at: box.high[place]).shortText)"
        }
    }
    return Page.section(
      "From coarse to fine", note: "The box searched in each round.",
      Page.table(["round", "from trial"] + ordered.map(\.element.name), rows))
  }

  private var scatters: String {
    guard done.count > 2 else { return "" }
    return Page.charts(
      result.space.parameters.enumerated().map { place, parameter in
        var plot = Plot(
          parameter.name, label: "The dev error over \(parameter.name)", x: Scale(of: [0, 1], fromZero: false),
          y: Scale(of: done.map { $0.value * scale }.filter { $0 <= usual }, fromZero: false))
        plot.addGrid()
        plot.addTicks(Self.ticks(of: parameter.domain))
        for (trial, point, value) in done where !point[place].isNaN {
          let isBest = bestTenth.contains(trial.number)
          plot.addPoint(
            point[place], value * scale, color: isBest ? "var(--dev)" : "var(--soft)", radius: isBest ? 4 : 3,
            opacity: isBest ? 1 : 0.5)
        }
        return plot.svg
      })
  }

  private static func ticks(of domain: Domain) -> [(value: Double, text: String)] {
    if case .choice(let values) = domain, values.count <= 6 {
      return values.enumerated().map { ((Double($0) + 0.5) / Double(values.count), $1.shortText) }
    }
    // The position of a whole number is the middle of its segment.
    return [0, 0.5, 1].map { unit in
      let value = domain.value(at: unit)
      return (domain.unit(of: value) ?? unit, value.shortText)
    }
  }

  private var parallel: String {
    let parameters = result.space.parameters
    guard done.count > 2, parameters.count > 1 else { return "" }
    let (left, right, top, bottom) = (40.0, 920.0, 34.0, 250.0)
    func x(_ place: Int) -> Double { left + (right - left) * Double(place) / Double(parameters.count) }
    let values = done.map { min($0.value * scale, usual) }
    let (low, high) = (values.min() ?? 0, max(values.max() ?? 1, (values.min() ?? 0) + 1e-12))
    var parts: [String] = []
    for (place, parameter) in parameters.enumerated() {
      let at = Text.plain(x(place))
      let name = parameter.name.split(separator: ".").last.map(String.init) ?? parameter.name
      parts.append(
        "<line x1=\"\(at)\" x2=\"\(at)\" y1=\"\(Text.plain(top))\" y2=\"\(Text.plain(bottom))\" stroke=\"var(--line)\"/>"
          + "<text x=\"\(at)\" y=\"14\" text-anchor=\"middle\">\(escape(name))</text>"
          + "<text x=\"\(at)\" y=\"28\" text-anchor=\"middle\">\(escape(parameter.domain.value(at: 1).shortText))</text>"
          + "<text x=\"\(at)\" y=\"266\" text-anchor=\"middle\">\(escape(parameter.domain.value(at: 0).shortText))</text>"
      )
    }
    parts.append(
      "<line x1=\"\(Text.plain(right))\" x2=\"\(Text.plain(right))\" y1=\"\(Text.plain(top))\" y2=\"\(Text.plain(bottom))\" "
        + "stroke=\"var(--line)\"/><text x=\"\(Text.plain(right))\" y=\"14\" text-anchor=\"middle\">\(escape(axis))</text>"
        + "<text x=\"\(Text.plain(right))\" y=\"28\" text-anchor=\"middle\">\(Text.tick(high))</text>"
        + "<text x=\"\(Text.plain(right))\" y=\"266\" text-anchor=\"middle\">\(Text.tick(low))</text>")
    // The best trials are drawn last, above the others.
    for isBest in [false, true] {
      for (trial, point, value) in done where bestTenth.contains(trial.number) == isBest {
        let ends = point.enumerated().filter { !$0.element.isNaN }.map { place, unit in
          "\(Text.plain(x(place))),\(Text.plain(bottom - (bottom - top) * unit))"
        }
        let end = bottom - (bottom - top) * (min(value * scale, usual) - low) / (high - low)
        parts.append(
          "<polyline points=\"\(ends.joined(separator: " ")) \(Text.plain(right)),\(Text.plain(end))\" fill=\"none\" "
            + "stroke=\"\(isBest ? "var(--dev)" : "var(--soft)")\" stroke-width=\"\(isBest ? 2 : 1)\" "
            + "opacity=\"\(isBest ? ".9" : ".3")\"/>")
      }
    }
    return
      "<div class=\"wide\"><svg viewBox=\"0 0 960 274\" role=\"img\" aria-label=\"Each trial's hyperparameters\" "
      + "style=\"min-width:48rem;max-width:62rem\">\(parts.joined())</svg></div>"
  }

  private var trials: String {
    let sorted = result.trials.sorted { a, b in
      let (x, y) = (
        a.state == .complete ? a.value ?? .infinity : .infinity,
        b.state == .complete ? b.value ?? .infinity : .infinity
      )
      return x == y ? a.number < b.number : x < y
    }
    let rows = sorted.map { trial in
      [
        "\(trial.number)", trial.state == .complete ? text(trial.value) : Self.word(trial.state),
        trial.seconds.map { "\(Text.significant($0, digits: 2)) s" } ?? "",
      ] + result.space.parameters.map { trial.values[$0.name]?.shortText ?? "–" }
    }
    let table = Page.table(["trial", axis, "time"] + result.space.parameters.map(\.name), Array(rows.prefix(500)))
    return rows.isEmpty
      ? ""
      : "<details><summary>\(rows.count) trials, best first</summary>\(table)</details>"
  }

  private static func word(_ state: Trial.State) -> String {
    switch state {
    case .complete: "complete"
    case .pruned: "pruned"
    case .failed: "failed"
    case .running: "running"
    case .waiting: "waiting"
    }
  }

  private var recipe: String {
    guard let best = result.winner?.best.recipe ?? result.best?.recipe, let json = try? JSON.text(best, pretty: true)
    else {
      return ""
    }
    return Page.section("The recipe", "<details><summary>best.json</summary><pre>\(escape(json))</pre></details>")
  }
}
