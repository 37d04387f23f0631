import TartineData
import TartineTraining

/// The error ladder of a run, read: bias, variance, both or neither, or undecided.
///
/// A difference is *present* if its 95 % interval lies above δ, the smallest difference that matters,
/// *absent* if it lies below, else *undecided*. Bias needs a reference, a human or Bayes error, or the train error that another
/// recipe reached: without one it can be absent, where the train error itself is below δ, but never present.
///
/// With several seeds the intervals are for this recipe's expected error on this train set: rows enter, and seeds. With one
/// seed they are for this network's. Train's rows are all that there are, so that measuring every one of them leaves nothing
/// open. Dev chose the epoch, so its error is a little optimistic.
///
/// **Source**: Ng, *Machine Learning Yearning*, ch. 20 to 30.
public struct Diagnosis: Sendable, CustomStringConvertible {
  /// From the train error up.
  public let ladder: [Rung]
  /// δ, in the ladder's unit.
  public let worth: Double
  /// What keeps the train error above its reference.
  public let bias: Finding
  /// What keeps the error of rows like train's, dev's unless there is a train-dev part, above the train error.
  public let variance: Finding
  /// How the dev error stands to that of rows of train's source that were not trained on; nil where there is no such part.
  public let dataMismatch: Finding?
  /// How the test error stands to the dev error; nil while test is locked.
  public let mismatch: Finding?
  /// What to try next, the most promising first.
  public let prescriptions: [Prescription]

  private let unit: Unit

  /// Reads a run.
  ///
  /// - Parameters:
  ///   - run: a finished training.
  ///   - test: the test part's evaluation, once it was opened.
  ///   - humanError: a human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ; by default 10 % of the dev error, and at least half a point for classes.
  public init(of run: Run, test: Evaluation? = nil, humanError: Double? = nil, worth: Double? = nil) {
    self.init(of: [run], test: test.map { [$0] } ?? [], humanError: humanError, worth: worth)
  }

  /// One network trained without some of train's rows, where train and dev come from different sources: what is lost between
  /// those rows and dev is the sources' difference.
  public struct Sources: Sendable {
    /// The training; its dev part are the rows that were set aside, and chose its epoch.
    public let run: Run
    /// The same network on the dev part.
    public let dev: Evaluation

    /// A network, and what it does on dev.
    public init(run: Run, dev: Evaluation) {
      self.run = run
      self.dev = dev
    }
  }

