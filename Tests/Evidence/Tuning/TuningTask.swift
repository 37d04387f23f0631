import Foundation
import Tartine

/// Something to tune: a space, and the value of each point in it.
struct TuningTask: Sendable {
  let name: String
  let space: SearchSpace
  /// The value reported to a tuner; lower is better. The seed determines the instance.
  let objective: @Sendable (_ values: [String: JSONValue], _ seed: UInt64) throws -> Double
  /// The measure that the choice is judged by, if it is different.
  var verdict: (@Sendable (_ values: [String: JSONValue], _ seed: UInt64) throws -> Double)?
  /// Whether the default sampler was chosen on it; otherwise it is judged on it.
  let isTuned: Bool

  /// The seed of the first instance: judging tasks have instances that nothing was chosen on.
  var firstSeed: UInt64 { isTuned ? 0 : 1000 }
}

extension TuningTask {
  /// The functions, and the networks if there are data.
  ///
  /// - Parameter data: The folder of the real data sets; nil: the one named by the environment.
  static func all(data: String?) throws -> [TuningTask] {
    let folder = data ?? ProcessInfo.processInfo.environment["TARTINE_DATA"]
    return try functions() + (folder.map { try TrainingTask.all(data: $0) } ?? [])
  }

  /// The names of a function's variables.
  private enum Scales { case plain, logarithmic, mixed }

  /// Each of the benchmark's functions once, in 2 to 10 dimensions. Every third has variables on log scales,
  /// every third whole numbers and a choice among numbers. Those with odd numbers chose the sampler, those
  /// with even ones judge it.
  private static func functions() throws -> [TuningTask] {
    let dimensions = [5, 8, 3, 4, 6, 5, 4, 3, 5, 6, 4, 10, 8, 5, 3, 4, 6, 2, 5, 6, 2, 3, 4, 5]
    return try (1...24).map { number in
      let scales: [Scales] = [.plain, .logarithmic, .mixed]
      return try function(number, dimensions: dimensions[number - 1], scales[(number / 2) % 3])
    }
  }

  private static func function(_ number: Int, dimensions: Int, _ scales: Scales) throws -> TuningTask {
    let names = (0..<dimensions).map { "x\($0)" }
    // In mixed spaces the last is a choice, and those before it whole numbers, half of all together.
    let parameters = names.enumerated().map { place, name -> Hyperparameter in
      switch scales {
      case .plain: return Hyperparameter(name, .number(low: -5, high: 5))
      case .logarithmic: return Hyperparameter(name, .number(low: 1e-5, high: 1, scale: .log))
      case .mixed:
        if place == dimensions - 1 { return Hyperparameter(name, .choice(["a", "b", "c", "d", "e"])) }
        if place >= dimensions / 2 { return Hyperparameter(name, .integer(low: 0, high: 20)) }
        return Hyperparameter(name, .number(low: -5, high: 5))
      }
    }
    let isWhole = Set(zip(names, parameters).filter { if case .integer = $1.domain { true } else { false } }.map(\.0))
    // The positions of the choice's values, in random order.
    let places: [String: Double] = ["a": 1, "b": -4, "c": 4, "d": -1.5, "e": 2.5]
    return TuningTask(
      name: "f\(number)-\(dimensions)\(scales == .logarithmic ? "-log" : scales == .mixed ? "-mixed" : "")",
      space: try SearchSpace(parameters),
      objective: { values, seed in
        let x = names.map { name -> Double in
          guard let value = values[name] else { return 0 }
          if let text = value.string { return places[text] ?? 0 }
          let number = value.number ?? 0
          if isWhole.contains(name) { return number / 2 - 5 }
          return scales == .logarithmic ? log10(number) * 2 + 5 : number
        }
        return TestFunction(number, dimensions: dimensions, seed: seed)(x)
      }, isTuned: number % 2 == 1)
  }
}
