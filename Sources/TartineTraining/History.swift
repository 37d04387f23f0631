/// The record of one epoch.
public struct EpochRecord: Hashable, Sendable, Codable {
  /// The number of the epoch, from 1.
  public let epoch: Int
  /// The learning rate of its last step.
  public let learningRate: Double
  /// The mean loss of its batches during training, with dropout and penalties.
  public let batchLoss: Double
  /// The figures after the epoch, in prediction mode, on a fixed sample of the train set as large as the dev
  /// set.
  public let train: PartRecord
  /// The figures after the epoch on the dev set.
  public let dev: PartRecord
}

/// The figures of one set of rows after an epoch.
public struct PartRecord: Hashable, Sendable, Codable {
  /// Mean loss.
  public let loss: Double
  /// The fraction misclassified; nil for a regression.
  public let error: Double?
  /// The RMSE in the target's unit; nil for classes.
  public let rmse: Double?

  init(_ evaluation: Evaluation) {
    loss = evaluation.loss
    error = evaluation.error
    rmse = evaluation.rmse
  }

  private init(loss: Double) {
    self.loss = loss
    (error, rmse) = (nil, nil)
  }

  /// The record of a set that was not evaluated.
  static let unmeasured = PartRecord(loss: .nan)

  /// The primary metric of the task: error or RMSE.
  public var score: Double { error ?? rmse ?? loss }
}
