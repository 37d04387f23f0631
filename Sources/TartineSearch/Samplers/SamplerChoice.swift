/// The samplers by name.
public enum SamplerChoice: String, CaseIterable, Sendable {
  /// ``GuidedZoomSampler``, chosen on other functions and networks than those of its evaluation
  /// (Documentation/Evidence.md).
  case guidedZoom = "guided-zoom"
  /// ``CoarseToFineSampler``.
  case coarseToFine = "coarse-to-fine"
  /// ``GaussianProcessSampler``.
  case gaussianProcess = "gaussian-process"
  /// ``TPESampler``.
  case tpe
  /// ``SobolSampler``.
  case sobol
  /// ``RandomSampler``.
  case random

  /// The default sampler.
  public static let `default` = SamplerChoice.guidedZoom

  /// The sampler of this name.
  public var sampler: any Sampler {
    switch self {
    case .guidedZoom: GuidedZoomSampler()
    case .coarseToFine: CoarseToFineSampler()
    case .gaussianProcess: GaussianProcessSampler()
    case .tpe: TPESampler()
    case .sobol: SobolSampler()
    case .random: RandomSampler()
    }
  }
}
