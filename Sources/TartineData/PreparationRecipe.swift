/// How columns become inputs, as far as a person may choose.
public struct PreparationRecipe: Hashable, Sendable, Codable {
  /// Each column of numbers has, beside its standardized value, at most so many bins for its piecewise-linear
  /// encoding; 0: none; nil: by the number of train rows.
  public var bins: Int?

  /// What is left out is left to the rules.
  public init(bins: Int? = nil) { self.bins = bins }

  /// What is wrong with the values, in a sentence; nil if nothing is.
  public var problem: String? {
    if let bins, !(0...1_000).contains(bins) { return "preparation.bins must be from 0 to 1000, not \(bins)" }
    return nil
  }
}
