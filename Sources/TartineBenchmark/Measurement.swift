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

  /// Repeats a piece of work for ten windows of time, fewer where it takes seconds; the figure is the median of what one
  /// takes.
  init(seconds: Double, samples: Double, _ step: () -> Void) {
    func time(_ work: () -> Void) -> Double {
      let start = ContinuousClock.now
      work()
      return (ContinuousClock.now - start) / .seconds(1)
    }
    var spent = 0.0
    for number in 0..<20 where number == 0 || spent < seconds { spent += time(step) }
    var windows: [Double] = []
    spent = 0
    while windows.count < 10, windows.count < 3 || spent < 4 * seconds {
      var (steps, window) = (0.0, 0.0)
      while steps == 0 || window < seconds / 10 {
        window += time(step)
        steps += 1
      }
      windows.append(window / steps)
      spent += window
    }
    windows.sort()
    secondsPerStep = (windows[(windows.count - 1) / 2] + windows[windows.count / 2]) / 2
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
