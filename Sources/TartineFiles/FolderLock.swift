#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A folder that one process at a time may write to. It is free again when the lock goes, or its process ends.
package final class FolderLock {
  private let folder: Int32

  /// - Throws: `FileError.cannotCreate` where another process holds it.
  package init(_ path: String) throws(FileError) {
    folder = open(path, O_RDONLY | O_CLOEXEC)
    // Some file systems know no locks; there is nothing to be had then.
    guard folder >= 0, flock(folder, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
    throw FileError(
      .cannotCreate, path, "another process is training the run in '\(path)'; wait until it ends, or stop it.")
  }

  deinit { if folder >= 0 { close(folder) } }
}

extension Files {
  /// Takes away what writers that were killed left beside the files of a folder that nobody writes to.
  package static func removeLeftovers(in folder: String) {
    guard let listing = opendir(folder) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
          String(cString: $0)
        }
      }
      if let mark = name.range(ofMark: leftoverMark), name[mark...].allSatisfy(\.isNumber) {
        unlink("\(folder)/\(name)")
      }
    }
  }

  /// Between a file's name and its writer's number while it is written.
  static let leftoverMark = ".new-"
}

extension String {
  /// Where the text after a mark begins, if it is there.
  fileprivate func range(ofMark mark: String) -> Index? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(mark) { return index(start, offsetBy: mark.count) }
      start = index(after: start)
    }
    return nil
  }
}
