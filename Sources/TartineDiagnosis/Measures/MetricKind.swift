/// The package's own metrics, by their standard names. ``Metrics`` defines each.
package enum MetricKind: String, CaseIterable, Sendable {
  case accuracy
  case balancedAccuracy = "balanced-accuracy"
  case precision, recall, f1
  case precisionMacro = "precision-macro"
  case recallMacro = "recall-macro"
  case f1Macro = "f1-macro"
  case f1Micro = "f1-micro"
  case f1Weighted = "f1-weighted"
  case mcc
  case rocAUC = "roc-auc"
  case prAUC = "pr-auc"
  case rocAUCMacro = "roc-auc-macro"
  case prAUCMacro = "pr-auc-macro"
  case logLoss = "log-loss"
  case brier
  case calibrationError = "calibration-error"
  case top3Accuracy = "top-3-accuracy"
  case top5Accuracy = "top-5-accuracy"
  case exactMatch = "exact-match"
  case rmse, mae, r2
  case quantileLoss = "quantile-loss"
  case coverage

  /// Whether it is the share of rows with a property: a proportion, with a proportion's interval.
  package var isShareOfRows: Bool {
    switch self {
    case .accuracy, .exactMatch, .top3Accuracy, .top5Accuracy, .coverage, .f1Micro: true
    default: false
    }
  }

  /// Whether it is printed in percent.
  package var isPercent: Bool {
    switch self {
    case .mcc, .rocAUC, .rocAUCMacro, .logLoss, .brier, .rmse, .mae, .r2, .quantileLoss: false
    default: true
    }
  }

  /// Its lowest and highest possible value.
  package var range: (low: Double, high: Double) {
    switch self {
    case .r2: (-.infinity, 1)
    case .mcc: (-1, 1)
    case .rmse, .mae, .logLoss, .brier, .quantileLoss: (0, .infinity)
    default: (0, 1)
    }
  }
}