  /// Reads several runs of one recipe on one division, which differ in their seed alone.
  ///
  /// - Parameters:
  ///   - runs: at least one.
  ///   - test: each run's evaluation on the test part, or the first one's, once it was opened; else none.
  ///   - humanError: a human or Bayes error, as a fraction or in the target's unit.
  ///   - probe: a run of another recipe, such as a wider network that is trained longer: where nothing says how low the train
  ///     error could be, this does.
  ///   - sources: where train and dev come from different ones, a network that tells the two differences apart: then the
  ///     ladder is of that one.
  ///   - worth: δ; by default 10 % of the dev error, and at least half a point for classes.
  public init(
    of runs: [Run], test: [Evaluation] = [], humanError: Double? = nil, probe: Run? = nil,
    sources: Sources? = nil, worth: Double? = nil
  ) {
    precondition(!runs.isEmpty, "a diagnosis is of at least one run")
    let run = runs[0]
    let unit = Unit(run.model)
    let groups = run.split.groupByRow
    func rung(_ name: String, _ evaluations: [Evaluation], of partRows: Int? = nil) -> Rung {
      Rung(name, evaluations, of: partRows, cases: groups.map { evaluations[0].cases($0) })
    }
    let train =
      sources.map { rung("train", [$0.run.train], of: $0.run.split.trainCount) }
      ?? rung("train", runs.map(\.train), of: run.split.trainCount)
    let dev = sources.map { rung("dev", [$0.dev]) } ?? rung("dev", runs.map(\.dev))
    let floor = unit.isFraction ? 0.005 : 0
    let delta = worth ?? max(floor, 0.1 * dev.estimate.value)
    let fall = probe.map {
      Estimate.fall(
        from: Self.means(runs.map(\.train.outcomes)), to: $0.train.outcomes, isNumber: !unit.isFraction,
        cases: groups.map { run.train.cases($0) })
    }
    bias = Self.bias(train.estimate, humanError: humanError, probe: fall, delta, unit)
    let middle = sources.map { rung("train-dev", [$0.run.dev]) }
    variance = Self.variance(
      (middle ?? dev).figure.less(train.figure), delta, unit, of: middle == nil ? "dev" : "train-dev")
    dataMismatch = middle.map { Self.dataMismatch(dev.figure.less($0.figure), delta, unit) }
    // A test file of its own has no groups.
    let testRung = test.isEmpty ? nil : run.split.hasTestFile ? Rung("test", test) : rung("test", test)
    mismatch = testRung.map {
      Self.mismatch(
        $0.figure.less(
          SampledFigure(runs.prefix(test.count).map(\.dev), cases: groups.map { run.dev.cases($0) })), delta, unit)
    }
    let reference =
      humanError.map { Rung(human: $0) }
      ?? probe.flatMap {
        // One that is higher bounds nothing.
        $0.train.score < train.estimate.value ? rung("reached", [$0.train], of: run.split.trainCount) : nil
      }
    ladder = [reference, train, middle, dev, testRung].compactMap { $0 }
    self.worth = delta
    self.unit = unit
    // What is below δ already has little to give, whatever its reference.
    let bias = train.estimate.value < delta ? .absent : bias.reading
    prescriptions = Prescription.list(for: run, bias: bias, variance: variance, worth: delta)
  }

  /// Each row's own error, over the seeds.
  private static func means(_ seeds: [[Double]]) -> [Double] {
    seeds[0].indices.map { row in seeds.reduce(0) { $0 + $1[row] } / Double(seeds.count) }
  }

  private static func bias(
    _ train: Estimate, humanError: Double?, probe: Estimate?, _ delta: Double, _ unit: Unit
  ) -> Finding {
    if let humanError {
      let difference = Estimate(
        train.value - humanError, low: train.low - humanError, high: train.high - humanError)
      let reading = Reading(difference, worth: delta)
      return Finding(
        reading: reading, difference: difference,
        sentence: "Bias is \(reading.rawValue): train less the reference of \(unit.text(humanError)) is "
          + "\(unit.difference(difference)), \(against(reading, unit.points(delta))).")
    }
    if train.high < delta {
      return Finding(
        reading: .absent, difference: nil,
        sentence: "Bias is absent: the train error is at most \(unit.text(train.high)), less than the "
          + "\(unit.points(delta)) that matter.")
    }
    if train.value == 0 {
      return Finding(
        reading: .absent, difference: nil,
        sentence: "Bias is absent: the train error is 0\(unit.isFraction ? " %" : "").")
    }
    if let probe {
      // One that learns its rows no better proves nothing.
      let reading = probe.low < -delta ? .undecided : Reading(probe, worth: delta)
      let other = "the lowest train error of another recipe that is no worse on dev is"
      if reading != .absent, probe.value <= 0 {
        return Finding(
          reading: .undecided, difference: probe,
          sentence: "Bias is undecided: no other recipe that is no worse on dev has a lower train error than "
            + "\(unit.text(train.value)), which does not say how low it could be; a human error (--human-error) would.")
      }
      return Finding(
        reading: reading, difference: probe,
        sentence: reading == .absent
          ? "Bias is absent: \(other) lower by at most \(unit.points(max(0, probe.high))), less than the \(unit.points(delta)) that matter."
          : "Bias is \(reading.rawValue): \(other) \(unit.lower(probe)), \(against(reading, unit.points(delta))).")
    }
    if train.value < delta {
      return Finding(
        reading: .undecided, difference: nil,
        sentence: "Bias is undecided: the train error of \(unit.text(train.value)) may be as high as "
          + "\(unit.text(train.high)), and \(unit.points(delta)) matter.")
    }
    return Finding(
      reading: .undecided, difference: nil,
      sentence: "Bias is undecided: nothing says how low the train error of \(unit.text(train.value)) could be; "
        + "a human error (--human-error) or a wider or longer run would.")
  }

