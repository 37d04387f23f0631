import TartineData
import TartineEngine
import TartineFiles
import TartinePlatform

/// How far a model was from the truth on rows that it was not trained on: what makes intervals for single predictions.
///
/// A row's score s says how strange its truth is to the model: for a class −log p of it; for a number |y − ŷ| / σ(ŷ), where σ is
/// the usual size of the error near a prediction. Of n rows, the smallest score q that at least (1 + 1/n) c n of them do not exceed
/// is exceeded by the next row with a probability of at most 1 − c, whatever the model and the distribution, as long as the next
/// row is drawn as these were. So the interval is ŷ ± q σ(ŷ), and the set holds each class with −log p ≤ q.
///
/// The rows are those of dev. So that none of them has chosen the weights it is measured with, each half of them is measured at the
/// epoch that the other half would keep. Sample weights weigh the scores; where rows belong to groups, each group counts as one,
/// and n is the number of groups.
///
/// **Source**: Papadopoulos et al., *Inductive confidence machines for regression*, 2002; Lei et al., *Distribution-free
/// predictive inference for regression*, 2018, §5.2 for the σ of each row; Sadinle, Lei, Wasserman, *Least ambiguous set-valued
/// classifiers*, 2019, for the sets.
///
/// **Differs from**: σ is estimated from the same rows, each without itself, and not by a second model,
/// so the bound is approximate. A set always holds the
/// predicted class, so where the model is right more often than asked, its sets are too.
public struct ConformalScores: Codable, Hashable, Sendable {
  /// Scores in ascending order; of many rows some, evenly spaced.
  private let scores: [Float]
  /// The share of the rows with at most each score.
  private let shares: [Float]
  /// The number of rows or groups, of weighted rows the effective one.
  private let count: Double
  /// The size of the error by the prediction; nil: for classes.
  private let spread: Spread?

  /// The most scores that are kept; between two of them the larger is used.
  private static let mostScores = 1_000

  /// - Parameters:
  ///   - errors: Of each row |y − ŷ|, or −log p of its class.
  ///   - predictions: ŷ of each row; nil: for classes.
  ///   - weights: The sample weights; nil: all 1.
  ///   - groups: Which rows belong together; nil: none.
  package init?(errors: [Double], predictions: [Double]?, weights: [Double]?, groups: [Int]?) {
    guard !errors.isEmpty, errors.allSatisfy(\.isFinite), predictions?.allSatisfy(\.isFinite) ?? true else {
      return nil
    }
    var weights = weights ?? [Double](repeating: 1, count: errors.count)
    if let groups {
      var sizes: [Int: Double] = [:]
      for group in groups { sizes[group, default: 0] += 1 }
      for (row, group) in groups.enumerated() { weights[row] /= sizes[group] ?? 1 }
      count = Double(sizes.count)
    } else {
      let sum = weights.reduce(0, +)
      count = sum * sum / weights.reduce(0) { $0 + $1 * $1 }
    }
    guard count > 0 else { return nil }
    var measured = errors
    if let predictions {
      let (spread, own) = Spread.estimate(errors: errors, predictions: predictions, weights: weights)
      for row in measured.indices { measured[row] /= own[row] }
      self.spread = spread
    } else {
      spread = nil
    }
    let order = measured.indices.sorted { measured[$0] < measured[$1] }
    let total = weights.reduce(0, +)
    var (scores, shares): ([Float], [Float]) = ([], [])
    var sum = 0.0
    for (place, row) in order.enumerated() {
      sum += weights[row]
      let isLast = place == order.count - 1
      // A score that is kept stands for those just below it, so that nothing is promised too much.
      guard
        isLast || sum / total * Double(Self.mostScores) >= Double(scores.count + 1) || order.count <= Self.mostScores
      else { continue }
      scores.append(Float(measured[row]))
      shares.append(isLast ? 1 : Float(sum / total))
    }
    (self.scores, self.shares) = (scores, shares)
  }

  /// The highest coverage that so few rows can give.
  public var highestCoverage: Double { count / (count + 1) }

  /// The score that a share of rows does not exceed; nil where there are too few rows for it.
  package func quantile(_ coverage: Double) -> Double? {
    let share = coverage * (1 + 1 / count)
    guard share <= 1 else { return nil }
    return shares.firstIndex { Double($0) >= share - 1e-7 }.map { Double(scores[$0]) }
  }

  /// Half the width of the interval about a number.
  package func reach(of prediction: Double, coverage: Double) -> Double? {
    guard let spread, let quantile = quantile(coverage) else { return nil }
    return quantile * spread.size(at: prediction)
  }

  /// The classes that together hold the true one with this probability, the predicted one among them; nil where there are too few
  /// rows for it.
  func classes(_ logLosses: [Double], predicted: Int, coverage: Double) -> [Int]? {
    quantile(coverage).map { most in logLosses.indices.filter { logLosses[$0] <= most || $0 == predicted } }
  }

