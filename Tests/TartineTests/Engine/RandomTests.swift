import Foundation
import Tartine
import TartineKernels
import Testing

@Suite struct RandomTests {
  /// The known-answer tests that the authors publish with Philox 4×32-10.
  @Test func philoxKnownAnswers() {
    func check(_ counter: (UInt32, UInt32, UInt32, UInt32), _ key: (UInt32, UInt32), _ expected: [UInt32]) {
      let (low, high) = RandomStream.philox(counter: counter, key: key)
      let words = [low, low >> 32, high, high >> 32].map { UInt32(truncatingIfNeeded: $0) }
      #expect(words == expected)
    }
    check((0, 0, 0, 0), (0, 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = UInt32.max
    check((ones, ones, ones, ones), (ones, ones), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    check(
      (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0),
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test func placesHaveStreamsOfTheirOwn() {
    func first(_ seed: UInt64, _ purpose: RandomPurpose, _ step: Int, _ index: Int) -> UInt64 {
      var stream = RandomStream(seed: seed, purpose: purpose, step: step, index: index)
      return stream.next()
    }
    let draws = [
      first(1, .test, 0, 0), first(2, .test, 0, 0), first(1 << 32 | 1, .test, 0, 0), first(1, .shuffle, 0, 0),
      first(1, .test, 1, 0), first(1, .test, 0, 1),
    ]
    #expect(Set(draws).count == draws.count)
  }

  @Test func shufflesAreFair() {
    var counts = [Int](repeating: 0, count: 6)
    for trial in 0..<6000 {
      var stream = RandomStream(seed: UInt64(trial), purpose: .test)
      var items = [0, 1, 2]
      stream.shuffle(&items)
      counts[items[0] * 2 + (items[1] > items[2] ? 1 : 0)] += 1
    }
    // Each of the six orders 1000 times, within five standard errors.
    for count in counts { #expect(abs(count - 1000) < 145) }
  }

  @Test func normalsHaveMomentsOfTheNormal() {
    var stream = RandomStream(seed: 5, purpose: .test)
    let draws = (0..<50_000).flatMap { _ -> [Double] in
      let (a, b) = stream.normalPair()
      return [a, b]
    }
    let n = Double(draws.count)
    let mean = draws.reduce(0, +) / n
    let variance = draws.reduce(0) { $0 + $1 * $1 } / n
    let fourth = draws.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n
    #expect(abs(mean) < 4 / n.squareRoot())
    #expect(abs(variance - 1) < 4 * (2 / n).squareRoot())
    #expect(abs(fourth - 3) < 4 * (96 / n).squareRoot())
  }

  @Test(arguments: KernelTests.levels) func normalsByBoxAndMuller(_ level: KernelTests.Level) {
    let count = 300
    var stream = tartine_stream(seed: 9, purpose: .initialization, layer: 0)
    var drawn = [Float](repeating: 0, count: count)
    tartine_kernels_at(Int32(level.index), TARTINE_FLOAT32).pointee.normals(&stream, 3, count, 2, &drawn)
    var inDouble = [Double](repeating: 0, count: count)
    tartine_kernels_at(Int32(level.index), TARTINE_FLOAT64).pointee.normals(&stream, 3, count, 2, &inDouble)
    for index in 0..<count {
      // 128 numbers come from 32 blocks: cosines of the first pair of words, then sines, then those of the
      // second pair.
      let (lane, kind) = (index % 32, index / 32 % 4)
      let (low, high) = RandomStream.philox(
        counter: (UInt32(index / 128 * 32 + lane), 3, 0, RandomPurpose.initialization.rawValue), key: (9, 0))
      let words = kind < 2 ? low : high
      let radius = (-2 * log((Double(UInt32(truncatingIfNeeded: words)) + 0.5) * 0x1p-32)).squareRoot()
      let angle = 2 * Double.pi * Double(words >> 32) * 0x1p-32
      let expected = 2 * radius * (kind % 2 == 0 ? cos(angle) : sin(angle))
      #expect(abs(Double(drawn[index]) - expected) < 3e-6)
      #expect(abs(inDouble[index] - expected) < 3e-6)
    }
  }

  @Test(arguments: KernelTests.levels) func normalsOfKernelsHaveMomentsOfTheNormal(_ level: KernelTests.Level) {
    var stream = tartine_stream(seed: 5, purpose: .initialization, layer: 0)
    var draws = [Float](repeating: 0, count: 400_000)
    tartine_kernels_at(Int32(level.index), TARTINE_FLOAT32).pointee.normals(&stream, 0, draws.count, 1, &draws)
    let n = Double(draws.count)
    func moment(_ power: Int) -> Double {
      draws.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * Double(x) } } / n
    }
    #expect(abs(moment(1)) < 4 / n.squareRoot())
    #expect(abs(moment(2) - 1) < 4 * (2 / n).squareRoot())
    #expect(abs(moment(3)) < 4 * (15 / n).squareRoot())
    #expect(abs(moment(4) - 3) < 4 * (96 / n).squareRoot())
    // Between two and three standard deviations lies 4.28 % of the mass.
    let share = Double(draws.filter { abs($0) > 2 && abs($0) < 3 }.count) / n
    #expect(abs(share - 0.0428) < 4 * (0.0428 / n).squareRoot())
  }
}
