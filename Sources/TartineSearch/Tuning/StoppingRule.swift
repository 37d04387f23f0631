/// When a trial is stopped before its last epoch, since others were better by then.
///
/// All trials see the same rows in the same order, so that their dev losses after an epoch differ by their settings alone.
public enum StoppingRule: String, Hashable, Sendable, CaseIterable {
  /// Never.
  case none
  /// After an epoch, from a fifth of the run on and once there are five others, where the lowest dev loss so far is above the
  /// others' median after that epoch.
  ///
  /// **Source**: Golovin et al., *Google Vizier*, 2017, §3.1. **Differs from** it: held against the others' lowest losses so far,
  /// and not the means of theirs.
  case median
  /// At a ninth and a third of the epochs, unless the dev loss is among the best third of those that came so far.
  ///
  /// **Source**: Li et al., *A system for massively parallel hyperparameter tuning*, 2020, algorithm 2, asynchronous successive
  /// halving; **differs from** it: a trial is stopped at a rung and never taken up again, as in Optuna.
  case halving

  private static let factor = 3

  /// Whether the rule looks after this epoch at all.
  func looks(after epoch: Int, of epochs: Int) -> Bool {
    switch self {
    case .none: false
    case .median: epoch < epochs && epoch * 5 >= epochs
    case .halving: epoch < epochs && [9, 3].contains { max(1, (epochs + $0 - 1) / $0) == epoch }
    }
  }

  /// Whether a trial is to be stopped after an epoch.
  ///
  /// - Parameters:
  ///   - reports: its dev losses by epoch.
  ///   - others: the same of the trials before and beside it.
  ///   - epochs: of a whole run.
  package func stops(_ reports: [Int: Double], after epoch: Int, of epochs: Int, beside others: [[Int: Double]]) -> Bool
  {
    /// The lowest of a trial up to this epoch, where it came so far.
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
