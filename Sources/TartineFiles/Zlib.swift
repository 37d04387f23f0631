import TartineZlib

/// The CRC-32 of a sequence of chunks, as in gzip and PNG.
package struct Checksum: Sendable {
  private var state: UInt = 0
  /// The number of bytes.
  package private(set) var count = 0

  package init() {}

  package init(of bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    state = crc32_z(state, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    count += bytes.count
  }

  /// Adds the checksum of the bytes that follow.
  package mutating func append(_ next: Checksum) {
    state = crc32_combine(state, next.state, numericCast(next.count))
    count += next.count
  }

  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// Eight hexadecimal digits.
  package var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

extension Files {
  package static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.count > 2 && bytes[0] == 0x1F && bytes[1] == 0x8B }

  /// Decompresses gzip.
  ///
  /// - Parameters:
  ///   - most: the number of bytes after which decompression stops without an error, to read a header.
  ///   - limit: the number of bytes above which the file is rejected: a small file can decompress to a full
  ///     disk.
  package static func gunzip(
    _ packed: [UInt8], path: String, most: Int = .max, limit: Int = 16 << 30
  ) throws(FileError) -> [UInt8] {
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw FileError(.damaged, path, "cannot unpack '\(path)': zlib did not start.")
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    var problem: String?
    var offset = 0
    while output.count < most {
      // zlib uses 32-bit sizes.
      let give = min(packed.count - offset, 1 << 30)
      let status = packed.withUnsafeBufferPointer { input in
        chunk.withUnsafeMutableBufferPointer { room in
          stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress! + offset)
          stream.avail_in = UInt32(give)
          stream.next_out = room.baseAddress
          stream.avail_out = UInt32(room.count)
          return inflate(&stream, Z_NO_FLUSH)
        }
      }
      offset += give - Int(stream.avail_in)
      output += chunk[..<(chunk.count - Int(stream.avail_out))]
      if output.count > limit {
        problem = "it unpacks to more than \(limit) bytes"
      } else if status == Z_STREAM_END {
        // A gzip file may contain several members; anything else after the end is ignored, as gzip does.
        guard offset + 2 < packed.count, packed[offset] == 0x1F, packed[offset + 1] == 0x8B else { break }
        inflateReset(&stream)
      } else if status == Z_OK || (status == Z_BUF_ERROR && stream.avail_out == 0) {
        if give == 0 && stream.avail_out > 0 { problem = "it ends in the middle" }
      } else {
        problem = status == Z_BUF_ERROR ? "it ends in the middle" : "it is damaged"
      }
      if let problem {
        throw FileError(.damaged, path, "cannot unpack '\(path)': \(problem). Download or compress it again.")
      }
    }
    if output.count > most { output.removeLast(output.count - most) }
    return output
  }
}
