import TartinePlatform

extension Files {
  /// Creates a folder and its parents.
  /// - Returns: whether it did not exist before, so that only one of two concurrent callers has created it.
  /// - Throws: `FileError.cannotCreate` with the reason.
  @discardableResult
  package static func makeFolder(_ path: String) throws(FileError) -> Bool {
    var isNew = false
    var built = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      built += built.isEmpty || built.hasSuffix("/") ? String(part) : "/" + part
      isNew = mkdir(built, 0o777) == 0
      if !isNew && errno != EEXIST {
        throw FileError(.cannotCreate, path, "cannot make the folder '\(path)': \(systemError()).")
      }
    }
    guard isFolder(path) else {
      throw FileError(
        .cannotCreate, path, "cannot make the folder '\(path)': a file of that name is in the way.")
    }
    return isNew
  }

  /// Removes a file.
  package static func remove(_ path: String) { unlink(path) }

  /// Removes a folder if it is empty.
  package static func removeEmptyFolder(_ path: String) { rmdir(path) }

  /// Removes a folder with all that is in it; of a link only the link.
  package static func removeTree(_ path: String) {
    if unlink(path) == 0 { return }
    for name in names(in: path) where name != "." && name != ".." { removeTree(path + "/" + name) }
    rmdir(path)
  }

  /// Replaces a file atomically: writes a new file beside it, flushes, renames. The old content stays intact
  /// until the new content is safe, and after any failure.
  ///
  /// - Parameter flush: whether to wait for the disk. Without it the file survives the end of the process,
  ///   however that happens, but perhaps not a power failure.
  /// - Throws: `FileError.cannotCreate` or `.writeFailed`.
  package static func write(_ bytes: [UInt8], to path: String, flush: Bool = true) throws(FileError) {
    var info = stat()
    let isThere = stat(path, &info) == 0
    if isThere && info.st_mode & S_IFMT != S_IFREG { return try writeThrough(bytes, to: path) }
    // A symbolic link is kept: its target is replaced.
    let path = isThere ? absolute(path) : path
    let beside = "\(path).new-\(getpid())"
    let file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else {
      throw FileError(.cannotCreate, path, "cannot create '\(path)': \(systemError()).")
    }
    func failed() -> FileError {
      let reason = systemError()
      close(file)
      unlink(beside)
      return FileError(
        .writeFailed, path,
        "cannot write '\(path)' (\(bytes.count) bytes): \(reason). Nothing that was there is lost.")
    }
    var offset = 0
    while offset < bytes.count {
      let written = bytes.withUnsafeBytes { writeSome(file, $0.baseAddress! + offset, bytes.count - offset) }
      if written < 0 && errno == EINTR { continue }
      if written <= 0 { throw failed() }
      offset += written
    }
    guard !flush || fsync(file) == 0 || errno == EINVAL else { throw failed() }
    guard close(file) == 0 else {
      unlink(beside)
      throw FileError(.writeFailed, path, "cannot write '\(path)': \(systemError()). Nothing that was there is lost.")
    }
    guard rename(beside, path) == 0 else {
      let reason = systemError()
      unlink(beside)
      throw FileError(.cannotCreate, path, "cannot put '\(path)' in its place: \(reason).")
    }
    if flush { flushFolder(of: path) }
  }

  /// Removes the temporary files of killed writers in a folder that no process is writing to.
  package static func removeLeftovers(in folder: String) {
    for name in names(in: folder) {
      // Named by `write`: NAME.new-PROCESS.
      let ending = name.split(separator: ".").last ?? ""
      if ending.hasPrefix("new-"), Int(ending.dropFirst(4)) != nil { unlink("\(folder)/\(name)") }
    }
  }

  /// A device, a pipe or a terminal cannot be replaced, and is written to directly.
  private static func writeThrough(_ bytes: [UInt8], to path: String) throws(FileError) {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw FileError(.cannotCreate, path, "cannot write to '\(path)': \(systemError()).")
    }
    defer { close(file) }
    guard put(bytes, file) else {
      throw FileError(.writeFailed, path, "cannot write to '\(path)': \(systemError()).")
    }
  }

  /// Replaces a text file atomically.
  package static func write(_ text: String, to path: String, flush: Bool = true) throws(FileError) {
    try write(Array(text.utf8), to: path, flush: flush)
  }

  static func writeSome(_ file: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    #if canImport(Darwin)
      Darwin.write(file, bytes, count)
    #elseif canImport(Musl)
      Musl.write(file, bytes, count)
    #else
      Glibc.write(file, bytes, count)
    #endif
  }

  /// A rename is durable only once its folder is flushed; best effort, as some file systems refuse.
  private static func flushFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let handle = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
    guard handle >= 0 else { return }
    _ = fsync(handle)
    close(handle)
  }
}
