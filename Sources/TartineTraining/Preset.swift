import TartineData
import TartineNetworks
import TartineOptimizers

/// A named recipe to start from.
public enum Preset: String, CaseIterable, Sendable {
  /// The recipe of the lecture: He initialization, batch normalization, dropout that decreases with depth,
  /// mini-batches of 64, Adam with its default parameters, a learning rate that decays with the epochs, and
  /// the best epoch kept.
  case lecture
  /// RealMLP's published recipe, in part: three layers of 256 SELU units, keep probability 0.85, label
  /// smoothing 0.1, Adam with β₂ = 0.95 and a weight decay of 0.02, four cosines on a log scale, 256 epochs
  /// with batch size 256.
  ///
  /// **Source**: Holzmüller, Grinsztajn, Steinwart, *Better by default*, 2024, table A.1.
  ///
  /// **Differs from**: standardization and piecewise-linear bins replace its learned scales and periodic
  /// embeddings; dropout and weight decay are constant over the run; activations have no learned slope, and
  /// biases use the same learning rate as weights; weights are not scaled by their fan-in at each step, so
  /// its learning rate of 0.04 is 0.04 / √256 here.
  case tabular
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
