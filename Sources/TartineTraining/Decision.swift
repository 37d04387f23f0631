import TartineNetworks
import TartineFiles
import TartinePlatform

/// The choices made on the dev set after training: the temperature of the probabilities, and the decision
/// threshold.
///
/// Both are chosen for the kept epoch, on the dev set alone, and stored in the model. They keep their
/// defaults where the dev set has too few rows of a class, or no best temperature. The dev figures are
/// slightly optimistic as a result; the test figures are not.
public struct DecisionRule: Hashable, Sendable {
  /// Whether the logits are divided by the temperature T > 0 that minimizes the dev log-loss. With more than
  /// two classes the predicted classes do not change, only their probabilities.
  ///
  /// **Source**: Guo et al., *On calibration of modern neural networks*, 2017, §4.2.
  public var calibrates: Bool
  /// The metric that the threshold of two classes maximizes on the dev set; nil: the threshold is 0.5.
  public var threshold: ThresholdMetric?

  /// Creates a rule.
  public init(calibrates: Bool = false, threshold: ThresholdMetric? = nil) {
    self.calibrates = calibrates
    self.threshold = threshold
  }

  /// No calibration, and a threshold of 0.5.
  public static let none = DecisionRule()

  /// A sentence that says why the rule does not apply to an output, or nil.
  func problem(for output: Output, isBinary: Bool) -> String? {
    if calibrates, !output.isProbability {
      return "\(OptionName.calibrate) is for classes, and the target is a number"
    }
    if threshold != nil, !isBinary {
      return
        "\(OptionName.threshold) is for two classes, and the target has more, or is several labels or a number"
    }
    return nil
  }
}

extension DecisionRule: Codable {
  private enum CodingKeys: String, CodingKey { case calibrates, threshold }

  /// Decodes; omitted settings are off.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    calibrates = try values.decodeIfPresent(Bool.self, forKey: .calibrates) ?? false
    threshold =
      try values.decodeIfPresent(String.self, forKey: .threshold) == nil
      ? nil : try values.decodeName(ThresholdMetric.self, forKey: .threshold, default: .accuracy)
  }

  /// Encodes both.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(calibrates, forKey: .calibrates)
    try values.encode(threshold, forKey: .threshold)
  }
}

/// A metric of two classes that a threshold can maximize.
public enum ThresholdMetric: String, Codable, Hashable, Sendable, CaseIterable {
  /// The fraction of correct predictions.
  case accuracy
  /// The mean of the recalls of both classes.
  case balancedAccuracy = "balanced-accuracy"
  /// The harmonic mean of precision and recall of the second class.
  case f1
  /// Matthews' correlation coefficient.
  case mcc

  /// - Parameters: the numbers of true positives and false positives, and of all positives and negatives.
  func value(hits: Double, alarms: Double, yes: Double, no: Double) -> Double {
    switch self {
    case .accuracy: return hits + no - alarms
    case .balancedAccuracy: return hits / max(1, yes) + (no - alarms) / max(1, no)
    case .f1: return yes + hits + alarms > 0 ? 2 * hits / (yes + hits + alarms) : 0
    case .mcc:
      let product = yes * no * (hits + alarms) * (yes + no - hits - alarms)
      return product > 0 ? (hits * (no - alarms) - alarms * (yes - hits)) / product.squareRoot() : 0
    }
  }
}

/// The conversion of a model's logits to predictions.
public struct Decision: Codable, Hashable, Sendable {
  /// The temperature that divides the logits.
  public var temperature = 1.0
  /// The probability of the second class from which on it is predicted.
  public var threshold = 0.5

  /// The defaults: no calibration, and a threshold of 0.5.
  public static let `default` = Decision()

  /// The range searched for the temperature; a minimum at an end means that the dev set does not determine
  /// it.
  public static let temperatures = 0.05...20.0
  /// The fewest dev rows of each class for a threshold to be chosen.
  public static let fewestRows = 5

  /// Whether a temperature was chosen.
  public var isCalibrated: Bool { temperature != 1 }
  /// Whether a threshold was chosen.
  public var hasThreshold: Bool { threshold != 0.5 }

  init() {}

  /// Chooses both on rows that were not trained on.
  ///
  /// - Parameter logits: the network's outputs, [rows, outputs].
  package init(_ rule: DecisionRule, logits: [Float], truths: [Double], output: Output) {
    let width = output.width
    if rule.calibrates { temperature = Self.temperature(logits: logits, truths: truths, output: output) }
    guard let metric = rule.threshold, width == 1 else { return }
    let yes = truths.count { $0 > 0.5 }
    guard min(yes, truths.count - yes) >= Self.fewestRows else { return }
    let temperature = temperature
    // In the model's precision: a threshold cannot separate what a Float cannot.
    let scores = logits.map { Double(Float(1 / (1 + exp(-Double($0) / temperature)))) }
    threshold = Self.threshold(scores: scores, truths: truths, metric: metric)
  }

  /// The log-loss has a single minimum in log T, which a golden-section search finds.
  private static func temperature(logits: [Float], truths: [Double], output: Output) -> Double {
    func cost(_ logT: Double) -> Double { logLoss(logits, truths, output, temperature: exp(logT)) }
    let ratio = (5.0.squareRoot() - 1) / 2
    let ends = (low: log(temperatures.lowerBound), high: log(temperatures.upperBound))
    var (low, high) = ends
    var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
    var (costA, costB) = (cost(a), cost(b))
    while high - low > 1e-6 {
      if costA < costB {
        (high, b, costB) = (b, a, costA)
        a = high - ratio * (high - low)
        costA = cost(a)
      } else {
        (low, a, costA) = (a, b, costB)
        b = low + ratio * (high - low)
        costB = cost(b)
      }
    }
    let found = (low + high) / 2
    return min(found - ends.low, ends.high - found) < 1e-3 ? 1 : exp(found)
  }

  private static func logLoss(
    _ logits: [Float], _ truths: [Double], _ output: Output, temperature: Double
  ) -> Double {
    let width = output.width
    var total = 0.0
    if output.takesLabels {
      for (row, truth) in truths.enumerated() {
        let own = logits[row * width..<(row + 1) * width].map { Double($0) / temperature }
        let largest = own.max() ?? 0
        total += largest + log(own.reduce(0) { $0 + exp($1 - largest) }) - own[Int(truth)]
      }
    } else {
      for (logit, truth) in zip(logits, truths) {
        let z = Double(logit) / temperature
        total += max(z, 0) - z * truth + log1p(exp(-abs(z)))
      }
    }
    return total
  }

  /// The midpoint between the two scores that it separates; among equally good ones, the nearest to 0.5.
  private static func threshold(scores: [Double], truths: [Double], metric: ThresholdMetric) -> Double {
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    let yes = truths.reduce(0, +)
    let no = Double(truths.count) - yes
    var (hits, alarms) = (0.0, 0.0)
    var best = (value: metric.value(hits: 0, alarms: 0, yes: yes, no: no), threshold: 1.0)
    for (place, row) in order.enumerated() {
      if truths[row] > 0.5 { hits += 1 } else { alarms += 1 }
      let next = place + 1 < order.count ? scores[order[place + 1]] : 0
      guard next < scores[row] else { continue }
      let value = metric.value(hits: hits, alarms: alarms, yes: yes, no: no)
      let threshold = (scores[row] + next) / 2
      if value > best.value || (value == best.value && abs(threshold - 0.5) < abs(best.threshold - 0.5)) {
        best = (value, threshold)
      }
    }
    return best.threshold
  }
}
