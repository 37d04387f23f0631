/// An average of the weights over the steps, which is used for prediction: it averages out the noise of late
/// steps, like a lower learning rate.
///
/// Each epoch is evaluated with the average, and the best epoch's average is kept. Batch norm's moving
/// averages belong to other weights, so they are recomputed: the mean over the train rows in batches, without
/// dropout.
///
/// | average | a |
/// |---|---|
/// | ``exponential(beta:)`` | a ← βa + (1−β)w at each step, read as a / (1 − βᵗ) |
/// | ``stochastic(from:)`` | the mean of w at the ends of the epochs after a fraction of the run, including the last one in any case |
///
/// **Source**: Polyak and Juditsky, *Acceleration of stochastic approximation by averaging*, 1992; Izmailov
/// et al., *Averaging weights leads to wider optima*, 2018, algorithm 1 (SWA); Wu and Johnson, *Rethinking
/// “Batch” in BatchNorm*, 2021, §3, for batch norm's averages.
///
/// **Differs from**: Keras and PyTorch initialize their exponential average with the first weights and do not
/// correct it.
public enum WeightAverage: Hashable, Sendable {
  /// An exponential moving average with bias correction. Its effective length is about 1/(1 − β) steps.
  case exponential(beta: Double)
  /// Stochastic weight averaging, over the epochs that begin after this fraction of the run.
  case stochastic(from: Double)

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    switch self {
    case .exponential(let beta):
      beta >= 0 && beta < 1 ? nil : "averageBeta must be in [0, 1), not \(beta)"
    case .stochastic(let start):
      start >= 0 && start < 1 ? nil : "averageFrom must be a share of the run in [0, 1), not \(start)"
    }
  }

  /// The number of epochs in the mean after `epoch` epochs; nil before it begins.
  package func epochs(after epoch: Int, of total: Int) -> Int? {
    guard case .stochastic(let start) = self else { return nil }
    // The last epoch is included in any case.
    let before = min(Int((start * Double(total)).rounded(.up)), max(0, total - 1))
    return epoch > before ? epoch - before : nil
  }
}

/// The flat keys beside the optimizer's own: `average`, `averageBeta`, `averageFrom`.
extension WeightAverage {
  enum Key: String, CodingKey, CaseIterable { case average, averageBeta, averageFrom }

  /// The names in recipes and flags.
  public static let names = ["none", "ema", "swa"]

  /// The keys that apply to one kind only.
  package static let ownKeys = [Key.averageBeta, .averageFrom].map(\.rawValue)

  /// Decodes the keys; nil without an average.
  static func decode(from decoder: any Decoder) throws -> WeightAverage? {
    let values = try decoder.container(keyedBy: Key.self)
    let name = try values.decodeIfPresent(String.self, forKey: .average) ?? "none"
    switch name {
    case "none": return nil
    case "ema": return .exponential(beta: try values.decodeIfPresent(Double.self, forKey: .averageBeta) ?? 0.999)
    case "swa": return .stochastic(from: try values.decodeIfPresent(Double.self, forKey: .averageFrom) ?? 0.75)
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .average, in: values,
        debugDescription: "there is no average '\(name)'; there are \(names.joined(separator: ", "))")
    }
  }

  /// Encodes the keys of an average.
  static func encode(_ average: WeightAverage?, to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch average {
    case nil: try values.encode("none", forKey: .average)
    case .exponential(let beta):
      try values.encode("ema", forKey: .average)
      try values.encode(beta, forKey: .averageBeta)
    case .stochastic(let start):
      try values.encode("swa", forKey: .average)
      try values.encode(start, forKey: .averageFrom)
    }
  }
}