  private static func variance(
    _ difference: Estimate, _ delta: Double, _ unit: Unit, of part: String
  ) -> Finding {
    let reading = Reading(difference, worth: delta)
    return Finding(
      reading: reading, difference: difference,
      sentence: "Variance is \(reading.rawValue): \(part) less train is \(unit.difference(difference)), "
        + "\(against(reading, unit.points(delta))).")
  }

  private static func against(_ reading: Reading, _ points: String) -> String {
    switch reading {
    case .present: "more than the \(points) that matter"
    case .absent: "less than the \(points) that matter"
    case .undecided: "and \(points) matter"
    }
  }

  private static func dataMismatch(_ difference: Estimate, _ delta: Double, _ unit: Unit) -> Finding {
    let reading = Reading(difference, worth: delta)
    return Finding(
      reading: reading, difference: difference,
      sentence:
        "Data mismatch is \(reading.rawValue): dev less train-dev, rows of train's source that were not trained on, is "
        + "\(unit.difference(difference)), \(against(reading, unit.points(delta))).")
  }

  private static func mismatch(_ difference: Estimate, _ delta: Double, _ unit: Unit) -> Finding {
    let reading = Reading(difference, worth: delta)
    return Finding(
      reading: reading, difference: difference,
      sentence: "Test less dev is \(unit.difference(difference))"
        + (reading == .present
          ? ": test is of another distribution, or too much was chosen by dev." : "."))
  }

  /// The verdict in a sentence or two.
  public var verdict: String {
    let present = [
      ("bias", bias.reading), ("variance", variance.reading), ("data mismatch", dataMismatch?.reading ?? .absent),
    ].filter { $0.1 == .present }.map(\.0)
    let summary =
      switch (bias.reading, variance.reading) {
      case _ where present.count > 2: "Bias, variance and data mismatch."
      case _ where present.count == 2: "Both \(present[0]) and \(present[1])."
      case _ where present.count == 1: "Mostly \(present[0])."
      case (.absent, .absent): "Neither bias nor variance."
      case (.absent, .undecided): "Not bias; perhaps variance."
      case (.undecided, .absent): "Not variance; perhaps bias."
      default: "Undecided."
      }
    return [summary, variance.sentence, dataMismatch?.sentence, bias.sentence].compactMap { $0 }.joined(separator: " ")
  }

  /// The ladder as aligned lines, each with its interval drawn on one scale from 0.
  public var ladderText: String {
    let figures = ladder.map { unit.text($0.estimate.value) }
    let width = figures.map(\.count).max() ?? 0
    let longest = ladder.map(\.name.count).max() ?? 0
    let highest = ladder.flatMap { [$0.estimate.value, $0.estimate.high] }.filter(\.isFinite).max() ?? 1
    return zip(ladder, figures).map { rung, figure in
      let name = rung.name + String(repeating: " ", count: longest - rung.name.count)
      let gap = String(repeating: " ", count: width - figure.count)
      let line = "\(name)  \(gap)\(figure)  \(Text.interval(rung.estimate, to: highest))"
      guard rung.rows > 0 else { return line }
      let sample = rung.partRows > rung.rows ? " of \(rung.partRows)" : ""
      return "\(line)  (\(unit.range(rung.estimate)))  \(rung.rows)\(sample) rows"
    }.joined(separator: "\n")
  }

  /// Ladder, verdict and prescriptions.
  public var description: String {
    var lines = [unit.heading, ladderText, "", verdict]
    if let mismatch { lines.append(mismatch.sentence) }
    if !prescriptions.isEmpty {
      lines += ["", "To try next:"] + prescriptions.enumerated().map { "  \($0 + 1). \($1.what): \($1.why)" }
    }
    return lines.joined(separator: "\n")
  }

