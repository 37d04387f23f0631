import TartineData
import TartineEngine
import TartineTraining
import TartinePlatform

/// The range of learning rates at which a network learns, from learning-rate sweeps with several seeds.
///
/// The smoothed losses of a sweep fall once the learning rate is high enough and rise again once it is too
/// high. The range begins where a tenth of the whole fall is done for good and ends where the loss is lowest.
/// The suggested learning rate lies a third of the range, on a log scale, below the lowest upper end of any
/// seed.
///
/// **Source**: Smith, *Cyclical learning rates for training neural networks*, 2017, §3.3.
///
/// **Differs from**: libraries that suggest one point of one sweep, on a linear scale or without smoothing.
public struct LearningRateRange: Sendable, Encodable {
  /// One seed's sweep.
  public struct Sweep: Sendable, Encodable {
    /// The learning rate of each step, ascending. The sweep ends where the loss is four times the lowest, or
    /// not finite.
    public let rates: [Double]
    /// The smoothed loss after each step.
    public let losses: [Double]
    /// The learning rates where learning begins and where the loss is lowest; nil if the loss never fell.
    public let low, high: Double?
  }

  /// The sweep of each seed.
  public let sweeps: [Sweep]
  /// Where learning begins: the median over seeds, with their minimum and maximum; nil if most seeds did not
  /// learn.
  public let low: Estimate?
  /// Where the loss is lowest: the median over seeds, with their minimum and maximum.
  public let high: Estimate?
  /// The suggested learning rate.
  public let suggestion: Double?

  /// Summarizes sweeps.
  init(_ sweeps: [Sweep]) {
    self.sweeps = sweeps
    let found = sweeps.filter { $0.low != nil }
    guard found.count * 2 > sweeps.count else {
      (low, high, suggestion) = (nil, nil, nil)
      return
    }
    let (lows, highs) = (found.compactMap(\.low).sorted(), found.compactMap(\.high).sorted())
    low = Estimate(lows[lows.count / 2], low: lows[0], high: lows[lows.count - 1])
    high = Estimate(highs[highs.count / 2], low: highs[0], high: highs[highs.count - 1])
    let (from, to) = (log(lows[lows.count / 2]), log(highs[0]))
    suggestion = exp(max(from, to - (to - from) / 3))
  }

  static let rates = (lowest: 1e-7, highest: 10.0)
}

extension LearningRateRange.Sweep {
  private static let beta = 0.9
  private static let lag = Int((beta / (1 - beta)).rounded())

  /// The losses of single batches at these learning rates.
  init(_ rates: [Double], batchLosses: [Double]) {
    var average = MovingAverage(beta: Self.beta)
    var smoothed: [Double] = []
    var lowest = Double.infinity
    for loss in batchLosses {
      average.add(loss)
      let value = average.value ?? loss
      smoothed.append(value)
      // The first values average few losses.
      if smoothed.count > 10 { lowest = min(lowest, value) }
      if value - lowest > 3 * abs(lowest) { break }
    }
    self.rates = Array(rates.prefix(smoothed.count))
    losses = smoothed
    guard smoothed.count > 20, let place = smoothed.indices.dropFirst(10).min(by: { smoothed[$0] < smoothed[$1] })
    else {
      (low, high) = (nil, nil)
      return
    }
    // The loss before learning: the mean of the first steps.
    let first = smoothed[10...min(20, smoothed.count - 1)].reduce(0, +) / Double(min(20, smoothed.count - 1) - 9)
    let fall = first - smoothed[place]
    // Averages of ten batches vary by chance.
    let opening = Array(batchLosses.prefix(20))
    let middle = opening.reduce(0, +) / Double(opening.count)
    let noise = (opening.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(opening.count - 1) / 10).squareRoot()
    guard fall > 0.05 * abs(first), fall > 4 * noise else {
      (low, high) = (nil, nil)
      return
    }
    // For good: long before, chance takes it below now and then.
    let start = smoothed[..<place].lastIndex { $0 >= first - 0.1 * fall } ?? place
    // The average lags by β/(1 − β) steps.
    low = rates[max(0, start - Self.lag)]
    high = rates[max(0, place - Self.lag)]
  }
}

extension Recipe {
  /// Finds the learning rates at which the network learns.
  ///
  /// - Parameters:
  ///   - split: The data; test stays locked.
  ///   - seeds: The number of sweeps, at least 1.
  ///   - steps: The number of steps of each sweep.
  ///   - threads: The default is the number of processors; the result does not depend on it.
  /// - Throws: The errors of a training before its first step; `RecipeError` for L-BFGS, which has no
  ///   learning rate.
  public func learningRateRange(
    on split: Split, seeds: Int = 5, steps: Int = 200, threads: Int? = nil
  ) throws -> LearningRateRange {
    guard optimizer.algorithm != .lbfgs else {
      throw RecipeError("lbfgs finds the length of each step by itself, so there is no learning rate to look for.")
    }
    let (from, to) = (log(LearningRateRange.rates.lowest), log(LearningRateRange.rates.highest))
    let rates = (0..<steps).map { exp(from + (to - from) * Double($0) / Double(max(1, steps - 1))) }
    return LearningRateRange(
      try (0..<max(1, seeds)).map { seed in
        var recipe = self
        recipe.seed &+= UInt64(seed)
        let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
        return LearningRateRange.Sweep(rates, batchLosses: trainer.losses(at: rates))
      })
  }
}