  /// The −log p of each class before calibration: p is the probability to the power of the temperature, scaled to a sum of 1.
  static func logLosses(_ probabilities: [Double], temperature: Double) -> [Double] {
    let logs = probabilities.map { temperature * log(max($0, .leastNormalMagnitude)) }
    let largest = logs.max() ?? 0
    let sum = logs.reduce(0) { $0 + exp($1 - largest) }
    return logs.map { largest + log(sum) - $0 }
  }

  /// A sentence that says why there can be no interval of this coverage, or nil.
  public func problem(coverage: Double) -> String? {
    guard coverage > 0, coverage < 1 else {
      return "the coverage must be between 0 and 1, such as 0.9, not \(coverage)"
    }
    guard quantile(coverage) == nil else { return nil }
    let needed = (coverage / (1 - coverage)).rounded(.up)
    return
      "intervals of \(Column.text(of: coverage)) need at least \(Int(needed)) dev rows or groups, and there were \(Int(count)); "
      + "ask for \(Column.text(of: (highestCoverage * 100).rounded(.down) / 100)) or less, or train with more dev rows"
  }

  /// A sentence that says which value of a file is invalid, or nil.
  var problem: String? {
    let isAscending =
      zip(scores, scores.dropFirst()).allSatisfy { $0 <= $1 } && zip(shares, shares.dropFirst()).allSatisfy { $0 <= $1 }
    return count > 0 && !scores.isEmpty && scores.count == shares.count && scores.allSatisfy(\.isFinite)
      && shares.last == 1
      && isAscending && spread?.isValid ?? true ? nil : "its conformal scores are invalid"
  }
}

extension ConformalScores {
  /// The usual size of the error as a function of the prediction: dear houses are predicted less exactly than cheap ones.
  struct Spread: Codable, Hashable, Sendable {
    /// Predictions, ascending.
    private let knots: [Double]
    /// The mean absolute error near each; beyond the ends that of the end, between two the line.
    private let sizes: [Double]

    private static let mostKnots = 65
    /// The rows of the smallest neighbourhood, to each side.
    private static let fewestNeighbours = 25
    /// The rows that the mean of all counts as, so that no neighbourhood is believed too much.
    private static let prior = 10.0

    /// The mean absolute error of each row's neighbours by prediction, a twentieth of the rows to each side, shrunk toward the
    /// mean of all; for the row's own score without the row itself.
    static func estimate(errors: [Double], predictions: [Double], weights: [Double]) -> (Spread, own: [Double]) {
      let count = errors.count
      let order = predictions.indices.sorted { predictions[$0] < predictions[$1] }
      var sums = [(error: 0.0, weight: 0.0)]
      for row in order {
        let last = sums[sums.count - 1]
        sums.append((last.error + weights[row] * errors[row], last.weight + weights[row]))
      }
      let mean = max(sums[count].error / sums[count].weight, .leastNormalMagnitude)
      // With one weight everywhere the prior counts as so many rows.
      let prior = prior * sums[count].weight / Double(count)
      let reach = max(fewestNeighbours, count / 20)
      func size(at place: Int, without row: Int?) -> Double {
        let (low, high) = (max(0, place - reach), min(count, place + reach + 1))
        var (error, weight) = (sums[high].error - sums[low].error, sums[high].weight - sums[low].weight)
        if let row {
          error -= weights[row] * errors[row]
          weight -= weights[row]
        }
        return max((max(0, error) + prior * mean) / (max(0, weight) + prior), 1e-6 * mean)
      }
      var own = [Double](repeating: mean, count: count)
      for (place, row) in order.enumerated() { own[row] = size(at: place, without: row) }
      let knots = min(mostKnots, count)
      let places = (0..<knots).map { knots == 1 ? 0 : $0 * (count - 1) / (knots - 1) }
      return (
        Spread(knots: places.map { predictions[order[$0]] }, sizes: places.map { size(at: $0, without: nil) }), own
      )
    }

    func size(at prediction: Double) -> Double {
      guard let next = knots.firstIndex(where: { $0 > prediction }) else { return sizes[sizes.count - 1] }
      guard next > 0 else { return sizes[0] }
      let share = (prediction - knots[next - 1]) / (knots[next] - knots[next - 1])
      return sizes[next - 1] + share * (sizes[next] - sizes[next - 1])
    }

    var isValid: Bool {
      !knots.isEmpty && knots.count == sizes.count && sizes.allSatisfy { $0 > 0 && $0.isFinite }
        && knots.allSatisfy(\.isFinite)
        && zip(knots, knots.dropFirst()).allSatisfy { $0 <= $1 }
    }
  }
}

