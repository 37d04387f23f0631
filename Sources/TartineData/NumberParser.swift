import TartinePlatform

/// A parser of decimal numbers in bytes.
enum NumberParser {
  /// The powers of ten that a Double represents exactly.
  private static let powers: [Double] = (0...22).map { exponent in
    (0..<exponent).reduce(1.0) { product, _ in product * 10 }
  }

  /// 10⁰ to 10²², for `parsePlain`.
  nonisolated(unsafe) static let powersOfTen: UnsafePointer<Double> = {
    let table = UnsafeMutablePointer<Double>.allocate(capacity: powers.count)
    table.initialize(from: powers, count: powers.count)
    return UnsafePointer(table)
  }()

  /// A number of digits and a decimal point only, and where it ends; nil where it needs `parse`, or the text
  /// ends soon, or begins with zeros, which may be a code.
  ///
  /// Reads eight digits at once, as one machine word: digits are joined to pairs, pairs to fours, fours to
  /// eight.
  ///
  /// **Source**: Lemire, *Number parsing at a gigabyte per second*, 2021, §7.
  @inline(__always)
  static func parsePlain(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, powers: UnsafePointer<Double>
  ) -> (number: Double, end: Int)? {
    guard let base = UnsafeRawPointer(bytes.baseAddress), start + 24 <= bytes.count else { return nil }
    let isNegative = bytes[start] == UInt8(ascii: "-")
    var index = isNegative ? start + 1 : start
    let (whole, wholeCount) = leadingDigits(base + index)
    guard wholeCount < 8, wholeCount < 2 || bytes[index] != UInt8(ascii: "0") else { return nil }
    index += wholeCount
    guard base.load(fromByteOffset: index, as: UInt8.self) == UInt8(ascii: ".") else {
      return wholeCount == 0 ? nil : (isNegative ? -Double(whole) : Double(whole), index)
    }
    let (decimals, count) = leadingDigits(base + index + 1)
    guard count < 8, wholeCount + count > 0 else { return nil }
    // At most 14 digits: below 2⁵³, so that the division is the only rounding.
    let number = (Double(whole) * powers[count] + Double(decimals)) / powers[count]
    return (isNegative ? -number : number, index + 1 + count)
  }

  /// The leading digits of eight bytes, as a number, and their count.
  @inline(__always)
  private static func leadingDigits(_ place: UnsafeRawPointer) -> (value: UInt64, count: Int) {
    let word = UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
    let bits = word ^ 0x3030_3030_3030_3030
    let others = ((bits &+ 0x7676_7676_7676_7676) | bits) & 0x8080_8080_8080_8080
    let count = others.trailingZeroBitCount >> 3
    guard count > 0 else { return (0, 0) }
    var digits = bits << UInt64(64 - 8 * count)
    digits = (digits &* 2561) >> 8
    digits = ((digits & 0x00FF_00FF_00FF_00FF) &* 6_553_601) >> 16
    return (((digits & 0x0000_FFFF_0000_FFFF) &* 42_949_672_960_001) >> 32, count)
  }

  /// The number in the bytes, infinite where it is too large; nil if they are not a number.
  ///
  /// With digits up to 2⁵³ and a power up to 10^±22 the result is one exact division or product, as Clinger
  /// showed (*How to read floating point numbers accurately*, 1990); anything else goes to the standard
  /// library.
  @inline(__always)
  static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Double? {
    var index = start
    var isNegative = false
    if index < end, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
      isNegative = bytes[index] == UInt8(ascii: "-")
      index += 1
    }
    var mantissa: UInt64 = 0
    var digits = 0
    var scale = 0
    while index < end, bytes[index] &- 48 < 10 {
      mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- 48)
      digits += 1
      index += 1
    }
    if index < end, bytes[index] == UInt8(ascii: ".") {
      index += 1
      let before = index
      while index < end, bytes[index] &- 48 < 10 {
        mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- 48)
        index += 1
      }
      digits += index - before
      scale = before - index
    }
    guard digits > 0 else { return word(bytes, start, end) }
    if index < end, bytes[index] | 32 == UInt8(ascii: "e") {
      index += 1
      var isDown = false
      if index < end, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
        isDown = bytes[index] == UInt8(ascii: "-")
        index += 1
      }
      let before = index
      var power = 0
      while index < end, bytes[index] &- 48 < 10 {
        power = min(power * 10 + Int(bytes[index] &- 48), 100_000)
        index += 1
      }
      guard index > before else { return nil }
      scale += isDown ? -power : power
    }
    guard index == end else { return nil }
    if digits <= 19, mantissa <= 1 << 53, scale >= -22, scale <= 22 {
      let value = scale < 0 ? Double(mantissa) / powers[-scale] : Double(mantissa) * powers[scale]
      return isNegative ? -value : value
    }
    return slow(bytes, start, end)
  }

  private static func slow(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Double? {
    Double(String(decoding: bytes[start..<end], as: UTF8.self))
  }

  /// Spelled-out infinity.
  private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Double? {
    guard end - start <= 9 else { return nil }
    switch String(decoding: bytes[start..<end], as: UTF8.self).lowercased() {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default: return nil
    }
  }
}
