import TartineData
import TartineNetworks
import TartineOptimizers

/// A named recipe to start from.
public enum Preset: String, CaseIterable, Sendable {
  /// The recipe of the lecture: He initialization, batch normalization, dropout that decreases with depth,
  /// mini-batches of 64, Adam with its default parameters, a learning rate that decays with the epochs, and
  /// the best epoch kept.
  case lecture
  /// For tables, where a minute matters less than the error: the automatic recipe with eight members that share the weights, and the
  /// final model trained on train and dev together.
  ///
  /// How it was chosen is in Documentation/Tables.md.
  ///
  /// **Source**: Gorishniy, Kotelnikov, Babenko, *TabM*, 2025, for the members.
  case tabular
  /// For tables, in five seconds: the automatic recipe with a time limit (``Recipe/minutes``), for which the command also chooses the size.
  case quick
  /// Two wide layers with batch normalization, on mildly rotated, zoomed, sheared, shifted and elastically
  /// deformed images, with label smoothing 0.1 and an average of the weights over about the last thousand
  /// steps.
  case images

  /// The recipe; label smoothing is omitted for a regression.
  public func recipe(for task: LearningTask) -> Recipe {
    switch self {
    case .lecture:
      return Recipe(
        Network(HiddenStack(hidden: [256, 128, 64], activation: .relu, batchNorm: true, keepProb: [0.7, 0.8, 0.9]))
      )
      .optimizer(.adam(learningRate: .inverseTime(from: 1e-3, decay: 0.1))).batchSize(64)
    case .tabular:
      return Recipe.automatic(members: Recipe.tabularMembers).refitting()
    case .quick: return Recipe.automatic.minutes(5.0 / 60)
    case .images:
      return Recipe(Network(HiddenStack(hidden: [1024, 512], activation: .relu, batchNorm: true)))
        .augmentation(.preset).loss(Loss(smoothing: task == .regression ? 0 : 0.1))
        .optimizer(.adamW(learningRate: .cosine(from: 3e-3), decay: nil).averaged(.exponential(beta: 0.999)))
        .batchSize(128).epochs(60).keeping(.last)
    }
  }
}
