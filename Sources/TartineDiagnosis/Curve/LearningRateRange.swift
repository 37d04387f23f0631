import TartineData
import TartineEngine
import TartineTraining

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Between which rates a network learns: steps at ever higher rates, with several seeds.
///
/// A sweep's losses, smoothed over steps, fall once the rate is high enough and rise again once it is too high. It learns from
/// where a tenth of the whole fall is done for good to where the loss is lowest; what is suggested lies a third, on a log scale, below
/// the lowest upper end of any seed.
///
/// **Source**: Smith, *Cyclical learning rates for training neural networks*, 2017, §3.3.
///
/// **Differs from**: libraries that give one point of one sweep, on a linear scale of the rate or unsmoothed.
public struct LearningRateRange: Sendable, Encodable {
  /// One seed's sweep.
  public struct Sweep: Sendable, Encodable {
    /// Each step's rate, ascending; it ends where the loss is four times the lowest, or not finite.
    public let rates: [Double]
    /// The smoothed loss after each.
    public let losses: [Double]
    /// Where it begins to learn, and where the loss is lowest; nil where it never fell.
    public let low, high: Double?
  }

  /// One a seed.
  public let sweeps: [Sweep]
  /// Where learning begins: the median over seeds, with the lowest and the highest of them; nil where most did not learn.
  public let low: Estimate?
  /// Where the loss is lowest, likewise.
  public let high: Estimate?
  /// A rate to begin with.
  public let suggestion: Double?

  /// Sums up sweeps.
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

  /// Losses of single batches at these rates.
  init(_ rates: [Double], batchLosses: [Double]) {
    var average = MovingAverage(beta: Self.beta)
    var smoothed: [Double] = []
    var lowest = Double.infinity
    for loss in batchLosses {
      average.add(loss)
      let value = average.value ?? loss
      smoothed.append(value)
      // The first ones are an average of few.
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
    // What it was before any rate did anything: the first steps' mean.
    let first = smoothed[10...min(20, smoothed.count - 1)].reduce(0, +) / Double(min(20, smoothed.count - 1) - 9)
    let fall = first - smoothed[place]
    // Averages of ten batches differ by chance as well.
    let opening = Array(batchLosses.prefix(20))
    let middle = opening.reduce(0, +) / Double(opening.count)
    let noise = (opening.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(opening.count - 1) / 10).squareRoot()
    guard fall > 0.05 * abs(first), fall > 4 * noise else {
      (low, high) = (nil, nil)
      return
    }
    // For good: chance takes it below now and then, long before.
    let start = smoothed[..<place].lastIndex { $0 >= first - 0.1 * fall } ?? place
    // The average lags behind by β/(1 − β) steps.
    low = rates[max(0, start - Self.lag)]
    high = rates[max(0, place - Self.lag)]
  }
}

extension Recipe {
  /// Looks for rates at which the network learns.
  ///
  /// - Parameters:
  ///   - split: the rows; test stays locked.
  ///   - seeds: sweeps, from 1.
  ///   - steps: of each.
  ///   - threads: by default as many as there are processors; the result is the same for any number.
  /// - Throws: what a training throws before its first step; `RecipeError` for L-BFGS, which has no such rate.
  public func learningRateRange(
    on split: Split, seeds: Int = 5, steps: Int = 200, threads: Int? = nil
  ) throws -> LearningRateRange {
    guard optimizer.algorithm != .lbfgs else {
      throw RecipeError("lbfgs finds the length of each step by itself, so there is no rate to look for.")
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
