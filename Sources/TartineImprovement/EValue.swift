import TartineDiagnosis
import TartinePlatform

/// The evidence that the mean of differences is above 0, which may be looked at after each of them.
///
/// E = 2 / √(1 + n g) · (1 − a²)^(−n/2) · F_n(√n a / √(1 − a²)), a = Σx / √Σx² · √(g / (1 + n g)), F_n the distribution function of
/// Student's t with n degrees of freedom. It is the likelihood ratio of normal differences with a mean of δ σ, δ > 0 from
/// normal(0, g), against a mean of 0, with the right Haar prior of σ. Under a mean of at most 0 it exceeds 1/α with a probability
/// of at most α, however long one goes on (Ville's inequality).
///
/// **Source**: Jeffreys, *Theory of probability*, 1961, §5.2; Pérez-Ortiz et al., *E-statistics, group invariance and anytime-valid
/// testing*, 2024, for the test; the closed form is the integral over δ and σ.
package struct EValue {
  /// The variance of δ: a change that mends a fault moves the error by several times what it varies, and should need few pairs.
  private static let variance = 10.0

  package let value: Double

  package init(_ differences: [Double]) {
    let (n, g) = (Double(differences.count), Self.variance)
    let squares = differences.reduce(0) { $0 + $1 * $1 }
    guard squares > 0, squares.isFinite else {
      value = 1
      return
    }
    let a = differences.reduce(0, +) / squares.squareRoot() * (g / (1 + n * g)).squareRoot()
    let rest = 1 - a * a
    let below = 1 - HypothesisTest.studentTail((n / rest).squareRoot() * a, freedom: n)
    value = 2 / (1 + n * g).squareRoot() * pow(rest, -n / 2) * below
  }

  /// What the n-th question must reach, from 1, so that of all accepted changes at most 5 % are expected to be false, whatever the order of
  /// questions and however they depend on each other: each acceptance makes the next ones easier.
  ///
  /// **Source**: Xu and Ramdas, *Online multiple testing with e-values*, 2024, e-LOND, with γ_n = 1/(n (n+1)).
  package static func needed(question: Int, accepted: Int) -> Double {
    Double(question * (question + 1)) / (0.05 * Double(accepted + 1))
  }
}
