import Tartine

/// The JSON that `train --json` prints: the run's figures, and everything that the text output says.
struct TrainingResult: Encodable {
  private let summary: RunSummary
  private let dev: EvaluationSummary
  private let test: EvaluationSummary?
  private let baselines: Baselines
  private let diagnosis: Diagnosis
  private let notices: [String]
  private let coverage: [IntervalCoverage]

  init(
    _ summary: RunSummary, _ run: Run, test: Evaluation?, baselines: Baselines, diagnosis: Diagnosis, notices: [String]
  ) {
    self.notices = notices
    coverage = IntervalCoverage.usual.compactMap { share in
      test.flatMap { IntervalCoverage($0, coverage: share, of: run.split.test.dataset) }
    }
    self.summary = summary
    dev = EvaluationSummary(run.dev)
    self.test = test.map(EvaluationSummary.init)
    self.baselines = baselines
    self.diagnosis = diagnosis
  }

  private enum Key: String, CodingKey {
    case metrics, confusion, classes, baselines, intervals, coverage, verdict, advice, notices
  }
  private enum Part: String, CodingKey { case train, dev, test }
  private enum Name: String, CodingKey { case constant, linear }

  private struct Advice: Encodable {
    let what, why, flags: String
  }

  /// Encodes the keys of the summary, and `metrics`, `confusion`, `classes`, `baselines`, `intervals`,
  /// `coverage`, `verdict`, `advice` and `notices`.
  func encode(to encoder: any Encoder) throws {
    try summary.encode(to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    var metrics = values.nestedContainer(keyedBy: Part.self, forKey: .metrics)
    try metrics.encode(dev.metrics, forKey: .dev)
    try metrics.encodeIfPresent(test?.metrics, forKey: .test)
    try values.encode((test ?? dev).confusion, forKey: .confusion)
    try values.encode((test ?? dev).classes, forKey: .classes)
    var simple = values.nestedContainer(keyedBy: Name.self, forKey: .baselines)
    try simple.encode(baselines.constant, forKey: .constant)
    try simple.encodeIfPresent(baselines.linear, forKey: .linear)
    var intervals = values.nestedContainer(keyedBy: Part.self, forKey: .intervals)
    for rung in diagnosis.ladder {
      if let part = Part(rawValue: rung.name) { try intervals.encode(rung.estimate, forKey: part) }
    }
    try values.encode(coverage, forKey: .coverage)
    try values.encode(diagnosis.verdict, forKey: .verdict)
    try values.encode(notices, forKey: .notices)
    try values.encode(
      diagnosis.prescriptions.map { Advice(what: $0.what, why: $0.why, flags: $0.settings.flags) }, forKey: .advice)
  }
}
