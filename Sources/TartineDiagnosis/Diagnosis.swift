import TartineData
import TartineFiles
import TartineTraining

/// The error ladder of a run and its verdict: bias, variance, both, neither, or undecided.
///
/// A difference is *present* if its 95 % interval lies above δ, the smallest difference that matters,
/// *absent* if it lies below, else *undecided*. Bias is measured against a reference: a human or Bayes error,
/// or the train error that another recipe reached. Without a reference, bias can be absent (if the train
/// error itself is below δ) but never present.
///
/// With several seeds, the intervals are for the expected error of this recipe on this train set and cover
/// sampling of both rows and seeds. With one seed, they are for this one network. The train set is finite:
/// measured on all of its rows, the train error has no sampling error. The dev set chose the epoch, so the
/// dev error is slightly optimistic.
///
/// **Source**: Ng, *Machine Learning Yearning*, ch. 20 to 30.
public struct Diagnosis: Sendable, CustomStringConvertible {
  /// The rungs, starting with the train error or its reference.
  public let ladder: [Rung]
  /// δ, in the ladder's unit.
  public let worth: Double
  /// Whether the train error is above its reference.
  public private(set) var bias: Finding
  /// Whether the error on held-out rows from the train distribution (train-dev, or dev if there is no
  /// train-dev set) is above the train error.
  public private(set) var variance: Finding
  /// Whether the difference of dev and train may as well be one of their distributions.
  private var mayBeShift = false
  /// The dev error less the train-dev error; nil if there is no train-dev set.
  public let dataMismatch: Finding?
  /// The test error less the dev error; nil while the test set is locked.
  public let mismatch: Finding?
  /// What to try next, most promising first.
  public private(set) var prescriptions: [Prescription]

  private let unit: Unit
  private let train: Rung

  /// Diagnoses a run.
  ///
  /// - Parameters:
  ///   - run: A finished training run.
  ///   - test: The evaluation on the test set, if the test set was used; otherwise empty.
  ///   - humanError: A human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ, the smallest difference that matters. The default is 10 % of the dev error, and at least
  ///     half a point for classes, or a tenth of the constant baseline's error if that is less.
  public init(of run: Run, test: Evaluation? = nil, humanError: Double? = nil, worth: Double? = nil) {
    self.init(of: [run], test: test.map { [$0] } ?? [], humanError: humanError, worth: worth)
  }

  /// A network trained without some of the train rows, for train and dev sets from different sources. The
  /// difference between its error on those rows (train-dev) and on dev is the data mismatch.
  public struct Sources: Sendable {
    /// The run, whose dev set is the train-dev set: the rows held out of train. They also chose its epoch.
    public let run: Run
    /// The evaluation of the same network on the dev set.
    public let dev: Evaluation

    /// Creates the pair of a run and its evaluation on the dev set.
    public init(run: Run, dev: Evaluation) {
      self.run = run
      self.dev = dev
    }
  }

  /// Diagnoses several runs of one recipe on one split that differ only in their seed.
  ///
  /// - Parameters:
  ///   - runs: At least one run.
  ///   - test: The evaluation of each run, or of the first one, on the test set, if it was used; otherwise
  ///     empty.
  ///   - humanError: The human-level or Bayes error, the reference for bias; nil: none is given.
  ///   - probe: A run of another recipe, such as a wider network trained for longer. Its train error is the
  ///     reference for bias if no human error is given.
  ///   - sources: A network that separates variance from data mismatch, for train and dev sets from different
  ///     sources. The ladder is then that of this network.
  ///   - worth: δ, the smallest difference that matters. The default is 10 % of the dev error, and at least
  ///     half a point for classes, or a tenth of the constant baseline's error if that is less.
  public init(
    of runs: [Run], test: [Evaluation] = [], humanError: Double? = nil, probe: Run? = nil,
    sources: Sources? = nil, worth: Double? = nil
  ) {
    precondition(!runs.isEmpty, "a diagnosis needs at least one run")
    let run = runs[0]
    let unit = Unit(run.model)
    let train =
      sources.map { Rung("train", [$0.run.train], of: $0.run.split.trainCount) }
      ?? Rung("train", runs.map(\.train), of: run.split.trainCount)
    let dev = sources.map { Rung("dev", [$0.dev]) } ?? Rung("dev", runs.map(\.dev))
    let delta = worth ?? Self.worth(error: dev.estimate.value, constant: Self.constantError(run.dev), unit)
    let fall = probe.map {
      Estimate.fall(
        from: Self.means(runs.map(\.train.outcomes)), to: $0.train.outcomes, isNumber: !unit.isFraction,
        cases: run.train.cases)
    }
    bias = Self.bias(train.estimate, humanError: humanError, probe: fall, delta, unit)
    let middle = sources.map { Rung("train-dev", [$0.run.dev]) }
    variance = Self.variance(
      (middle ?? dev).figure.less(train.figure), delta, unit, of: middle == nil ? "dev" : "train-dev")
    dataMismatch = middle.map { Self.dataMismatch(dev.figure.less($0.figure), delta, unit) }
    let testRung = test.isEmpty ? nil : Rung("test", test)
    mismatch = testRung.map {
      Self.mismatch($0.figure.less(SampledFigure(runs.prefix(test.count).map(\.dev))), delta, unit)
    }
    let reference =
      humanError.map { Rung(human: $0) }
      ?? probe.flatMap {
        // A probe with a higher train error is no bound.
        $0.train.score < train.estimate.value ? Rung("reached", [$0.train], of: run.split.trainCount) : nil
      }
    if middle == nil, variance.reading != .absent, let column = run.split.method.mayShift {
      variance = Finding(
        reading: variance.reading, difference: variance.difference,
        sentence: variance.sentence.dropLast()
          + "; the sets are split by '\(column)', so the difference may also be a change of distribution, which 'tartine diagnose' "
          + "separates from it.")
      mayBeShift = true
    }
    ladder = [reference, train, middle, dev, testRung].compactMap { $0 }
    self.worth = delta
    self.unit = unit
    self.train = train
    // A train error below δ leaves no room for bias that matters, whatever the reference.
    let bias = train.estimate.value < delta ? .absent : bias.reading
    prescriptions = Prescription.list(for: run, bias: bias, variance: variance, worth: delta)
  }

