import Synchronization
import TartineDiagnosis
import TartineEngine
import TartineTraining

/// The selection bias of the best of many trials that were all evaluated on the same dev rows.
///
/// A bootstrap over the dev rows repeats the selection. The errors on the drawn rows, less those on all rows, are each trial's
/// luck; added to its true error they make the score that is selected by, and the mean luck of the selected trial is the bias.
/// The true errors differ less than the measured ones, which hold the luck of these rows already: the measured ones are drawn
/// together by √(1 − v/s²), where s² is their variance and v that of the luck about its mean. Fresh seeds do not show the bias:
/// they are evaluated on the same rows.
///
/// **Source**: Efron, *Estimating the error rate of a prediction rule*, 1983, for the bootstrap of an optimism; Louis, *Estimating
/// a population of parameter values using Bayes and empirical Bayes methods*, 1984, for the shrinkage that keeps the variance of
/// the true values; Cawley and Talbot, *On over-fitting in model selection*, 2010, for the bias.
public struct SelectionBias: Hashable, Sendable, Encodable {
  /// The number of trials selected among.
  public let trials: Int
  /// The number of dev rows.
  public let rows: Int
  /// The estimated bias: the amount by which the best dev error, or RMSE, is too low.
  public let value: Double

  private static let draws = 200
  /// The work above which fewer draws are made.
  private static let mostWork = 1_000_000_000

  /// - Parameters:
  ///   - outcomes: Each trial's error on each row: 0 or 1, a share, or a squared error.
  ///   - cases: Which rows belong together; nil: rows are independent.
  /// - Returns: Nil for fewer than two trials or rows.
  package init?(_ outcomes: [[Float]], isNumber: Bool, cases: [Int]? = nil, seed: UInt64) {
    guard outcomes.count > 1, let rows = outcomes.first?.count, rows > 1 else { return nil }
    func figure(_ sum: Double, _ count: Double) -> Double {
      let mean = sum / count
      return isNumber ? mean.squareRoot() : mean
    }
    let all = outcomes.map { figure($0.reduce(0.0) { $0 + Double($1) }, Double(rows)) }
    let sample = RowSample(rows: rows, cases: cases)
    let draws = max(20, min(Self.draws, Self.mostWork / (outcomes.count * rows)))
    let luck = (0..<draws).map { draw -> [Double] in
      var stream = RandomStream(seed: seed, purpose: .bootstrap, step: 3, index: draw)
      let counts = sample.draw(&stream).map { Float($0) }
      let drawn = Double(counts.reduce(0, +))
      return outcomes.indices.map { trial in
        let list = outcomes[trial]
        var total = 0.0
        for row in 0..<rows { total += Double(list[row] * counts[row]) }
        return figure(total, drawn) - all[trial]
      }
    }
    let middle = all.reduce(0, +) / Double(all.count)
    let own = luck.reduce(0) { $0 + $1.variance } / Double(draws)
    let spread = all.variance
    let shrinkage = spread > 0 ? max(0, 1 - own / spread).squareRoot() : 0
    let truths = all.map { middle + shrinkage * ($0 - middle) }
    let selected = luck.map { luck in
      luck[truths.indices.min { truths[$0] + luck[$0] < truths[$1] + luck[$1] } ?? 0]
    }
    trials = outcomes.count
    self.rows = rows
    value = max(0, -selected.reduce(0, +) / Double(draws))
  }

  /// The bias in a sentence.
  package func sentence(_ unit: Unit) -> String {
    "The selection among \(trials) trials on the same \(rows) dev rows makes the best first score too low by about "
      + "\(unit.points(value)) (bootstrap over the rows); fresh seeds do not remove that."
  }
}

extension [Double] {
  /// The sample variance.
  fileprivate var variance: Double {
    let mean = reduce(0, +) / Double(count)
    return reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(Swift.max(1, count - 1))
  }
}

/// The errors of a tuner's trials on each dev row, as long as they fit in memory.
final class TrialOutcomes: Sendable {
  private let known = Mutex<[Int: [Float]]>([:])
  private static let mostValues = 1 << 25

  func add(_ outcomes: [Double], of trial: Int) {
    known.withLock { known in
      guard (known.count + 1) * outcomes.count <= Self.mostValues else { return }
      known[trial] = outcomes.map { Float($0) }
    }
  }

  /// Returns the outcomes of these trials; none unless all of them ran in this process.
  func of(_ trials: [Trial]) -> [[Float]] {
    let found = known.withLock { known in trials.compactMap { known[$0.number] } }
    return found.count == trials.count ? found : []
  }
}
