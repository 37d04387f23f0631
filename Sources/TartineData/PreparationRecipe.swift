/// How columns become inputs, as far as a person may choose.
public struct PreparationRecipe: Hashable, Sendable, Codable {
  /// Each column of numbers has, beside its standardized value, at most so many bins for its piecewise-linear
  /// encoding; 0: none; nil: where numbers are far from normal, as many as the train rows allow, and none in a
  /// linear model.
  public var bins: Int?

  /// What is left out is left to the rules.
  public init(bins: Int? = nil) { self.bins = bins }

  /// What is wrong with the values, in a sentence; nil if nothing is.
  public var problem: String? {
    if let bins, bins != 0, !(2...1_000).contains(bins) {
      return "preparation.bins must be 0, or from 2 to 1000, not \(bins)"
    }
    return nil
  }

  /// Encodes a number that is left to the rule as null, so that the key is there.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(bins, forKey: .bins)
  }

  private enum CodingKeys: String, CodingKey { case bins }
}
