import Dispatch
import Synchronization

/// What was measured.
struct Measurement {
  /// Of a whole batch.
  var secondsPerStep: Double
  let samplesPerSecond: Double
  /// From the process's start, without making the data.
  var firstStep: Double?
  /// How each product was cut, for a floor.
  var cuts: [String]?

  /// Repeats a piece of work for ten windows of time; the figure is the median of what one takes.
  init(seconds: Double, samples: Double, _ step: () -> Void) {
    for _ in 0..<20 { step() }
    let windows = (0..<10).map { _ in
      let start = ContinuousClock.now
      var steps = 0
      repeat {
        step()
        steps += 1
      } while ContinuousClock.now - start < .seconds(seconds / 10)
      return (ContinuousClock.now - start) / .seconds(1) / Double(steps)
    }.sorted()
    secondsPerStep = (windows[4] + windows[5]) / 2
    samplesPerSecond = samples / secondsPerStep
  }

  private init(_ all: [Measurement]) {
    samplesPerSecond = all.reduce(0) { $0 + $1.samplesPerSecond }
    secondsPerStep = all[0].secondsPerStep * all[0].samplesPerSecond / samplesPerSecond
    firstStep = all.compactMap(\.firstStep).max()
    cuts = all[0].cuts
  }

  /// Measures several at once, each on a thread of its own, and adds their samples up.
  static func sideBySide(_ count: Int, _ measure: @Sendable () throws -> Measurement) throws -> Measurement {
    guard count > 1 else { return try measure() }
    let results = Mutex<[Result<Measurement, any Error>]>([])
    DispatchQueue.concurrentPerform(iterations: count) { _ in
      let result = Result { try measure() }
      results.withLock { $0.append(result) }
    }
    return Measurement(try results.withLock { try $0.map { try $0.get() } })
  }
}
