import TartineData
import TartineEngine
import TartineTraining

/// The dev error at several sizes of the train set, and its extrapolation to twice the data.
///
/// Each size is trained with several seeds, each on its own rows. The curve is a power law with a floor,
///
///     error(n) = a + b · n^−c,
///
/// fitted by likelihood over a grid of floors, exponents and levels, on the log errors, with a Student's t
/// likelihood because few trainings estimate the standard deviation. The band is the likelihood-weighted
/// distribution of the laws' errors at twice the rows, plus the sampling error of dev.
///
/// No prediction is made if no such law fits, or if the band would be too wide.
///
/// **Source**: Mohr, Viering, Loog, van Rijn, *LCDB 1.0: an extensive learning curves database*, 2022, for
/// the family of curves.
public struct LearningCurve: Sendable {
  /// The trainings at one size.
  public struct Point: Hashable, Sendable, Encodable {
    /// The number of train rows.
    public let rows: Int
    /// The dev error, or RMSE, of each seed.
    public let errors: [Double]

    /// Creates a point from a size and its errors.
    public init(rows: Int, errors: [Double]) {
      self.rows = rows
      self.errors = errors
    }

    var mean: Double { errors.reduce(0, +) / Double(errors.count) }
  }

  /// The prediction for more data.
  public enum Answer: Hashable, Sendable {
    /// The error with twice the rows, and its 90 % band.
    case twice(Estimate)
    /// The reason for making no prediction.
    case declined(String)
  }

  /// The points from the smallest size up; the last is the whole train set.
  public let points: [Point]
  /// The fitted curve at each point and at twice the rows: its median and 90 % band.
  public let band: [(rows: Int, estimate: Estimate)]
  /// The prediction for twice the data.
  public let answer: Answer
  /// The decrease of the error with twice the data, with its 90 % band; nil if no prediction is made or the
  /// errors do not significantly fall.
  public let fall: Estimate?

  /// Fits a curve to measured points.
  ///
  /// - Parameters:
  ///   - points: At least four sizes with at least two seeds each; the last has all rows.
  ///   - samplingStandardDeviation: The relative standard error of the dev error due to the number of dev rows.
  public init(_ points: [Point], samplingStandardDeviation: Double) {
    self.points = points.sorted { $0.rows < $1.rows }
    guard let fit = PowerLawFit(self.points) else {
      band = []
      fall = nil
      answer = .declined("some errors are 0, or there are fewer than four sizes, which is not enough to fit a curve")
      return
    }
    let last = self.points[self.points.count - 1]
    let sizes = self.points.map(\.rows) + [2 * last.rows]
    band = sizes.map { ($0, fit.estimate(at: Double($0), samplingStandardDeviation: samplingStandardDeviation)) }
    let estimate = band[band.count - 1].estimate
    let laws = fit.fall(from: Double(last.rows), to: 2 * Double(last.rows))
    let isWide = estimate.high - estimate.low > Self.widest * last.mean
    fall = fit.isPlausible && !fit.isSteepening && !isWide && fit.isFalling ? laws : nil
    if fit.isRising {
      answer = .declined("the errors rise with the number of rows, which no power law does")
    } else if !fit.isPlausible {
      answer = .declined(
        "a power law does not fit: the errors vary more from size to size than from seed to seed")
    } else if fit.isSteepening {
      answer = .declined(
        "the errors have only begun to fall: they fall faster with more rows, so that they cannot be extrapolated")
    } else if isWide {
      answer = .declined(
        "the 90 % band at twice the rows would be \(Text.fixed((estimate.high - estimate.low) / last.mean * 100, decimals: 0)) % of "
          + "the error wide, too wide to be of use")
    } else {
      answer = .twice(estimate)
    }
  }

  /// The share of cases in which the truth lay in the band, in percent: see Documentation/Evidence.md.
  package static let measuredCoverage = 85.5

  /// A band wider than this share of the error is too wide.
  private static let widest = 0.5
}

extension LearningCurve: Encodable {
  private enum Key: String, CodingKey { case points, band, twice, fall, declined }

  private struct Place: Encodable {
    let rows: Int
    let error: Estimate
  }

  /// The points, the band, and the prediction for twice the rows, or the reason for making none.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(points, forKey: .points)
    try values.encode(band.map { Place(rows: $0.rows, error: $0.estimate) }, forKey: .band)
    switch answer {
    case .twice(let error): try values.encode(error, forKey: .twice)
    case .declined(let reason): try values.encode(reason, forKey: .declined)
    }
    try values.encodeIfPresent(fall, forKey: .fall)
  }
}

extension Recipe {
  /// Trains the recipe at several sizes of the train set. If the recipe sets the number of epochs, a smaller
  /// train set is trained for fewer steps.
  ///
  /// - Parameters:
  ///   - split: Its train rows are subsampled; test stays locked.
  ///   - sizes: The number of sizes, from 4 to 8; each is smaller than the next by a factor of √2.
  ///   - seeds: The number of trainings at each size.
  ///   - threads: The default is the number of processors; the result does not depend on it.
  ///   - progress: Called after each training.
  /// - Throws: The errors of a training.
  public func learningCurve(
    on split: Split, sizes: Int = 6, seeds: Int = 3, threads: Int? = nil,
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> LearningCurve {
    var points: [LearningCurve.Point] = []
    var last: [Run] = []
    // Groups are kept whole, so the number of rows may differ from the one asked for.
    var rows = 0.0
    for size in 0..<sizes {
      let share = 1 / Double(1 << (sizes - 1 - size)).squareRoot()
      let count = max(2, Int((Double(split.trainCount) * share).rounded()))
      last = try (0..<seeds).map { seed in
        let part = size == sizes - 1 ? split : split.with(train: split.sample(count, seed: UInt64(seed)))
        rows += Double(part.trainCount) / Double(seeds)
        let run = try train(on: part, seed: UInt64(seed), threads: threads)
        progress(size * seeds + seed + 1, sizes * seeds)
        return run
      }
      let mean = Int(rows.rounded())
      rows = 0
      // Two sizes with the same groups are one.
      if mean == points.last?.rows { continue }
      points.append(LearningCurve.Point(rows: mean, errors: last.map(\.dev.score)))
    }
    return LearningCurve(points, samplingStandardDeviation: last.first.map(\.dev.samplingStandardDeviation) ?? 0)
  }
}

extension Evaluation {
  /// The relative standard error of the figure over other rows.
  var samplingStandardDeviation: Double {
    guard score > 0 else { return 0 }
    let spread = Estimate.deviationOfMean(outcomes, cases: cases).value
    return task == .regression ? spread / (2 * meanOutcome) : spread / meanOutcome
  }
}
