import TartineZlib

/// A PNG image: 8 bits per channel, compressed by zlib, without filters.
package enum PNG {
  /// Encodes pixels, row by row, each 1 byte (gray) or 3 (red, green, blue).
  package static func encode(width: Int, height: Int, channels: Int, pixels: [UInt8]) -> [UInt8] {
    precondition(pixels.count == width * height * channels && (channels == 1 || channels == 3))
    var rows: [UInt8] = []
    rows.reserveCapacity(pixels.count + height)
    for row in 0..<height {
      rows.append(0)
      rows += pixels[(row * width * channels)..<((row + 1) * width * channels)]
    }
    var packed = [UInt8](repeating: 0, count: Int(compressBound(UInt(rows.count))))
    var size = UInt(packed.count)
    compress2(&packed, &size, rows, UInt(rows.count), 9)
    let header = bytes(UInt32(width)) + bytes(UInt32(height)) + [8, channels == 1 ? 0 : 2, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", header) + chunk("IDAT", Array(packed[..<Int(size)])) + chunk("IEND", [])
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let named = Array(name.utf8) + content
    return bytes(UInt32(content.count)) + named + bytes(UInt32(crc32_z(0, named, named.count)))
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }
}
