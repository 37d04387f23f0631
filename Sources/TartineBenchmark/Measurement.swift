import Dispatch
import Synchronization

/// The result of a measurement.
struct Measurement {
  /// The median time of a step with a full batch.
  var secondsPerStep: Double
  let samplesPerSecond: Double
  /// The seconds from the process's start to the end of the first step, without the generation of the data.
  var firstStep: Double?
  /// The partition of each matrix product; nil unless matrix products are measured.
  var cuts: [String]?

  /// Measures the median time of a step over ten time windows, fewer if a step takes seconds.
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

  /// Runs several measurements in parallel, each on its own thread, and adds up their throughput.
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
