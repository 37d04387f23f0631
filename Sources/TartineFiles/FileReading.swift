import TartinePlatform

/// Files as bytes.
package enum Files {
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// The names of a folder's entries, unsorted; empty where it is not a folder or cannot be read.
  package static func names(in folder: String) -> [String] {
    guard let listing = opendir(folder) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
            String(cString: $0)
          }
        })
    }
    return names
  }

  package static func isFolder(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether two paths refer to the same file.
  package static func areSame(_ path: String, _ other: String) -> Bool {
    var first = stat()
    var second = stat()
    return stat(path, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev
      && first.st_ino == second.st_ino
  }

  /// Reads the whole file.
  /// - Throws: `FileError.missing` with the reason.
  package static func read(_ path: String) throws(FileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      let advice = errno == ENOENT ? "check the name." : "\(systemError())."
      let what = errno == ENOENT ? "there is no file" : "cannot open"
      throw FileError(.missing, path, "\(what) '\(path)': \(advice)")
    }
    defer { close(file) }
    var info = stat()
    guard fstat(file, &info) == 0 else {
      throw FileError(.missing, path, "cannot read '\(path)': \(systemError()).")
    }
    guard info.st_mode & S_IFMT != S_IFDIR else {
      throw FileError(.missing, path, "'\(path)' is a folder, and a file is needed here.")
    }
    // Pipes have no size: grow until the end is reached.
    var bytes: [UInt8] = []
    var capacity = max(Int(info.st_size) + 1, 1 << 16)
    while true {
      var failure: FileError?
      let before = bytes.count
      let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        while count < buffer.count {
          let got = Self.readSome(file, buffer.baseAddress! + count, buffer.count - count)
          if got < 0 {
            failure = FileError(.missing, path, "cannot read '\(path)': \(systemError()).")
            return
          }
          if got == 0 { return }
          count += got
        }
      }
      if let failure { throw failure }
      let isLast = chunk.count < capacity
      if before == 0 { bytes = chunk } else { bytes += chunk }
      if isLast { return bytes }
      capacity = 1 << 20
    }
  }

  private static func readSome(_ file: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    while true {
      #if canImport(Darwin)
        let got = Darwin.read(file, buffer, count)
      #elseif canImport(Musl)
        let got = Musl.read(file, buffer, count)
      #else
        let got = Glibc.read(file, buffer, count)
      #endif
      if got >= 0 || errno != EINTR { return got }
    }
  }

  /// Reads a text file.
  package static func readText(_ path: String) throws(FileError) -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// The path with symbolic links and dots resolved, so that it is valid in any working folder.
  package static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

/// A file that is read in chunks, from several threads.
package final class RandomAccessFile: Sendable {
  /// The size in bytes, when it was opened.
  package let count: Int
  private let path: String
  private let descriptor: Int32

  /// Opens a regular file; nil for files without a size, such as a pipe, or where `Files.read` reports the
  /// error.
  package init?(_ path: String) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    var info = stat()
    guard descriptor >= 0 else { return nil }
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size > 0 else {
      close(descriptor)
      return nil
    }
    self.path = path
    count = Int(info.st_size)
  }

  deinit { close(descriptor) }

  /// The checksum of the whole file.
  /// - Throws: `FileError` where it cannot be read.
  package func checksum() throws(FileError) -> Checksum {
    var sum = Checksum()
    for start in stride(from: 0, to: count, by: 1 << 20) {
      sum.append(Checksum(of: try read(start..<min(count, start + 1 << 20))))
    }
    return sum
  }

  /// Reads a range of the file.
  /// - Throws: `FileError` where it cannot be read, or has become shorter.
  package func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      while count < range.count {
        let got = pread(descriptor, buffer.baseAddress! + count, range.count - count, off_t(range.lowerBound + count))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else {
          failure = got < 0 ? systemError() : "it became shorter while it was read; try again later"
          return
        }
        count += got
      }
    }
    if let failure { throw FileError(.missing, path, "cannot read '\(path)': \(failure).") }
    return bytes
  }
}
