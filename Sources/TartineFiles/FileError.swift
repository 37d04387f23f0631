/// An error in reading or writing a file.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The category of an error.
  public enum Kind: Hashable, Sendable {
    /// The file does not exist, or cannot be read.
    case missing
    /// The file exists, but its content is invalid.
    case damaged
    /// A file or folder could not be created.
    case cannotCreate
    /// A write failed, for example because the disk is full.
    case writeFailed
  }

  /// The category of the error.
  public let kind: Kind
  /// The path of the file.
  public let path: String
  /// A sentence that names the file, and says what is wrong and what to do.
  public let description: String

  package init(_ kind: Kind, _ path: String, _ description: String) {
    self.kind = kind
    self.path = path
    self.description = description
  }
}
