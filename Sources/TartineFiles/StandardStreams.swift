#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Files {
  /// Text to standard output: results.
  /// - Throws: `FileError.writeFailed` where it does not all go through, as on a full disk.
  package static func print(_ text: String) throws(FileError) {
    guard put(text, 1) else {
      throw FileError(.writeFailed, "standard output", "cannot write to standard output: \(systemError()).")
    }
  }

  /// A line to standard error: warnings.
  package static func warn(_ text: String) { _ = put("tartine: \(text)\n", 2) }

  /// Text to standard error as it is: progress.
  package static func show(_ text: String) { _ = put(text, 2) }

  /// Whether standard error is a terminal, and its width.
  package static var terminalWidth: Int? {
    guard isatty(2) == 1 else { return nil }
    var size = winsize()
    return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// A write that cannot go through gives an error, and does not end the process.
  package static func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  private static func put(_ text: String, _ file: Int32) -> Bool { put(Array(text.utf8), file) }

  /// Writes all bytes to an open file.
  static func put(_ bytes: [UInt8], _ file: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes { writeSome(file, $0.baseAddress! + offset, bytes.count - offset) }
      if written < 0 && errno == EINTR { continue }
      if written <= 0 { return false }
      offset += written
    }
    return true
  }
}
