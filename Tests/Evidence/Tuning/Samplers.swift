import Foundation
import Tartine

/// Samplers on tasks: the best value after some of the trials.
struct SamplerTrials {
  struct Result: Codable, Sendable {
    let task, tuner: String
    let seed: UInt64
    /// Of each trial, in order.
    let values: [Double]
    /// Seconds of the tuner's own.
    let seconds: Double
  }

  static func run(_ task: TuningTask, _ name: String, _ sampler: any Sampler, trials: Int, seed: UInt64) throws
    -> Result
  {
    var history: [Observation] = []
    var values: [Double] = []
    let clock = ContinuousClock()
    var time = Duration.zero
    for number in 0..<trials {
      var point: [Double] = []
      time += clock.measure {
        point = sampler.suggest(number, in: task.space, after: history, seed: seed)
      }
      let settings = task.space.values(at: point)
      let value = try task.objective(settings, seed)
      values.append(value)
      history.append(Observation(point: task.space.point(of: settings) ?? point, value: value))
    }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    return Result(task: task.name, tuner: name, seed: seed, values: values, seconds: seconds)
  }
}
