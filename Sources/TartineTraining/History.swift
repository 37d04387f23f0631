/// What one epoch left behind.
public struct EpochRecord: Hashable, Sendable, Codable {
  /// From 1.
  public let epoch: Int
  /// The learning rate of its last step.
  public let learningRate: Double
  /// Mean loss of its batches, as the weights moved, with dropout and penalties on.
  public let batchLoss: Double
  /// After the epoch, in prediction mode, on a fixed sample of the train part as large as dev.
  public let train: PartRecord
  /// After the epoch, on the dev part.
  public let dev: PartRecord
}

/// A part's figures after an epoch.
public struct PartRecord: Hashable, Sendable, Codable {
  /// Mean loss.
  public let loss: Double
  /// Fraction misclassified; nil for a regression.
  public let error: Double?
  /// In the target's unit; nil for classes.
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

  /// Of a part that was not looked at.
  static let unmeasured = PartRecord(loss: .nan)

  /// The one number that the task is judged by.
  public var score: Double { error ?? rmse ?? loss }
}
