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
  private let typical: Double

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
      typical = scale * max(middle, min(worst, best + 4 * max(middle - best, 1e-12)))
    } else {
      typical = 1
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
      Page.section("Best values at the edge of a range", edges), interactions, rounds, curves, durations,
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
    let values = result.space.parameters.map { parameter in
      [parameter.name, best.trial.values[parameter.name]?.shortText ?? "–"]
    }
    let rows = winner.candidates.map { candidate in
      [
        "\(candidate.trial.number)", text(candidate.trial.value), text(candidate.choice),
        candidate.isConfirmed ? text(candidate.dev.value) : "", candidate.isConfirmed ? unit.range(candidate.dev) : "",
      ] + result.space.parameters.map { candidate.trial.values[$0.name]?.shortText ?? "–" }
    }
    return "<p class=\"verdict\">\(escape(words))</p>"
      + Page.section("The winner's hyperparameters", Page.table(["hyperparameter", "value"], values))
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
      axis.capitalizedFirst, label: "The best dev error after each trial", axis: "trial",
      x: Scale(of: [0, Double(max(1, last.number))], fromZero: false),
      y: Scale(of: done.map { $0.value * scale }.filter { $0 <= typical }, fromZero: false))
    plot.addGrid()
    plot.addScale()
    plot.addKey([("each trial", "var(--soft)"), ("best so far", "var(--dev)")])
    var best = Double.infinity
    var line: [(x: Double, y: Double)] = []
    for (trial, _, value) in done {
      plot.addPoint(
        Double(trial.number), value * scale, color: "var(--soft)", radius: 2.5, opacity: 0.5,
        value: "trial \(trial.number): \(text(value))")
      if best.isFinite { line.append((Double(trial.number), best * scale)) }
      best = min(best, value)
      line.append((Double(trial.number), best * scale))
    }
    if let end = line.last { line.append((Double(last.number), end.y)) }
    plot.addLine(line, color: "var(--dev)")
    return Page.charts([plot.svg])
  }

  private var importance: String {
    guard result.importance.contains(where: { $0.share.low > 0.05 }) else {
      return result.importance.isEmpty ? "" : "<p>No hyperparameter explains a significant share.</p>"
    }
    let bars = result.importance.map { (name: $0.name, estimate: $0.share, isSure: $0.share.low > 0.05) }
    return bars.isEmpty ? "" : BarsPlot(bars, scale: 100, unit: "%").svg
  }

  private var edges: String {
    result.edges.isEmpty ? "" : "<ul>\(result.edges.map { "<li>\(escape($0.sentence)).</li>" }.joined())</ul>"
  }

  private var rounds: String {
    if !result.sides.isEmpty, result.sides.count > 1 {
      var plot = Plot(
        "Box width", label: "The width of the searched box, by trial", axis: "trial",
        x: Scale(of: [0, Double(result.sides.count - 1)], fromZero: false), y: Scale(of: [0, 1.6]))
      plot.addGrid()
      plot.addScale()
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
          axis.capitalizedFirst, label: "The dev error over \(parameter.name)", axis: parameter.name,
          x: Scale(of: [0, 1], fromZero: false),
          y: Scale(of: done.map { $0.value * scale }.filter { $0 <= typical }, fromZero: false))
        plot.addGrid()
        plot.addTicks(Self.ticks(of: parameter.domain))
        for (trial, point, value) in done where !point[place].isNaN {
          let isBest = bestTenth.contains(trial.number)
          plot.addPoint(
            point[place], value * scale, color: isBest ? "var(--dev)" : "var(--soft)", radius: isBest ? 4 : 3,
            opacity: isBest ? 1 : 0.5, value: named(trial, value))
        }
        return plot.svg
      })
  }

  private func named(_ trial: Trial, _ value: Double) -> String {
    let values = result.space.parameters.compactMap { parameter in
      trial.values[parameter.name].map { "\(parameter.name) \($0.shortText)" }
    }
    return (["trial \(trial.number): \(text(value))"] + values).joined(separator: "\n")
  }

  /// The two most important hyperparameters together: the colour is the rank of the trial.
  private var interactions: String {
    let order = result.importance.map(\.name)
    let places = result.space.parameters.indices.sorted { a, b in
      func rank(_ place: Int) -> Int { order.firstIndex(of: result.space.parameters[place].name) ?? .max }
      return (rank(a), a) < (rank(b), b)
    }
    guard done.count > 5, places.count > 1 else { return "" }
    let (first, second) = (result.space.parameters[places[0]], result.space.parameters[places[1]])
    var plot = Plot(
      second.name, label: "Trials by \(first.name) and \(second.name)", axis: first.name,
      x: Scale(of: [0, 1], fromZero: false), y: Scale(of: [0, 1], fromZero: false))
    plot.addTicks(Self.ticks(of: first.domain))
    plot.addGrid { Self.short(second.domain, at: $0) }
    plot.addKey([("best", "var(--dev)"), ("worst", "var(--train)")])
    let sorted = done.sorted { $0.value > $1.value }
    for (rank, one) in sorted.enumerated() where !one.point[places[0]].isNaN && !one.point[places[1]].isNaN {
      plot.addPoint(
        one.point[places[0]], one.point[places[1]], color: Plot.color(rank, of: sorted.count), radius: 4.5,
        opacity: 0.8,
        value: named(one.trial, one.value))
    }
    return Page.section(
      "Two hyperparameters together",
      note: "The two most important ones; each point is a trial, the colour its rank.", Page.charts([plot.svg]))
  }

  private static func short(_ domain: Domain, at unit: Double) -> String {
    let text = domain.value(at: min(1, unit)).shortText
    return text.count > 8 ? text.prefix(7) + "…" : text
  }

  /// The dev losses of the trials after each epoch, if they were reported.
  private var curves: String {
    let reported = result.trials.filter { $0.reports.count > 1 }
    let losses = reported.flatMap { Array($0.reports.values) }.filter(\.isFinite).sorted()
    guard reported.count > 1, let last = reported.flatMap(\.reports.keys).max(), !losses.isEmpty else { return "" }
    let highest = losses[losses.count * 9 / 10] * 1.2
    var plot = Plot(
      "Dev loss", label: "The dev loss of each trial over the epochs", axis: "epoch",
      x: Scale(of: [1, Double(last)], fromZero: false), y: Scale(of: losses.filter { $0 <= highest }, fromZero: false))
    plot.addGrid()
    plot.addEpochs(last)
    plot.addKey([("complete", "var(--dev)"), ("pruned", "var(--soft)")])
    for trial in reported {
      let points = trial.reports.sorted { $0.key < $1.key }.map { (x: Double($0.key), y: min($0.value, highest)) }
      let isDone = trial.state == .complete
      plot.addLine(points, color: isDone ? "var(--dev)" : "var(--soft)", width: 1, isFaint: true)
      if let end = points.last {
        plot.addPoint(
          end.x, end.y, color: isDone ? "var(--dev)" : "var(--soft)", radius: 2, value: "trial \(trial.number)")
      }
    }
    return Page.section("Intermediate values", note: "Losses that are far higher are cut off.", Page.charts([plot.svg]))
  }

  /// The dev error over the time of a trial.
  private var durations: String {
    let timed = done.compactMap { one in one.trial.seconds.map { (one.trial, $0, one.value) } }
    guard timed.count > 2, let longest = timed.map(\.1).max(), longest > 0 else { return "" }
    var plot = Plot(
      axis.capitalizedFirst, label: "The dev error over the duration of a trial", axis: "seconds",
      x: Scale(of: timed.map(\.1)),
      y: Scale(of: done.map { $0.value * scale }.filter { $0 <= typical }, fromZero: false))
    plot.addGrid()
    plot.addScale()
    for (trial, seconds, value) in timed {
      let isBest = bestTenth.contains(trial.number)
      plot.addPoint(
        seconds, value * scale, color: isBest ? "var(--dev)" : "var(--soft)", radius: isBest ? 4 : 3,
        opacity: isBest ? 1 : 0.5, value: "\(Text.significant(seconds, digits: 2)) s, " + named(trial, value))
    }
    let total = timed.reduce(0) { $0 + $1.1 }
    return Page.section(
      "Duration",
      note:
        "\(timed.count) complete trials took \(Text.significant(total, digits: 3)) s in all; the best tenth in colour.",
      Page.charts([plot.svg]))
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
    let values = done.map { min($0.value * scale, typical) }
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
        let end = bottom - (bottom - top) * (min(value * scale, typical) - low) / (high - low)
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
    let table = Page.table(["trial", axis, "time"] + result.space.parameters.map(\.name), rows)
    return rows.isEmpty ? "" : Page.folded("\(rows.count) trials, best first", table)
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
    return Page.section("The recipe", Page.folded("best.json", "<pre>\(escape(json))</pre>"))
  }
}

extension String {
  /// The text with a capital first letter.
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
