/// A pruning rule: when to stop a trial early, since other trials were better after the same epoch.
///
/// All trials see the same rows in the same order, so their dev losses after an epoch differ by their
/// hyperparameters alone.
public enum StoppingRule: String, Hashable, Sendable, CaseIterable {
  /// Never.
  case none
  /// Stops a trial if its lowest dev loss so far is above the median of the others' lowest losses up to the
  /// same epoch; from one fifth of the run on, and with at least five others.
  ///
  /// **Source**: Golovin et al., *Google Vizier*, 2017, §3.1. **Differs from** it: compares with the others'
  /// lowest losses so far, not with their running means.
  case median
  /// Stops a trial at 1/9 and 1/3 of the epochs, unless its dev loss is in the best third of the trials that
  /// got there.
  ///
  /// **Source**: Li et al., *A system for massively parallel hyperparameter tuning*, 2020, algorithm 2, asynchronous successive
  /// halving; **differs from** it: a stopped trial is never resumed, as in Optuna.
  case halving

  private static let factor = 3

  /// Returns whether the rule applies after this epoch.
  func looks(after epoch: Int, of epochs: Int) -> Bool {
    switch self {
    case .none: false
    case .median: epoch < epochs && epoch * 5 >= epochs
    case .halving: epoch < epochs && [9, 3].contains { max(1, (epochs + $0 - 1) / $0) == epoch }
    }
  }

  /// Returns whether to stop a trial after an epoch.
  ///
  /// - Parameters:
  ///   - reports: The trial's dev losses by epoch.
  ///   - epoch: The epoch.
  ///   - epochs: The number of epochs of a full run.
  ///   - others: The dev losses of the other trials by epoch.
  package func stops(_ reports: [Int: Double], after epoch: Int, of epochs: Int, beside others: [[Int: Double]]) -> Bool
  {
    /// Returns the lowest loss of a trial up to this epoch, or nil if it has not got there.
    func lowest(_ reports: [Int: Double]) -> Double? {
      reports[epoch] == nil ? nil : reports.reduce(Double.infinity) { $1.key <= epoch && $1.value < $0 ? $1.value : $0 }
    }
    guard looks(after: epoch, of: epochs), let own = lowest(reports) else { return false }
    let rivals = others.compactMap(lowest).sorted()
    switch self {
    case .none: return false
    case .median:
      guard rivals.count >= 5 else { return false }
      let middle = (rivals[rivals.count / 2] + rivals[(rivals.count - 1) / 2]) / 2
      return own > middle
    case .halving:
      guard rivals.count + 1 >= Self.factor else { return false }
      let better = rivals.count { $0 < own }
      return better >= (rivals.count + 1 + Self.factor - 1) / Self.factor
    }
  }
}
