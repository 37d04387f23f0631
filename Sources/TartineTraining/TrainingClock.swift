/// The time limit of a training, whose schedules then follow the time instead of the number of epochs.
package struct TrainingClock {
  package let end: ContinuousClock.Instant
  /// How far the schedules have come at the end: 1, or less in a training that ends before its last epoch.
  private let reach: Double
  private var start = ContinuousClock.now
  /// The seconds before a resumption.
  private var before = 0.0
  /// The seconds of the last evaluation, for which the training leaves time.
  package var evaluation = 0.0

  package init(end: ContinuousClock.Instant, reach: Double = 1) {
    self.end = end
    self.reach = reach
  }

  /// Begins, after some seconds of an earlier process.
  package mutating func begin(after before: Double) {
    self.before = before
    start = .now
  }

  /// The seconds since the beginning, with those of an earlier process.
  var seconds: Double { before + (ContinuousClock.now - start).inSeconds }

  /// The share of the time that has passed, from 0 to 1.
  package var share: Double {
    let whole = before + (end - start).inSeconds - evaluation
    return whole > 0 ? min(1, seconds / whole) : 1
  }

  package var isUp: Bool { share >= 1 }

  /// The number of steps that fit, judged by those so far.
  package func steps(after steps: Int) -> Int {
    let progress = share * reach
    // At the beginning of any schedule.
    guard steps > 0, progress > 0 else { return 1 << 40 }
    return max(steps + 1, Int(min(Double(1 << 40), (Double(steps) / progress).rounded())))
  }
}
