import TartineKernels

/// The purpose of random numbers. Each purpose has its own numbers, so that none affects another's.
public enum RandomPurpose: UInt32, Sendable {
  /// The split into train, dev and test sets.
  case split = 1
  /// Weight initialization.
  case initialization
  /// The order of an epoch's rows.
  case shuffle
  /// Dropout masks.
  case dropout
  /// The sample of train rows to evaluate, and the order of rows for batch norm's recomputed averages.
  case sample
  /// Tests.
  case test
  /// Bootstrap draws for an interval.
  case bootstrap
  /// Image augmentation.
  case augmentation
  /// Noise added by a layer.
  case noise
  /// Mixup coefficients.
  case mixup
  /// The assignment of rows to folds.
  case folds
  /// The order of rows for batch norm's recomputed averages.
  case statistics
  /// The rows sampled, and labels permuted, to measure the effect of chance.
  case permutation
  /// The halves of dev for conformal scores.
  case conformal
  /// The next trial of a search.
  case search
  /// The orders of columns, and reference rows, of explanations.
  case explanation
}

/// A stream of random numbers that is a function of its position, without state to be saved.
///
/// Philox 4×32-10, a counter-based generator: block *i* of a stream is a keyed hash of (seed; *i*, `index`,
/// `step`, `purpose`). The same position gives the same bits on every machine, for any number of threads, and
/// after any interruption; the Float normal numbers of weight initialization depend on the instruction set.
///
/// **Source**: Salmon, Moraes, Dror, Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private let index, step, purpose: UInt32
  private var block: UInt32 = 0
  private var words: (UInt64, UInt64) = (0, 0)
  private var wordsLeft = 0

  /// - Parameters:
  ///   - seed: the seed of the run, all 64 bits of it.
  ///   - purpose: the purpose of the numbers.
  ///   - step: the epoch or step, if any.
  ///   - index: the layer, row or trial, if any.
  public init(seed: UInt64, purpose: RandomPurpose, step: Int = 0, index: Int = 0) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.purpose = purpose.rawValue
    self.step = UInt32(truncatingIfNeeded: step)
    self.index = UInt32(truncatingIfNeeded: index)
  }

  /// Returns the next 64 random bits.
  public mutating func next() -> UInt64 {
    if wordsLeft == 0 {
      words = Self.philox(counter: (block, index, step, purpose), key: key)
      block &+= 1
      wordsLeft = 2
    }
    wordsLeft -= 1
    return wordsLeft == 1 ? words.0 : words.1
  }

  /// Returns a uniform number in [0, 1), with 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Returns a uniform integer in 0 ..< bound, with negligible bias: 64 bits are scaled, not reduced modulo
  /// `bound`.
  public mutating func integer(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Shuffles with the Fisher–Yates algorithm.
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    elements.withUnsafeMutableBufferPointer { shuffled($0) }
  }

  /// Shuffles the order of an epoch's rows; not generic, since a step of a small network is short.
  package mutating func shuffle(_ order: UnsafeMutableBufferPointer<Int32>) { shuffled(order) }

  @inline(__always)
  private mutating func shuffled<Element>(_ elements: UnsafeMutableBufferPointer<Element>) {
    guard elements.count > 1 else { return }
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, integer(below: last + 1))
    }
  }

  package static func philox(
    counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
  ) -> (UInt64, UInt64) {
    var counter = counter
    var key = key
    var result: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    withUnsafePointer(to: &counter) { counter in
      withUnsafePointer(to: &key) { key in
        withUnsafeMutablePointer(to: &result) { result in
          tartine_philox(
            UnsafeRawPointer(counter).assumingMemoryBound(to: UInt32.self),
            UnsafeRawPointer(key).assumingMemoryBound(to: UInt32.self),
            UnsafeMutableRawPointer(result).assumingMemoryBound(to: UInt32.self))
        }
      }
    }
    return (
      UInt64(result.1) << 32 | UInt64(result.0), UInt64(result.3) << 32 | UInt64(result.2)
    )
  }
}

extension tartine_stream {
  /// The C kernels' form of a position in the random space.
  package init(seed: UInt64, purpose: RandomPurpose, layer: Int) {
    // The layer shares a word with the purpose; 24 bits suffice for any number of layers.
    self.init(
      key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
      purpose: purpose.rawValue | UInt32(layer) << 8, step: 0)
  }
}
