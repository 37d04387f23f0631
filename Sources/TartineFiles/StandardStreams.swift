import Synchronization
import TartinePlatform

extension Files {
  /// Prints text to standard output: results.
  /// - Throws: `FileError.writeFailed` where it cannot be written in full, for example because the disk is
  ///   full.
  package static func print(_ text: String) throws(FileError) {
    guard put(text, 1) else {
      // The reader, such as `head`, has closed the pipe.
      if errno == EPIPE { exit(0) }
      throw FileError(.writeFailed, "standard output", "cannot write to standard output: \(systemError()).")
    }
  }

  private static let standardInput = Mutex<[UInt8]?>(nil)

  /// Reads all of standard input; a second call returns the same bytes.
  /// - Throws: `FileError` where it cannot be read.
  package static func readStandardInput() throws(FileError) -> [UInt8] {
    if let bytes = standardInput.withLock({ $0 }) { return bytes }
    let bytes = try readAll()
    standardInput.withLock { $0 = bytes }
    return bytes
  }

  private static func readAll() throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = readSome(0, &buffer, buffer.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw FileError(.missing, "-", "cannot read standard input: \(systemError()).")
      }
      bytes += buffer[..<count]
    }
  }

  /// Prints a line to standard error: warnings.
  package static func warn(_ text: String) { _ = put("tartine: \(text)\n", 2) }

  /// Prints text to standard error unchanged: progress.
  package static func show(_ text: String) { _ = put(text, 2) }

  /// The width of the terminal; nil where standard error is not a terminal.
  package static var terminalWidth: Int? { width(of: 2) }

  /// The columns of the terminal that standard output is written to; nil: it is no terminal.
  package static var outputWidth: Int? { width(of: 1) }

  private static func width(of descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Makes a failing write return an error, instead of ending the process.
  package static func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Sets the message that is printed when the process is interrupted or terminated, and a folder that is
  /// then removed if it is empty.
  package static func onInterrupt(say sentence: String, removing folder: String? = nil) {
    lastWords.set("\ntartine: \(sentence)\n", folder)
    // A program that starts this one may have blocked them.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] {
      sigaddset(&signals, number)
      signal(number) { Files.end($0) }
    }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Lets the process finish its step after the first interrupt, see ``isInterrupted``; the second ends it, as does
  /// termination.
  ///
  /// - Parameters:
  ///   - first: the message on the first interrupt.
  ///   - second: the message on the second; see ``onInterrupt(say:removing:)``.
  ///   - folder: a folder that is then removed if it is empty.
  package static func onFirstInterrupt(say first: String, onSecond second: String, removing folder: String? = nil) {
    onInterrupt(say: second, removing: folder)
    // Initialized before the handler may read it.
    _ = isInterrupted
    firstWords.set("\ntartine: \(first)\n", nil)
    signal(SIGINT) { number in
      if !Files.interrupted.exchange(true, ordering: .relaxed) {
        // What was interrupted may be about to read it.
        let before = errno
        if let text = Files.firstWords.text { _ = Files.writeSome(2, text, Files.firstWords.length) }
        errno = before
        return
      }
      Files.end(number)
    }
  }

  /// Whether there was a first interrupt.
  package static var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

  private static let interrupted = Atomic(false)

  /// Says the last words and ends the process. No allocation or locking is allowed here.
  private static func end(_ number: Int32) {
    if let text = lastWords.text { _ = writeSome(2, text, lastWords.length) }
    if let folder = lastWords.folder { rmdir(folder) }
    _exit(128 + number)
  }

  /// Written before a signal may arrive, read by its handler; never freed.
  private struct LastWords {
    var text, folder: UnsafeMutablePointer<CChar>?
    var length = 0

    mutating func set(_ sentence: String, _ path: String?) {
      text = strdup(sentence)
      length = sentence.utf8.count
      folder = path.flatMap { strdup($0) }
    }
  }

  nonisolated(unsafe) private static var lastWords = LastWords()
  nonisolated(unsafe) private static var firstWords = LastWords()

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

/// The C library's `read`, which is shadowed within `Files`.
private func readSome(_ file: CInt, _ buffer: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
  read(file, buffer, count)
}
