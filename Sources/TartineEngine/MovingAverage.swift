import TartinePlatform

/// An exponentially weighted moving average with bias correction: v ← βv + (1 − β)θ, read as v / (1 − βᵗ).
///
/// Initialized with 0, the plain v is far too small for the first 1/(1 − β) values; divided by the sum of the
/// weights so far, 1 − βᵗ, it is a true average from the first value on.
///
/// **Source**: Kingma and Ba, *Adam*, 2015, §3.
public struct MovingAverage: Sendable, Codable, Hashable {
  /// The decay rate, in [0, 1). The effective length is about 1/(1 − β) values.
  public let beta: Double
  private var sum = 0.0
  private var missingWeight = 1.0

  /// - Parameter beta: the decay rate, in [0, 1).
  public init(beta: Double = 0.9) {
    precondition(beta >= 0 && beta < 1, "beta must be in [0, 1)")
    self.beta = beta
  }

  /// The total weight of `count` values, 1 − βᵗ, which divides the plain v.
  public static func weight(beta: Double, after count: Int) -> Double { 1 - pow(beta, Double(count)) }

  /// Adds a value.
  public mutating func add(_ value: Double) {
    sum = beta * sum + (1 - beta) * value
    missingWeight *= beta
  }

  /// The corrected average; nil before the first value.
  public var value: Double? { missingWeight < 1 ? sum / (1 - missingWeight) : nil }

  /// The uncorrected v.
  public var uncorrected: Double { sum }
}
