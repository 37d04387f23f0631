/// How columns become inputs, as far as a person may choose.
public struct PreparationRecipe: Hashable, Sendable, Codable {
  /// Each column of numbers has, beside its standardized value, at most so many bins for its piecewise-linear
  /// encoding; 0: none; nil: where numbers are far from normal, as many as the train rows allow, and none in a
  /// linear model.
  public var bins: Int?
  /// Whether numbers have their mean taken off and are divided by their deviation; without it they are as they come, which
  /// is for showing what that does.
  public var standardize: Bool

  /// What is left out is left to the rules.
  public init(bins: Int? = nil, standardize: Bool = true) {
    self.bins = bins
    self.standardize = standardize
  }

  /// Decodes; what is left out is left to the rules.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    bins = try values.decodeIfPresent(Int.self, forKey: .bins)
    standardize = try values.decodeIfPresent(Bool.self, forKey: .standardize) ?? true
  }

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
    try values.encode(standardize, forKey: .standardize)
  }

  private enum CodingKeys: String, CodingKey { case bins, standardize }
}
