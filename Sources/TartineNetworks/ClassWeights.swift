/// What a row counts in the loss by its class, beside its own weight.
///
/// All weights are scaled so that their mean over a part's rows is 1: the step keeps its size. The dev loss that chooses the
/// epoch is weighted as the train loss is; errors and other figures are of rows as they are, each counting once.
///
/// **Source**: King and Zeng, *Logistic regression in rare events data*, 2001, for the balanced ones.
///
/// **Differs from**: PyTorch divides a batch's loss by its own weights' sum; Keras and scikit-learn do not scale.
public enum ClassWeights: Hashable, Sendable {
  /// Each class as much as any other: n / (classes · rows of the class).
  case balanced
  /// By the classes' names; one that is not named counts 1.
  case named([String: Double])

  /// What is wrong with the values, in a sentence; nil if nothing is.
  public var problem: String? {
    guard case .named(let weights) = self else { return nil }
    return weights.sorted { $0.key < $1.key }.first { !($0.value >= 0 && $0.value.isFinite) }.map {
      "the weight of class '\($0.key)' must be at least 0, not \($0.value)"
    }
  }

  /// Each class's weight.
  ///
  /// - Parameter rows: how many rows each class has.
  /// - Throws: `NetworkError` that names a class which is not there.
  package func values(of classes: [String], rows: [Int]) throws -> [Double] {
    switch self {
    case .balanced:
      let total = Double(rows.reduce(0, +))
      return rows.map { $0 > 0 ? total / (Double(rows.count) * Double($0)) : 0 }
    case .named(let weights):
      if let name = weights.keys.sorted().first(where: { !classes.contains($0) }) {
        throw NetworkError(
          "classWeights names '\(name)', and the classes are \(classes.prefix(12).joined(separator: ", "))"
            + (classes.count > 12 ? " and \(classes.count - 12) more." : "."))
      }
      return classes.map { weights[$0] ?? 1 }
    }
  }
}

extension ClassWeights: Codable {
  /// Decodes `"balanced"`, or weights by name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let weights = try? container.decode([String: Double].self) {
      self = .named(weights)
    } else if let name = try? container.decode(String.self), name == "balanced" {
      self = .balanced
    } else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "class weights are 'balanced', or a number for each class's name")
    }
  }

  /// Encodes as it decodes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .balanced: try container.encode("balanced")
    case .named(let weights): try container.encode(weights)
    }
  }
}
