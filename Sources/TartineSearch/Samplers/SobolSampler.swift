import TartineEngine

/// A scrambled Sobol sequence, which fills the space evenly after any number of points.
///
/// **Source**: Sobol 1967; Joe and Kuo, *Constructing Sobol sequences with better two-dimensional projections*, 2008, for the
/// direction numbers; Owen 1995 and Burley, *Practical hash-based Owen scrambling*, 2020, for the scrambling.
///
/// **Differs from**: Optuna does not scramble by default.
public struct SobolSampler: Sampler {
  /// Creates a sampler.
  public init() {}

  /// Returns the point of the sequence with that number.
  public func suggest(_ number: Int, in space: SearchSpace, after history: [Observation], seed: UInt64) -> [Double] {
    SobolSequence(dimensions: space.count, seed: seed)[number]
  }
}

/// A scrambled Sobol sequence.
package struct SobolSequence {
  private let seeds: [UInt32]
  private let dimensions: Int

  /// The number of dimensions with direction numbers; further dimensions are pseudo-random.
  private static let most = directions.count

  package init(dimensions: Int, seed: UInt64, index: Int = 0) {
    var stream = RandomStream(seed: seed, purpose: .search, index: 1 + index)
    self.dimensions = dimensions
    seeds = (0...dimensions).map { _ in UInt32(truncatingIfNeeded: stream.next()) }
  }

  package subscript(number: Int) -> [Double] {
    // One hash for all dimensions scrambles the order, and each dimension has its own hash.
    let index = Self.scramble(UInt32(truncatingIfNeeded: number), seeds[dimensions])
    return (0..<dimensions).map { dimension in
      let bits =
        dimension < Self.most
        ? Self.scramble(Self.value(index, dimension), seeds[dimension])
        : Self.hash(index ^ Self.hash(seeds[dimension]))
      return (Double(bits) + 0.5) * 0x1p-32
    }
  }

  private static func hash(_ x: UInt32) -> UInt32 {
    var x = x
    x ^= x >> 16
    x = x &* 0x7feb_352d
    x ^= x >> 15
    x = x &* 0x846c_a68b
    return x ^ (x >> 16)
  }

  /// Owen's nested scrambling by a hash in which each bit depends on higher bits alone.
  private static func scramble(_ value: UInt32, _ seed: UInt32) -> UInt32 {
    var x = reversed(value)
    x = x &+ seed
    x ^= x &* 0x6c50_b47c
    x ^= x &* 0xb82f_1e52
    x ^= x &* 0xc7af_e638
    x ^= x &* 0x8d22_f6e6
    return reversed(x)
  }

  private static func reversed(_ x: UInt32) -> UInt32 {
    var x = x
    x = (x >> 1) & 0x5555_5555 | (x & 0x5555_5555) << 1
    x = (x >> 2) & 0x3333_3333 | (x & 0x3333_3333) << 2
    x = (x >> 4) & 0x0f0f_0f0f | (x & 0x0f0f_0f0f) << 4
    return x.byteSwapped
  }

  private static func value(_ index: UInt32, _ dimension: Int) -> UInt32 {
    var (result, rest, bit) = (UInt32(0), index, 0)
    while rest != 0 {
      if rest & 1 == 1 { result ^= directions[dimension][bit] }
      rest >>= 1
      bit += 1
    }
    return result
  }

  /// The degree, coefficients and first numbers of each dimension's primitive polynomial, from the second
  /// dimension on.
  private static let polynomials: [(degree: Int, coefficients: UInt32, first: [UInt32])] = [
    (1, 0, [1]), (2, 1, [1, 3]), (3, 1, [1, 3, 1]), (3, 2, [1, 1, 1]), (4, 1, [1, 1, 3, 3]), (4, 4, [1, 3, 5, 13]),
    (5, 2, [1, 1, 5, 5, 17]), (5, 4, [1, 1, 5, 5, 5]), (5, 7, [1, 1, 7, 11, 19]), (5, 11, [1, 1, 5, 1, 1]),
    (5, 13, [1, 1, 1, 3, 11]), (5, 14, [1, 3, 5, 5, 31]), (6, 1, [1, 3, 3, 9, 7, 49]), (6, 13, [1, 1, 1, 15, 21, 21]),
    (6, 16, [1, 3, 1, 13, 27, 49]), (6, 19, [1, 1, 1, 15, 7, 5]), (6, 22, [1, 3, 1, 15, 13, 25]),
    (6, 25, [1, 1, 5, 5, 19, 61]), (7, 1, [1, 3, 7, 11, 23, 15, 103]),
  ]

  private static let directions: [[UInt32]] = {
    var all = [(0..<32).map { UInt32(1) << (31 - UInt32($0)) }]
    for (degree, coefficients, first) in polynomials {
      var m = first
      for k in degree..<32 {
        var next = m[k - degree] ^ (m[k - degree] << UInt32(degree))
        for j in 1..<max(degree, 1) where (coefficients >> UInt32(degree - 1 - j)) & 1 == 1 {
          next ^= m[k - j] << UInt32(j)
        }
        m.append(next)
      }
      all.append((0..<32).map { m[$0] << (31 - UInt32($0)) })
    }
    return all
  }()
}
