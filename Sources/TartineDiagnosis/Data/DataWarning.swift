/// Something about the data that a person should know before anything is trained.
public struct DataWarning: Hashable, Sendable, Encodable {
  /// What it is.
  public enum Kind: String, Hashable, Sendable, Encodable, CaseIterable {
    /// A column tells the target alone, better than all others do together.
    case leakingColumn = "leaking-column"
    /// Rows of dev or test that train has as well.
    case duplicatesAcrossSplit = "duplicates-across-split"
    /// Parts that do not come from one distribution.
    case differentDistribution = "different-distribution"
    /// Rows that are alike and have different targets.
    case conflictingLabels = "conflicting-labels"
    /// Rows that are there several times.
    case duplicateRows = "duplicate-rows"
    /// A column that names each row.
    case identifierColumn = "identifier-column"
    /// A column that is the same in all rows.
    case constantColumn = "constant-column"
    /// A column that repeats another.
    case duplicateColumn = "duplicate-column"
    /// A value that stands for a missing one.
    case placeholderValue = "placeholder-value"
    /// A column with many rows without a value.
    case missingValues = "missing-values"
    /// A class that is rare beside the others.
    case classImbalance = "class-imbalance"
    /// Targets far from all others, which a squared error hangs on.
    case outlyingTargets = "outlying-targets"
    /// A test file that cannot be measured on as it is.
    case unfitTest = "unfit-test"
    /// Many targets that are exactly the largest or smallest one: a censored target.
    case cappedTarget = "capped-target"
    /// An outlier among the inputs, such as a value in another unit.
    case outlyingValue = "outlying-value"
    /// Rows whose neighbours in the file have like targets.
    case orderedRows = "ordered-rows"
    /// A column that may not be read as was meant.
    case unclearColumn = "unclear-column"
    /// Too few rows to choose by.
    case fewRows = "few-rows"
  }

  /// What it is.
  public let name: Kind
  /// The column, where it is about one.
  public let column: String?
  /// What was seen, in a sentence.
  public let evidence: String
  /// What to do about it.
  public let action: String
  /// Whether it is wrong, and not merely to be known, where a fault goes by its name.
  package let isFault: Bool

  /// Whether `train` tells of it before it trains.
  package let isSerious: Bool

  /// - Parameter isSerious: nil: by its kind.
  init(
    name: Kind, column: String?, evidence: String, action: String, isFault: Bool = true, isSerious: Bool? = nil
  ) {
    self.isSerious = isSerious ?? Self.seriousKinds.contains(name)
    self.name = name
    self.column = column
    self.evidence = evidence
    self.action = action
    self.isFault = isFault
  }

  private static let seriousKinds: Set<Kind> = [
    .leakingColumn, .duplicatesAcrossSplit, .classImbalance, .outlyingTargets, .cappedTarget, .placeholderValue,
  ]

  private enum CodingKeys: String, CodingKey { case name, column, evidence, action }
}
