import TartineFiles

/// A CSV text, in memory or in a file of which only the pieces at work are read.
struct CSVText {
  private enum Storage {
    case memory([UInt8])
    case file(RandomAccessFile)
  }

  /// About so many bytes are read at once: few enough to stay in a cache while they are.
  private static let chunkSize = 1 << 20

  private let storage: Storage
  let count: Int

  init(_ bytes: [UInt8]) {
    storage = .memory(bytes)
    count = bytes.count
  }

  init(_ file: RandomAccessFile) {
    storage = .file(file)
    count = file.count
  }

  func withBytes<Result>(
    _ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    switch storage {
    case .memory(let bytes):
      try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[range])) }
    case .file(let file): try file.read(range).withUnsafeBufferPointer(body)
    }
  }

  /// Pieces that end with a line; one where lines end with carriage returns alone.
  var chunks: [Range<Int>] {
    var chunks: [Range<Int>] = []
    while (chunks.last?.upperBound ?? 0) < count {
      let start = chunks.last?.upperBound ?? 0
      chunks.append(start..<lineEnd(from: min(start + Self.chunkSize, count)))
    }
    return chunks
  }

  /// The place behind the first line feed from here on.
  private func lineEnd(from start: Int) -> Int {
    var start = start
    while start < count {
      let end = min(start + 4096, count)
      let place = withBytes(start..<end) { bytes in bytes.firstIndex(of: UInt8(ascii: "\n")) }
      if let place { return start + place + 1 }
      start = end
    }
    return count
  }

  /// The line that a place in the text is on, from 1.
  func line(of position: Int) -> Int {
    withBytes(0..<min(position + 1, count)) { CSVScanner.line(of: position, in: $0) }
  }
}
