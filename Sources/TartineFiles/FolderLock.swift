import TartinePlatform

/// A lock that lets one process at a time write to a folder. It is released with the object, or when the
/// process ends.
package final class FolderLock {
  private let folder: Int32

  /// - Throws: `FileError.cannotCreate` where another process holds it.
  package init(_ path: String) throws(FileError) {
    folder = open(path, O_RDONLY | O_CLOEXEC)
    // Some file systems do not support locks; then there is none.
    guard folder >= 0, flock(folder, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
    throw FileError(
      .cannotCreate, path, "another process is training the run in '\(path)'; wait until it ends, or stop it.")
  }

  deinit { if folder >= 0 { close(folder) } }
}
