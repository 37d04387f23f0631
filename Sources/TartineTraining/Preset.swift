import TartineData
import TartineNetworks
import TartineOptimizers

/// A recipe with a name, to begin from.
public enum Preset: String, CaseIterable, Sendable {
  /// What the lecture teaches: He initialization, batch normalization, dropout that fades with depth, mini-batches of 64,
  /// Adam with its usual numbers, a rate that decays with the epochs, and the best epoch kept.
  case lecture
  /// RealMLP's published recipe, as far as it is a recipe: three layers of 256 SELU units, keep 0.85, labels smoothed
  /// by 0.1, Adam with β₂ = 0.95 and a decay of 0.02, four cosines on a log scale, 256 epochs in batches of 256.
  ///
  /// **Source**: Holzmüller, Grinsztajn, Steinwart, *Better by default*, 2024, table A.1.
  ///
  /// **Differs from**: in place of its learned scales and periodic embeddings stand standardization and piecewise-linear
  /// bins, and its dropout and decay do not fall over the run; its units learn no slope, and biases have the weights' rate;
  /// weights are not scaled by their fan-in at each step, so that its rate of 0.04 is 0.04 / √256 here.
  case tabular
  /// Two wide layers with batch normalization on pictures that are a little turned, zoomed, sheared, shifted and bent, labels
  /// smoothed by 0.1, and the last thousand steps' average of the weights.
  case images

  /// The recipe; a loss that is for classes is left out where the task has none.
  public func recipe(for task: LearningTask) -> Recipe {
    switch self {
    case .lecture:
      return Recipe(
        Network(HiddenStack(hidden: [256, 128, 64], activation: .relu, batchNorm: true, keepProb: [0.7, 0.8, 0.9]))
      )
      .optimizer(.adam(learningRate: .inverseTime(from: 1e-3, decay: 0.1))).batchSize(64)
    case .tabular:
      return Recipe(Network(HiddenStack(hidden: [256, 256, 256], activation: .selu, keepProb: [0.85])))
        .loss(Loss(smoothing: task == .regression ? 0 : 0.1))
        .optimizer(.adamW(learningRate: .logCosine(from: 2.5e-3), decay: 0.02, beta2: 0.95)).batchSize(256).epochs(256)
    case .images:
      return Recipe(Network(HiddenStack(hidden: [1024, 512], activation: .relu, batchNorm: true)))
        .augmentation(.preset).loss(Loss(smoothing: task == .regression ? 0 : 0.1))
        .optimizer(.adamW(learningRate: .cosine(from: 3e-3), decay: nil).averaged(.exponential(beta: 0.999)))
        .batchSize(128).epochs(60).keeping(.last)
    }
  }
}