  /// Returns the diagnosis with the linear model as the first prescription if the network is not significantly better than it.
  public func adding(_ baselines: Baselines) -> Diagnosis {
    var copy = self
    if bias.reading == .undecided, let linear = baselines.linearTrain, train.estimate.low - linear.high > worth {
      let own = train.estimate
      let gap = Estimate(own.value - linear.value, low: own.low - linear.high, high: own.high - linear.low)
      copy.bias = Finding(
        reading: .present, difference: gap,
        sentence: "Bias is present: the train error of the linear model is \(unit.text(linear.value)), lower by "
          + "\(unit.points(gap.value)), more than the \(unit.points(worth)) that matter.")
    }
    guard let linear = baselines.linearPrescription else { return copy }
    copy.prescriptions.insert(linear, at: 0)
    return copy
  }

  /// δ by default: 10 % of the error, and for classes at least half a point, or a tenth of the constant baseline's error if that
  /// is less: where one row in 200 is of the rare class, half a point is everything.
  static func worth(error: Double, constant: Double, _ unit: Unit) -> Double {
    max(unit.isFraction ? min(0.005, 0.1 * constant) : 0, 0.1 * error)
  }

  /// The error of the majority class on some rows; 1 unless the task has classes.
  private static func constantError(_ evaluation: Evaluation) -> Double {
    guard evaluation.task == .binary || evaluation.task == .multiclass, evaluation.rowCount > 0 else { return 1 }
    let most = Dictionary(grouping: evaluation.truths) { $0 }.values.map(\.count).max() ?? 0
    return 1 - Double(most) / Double(evaluation.rowCount)
  }

