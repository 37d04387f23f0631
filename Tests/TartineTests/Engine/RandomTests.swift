import Tartine
import Testing

@Suite struct RandomTests {
  /// The known answers that the authors publish with Philox 4×32-10.
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
}
