import Foundation
import Tartine

/// The noiseless functions of the Black-Box Optimization Benchmark, in random instances: shifted and rotated,
/// with an optimum of value 0 at a random position, never at the center. The domain is [−5, 5] in each
/// dimension.
///
/// **Source**: Hansen, Finck, Ros, Auger, *Real-parameter black-box optimization benchmarking 2009: noiseless functions
/// definitions*, INRIA RR-6829.
struct TestFunction {
  /// The number of the function, from 1 to 24, as in the benchmark.
  let number: Int
  let dimensions: Int
  /// The minimizer; nil if the definition has no closed form for it.
  let optimum: [Double]

  private let rotation, other: [[Double]]
  private let signs: [Double]
  private let peaks: [Peak]

  /// Gallagher's functions.
  private struct Peak {
    let place, scales: [Double]
    let height: Double
  }

  init(_ number: Int, dimensions: Int, seed: UInt64) {
    self.number = number
    self.dimensions = dimensions
    var stream = RandomStream(seed: seed, purpose: .test, step: number, index: 100 + dimensions)
    rotation = Self.rotation(dimensions, &stream)
    other = Self.rotation(dimensions, &stream)
    signs = (0..<dimensions).map { _ in stream.uniform() < 0.5 ? -1 : 1 }
    func uniform(_ size: Double) -> [Double] { (0..<dimensions).map { _ in (2 * stream.uniform() - 1) * size } }
    let anywhere = uniform(4)
    var peaks: [Peak] = []
    switch number {
    case 4:
      // The steep side is that of every other variable.
      optimum = anywhere.enumerated().map { $0 % 2 == 0 ? abs($1) : $1 }
    case 5: optimum = signs.map { 5 * $0 }
    case 8: optimum = anywhere.map { 0.75 * $0 }
    case 9, 19:
      let scale = max(1, Double(dimensions).squareRoot() / 8)
      let turned = rotation
      optimum = (0..<dimensions).map { column in
        (0..<dimensions).reduce(0) { $0 + turned[$1][column] } * 0.5 / scale
      }
    case 20: optimum = signs.map { 4.2096874633 / 2 * $0 }
    case 21, 22:
      let (count, size) = number == 21 ? (101, 5.0) : (21, 4.9)
      let first = uniform(0.8 * size)
      var order = Array(0..<(count - 1))
      stream.shuffle(&order)
      for place in 0..<count {
        let share = place == 0 ? 0 : Double(order[place - 1]) / Double(count - 2)
        let condition = place == 0 ? (number == 21 ? 1000.0 : 1e6) : pow(1000, 2 * share)
        var scales = (0..<dimensions).map { pow(condition, 0.5 * Self.share($0, dimensions)) / pow(condition, 0.25) }
        stream.shuffle(&scales)
        peaks.append(
          Peak(
            place: place == 0 ? first : uniform(size), scales: scales,
            height: place == 0 ? 10 : 1.1 + 8 * Double(place - 1) / Double(count - 2)))
      }
      optimum = first
    case 24: optimum = signs.map { 1.25 * $0 }
    default: optimum = anywhere
    }
    self.peaks = peaks
  }

  /// An orthogonal matrix, by Gram and Schmidt from normal numbers.
  private static func rotation(_ n: Int, _ stream: inout RandomStream) -> [[Double]] {
    var rows: [[Double]] = []
    while rows.count < n {
      var row = (0..<n).map { _ in stream.normalPair().0 }
      for done in rows {
        let along = zip(row, done).reduce(0) { $0 + $1.0 * $1.1 }
        for place in 0..<n { row[place] -= along * done[place] }
      }
      let size = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if size > 1e-6 { rows.append(row.map { $0 / size }) }
    }
    return rows
  }

  /// From 0 for the first to 1 for the last dimension.
  private static func share(_ place: Int, _ dimensions: Int) -> Double {
    dimensions > 1 ? Double(place) / Double(dimensions - 1) : 0
  }

  // MARK: Components

  private func share(_ place: Int) -> Double { Self.share(place, dimensions) }
  private var shifted: ([Double]) -> [Double] { { x in zip(x, optimum).map { $0 - $1 } } }