  /// Each row's own error, averaged over the seeds.
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
      // A probe that fits the train set no better proves nothing.
      let reading = probe.low < -delta ? .undecided : Reading(probe, worth: delta)
      let other = "the lowest train error of another recipe that is no worse on dev is"
      if reading != .absent, probe.value <= 0 {
        return Finding(
          reading: .undecided, difference: probe,
          sentence: "Bias is undecided: no other recipe that is no worse on dev has a lower train error than "
            + "\(unit.text(train.value)), which does not say how low it could be; a human error (\(OptionName.humanError)) would."
        )
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
        + "a human error (\(OptionName.humanError)), or a run of a wider network or with more epochs, would.")
  }

  private static func variance(
    _ difference: Estimate, _ delta: Double, _ unit: Unit, of part: String
  ) -> Finding {
    let reading = Reading(difference, worth: delta)
    return Finding(
      reading: reading, difference: difference,
      sentence: "Variance is \(reading.rawValue): \(part) minus train is \(unit.difference(difference)), "
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
        "Data mismatch is \(reading.rawValue): dev minus train-dev, rows of train's source that were not trained on, is "
        + "\(unit.difference(difference)), \(against(reading, unit.points(delta))).")
  }

  private static func mismatch(_ difference: Estimate, _ delta: Double, _ unit: Unit) -> Finding {
    let reading = Reading(difference, worth: delta)
    return Finding(
      reading: reading, difference: difference,
      sentence: "Test minus dev is \(unit.difference(difference))"
        + (reading == .present
          ? ": a different test distribution, or too many choices made on dev." : "."))
  }

  /// The verdict in a sentence or two.
  public var verdict: String {
    let present = [
      ("bias", bias.reading), (mayBeShift ? "variance or a change of distribution" : "variance", variance.reading),
      ("data mismatch", dataMismatch?.reading ?? .absent),
    ].filter { $0.1 == .present }.map(\.0)
    let summary =
      switch (bias.reading, variance.reading) {
      case _ where present.count > 2: "Bias, variance and data mismatch."
      case _ where present.count == 2: "Both \(present[0]) and \(present[1])."
      case _ where present.count == 1: "Mostly \(present[0])."
      case (.absent, .absent): "Neither bias nor variance."
      case (.absent, .undecided):
        (variance.difference?.value ?? 0) > worth ? "Not bias; perhaps variance." : "Not bias; variance is undecided."
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
      // Where all train rows are measured, there is nothing to estimate.
      let range = rung.estimate.low == rung.estimate.high ? "" : "  (\(unit.range(rung.estimate)))"
      return "\(line)\(range)  \(range.isEmpty ? "all " : "")\(rung.rows)\(sample) rows"
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
  /// The error to judge a training by: on test, or on dev while test is locked.
  public var result: Estimate { ladder[ladder.count - 1].estimate }
  /// A difference of two errors as text.
  public func points(_ value: Double) -> String { unit.points(value) }
  /// An error as text.
  public func text(_ value: Double) -> String { unit.text(value) }
  /// An interval as text, `1.9 to 4.6 %`.
  public func range(_ estimate: Estimate) -> String { unit.range(estimate) }
}

extension Run {
  /// The ladder without test, the verdict, and what to try next.
  public var diagnosis: Diagnosis { Diagnosis(of: self) }
}

/// How a task's error is formatted.
package struct Unit: Sendable {
  package let isFraction: Bool
  private let task: LearningTask
  private let target: String

  package init(_ model: Model) {
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
  package var figure: String {
    switch task {
    case .regression: "RMSE of \(target)"
    case .multilabel: "share of wrong labels"
    case .binary, .multiclass: "error"
    }
  }

  /// `2.8 %`, or a number in the target's unit.
  package func text(_ value: Double) -> String { isFraction ? "\(Self.percent(value)) %" : Self.significant(value) }

  /// `better by 1.2 points (0.4 to 2.0)`, or `worse by …`, for the amount by which an error falls.
  func change(_ fall: Estimate) -> String {
    fall.value == 0
      ? "the same, a difference of \(difference(fall))"
      : fall.value < 0
        ? "worse by \(difference(Estimate(-fall.value, low: -fall.high, high: -fall.low)))"
        : "better by \(difference(fall))"
  }

  /// `lower by 1.2 points (0.4 to 2.0)`, or `higher by …`.
  func lower(_ fall: Estimate) -> String {
    fall.value < 0
      ? "higher by \(difference(Estimate(-fall.value, low: -fall.high, high: -fall.low)))"
      : "lower by \(difference(fall))"
  }

  /// A difference without an interval: `0.50 points`.
  package func points(_ value: Double) -> String {
    isFraction ? "\(Self.percent(value)) points" : Self.significant(value)
  }

  package func range(_ estimate: Estimate) -> String {
    isFraction
      ? "\(Self.percent(max(0, estimate.low))) to \(Self.percent(min(1, estimate.high))) %"
      : "\(Self.significant(estimate.low)) to \(Self.significant(estimate.high))"
  }

  /// `1.2 points (0.4 to 2.0)`.
  package func difference(_ estimate: Estimate) -> String {
    isFraction
      ? "\(Self.percent(estimate.value)) points (\(Self.percent(max(-1, estimate.low))) to \(Self.percent(min(1, estimate.high))))"
      : "\(Self.significant(estimate.value)) (\(Self.significant(estimate.low)) to "
        + "\(Self.significant(estimate.high)))"
  }

  /// A fraction in percent: two decimals below 10 %, else one.
  static func percent(_ fraction: Double) -> String {
    let percent = fraction * 100
    return Text.fixed(percent, decimals: abs(percent) < 9.995 ? 2 : 1)
  }

  /// About four significant digits.
  static func significant(_ value: Double) -> String { Text.significant(value, digits: 4) }
}

extension SplitMethod {
  /// The column by which dev is taken from another time or source than train; nil for a random split.
  fileprivate var mayShift: String? {
    switch self {
    case .time(let name), .fixed(let name): name
    case .stratified, .grouped, .hash: nil
    }
  }
}
