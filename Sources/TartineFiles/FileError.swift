/// A file could not be read or written.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, roughly.
  public enum Kind: Hashable, Sendable {
    /// There is no such file, or it may not be read.
    case missing
    /// It is there, but it is not what it should be.
    case damaged
    /// A file or folder could not be made.
    case cannotCreate
    /// A write did not go through, as on a full disk.
    case writeFailed
  }

  /// What went wrong, roughly.
  public let kind: Kind
  /// The file.
  public let path: String
  /// What is wrong and what to do, in a sentence that names the file.
  public let description: String

  package init(_ kind: Kind, _ path: String, _ description: String) {
    self.kind = kind
    self.path = path
    self.description = description
  }
}