  private func times(_ matrix: [[Double]], _ x: [Double]) -> [Double] {
    matrix.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  private func scaled(_ x: [Double], _ condition: Double) -> [Double] {
    x.enumerated().map { pow(condition, 0.5 * share($0)) * $1 }
  }

  private func oscillating(_ x: Double) -> Double {
    guard x != 0 else { return 0 }
    let size = log(abs(x))
    let (a, b) = x > 0 ? (10.0, 7.9) : (5.5, 3.1)
    return (x > 0 ? 1 : -1) * exp(size + 0.049 * (sin(a * size) + sin(b * size)))
  }

  private func asymmetric(_ x: [Double], _ beta: Double) -> [Double] {
    x.enumerated().map { $1 > 0 ? pow($1, 1 + beta * share($0) * $1.squareRoot()) : $1 }
  }

  private func penalty(_ x: [Double]) -> Double {
    x.reduce(0) { $0 + max(0, abs($1) - 5) * max(0, abs($1) - 5) }
  }

  private func squares(_ x: some Sequence<Double>) -> Double { x.reduce(0) { $0 + $1 * $1 } }
  private func waves(_ z: [Double]) -> Double {
    10 * (Double(dimensions) - z.reduce(0) { $0 + cos(2 * .pi * $1) })
  }

  private func valley(_ z: [Double]) -> [Double] {
    zip(z, z.dropFirst()).map { a, b in 100 * (a * a - b) * (a * a - b) + (a - 1) * (a - 1) }
  }

  // MARK: The functions

  /// The function at x.
  func callAsFunction(_ x: [Double]) -> Double {
    let z = shifted(x)
    switch number {
    case 1: return squares(z)
    case 2: return weighted(z.map(oscillating), 1e6)
    case 3: return rastrigin(scaled(asymmetric(z.map(oscillating), 0.2), 10))
    case 4:
      let skew = z.map(oscillating).enumerated().map { place, value in
        pow(10, 0.5 * share(place)) * (value > 0 && place % 2 == 0 ? 10 : 1) * value
      }
      return rastrigin(skew) + 100 * penalty(x)
    case 5:
      return x.enumerated().reduce(0) { sum, at in
        let slope = signs[at.offset] * pow(10, share(at.offset))
        let inside = optimum[at.offset] * at.element < 25 ? at.element : optimum[at.offset]
        return sum + 5 * abs(slope) - slope * inside
      }
    case 6:
      let turned = times(other, scaled(times(rotation, z), 10))
      let sum = zip(turned, optimum).reduce(0.0) { $0 + pow(($1.0 * $1.1 > 0 ? 100 : 1) * $1.0, 2) }
      return pow(oscillating(sum), 0.9)
    case 7: return steps(scaled(times(rotation, z), 10)) + penalty(x)
    case 8: return valley(z.map { valleyScale * $0 + 1 }).reduce(0, +)
    case 9: return valley(times(rotation, x).map { valleyScale * $0 + 0.5 }).reduce(0, +)
    case 10: return weighted(times(rotation, z).map(oscillating), 1e6)
    case 11:
      let y = times(rotation, z).map(oscillating)
      return 1e6 * y[0] * y[0] + squares(y.dropFirst())
    case 12:
      let y = times(rotation, asymmetric(times(rotation, z), 0.5))
      return y[0] * y[0] + 1e6 * squares(y.dropFirst())
    case 13:
      let y = times(other, scaled(times(rotation, z), 10))
      return y[0] * y[0] + 100 * squares(y.dropFirst()).squareRoot()
    case 14:
      return times(rotation, z).enumerated().reduce(0) { $0 + pow(abs($1.element), 2 + 4 * share($1.offset)) }
        .squareRoot()
    case 15:
      let y = asymmetric(times(rotation, z).map(oscillating), 0.2)
      return rastrigin(times(rotation, scaled(times(other, y), 10)))
    case 16:
      let y = times(other, times(rotation, z).map(oscillating))
      return weierstrass(times(rotation, scaled(y, 0.01))) + 10 / Double(dimensions) * penalty(x)
    case 17, 18:
      let y = times(other, asymmetric(times(rotation, z), 0.5))
      return schaffer(scaled(y, number == 17 ? 10 : 1000)) + 10 * penalty(x)
    case 19:
      let s = valley(times(rotation, x).map { valleyScale * $0 + 0.5 })
      return 10 / Double(dimensions - 1) * s.reduce(0) { $0 + $1 / 4000 - cos($1) } + 10
    case 20: return schwefel(x)
    case 21, 22: return gallagher(x)
    case 23: return katsuura(times(other, scaled(times(rotation, z), 100))) + penalty(x)
    default: return lunacek(x)
    }
  }

  private var valleyScale: Double { max(1, Double(dimensions).squareRoot() / 8) }

  private func weighted(_ z: [Double], _ condition: Double) -> Double {
    z.enumerated().reduce(0) { $0 + pow(condition, share($1.offset)) * $1.element * $1.element }
  }

  private func rastrigin(_ z: [Double]) -> Double { waves(z) + squares(z) }

  private func steps(_ scaled: [Double]) -> Double {
    let rounded = scaled.map { abs($0) > 0.5 ? floor(0.5 + $0) : floor(0.5 + 10 * $0) / 10 }
    let z = times(other, rounded)
    return 0.1 * max(abs(scaled[0]) / 1e4, weighted(z, 100))
  }

  private func weierstrass(_ z: [Double]) -> Double {
    func series(_ x: Double) -> Double {
      (0..<12).reduce(0) { $0 + pow(0.5, Double($1)) * cos(2 * .pi * pow(3, Double($1)) * x) }
    }
    let mean = z.reduce(0) { $0 + series($1 + 0.5) } / Double(dimensions)
    return 10 * pow(mean - series(0.5), 3)
  }

  private func schaffer(_ z: [Double]) -> Double {
    let s = zip(z, z.dropFirst()).map { ($0 * $0 + $1 * $1).squareRoot() }
    let sum = s.reduce(0) { $0 + $1.squareRoot() * (1 + pow(sin(50 * pow($1, 0.2)), 2)) }
    return pow(sum / Double(dimensions - 1), 2)
  }

  private func schwefel(_ x: [Double]) -> Double {
    let turned = zip(x, signs).map { 2 * $0 * $1 }
    let size = optimum.map { 2 * abs($0) }
    let z = turned.indices.map { place in
      place == 0 ? turned[0] : turned[place] + 0.25 * (turned[place - 1] - size[place - 1])
    }
    let moved = scaled(zip(z, size).map { $0 - $1 }, 10)
    let far = zip(moved, size).map { 100 * ($0 + $1) }
    let sum = far.reduce(0) { $0 + $1 * sin(abs($1).squareRoot()) }
    return -sum / (100 * Double(dimensions)) + 4.189828872724339 + 100 * penalty(far.map { $0 / 100 })
  }

  private func gallagher(_ x: [Double]) -> Double {
    let best =
      peaks.map { peak -> Double in
        let y = times(rotation, zip(x, peak.place).map { $0 - $1 })
        let distance = zip(y, peak.scales).reduce(0) { $0 + $1.1 * $1.0 * $1.0 }
        return peak.height * exp(-distance / (2 * Double(dimensions)))
      }.max() ?? 0
    return pow(oscillating(10 - best), 2) + penalty(x)
  }

  private func katsuura(_ z: [Double]) -> Double {
    let d = Double(dimensions)
    let product = z.enumerated().reduce(1.0) { product, at in
      let sum = (1...32).reduce(0.0) { sum, j in
        let power = pow(2, Double(j))
        return sum + abs(power * at.element - (power * at.element).rounded()) / power
      }
      return product * pow(1 + Double(at.offset + 1) * sum, 10 / pow(d, 1.2))
    }
    return 10 / (d * d) * product - 10 / (d * d)
  }

  private func lunacek(_ x: [Double]) -> Double {
    let d = Double(dimensions)
    let scale = 1 - 1 / (2 * (d + 20).squareRoot() - 8.2)
    let (near, far) = (2.5, -((2.5 * 2.5 - 1) / scale).squareRoot())
    let turned = zip(x, signs).map { 2 * $0 * $1 }
    let z = times(other, scaled(times(rotation, turned.map { $0 - near }), 100))
    let bowls = min(squares(turned.map { $0 - near }), d + scale * squares(turned.map { $0 - far }))
    return bowls + waves(z) + 1e4 * penalty(x)
  }
}