extension Evaluation {
  /// Of each row, whether the interval or set of that coverage holds its truth, and its width or number of classes; nil without
  /// conformal scores.
  package func intervals(_ coverage: Double) -> [(isHeld: Bool, size: Double)]? {
    guard let conformal, task != .multilabel, conformal.quantile(coverage) != nil else { return nil }
    if task == .regression {
      return zip(predictions, truths).map { prediction, truth in
        let reach = conformal.reach(of: prediction, coverage: coverage) ?? .infinity
        return (abs(truth - prediction) <= reach, 2 * reach)
      }
    }
    let (width, all) = (outputNames.count, classProbabilities)
    return predictions.indices.map { row in
      let losses = ConformalScores.logLosses(Array(all[row * width..<(row + 1) * width]), temperature: temperature)
      let set = conformal.classes(losses, predicted: Int(predictions[row]), coverage: coverage) ?? []
      return (set.contains(Int(truths[row])), Double(set.count))
    }
  }
}

/// The errors of dev rows, each at the epoch that the other half of dev would keep.
package struct HeldOutErrors {
  /// Which half each row is in, whole groups in one.
  package let isSecond: [Bool]
  /// The lowest loss of each half so far.
  private(set) var lowest = [Double.infinity, .infinity]
  /// y − ŷ, or −log p of the class, of each row.
  package private(set) var errors: [Float]
  /// ŷ of each row.
  private(set) var predictions: [Float]
  private let keepsLast: Bool

  /// - Parameters:
  ///   - count: The number of dev rows.
  ///   - cases: Which of them belong together; nil: none.
  package init(count: Int, cases: [Int]?, seed: UInt64, keeps: KeptEpoch) {
    var isSecond = [Int: Bool]()
    var stream = RandomStream(seed: seed, purpose: .conformal)
    var units = Array(Set(cases ?? Array(0..<count))).sorted()
    stream.shuffle(&units)
    for (place, unit) in units.enumerated() { isSecond[unit] = place % 2 == 1 }
    self.isSecond = (0..<count).map { isSecond[cases?[$0] ?? $0] ?? false }
    errors = [Float](repeating: .nan, count: count)
    predictions = errors
    keepsLast = keeps == .last
  }

  /// Takes an epoch's evaluation of the rows.
  package mutating func take(_ evaluation: Evaluation) {
    guard evaluation.task != .multilabel else { return }
    var losses = [0.0, 0.0]
    for (row, loss) in evaluation.losses.enumerated() { losses[isSecond[row] ? 1 : 0] += loss }
    let isChosen = (0..<2).map { keepsLast || losses[$0] < lowest[$0] }
    for half in 0..<2 where losses[half] < lowest[half] { lowest[half] = losses[half] }
    let isRegression = evaluation.task == .regression
    for row in isSecond.indices where isChosen[isSecond[row] ? 0 : 1] {
      errors[row] =
        isRegression
        ? Float(copysign(evaluation.absoluteErrors[row], evaluation.truths[row] - evaluation.predictions[row]))
        : Float(evaluation.logLosses[row])
      predictions[row] = Float(evaluation.predictions[row])
    }
  }

  /// The errors of the mean of several networks, on the same rows.
  static func ofMean(_ all: [HeldOutErrors], of task: LearningTask) -> HeldOutErrors {
    var mean = all[0]
    guard all.count > 1 else { return mean }
    let count = Float(all.count)
    for row in mean.errors.indices {
      guard task == .regression else {
        // −log of the mean probability, from the largest one, so that none of them underflows.
        let least = all.reduce(Float.infinity) { min($0, $1.errors[row]) }
        mean.errors[row] = least - log(all.reduce(0) { $0 + exp(least - $1.errors[row]) } / count)
        continue
      }
      mean.errors[row] = all.reduce(0) { $0 + $1.errors[row] } / count
      mean.predictions[row] = all.reduce(0) { $0 + $1.predictions[row] } / count
    }
    return mean
  }

  /// The name of its tensor in a checkpoint.
  static let tensorName = "heldOut"

  /// As a checkpoint stores it: the lowest losses, errors and predictions.
  var stored: Safetensors.Tensor {
    let values = lowest + errors.map(Double.init) + predictions.map(Double.init)
    return Safetensors.Tensor(
      shape: [values.count], precision: .float64, bytes: values.withUnsafeBytes { ArraySlice($0) })
  }

  /// Goes on from a checkpoint; without the tensor, from before it was stored, only later epochs count.
  mutating func restore(_ stored: Safetensors.Tensor?) {
    let count = isSecond.count
    guard let stored, stored.precision == .float64, stored.shape == [2 + 2 * count] else { return }
    let values = stored.bytes.withUnsafeBytes { bytes in
      (0..<2 + 2 * count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
    lowest = Array(values[..<2])
    errors = values[2..<2 + count].map { Float($0) }
    predictions = values[(2 + count)...].map { Float($0) }
  }

  /// The scores; nil for several labels, and where nothing was measured.
  func scores(_ rows: PreparedRows, task: LearningTask) -> ConformalScores? {
    let weights = rows.weights.map { arena in
      (0..<rows.rowCount).map { Double(arena.base.assumingMemoryBound(to: Float.self)[$0]) }
    }
    return ConformalScores(
      errors: errors.map { Double(task == .regression ? abs($0) : $0) },
      predictions: task == .regression ? predictions.map(Double.init) : nil,
      weights: weights, groups: rows.cases)
  }
}
