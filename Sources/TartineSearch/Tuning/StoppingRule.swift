#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// When a trial is stopped before its last epoch, since others were better by then.
///
/// All trials see the same rows in the same order, so that their dev losses after an epoch differ by their settings alone.
public enum StoppingRule: String, Hashable, Sendable, CaseIterable {
  /// Never.
  case none
  /// After an epoch, from a fifth of the run on and once there are five others, where the lowest dev loss so far is above the
  /// others' median after that epoch.
  ///
  /// **Source**: Golovin et al., *Google Vizier*, 2017, §3.1.
  case median
  /// At a ninth and a third of the epochs, unless the dev loss is among the best third of those that came so far.
  ///
  /// **Source**: Li et al., *A system for massively parallel hyperparameter tuning*, 2020, algorithm 2, asynchronous successive
  /// halving by promotion at the rungs alone.
  case halving

  private static let factor = 3

  /// Whether a trial is to be stopped after an epoch.
  ///
  /// - Parameters:
  ///   - reports: its dev losses by epoch.
  ///   - others: the same of the trials before and beside it.
  ///   - epochs: of a whole run.
  package func stops(_ reports: [Int: Double], after epoch: Int, of epochs: Int, beside others: [[Int: Double]]) -> Bool
  {
    guard epoch < epochs, let own = reports.filter({ $0.key <= epoch }).values.min() else { return false }
    /// The lowest of a trial up to this epoch, where it came so far.
    func lowest(_ other: [Int: Double]) -> Double? {
      other[epoch] == nil ? nil : other.filter { $0.key <= epoch }.values.min()
    }
    switch self {
    case .none: return false
    case .median:
      let rivals = others.compactMap(lowest).filter { !$0.isNaN }.sorted()
      guard rivals.count >= 5, epoch * 5 >= epochs else { return false }
      let middle = (rivals[rivals.count / 2] + rivals[(rivals.count - 1) / 2]) / 2
      return own > middle
    case .halving:
      let rungs = [9, 3].map { max(1, (epochs + $0 - 1) / $0) }
      guard rungs.contains(epoch) else { return false }
      let rivals = others.compactMap(lowest).filter { !$0.isNaN }
      guard rivals.count + 1 >= Self.factor else { return false }
      let better = rivals.count { $0 < own }
      return better >= (rivals.count + 1 + Self.factor - 1) / Self.factor
    }
  }
}
