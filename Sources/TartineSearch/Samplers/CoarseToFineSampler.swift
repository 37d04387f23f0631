import TartineEngine

/// Searches from coarse to fine, as in the lecture: points spread over the whole space, then over smaller and
/// smaller boxes around the best ones, each hyperparameter on its own scale.
///
/// Each round's points fill their box evenly. The next box is centred on the mean of the best trials so far,
/// a quarter of a round, and is half as wide in each hyperparameter. Where this mean is near an edge of the
/// box, the next box moves there and is wider by √2. Categorical values are drawn from those of the best
/// trials, by frequency.
///
/// **Source**: Ng, *Improving deep neural networks*, "Hyperparameters tuning in practice".
public struct CoarseToFineSampler: Sampler {
  /// The number of points per round; nil: 4 per hyperparameter, from 8 to 24.
  public var roundSize: Int?
  /// The ratio of the widths of a box and the one before.
  public var shrinkage = 0.5

  /// Creates a sampler.
  public init(roundSize: Int? = nil) { self.roundSize = roundSize }

  /// The box of one round.
  public struct Box: Hashable, Sendable, Codable {
    /// The number of its first trial.
    public let first: Int
    /// The ends in each hyperparameter, from 0 to 1; always 0 and 1 for choices.
    public let low, high: [Double]
  }

  private func size(_ space: SearchSpace) -> Int { roundSize ?? min(24, max(8, 4 * space.count)) }

  /// Returns a point of the low-discrepancy sequence in the box of the trial's round.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    let size = size(space)
    let boxes = boxes(number, in: space, after: history)
    let box = boxes[boxes.count - 1]
    let point = SobolSequence(dimensions: space.count, seed: seed, index: number / size)[number % size]
    let best = Self.best(history.prefix(number / size * size), count: max(2, size / 4))
    var stream = RandomStream(seed: seed, purpose: .search, step: number, index: 2)
    return space.parameters.indices.map { place in
      guard space.parameters[place].domain.isOrdered else {
        // One in five is drawn from all choices, so that none is lost for good.
        guard !best.isEmpty, stream.uniform() > 0.2 else { return point[place] }
        let chosen = best[stream.integer(below: best.count)].point[place]
        return chosen.isNaN ? point[place] : chosen
      }
      return box.low[place] + point[place] * (box.high[place] - box.low[place])
    }
  }

  /// Returns the boxes of the rounds up to that of a trial.
  public func boxes(_ number: Int, in space: SearchSpace, after history: [Observation]) -> [Box] {
    let size = size(space)
    var boxes = [Box(first: 0, low: space.parameters.map { _ in 0 }, high: space.parameters.map { _ in 1 })]
    for round in 1..<max(1, number / size + 1) {
      let last = boxes[boxes.count - 1]
      let best = Self.best(history.prefix(round * size), count: max(2, size / 4))
      guard !best.isEmpty else { break }
      var (low, high) = (last.low, last.high)
      for (place, parameter) in space.parameters.enumerated() where parameter.domain.isOrdered {
        let places = best.map(\.point[place]).filter { !$0.isNaN }
        guard !places.isEmpty else { continue }
        let width = last.high[place] - last.low[place]
        let middle = places.reduce(0, +) / Double(places.count)
        // At an edge of the box, unless it is the edge of the space, the optimum may be outside.
        let isAtEdge =
          (middle < last.low[place] + 0.15 * width && last.low[place] > 0)
          || (middle > last.high[place] - 0.15 * width && last.high[place] < 1)
        let next = isAtEdge ? min(1, width / shrinkage.squareRoot()) : shrinkage * width
        low[place] = max(0, min(1 - next, middle - next / 2))
        high[place] = min(1, low[place] + next)
      }
      boxes.append(Box(first: round * size, low: low, high: high))
    }
    return boxes
  }

  private static func best(_ history: some Sequence<Observation>, count: Int) -> [Observation] {
    let done = history.filter { $0.value?.isFinite == true }
    return Array(done.sorted { ($0.value ?? 0) < ($1.value ?? 0) }.prefix(count))
  }
}
