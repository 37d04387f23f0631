import TartineNetworks

extension Examination {
  /// The signals of one layer.
  public struct LayerReport: Hashable, Sendable, Encodable {
    /// The name of the layer.
    public let layer: String
    /// The signals at initialization, and with the final weights.
    public let start, end: Figures?
    /// The signals after some of the epochs, if the training was watched.
    public let epochs: [Epoch]

    /// The signals after one epoch.
    public struct Epoch: Hashable, Sendable, Encodable {
      /// The epoch, from 1.
      public let epoch: Int
      /// The signals.
      public let figures: Figures
    }

    /// The signals over all units and rows.
    public struct Figures: Hashable, Sendable, Encodable {
      /// The statistics of the outputs.
      public let mean, standardDeviation: Double
      /// The shares of units that always output 0, and of saturated activations.
      public let dead, saturated: Double
      /// The root mean square of the gradient of a row's loss by z.
      public let gradient: Double

      init(_ signals: LayerSignals) {
        (mean, standardDeviation) = (signals.mean, signals.deviation)
        (dead, saturated) = (signals.deadShare, signals.saturatedShare)
        gradient = signals.gradient
      }
    }
  }
}
