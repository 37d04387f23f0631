import TartinePlatform

/// The identity of a process on a machine, distinct even if the process ID is reused.
package struct ProcessIdentity: Hashable, Sendable, CustomStringConvertible {
  private let host: String
  private let process: Int32
  /// The start time, in the system's ticks; empty where it is unknown.
  private let began: String

  /// This process.
  package static let own = ProcessIdentity(getpid())

  private init(_ process: Int32) {
    self.process = process
    host = Self.hostName
    began = Self.beginning(of: process)
  }

  /// The written form, such as `host 4711 123456`.
  package var description: String { "\(host) \(process) \(began)" }

  /// Parses a ``description``.
  package init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let process = Int32(parts[1]) else { return nil }
    (host, self.process, began) = (parts[0], process, parts[2])
  }

  /// Whether it has certainly ended: a process on another machine may still run.
  package var isGone: Bool {
    guard host == Self.hostName else { return false }
    if kill(process, 0) != 0, errno == ESRCH { return true }
    let now = Self.beginning(of: process)
    // Where the system does not allow reading it, it may still exist.
    return !now.isEmpty && now != began
  }

  private static let hostName: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, 255) == 0 else { return "host" }
    let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(text.map { $0 == " " ? "-" : $0 })
  }()

  /// The 22nd field of the system's line about a process.
  private static func beginning(of process: Int32) -> String {
    let file = open("/proc/\(process)/stat", O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 2048)
    let count = read(file, &bytes, bytes.count)
    guard count > 0 else { return "" }
    // The program's name is in parentheses, and may contain anything.
    let text = String(decoding: bytes[0..<count], as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return "" }
    let fields = text[text.index(after: end)...].split(separator: " ")
    // A zombie process.
    if fields.first == "Z" { return "ended" }
    return fields.count > 19 ? String(fields[19]) : ""
  }
}
