/// A warning about the data, found before training.
public struct DataWarning: Hashable, Sendable, Encodable {
  /// The kind of warning.
  public enum Kind: String, Hashable, Sendable, Encodable, CaseIterable {
    /// A column that alone predicts the target, better than all others together.
    case leakingColumn = "leaking-column"
    /// Rows of dev or test that are also in train.
    case duplicatesAcrossSplit = "duplicates-across-split"
    /// Sets that do not come from one distribution.
    case differentDistribution = "different-distribution"
    /// Rows with the same inputs and different targets.
    case conflictingLabels = "conflicting-labels"
    /// Duplicate rows.
    case duplicateRows = "duplicate-rows"
    /// A column that identifies each row.
    case identifierColumn = "identifier-column"
    /// A column that identifies a person or thing with several rows, which the split does not keep together.
    case repeatedIdentifier = "repeated-identifier"
    /// A column with the same value in all rows.
    case constantColumn = "constant-column"
    /// A column that repeats another.
    case duplicateColumn = "duplicate-column"
    /// A value that stands for a missing value.
    case placeholderValue = "placeholder-value"
    /// A column with many rows without a value.
    case missingValues = "missing-values"
    /// A class that is rare beside the others.
    case classImbalance = "class-imbalance"
    /// Outlying targets that dominate the squared error.
    case outlyingTargets = "outlying-targets"
    /// A test file that cannot be evaluated as it is.
    case unfitTest = "unfit-test"
    /// Many targets that are exactly the largest or smallest one: a censored target.
    case cappedTarget = "capped-target"
    /// An outlier among the inputs, such as a value in another unit.
    case outlyingValue = "outlying-value"
    /// Rows whose neighbors in the file have similar targets.
    case orderedRows = "ordered-rows"
    /// A column that may have been read in an unintended way.
    case unclearColumn = "unclear-column"
    /// Too few rows to choose a model by.
    case fewRows = "few-rows"
  }

  /// The kind of warning.
  public let name: Kind
  /// The column, if the warning is about one.
  public let column: String?
  /// The evidence, as a sentence.
  public let evidence: String
  /// The suggested action.
  public let action: String
  /// Whether this is a fault of the data, and not only a notice, if a fault has the same name.
  package let isFault: Bool

  /// Whether `train` prints it before training.
  package let isSerious: Bool

  /// - Parameter isSerious: Nil: decided by the kind of warning.
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
    .repeatedIdentifier,
  ]

  private enum CodingKeys: String, CodingKey { case name, column, evidence, action }
}
