import TartineData
import TartineEngine
import TartineTraining

/// The dev error at several sizes of the train part, and what twice the data would give.
///
/// Each size is trained with several seeds, each on rows of its own. Through them goes a power law with a floor,
///
///     error(n) = a + b · n^−c,
///
/// fitted by likelihood: of each law on a grid of floors, exponents and levels, how likely it makes the errors seen, in their
/// logarithms, with Student's t for a deviation that few trainings tell. The laws' own errors at twice the rows, weighted so,
/// and the sampling of dev's rows, give the band.
///
/// It declines to answer where no such law fits, or where the band would say nothing.
///
/// **Source**: Mohr, Viering, Loog, van Rijn, *LCDB 1.0: an extensive learning curves database*, 2022, for the law's family.
public struct LearningCurve: Sendable {
  /// The trainings at one size.
  public struct Point: Hashable, Sendable, Encodable {
    /// Train rows.
    public let rows: Int
    /// The dev error, or RMSE, of each seed.
    public let errors: [Double]

    /// A size and what was measured there.
    public init(rows: Int, errors: [Double]) {
      self.rows = rows
      self.errors = errors
    }

    var mean: Double { errors.reduce(0, +) / Double(errors.count) }
  }

  /// What is to be expected of more data.
  public enum Answer: Hashable, Sendable {
    /// The error with twice the rows, and the band that holds it nine times of ten.
    case twice(Estimate)
    /// Why nothing is said.
    case declined(String)
  }

  /// From the smallest size up; the last is the whole train part.
  public let points: [Point]
  /// The law at each of the points, and at twice the rows: its middle, and where nine of ten lie.
  public let band: [(rows: Int, estimate: Estimate)]
  /// What twice the data would give.
  public let answer: Answer
  /// By how much the error would fall with twice the data, as nine of ten laws have it; nil where nothing is said, or the errors do not surely fall.
  public let fall: Estimate?

  /// Fits what was measured.
  ///
  /// - Parameters:
  ///   - points: at least four sizes of at least two seeds, the last of all rows that there are.
  ///   - samplingDeviation: the relative deviation that an error has since dev has so few rows.
  public init(_ points: [Point], samplingDeviation: Double) {
    self.points = points.sorted { $0.rows < $1.rows }
    guard let fit = PowerLawFit(self.points) else {
      band = []
      fall = nil
      answer = .declined("some errors are 0, or there are fewer than four sizes, and no law goes through these")
      return
    }
    let last = self.points[self.points.count - 1]
    let sizes = self.points.map(\.rows) + [2 * last.rows]
    band = sizes.map { ($0, fit.estimate(at: Double($0), samplingDeviation: samplingDeviation)) }
    let estimate = band[band.count - 1].estimate
    let laws = fit.fall(from: Double(last.rows), to: 2 * Double(last.rows))
    let isWide = estimate.high - estimate.low > Self.widest * last.mean
    fall = fit.isPlausible && !fit.isSteepening && !isWide && fit.isFalling ? laws : nil
    if fit.isRising {
      answer = .declined("the errors rise with the rows, which no law of such curves does")
    } else if !fit.isPlausible {
      answer = .declined(
        "the errors do not fall as a power law does: they jump more from size to size than from seed to seed")
    } else if fit.isSteepening {
      answer = .declined(
        "the errors have only begun to fall: the more rows, the faster, and nothing says where that ends")
    } else if isWide {
      answer = .declined(
        "the band at twice the rows would be \(Text.fixed((estimate.high - estimate.low) / last.mean * 100, decimals: 0)) % of "
          + "the error wide, which says nothing")
    } else {
      answer = .twice(estimate)
    }
  }

  /// A band wider than this share of the error says nothing.
  private static let widest = 0.5
}

extension LearningCurve: Encodable {
  private enum Key: String, CodingKey { case points, band, twice, fall, declined }

  private struct Place: Encodable {
    let rows: Int
    let error: Estimate
  }

  /// The points, the law's band, and what twice the rows would give or why nothing is said.
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
  /// Trains at several sizes of the train part, by the same recipe, so that the law is of this recipe's error: where it says
  /// how many epochs, a small part is trained for fewer steps too.
  ///
  /// - Parameters:
  ///   - split: whose train rows are taken in parts; test stays locked.
  ///   - sizes: how many, from 4 to 8; each is the next one's by √2.
  ///   - seeds: trainings at each.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  ///   - progress: is told of each training that is done.
  /// - Throws: what a training throws.
  public func learningCurve(
    on split: Split, sizes: Int = 6, seeds: Int = 3, threads: Int? = nil,
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> LearningCurve {
    var points: [LearningCurve.Point] = []
    var last: [Run] = []
    // Whole groups come as large as they are, so that the rows of a size may be others than were asked for.
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
      // Two sizes of the same groups are one.
      if mean == points.last?.rows { continue }
      points.append(LearningCurve.Point(rows: mean, errors: last.map(\.dev.score)))
    }
    return LearningCurve(points, samplingDeviation: last.first.map(\.dev.samplingDeviation) ?? 0)
  }
}

extension Evaluation {
  /// The deviation of the figure over other rows, as a share of it.
  var samplingDeviation: Double {
    guard score > 0 else { return 0 }
    let spread = Estimate.deviationOfMean(outcomes)
    return task == .regression ? spread / (2 * meanOutcome) : spread / meanOutcome
  }
}
