import TartineNetworks

extension Examination {
  /// What went through a layer.
  public struct LayerReport: Hashable, Sendable, Encodable {
    /// Its name.
    public let layer: String
    /// At the start, and with the weights that are kept.
    public let start, end: Figures?
    /// After some of the epochs, where the training was watched.
    public let epochs: [Epoch]

    /// After one epoch.
    public struct Epoch: Hashable, Sendable, Encodable {
      /// From 1.
      public let epoch: Int
      /// What went through.
      public let figures: Figures
    }

    /// Of all its units over the rows.
    public struct Figures: Hashable, Sendable, Encodable {
      /// Of what comes out.
      public let mean, deviation: Double
      /// Shares of units that never let anything through, and of answers where the slope is nearly 0.
      public let dead, saturated: Double
      /// The root mean square of a row's loss by z.
      public let gradient: Double

      init(_ signals: LayerSignals) {
        (mean, deviation) = (signals.mean, signals.deviation)
        (dead, saturated) = (signals.deadShare, signals.saturatedShare)
        gradient = signals.gradient
      }
    }
  }
}
