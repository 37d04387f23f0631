#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads decimal numbers from bytes.
enum NumberParser {
  /// Powers of ten that a Double holds exactly.
  private static let powers: [Double] = (0...22).map { exponent in
    (0..<exponent).reduce(1.0) { product, _ in product * 10 }
  }

  /// The number that the bytes write, infinite where it is too large; nil if they write none.
  ///
  /// Up to 2⁵³ as digits and 10^±22 as power the result is one exact division or product, as Clinger showed
  /// (*How to read floating point numbers accurately*, 1990); anything else goes to `strtod`.
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
    strtod(String(decoding: bytes[start..<end], as: UTF8.self), nil)
  }

  /// Infinity, spelled out.
  private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Double? {
    guard end - start <= 9 else { return nil }
    switch String(decoding: bytes[start..<end], as: UTF8.self).lowercased() {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default: return nil
    }
  }
}
