/// The settings of the preparation.
public struct PreparationRecipe: Hashable, Sendable, Codable {
  /// The most bins of each column of numbers for its piecewise-linear encoding, beside its standardized
  /// value; 0: none; nil: for columns far from normal, as many as the train rows allow, and none in a linear
  /// model.
  public var bins: Int?
  /// Whether numbers are standardized to mean 0 and standard deviation 1; without it they are used as they
  /// are, to demonstrate the effect.
  public var standardize: Bool

  /// Creates settings; omitted ones are chosen automatically.
  public init(bins: Int? = nil, standardize: Bool = true) {
    self.bins = bins
    self.standardize = standardize
  }

  /// Decodes; omitted settings are chosen automatically.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    bins = try values.decodeIfPresent(Int.self, forKey: .bins)
    standardize = try values.decodeIfPresent(Bool.self, forKey: .standardize) ?? true
  }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    if let bins, bins != 0, !(2...1_000).contains(bins) {
      return "preparation.bins must be 0, or from 2 to 1000, not \(bins)"
    }
    return nil
  }

  /// Encodes automatic bins as null, so that the key is present.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(bins, forKey: .bins)
    try values.encode(standardize, forKey: .standardize)
  }

  private enum CodingKeys: String, CodingKey { case bins, standardize }
}
