import Foundation
import Tartine

/// Generated data, the same for a seed on every machine.
enum Tables {
  /// A random stream for one table.
  static func stream(_ seed: UInt64, _ table: Int) -> RandomStream {
    RandomStream(seed: seed, purpose: .noise, index: table)
  }

  /// Two spirals, with noise.
  static func spirals(_ count: Int, seed: UInt64) throws -> Dataset {
    var stream = stream(seed, 1)
    var (rows, labels) = ([[Float]](), [Int]())
    for row in 0..<count {
      let label = row % 2
      let t = 0.5 + 2.5 * stream.uniform().squareRoot()
      let angle = t * .pi + Double(label) * .pi
      rows.append([Float(t * cos(angle) + 0.1 * stream.normal()), Float(t * sin(angle) + 0.1 * stream.normal())])
      labels.append(label)
    }
    return try Dataset(features: rows, labels: labels)
  }

  /// Two overlapping normal clouds in ten columns; the best classifier errs on about 16 %.
  static func clouds(_ count: Int, seed: UInt64) throws -> Dataset {
    var stream = stream(seed, 2)
    var (rows, labels) = ([[Float]](), [Int]())
    for row in 0..<count {
      let label = row % 2
      let middle = (Double(label) - 0.5) * 2 / 10.0.squareRoot()
      rows.append((0..<10).map { _ in Float(middle + stream.normal()) })
      labels.append(label)
    }
    return try Dataset(features: rows, labels: labels)
  }

  /// Friedman's first function with noise: a regression on ten columns, five of which matter.
  ///
  /// **Source**: Friedman, *Multivariate adaptive regression splines*, 1991, eq. 61.
  static func friedman(_ count: Int, seed: UInt64, offset: Double = 0) throws -> Dataset {
    var stream = stream(seed, 3)
    var (rows, values) = ([[Float]](), [Double]())
    for _ in 0..<count {
      let x = (0..<10).map { _ in stream.uniform() + offset }
      rows.append(x.map { Float($0) })
      values.append(
        10 * sin(.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] + 5 * x[4] + stream.normal())
    }
    return try Dataset(features: rows, values: values)
  }

  /// x₁ in ±1 and x₂ in ±100, uniform; the class is whether (x₁, x₂/100) lies in a ring around 0.
  static func ring(_ count: Int, seed: UInt64) throws -> Dataset {
    var stream = stream(seed, 4)
    var (rows, labels) = ([[Float]](), [Int]())
    for _ in 0..<count {
      let (x, y) = (2 * stream.uniform() - 1, 2 * stream.uniform() - 1)
      rows.append([Float(x), Float(100 * y)])
      labels.append((x * x + y * y).squareRoot() < 0.8 ? 1 : 0)
    }
    return try Dataset(features: rows, labels: labels)
  }
}

extension RandomStream {
  /// Standard normal numbers, by Box and Muller.
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// A number between two others, log-uniformly.
  mutating func logUniform(_ low: Double, _ high: Double) -> Double { low * pow(high / low, uniform()) }
}
