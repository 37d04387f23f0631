/// The samplers by name.
public enum SamplerChoice: String, CaseIterable, Sendable {
  /// ``GuidedZoomSampler``: chosen on functions and networks that do not judge it (Documentation/Evidence.md).
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

  /// The sampler when nobody says otherwise.
  public static let usual = SamplerChoice.guidedZoom

  /// The sampler.
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
