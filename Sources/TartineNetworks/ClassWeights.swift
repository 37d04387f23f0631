/// The class weights in the loss, multiplied with the sample weights.
///
/// All weights are scaled to a mean of 1 over the rows of a set, so that the step size does not change. The
/// dev loss that selects the epoch is weighted like the train loss; errors and other figures count each row
/// once.
///
/// **Source**: King and Zeng, *Logistic regression in rare events data*, 2001, for the balanced weights.
///
/// **Differs from**: PyTorch divides a batch's loss by the sum of its weights; Keras and scikit-learn do not
/// scale them.
public enum ClassWeights: Hashable, Sendable {
  /// Equal total weight for each class: n / (classes · rows of the class).
  case balanced
  /// Weights by class name; a class that is not named has weight 1.
  case named([String: Double])

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    guard case .named(let weights) = self else { return nil }
    return weights.sorted { $0.key < $1.key }.first { !($0.value >= 0 && $0.value.isFinite) }.map {
      "the weight of class '\($0.key)' must be at least 0, not \($0.value)"
    }
  }

  /// The weight of each class.
  ///
  /// - Parameter rows: the number of rows of each class.
  /// - Throws: `NetworkError` for an unknown class.
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

  /// Encodes in the same form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .balanced: try container.encode("balanced")
    case .named(let weights): try container.encode(weights)
    }
  }
}
