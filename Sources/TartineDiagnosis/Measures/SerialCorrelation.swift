import TartineTraining

/// The correlation of each row's error with the next row's.
///
/// **Source**: Bayley and Hammersley, *The effective number of independent observations in an autocorrelated time series*, 1946:
/// n rows with the correlation ρ are worth about n (1 − ρ) / (1 + ρ).
package struct SerialCorrelation {
  /// Σ (eᵢ − ē)(eᵢ₊₁ − ē) / Σ (eᵢ − ē)²; 0 if the errors are equal.
  package let value: Double
  private let rows: Double

  /// - Parameter errors: The error of each row, in the order of the rows.
  package init(_ errors: [Double]) {
    rows = Double(errors.count)
    let mean = errors.reduce(0, +) / max(1, rows)
    let squares = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let products = zip(errors, errors.dropFirst()).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
    value = squares > 0 ? products / squares : 0
  }

  /// The number of independent rows that these are worth; nil where the correlation is not significant, or small.
  package var effectiveRows: Int? {
    // About normal with a standard deviation of 1/√n for independent rows.
    guard rows >= 20, value > 0.1, value * rows.squareRoot() > 3 else { return nil }
    return max(1, Int((rows * (1 - value) / (1 + value)).rounded()))
  }
}

extension Evaluation {
  /// A sentence that says that the intervals are too narrow, since the errors of neighboring rows resemble each other; nil where
  /// they do not.
  package var serialWarning: String? {
    // Residuals have a sign; misclassifications have none.
    let errors = task == .regression ? zip(truths, predictions).map { $0 - $1 } : outcomes
    let order = origin.indices.sorted { origin[$0] < origin[$1] }
    let correlation = SerialCorrelation(order.map { errors[$0] })
    guard let worth = correlation.effectiveRows else { return nil }
    return
      "Errors of neighboring rows in the file are correlated (\(Text.fixed(correlation.value, decimals: 2))): the \(rowCount) rows "
      + "are worth about \(worth) independent ones, and the intervals, which take them as independent, are too narrow."
  }
}
