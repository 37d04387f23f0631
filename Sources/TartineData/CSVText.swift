import TartineFiles

/// A CSV text, in memory or in a file, of which only the chunks being processed are read.
package struct CSVText {
  private enum Storage {
    case memory([UInt8])
    case file(RandomAccessFile)
  }

  /// Few enough bytes to stay in a cache while they are processed.
  package static let defaultChunkSize = 1 << 20

  private let storage: Storage
  private let chunkSize: Int
  let count: Int

  /// - Parameter chunkSize: the approximate number of bytes read at once.
  init(_ bytes: [UInt8], chunkSize: Int = defaultChunkSize) {
    storage = .memory(bytes)
    self.chunkSize = chunkSize
    count = bytes.count - Self.length(ofEnd: bytes.suffix(Self.mostEnd))
  }

  init(_ file: RandomAccessFile) {
    storage = .file(file)
    chunkSize = Self.defaultChunkSize
    let last = (try? file.read(max(0, file.count - Self.mostEnd)..<file.count)) ?? []
    count = file.count - Self.length(ofEnd: last[...])
  }

  /// ^Z, the end of text in DOS files.
  private static let endOfText: UInt8 = 0x1A
  private static let mostEnd = 8

  /// The bytes from the first trailing ^Z on, after which only line ends follow.
  private static func length(ofEnd bytes: ArraySlice<UInt8>) -> Int {
    let end = bytes.reversed().prefix { $0 == endOfText || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    return end.lastIndex(of: endOfText).map { end.distance(from: end.startIndex, to: $0) + 1 } ?? 0
  }

  /// Reads all of it into memory.
  /// - Throws: `FileError`.
  func inMemory() throws -> CSVText {
    guard case .file(let file) = storage else { return self }
    return CSVText(try file.read(0..<file.count))
  }

  /// - Throws: `FileError`, and what `body` throws.
  func withBytes<Result>(
    _ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) throws -> Result {
    switch storage {
    case .memory(let bytes):
      try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[range])) }
    case .file(let file): try file.read(range).withUnsafeBufferPointer(body)
    }
  }

  /// The checksum of the file: of these chunks, as they were read, and of what follows them, such as a footer.
  /// - Throws: `FileError`.
  func checksum(of chunks: [Checksum]) throws -> Checksum {
    var sum = Checksum()
    for chunk in chunks { sum.append(chunk) }
    switch storage {
    case .memory(let bytes): sum.append(Checksum(of: Array(bytes[sum.count...])))
    case .file(let file): sum.append(Checksum(of: try file.read(sum.count..<file.count)))
    }
    return sum
  }

  /// Chunks that end with a line; a single one where lines end with CR alone.
  /// - Throws: `FileError`.
  func chunks() throws -> [Range<Int>] {
    var chunks: [Range<Int>] = []
    while (chunks.last?.upperBound ?? 0) < count {
      let start = chunks.last?.upperBound ?? 0
      chunks.append(start..<(try lineEnd(from: min(start + chunkSize, count))))
    }
    return chunks
  }

  /// The position after the next line feed.
  private func lineEnd(from start: Int) throws -> Int {
    var start = start
    while start < count {
      let end = min(start + 4096, count)
      let place = try withBytes(start..<end) { bytes in bytes.firstIndex(of: UInt8(ascii: "\n")) }
      if let place { return start + place + 1 }
      start = end
    }
    return count
  }

  /// The line of a position in the text, from 1.
  /// - Throws: `FileError`.
  func line(of position: Int) throws -> Int {
    var line = 1
    for start in stride(from: 0, to: position, by: chunkSize) {
      let end = min(start + chunkSize, position)
      line += try withBytes(start..<min(end + 1, count)) { CSVScanner.lineEnds(inFirst: end - start, of: $0) }
    }
    return line
  }
}
