import TartineTraining

extension Evaluation {
  /// The correlation of neighboring rows' errors in file order: of the residuals, or of the misclassifications.
  var serialCorrelation: Double {
    let errors =
      task == .regression ? zip(truths, predictions).map { $0 - $1 } : outcomes
    let order = origin.indices.sorted { origin[$0] < origin[$1] }.filter { $0 < errors.count }
    let mean = errors.reduce(0, +) / Double(max(1, errors.count))
    let all = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard all > 0 else { return 0 }
    return zip(order, order.dropFirst()).reduce(0) { $0 + (errors[$1.0] - mean) * (errors[$1.1] - mean) } / all
  }

  /// A sentence that says that the intervals are too narrow, as rows in the order of time resemble each other; nil where they do
  /// not.
  ///
  /// **Source**: Bayley and Hammersley, *The effective number of independent observations in an autocorrelated time series*, 1946:
  /// n rows with the correlation ρ are worth about n (1 − ρ) / (1 + ρ).
  package var serialWarning: String? {
    let (correlation, rows) = (serialCorrelation, Double(rowCount))
    guard rows >= 20, correlation > 0.1, correlation * rows.squareRoot() > 3 else { return nil }
    let worth = Int((rows * (1 - correlation) / (1 + correlation)).rounded())
    return
      "Errors of rows next to each other in time are correlated (\(Text.fixed(correlation, decimals: 2))): the \(rowCount) rows are "
      + "worth about \(max(1, worth)) independent ones, and the intervals, which take them as independent, are too narrow."
  }
}
