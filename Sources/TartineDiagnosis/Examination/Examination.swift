import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers
import TartineTraining

/// What is wrong with a network, and how sure that is.
///
/// The data are inspected, the recipe is trained, with several seeds where there is time, and beside it a recipe that is known
/// to train on most data. Where that one's dev error is surely lower by more than δ, the recipe has a fault, and it is looked
/// for by putting one setting after the other to what the other recipe has: the setting whose change alone brings most of the
/// error down is the fault. So a setting is a fault by what it does, and not by what it is: the same one in a network that
/// trains well is none.
///
/// What is left are faults of the data: columns that give the target away, copies across the division, parts of different
/// distributions, wrong labels, too few rows, classes too rare.
public struct Examination: Sendable {
  /// The data.
  public let inspection: Inspection
  /// The recipe with each seed; none where it diverged.
  public let runs: [Run]
  /// The error ladder; nil where the training diverged.
  public let diagnosis: Diagnosis?
  /// Everything looked at, in the order of its cost.
  public let checks: [Check]
  /// What is wrong, likeliest first; empty for a healthy network.
  public let faults: [Fault]
  /// What would help, with what it gave here, the most first.
  public let prescriptions: [Remedy]
  /// Signals of each layer at the start, and at the end.
  public let signals: [LayerReport]
  /// Parts of dev on which it errs more.
  public let slices: Slices?
  /// Rows that are probably labelled wrongly; nil for numbers, or where there was no time.
  public let labels: LabelErrors?
  /// The seconds that it took.
  public let seconds: Double

  /// Something to do, as it did.
  public struct Remedy: Sendable, Encodable {
    /// What changes.
    public let what: String
    /// By how much the dev error fell.
    public let gain: Estimate
    /// The flags to add.
    public let flags: String
    /// The whole recipe.
    public let recipe: Recipe

    private enum CodingKeys: String, CodingKey { case what, gain, flags }
  }

  /// What went through a layer.
  public struct LayerReport: Hashable, Sendable, Encodable {
    /// Its name.
    public let layer: String
    /// At the start, and after training.
    public let start, end: Figures?

    /// Of all its units over the rows.
    public struct Figures: Hashable, Sendable, Encodable {
      /// Of what comes out.
      public let mean, deviation: Double
      /// Shares of units that never let anything through, and of answers where the slope is nearly 0.
      public let dead, saturated: Double
      /// The root mean square of a row's loss by z.
      public let gradient: Double

      init(_ signals: LayerSignals) {
        (mean, deviation) = (signals.mean, signals.deviation)
        (dead, saturated) = (signals.deadShare, signals.saturatedShare)
        gradient = signals.gradient
      }
    }
  }

  init(_ examiner: Examiner, seconds: Double) {
    inspection = examiner.inspection
    runs = examiner.runs
    diagnosis = examiner.diagnosis
    checks = examiner.checks
    faults = examiner.faults
    prescriptions = examiner.remedies
    signals = examiner.layers
    slices = examiner.slices
    labels = examiner.labels
    self.seconds = seconds
  }
}

extension Recipe {
  /// Examines the recipe on these data.
  ///
  /// - Parameters:
  ///   - split: test stays locked; its inputs are compared with the others'.
  ///   - humanError: a human or Bayes error, as a fraction or in the target's unit.
  ///   - worth: δ; by default 10 % of the dev error, and at least half a point for classes.
  ///   - budget: seconds after which nothing new is begun.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - progress: is told what is done next.
  /// - Throws: what a training throws, but for divergence, which is a finding.
  public func examined(
    on split: Split, humanError: Double? = nil, worth: Double? = nil, budget: Double = 300, threads: Int? = nil,
    progress: @escaping (String) -> Void = { _ in }
  ) throws -> Examination {
    let clock = ContinuousClock()
    let start = clock.now
    let examiner = try Examiner(
      resolved(trainRows: split.trainCount), split, humanError: humanError, worth: worth, budget: budget,
      threads: threads,
      progress: progress)
    try examiner.examine()
    return Examination(examiner, seconds: (clock.now - start).inSeconds)
  }
}

extension Examination: Encodable {
  private enum Key: String, CodingKey {
    case faults, ladder, checks, prescriptions, signals, slices, labelErrors, inspection, seconds
  }

  private struct RungReport: Encodable {
    let value: Estimate
    let rows: Int
  }

  private struct Ladder: Encodable {
    let unit: String
    let worth: Double
    let rungs: [String: RungReport]
    let readings: [String: ReadingReport]
    let verdict: String
  }

  private struct ReadingReport: Encodable {
    let difference: Estimate?
    let reading: Reading
  }

  /// The object that `diagnose --json` prints.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(faults.map(\.name), forKey: .faults)
    try values.encode(
      diagnosis.map { diagnosis in
        Ladder(
          unit: diagnosis.heading, worth: diagnosis.worth,
          rungs: Dictionary(
            uniqueKeysWithValues: diagnosis.ladder.map { ($0.name, RungReport(value: $0.estimate, rows: $0.rows)) }),
          readings: [
            "bias": ReadingReport(difference: diagnosis.bias.difference, reading: diagnosis.bias.reading),
            "variance": ReadingReport(difference: diagnosis.variance.difference, reading: diagnosis.variance.reading),
          ], verdict: diagnosis.verdict)
      }, forKey: .ladder)
    try values.encode(checks, forKey: .checks)
    try values.encode(prescriptions, forKey: .prescriptions)
    try values.encode(signals, forKey: .signals)
    try values.encode(slices, forKey: .slices)
    try values.encode(labels, forKey: .labelErrors)
    try values.encode(inspection, forKey: .inspection)
    try values.encode(seconds, forKey: .seconds)
  }
}