  /// The figure's name and unit, for a heading.
  public var heading: String { unit.heading }
  /// The figure that a training is judged by: test's, or dev's while test is locked.
  public var result: Estimate { ladder[ladder.count - 1].estimate }
  /// A difference of the ladder's figures as text.
  public func points(_ value: Double) -> String { unit.points(value) }
  /// A figure of the ladder as text.
  public func text(_ value: Double) -> String { unit.text(value) }
  /// An interval as text, `1.9 to 4.6 %`.
  public func range(_ estimate: Estimate) -> String { unit.range(estimate) }
}

extension Evaluation {
  /// Which rows belong together, by the group of each of the data set's rows.
  package func cases(_ groups: [Int]) -> [Int] { origin.map { groups[$0] } }
}

extension Run {
  /// The ladder without test, its reading, and what to try next.
  public var diagnosis: Diagnosis { Diagnosis(of: self) }
}

/// How a task's figure is written.
package struct Unit: Sendable {
  package let isFraction: Bool
  private let task: LearningTask
  private let target: String

  init(_ model: Model) {
    self.init(task: model.task, target: model.preparation.target.columns.joined(separator: ", "))
  }

  package init(task: LearningTask, target: String) {
    self.task = task
    self.target = target
    isFraction = task != .regression
  }

  var heading: String {
    switch task {
    case .regression: "RMSE of \(target), with 95 % intervals"
    case .multilabel: "share of wrong labels, with 95 % intervals"
    case .binary, .multiclass: "error, with 95 % intervals"
    }
  }

  /// `error`, or `RMSE of price`.
  var figure: String {
    switch task {
    case .regression: "RMSE of \(target)"
    case .multilabel: "share of wrong labels"
    case .binary, .multiclass: "error"
    }
  }

  /// `2.8 %`, or a number in the target's unit.
  package func text(_ value: Double) -> String { isFraction ? "\(Self.percent(value)) %" : Self.significant(value) }

  /// `better by 1.2 points (0.4 to 2.0)`, or `worse by …`, of how much an error falls.
  func change(_ fall: Estimate) -> String {
    fall.value < 0
      ? "worse by \(difference(Estimate(-fall.value, low: -fall.high, high: -fall.low)))"
      : "better by \(difference(fall))"
  }

  /// `lower by 1.2 points (0.4 to 2.0)`, or `higher by …`.
  func lower(_ fall: Estimate) -> String {
    fall.value < 0
      ? "higher by \(difference(Estimate(-fall.value, low: -fall.high, high: -fall.low)))"
      : "lower by \(difference(fall))"
  }

  /// A difference alone: `0.50 points`.
  package func points(_ value: Double) -> String {
    isFraction ? "\(Self.percent(value)) points" : Self.significant(value)
  }

  package func range(_ estimate: Estimate) -> String {
    isFraction
      ? "\(Self.percent(max(0, estimate.low))) to \(Self.percent(min(1, estimate.high))) %"
      : "\(Self.significant(estimate.low)) to \(Self.significant(estimate.high))"
  }

  /// `1.2 points (0.4 to 2.0)`.
  func difference(_ estimate: Estimate) -> String {
    isFraction
      ? "\(Self.percent(estimate.value)) points (\(Self.percent(estimate.low)) to \(Self.percent(estimate.high)))"
      : "\(Self.significant(estimate.value)) (\(Self.significant(estimate.low)) to "
        + "\(Self.significant(estimate.high)))"
  }

  /// A fraction in percent with as many decimals as say something: two below 10 %.
  static func percent(_ fraction: Double) -> String {
    let percent = fraction * 100
    return Text.fixed(percent, decimals: abs(percent) < 9.995 ? 2 : 1)
  }

  /// About four significant digits.
  static func significant(_ value: Double) -> String { Text.significant(value, digits: 4) }
}
