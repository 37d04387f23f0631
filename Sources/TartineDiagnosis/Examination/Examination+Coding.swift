import TartineData
import TartineTraining

/// The object that `diagnose --json` prints and report.json holds.
extension Examination: Encodable {
  private enum Key: String, CodingKey {
    case faults, findings, verdict, unit, worth, seeds, ladder, checks, prescriptions, signals, learningCurve,
      importance
    case learningRates, metrics, confusion, answers, calibration, slices, worstRows, labelErrors, history, training
    case recipe, inspection, notDone, seconds
  }

  /// One rung, and its difference to the one before.
  private struct RungReport: Encodable {
    let value: Double
    let interval: Interval
    let rows: Int
    /// The difference to the rung before, or to the reference.
    let difference: Double?
    let differenceInterval: Interval?
    let reading: Reading?

    init(_ rung: Rung, _ finding: Finding?) {
      value = rung.estimate.value
      interval = Interval(rung.estimate)
      rows = rung.rows
      difference = finding?.difference?.value
      differenceInterval = finding?.difference.map(Interval.init)
      reading = finding?.reading
    }
  }

  private struct Confusion: Encodable {
    let classes: [String]
    /// Rows are truths, columns are predictions.
    let rows: [[Int]]
  }

  /// The truths and predictions of an evenly spaced sample of the dev rows.
  private struct Answers: Encodable {
    let truths, answers: [Double]

    init(_ dev: Evaluation) {
      let places = dev.sparsePlaces
      truths = places.map { dev.truths[$0] }
      answers = places.map { dev.predictions[$0] }
    }
  }

  /// The training of the first network.
  private struct Training: Encodable {
    let epochs, keptEpoch, steps, threads: Int
    let seconds: Double

    init(_ run: Run) {
      epochs = run.history.count
      keptEpoch = run.model.epoch
      steps = run.steps
      threads = run.threads
      seconds = run.seconds
    }
  }

  /// Encodes all results.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(faults.map(\.name), forKey: .faults)
    try values.encode(faults, forKey: .findings)
    if let diagnosis {
      try values.encode(diagnosis.verdict, forKey: .verdict)
      try values.encode(diagnosis.heading, forKey: .unit)
      try values.encode(diagnosis.worth, forKey: .worth)
      try values.encode(ladderSeeds, forKey: .seeds)
      let findings = [
        "train": diagnosis.bias, "train-dev": diagnosis.variance, "dev": diagnosis.dataMismatch ?? diagnosis.variance,
        "test": diagnosis.mismatch,
      ]
      let rungs = diagnosis.ladder.map { ($0.name, RungReport($0, findings[$0.name] ?? nil)) }
      try values.encode(Dictionary(uniqueKeysWithValues: rungs), forKey: .ladder)
    } else {
      try values.encodeNil(forKey: .ladder)
    }
    try values.encode(checks, forKey: .checks)
    try values.encode(prescriptions, forKey: .prescriptions)
    try values.encode(signals, forKey: .signals)
    try values.encode(learningCurve, forKey: .learningCurve)
    try values.encode(importance, forKey: .importance)
    try values.encode(learningRates, forKey: .learningRates)
    if let metrics {
      try values.encode(
        Dictionary(metrics.values.map { ($0.name, $0.estimate) }, uniquingKeysWith: { first, _ in first }),
        forKey: .metrics)
      if !metrics.confusion.isEmpty {
        try values.encode(Confusion(classes: metrics.classes, rows: metrics.confusion), forKey: .confusion)
      }
    }
    if let dev = runs.first?.dev, dev.task == .regression { try values.encode(Answers(dev), forKey: .answers) }
    try values.encode(calibration, forKey: .calibration)
    try values.encode(slices, forKey: .slices)
    try values.encode(worstRows, forKey: .worstRows)
    try values.encode(labels, forKey: .labelErrors)
    try values.encode(runs.first?.history ?? [], forKey: .history)
    try values.encode(runs.first.map(Training.init), forKey: .training)
    try values.encode(recipe, forKey: .recipe)
    try values.encode(inspection, forKey: .inspection)
    try values.encode(notDone, forKey: .notDone)
    try values.encode(seconds, forKey: .seconds)
  }
}

extension Evaluation {
  /// The maximum number of rows drawn as points: more would overlap.
  package var sparsePlaces: [Int] { Array(stride(from: 0, to: rowCount, by: max(1, rowCount / 600))) }
}

/// The ends of an interval as an array of two; null for an unbounded end.
struct Interval: Hashable, Sendable, Encodable {
  private let ends: [Double?]

  init(_ estimate: Estimate) { ends = [estimate.low, estimate.high].map { $0.isFinite ? $0 : nil } }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    for end in ends { try values.encode(end) }
  }
}
