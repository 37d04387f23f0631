import Tartine

extension OptionName {
  /// The flag of the command.
  var flag: String {
    switch self {
    case .target: "--target"
    case .task: "--task"
    case .test: "--test"
    case .missing: "--missing"
    case .leaveOut: "--leave-out"
    case .skipLines: "--skip-lines"
    case .noHeader: "--no-header"
    case .sampleWeights: "--sample-weights"
    case .splitShares: "--split"
    case .splitBy: "--split-by"
    case .splitSeed: "--split-seed"
    case .learningRate: "--learning-rate"
    case .clip: "--clip"
    case .loss: "--loss"
    case .classWeights: "--class-weights"
    case .calibrate: "--calibrate"
    case .threshold: "--threshold-for"
    case .humanError: "--human-error"
    case .budget: "--budget"
    case .folds: "--folds"
    case .out: "--out"
    case .resume: "--resume"
    case .again: "--again"
    case .study: "--study"
    case .studyName: "--study-name"
    }
  }
}
