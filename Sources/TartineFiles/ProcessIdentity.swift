#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One process of one machine, also where its number is given out again.
package struct ProcessIdentity: Hashable, Sendable, CustomStringConvertible {
  private let host: String
  private let process: Int32
  /// When it began, in the system's own ticks; empty where the system does not say.
  private let began: String

  /// This process.
  package static let own = ProcessIdentity(getpid())

  private init(_ process: Int32) {
    self.process = process
    host = Self.hostName
    began = Self.beginning(of: process)
  }

  /// As `host 4711 123456`.
  package var description: String { "\(host) \(process) \(began)" }

  /// Reads what ``description`` writes.
  package init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let process = Int32(parts[1]) else { return nil }
    (host, self.process, began) = (parts[0], process, parts[2])
  }

  /// Whether it surely is no more: one of another machine may be.
  package var isGone: Bool {
    guard host == Self.hostName else { return false }
    if kill(process, 0) != 0, errno == ESRCH { return true }
    let now = Self.beginning(of: process)
    // Where the system does not let it be read, it may be there still.
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
    // The program's name stands in parentheses, and may hold anything.
    let text = String(decoding: bytes[0..<count], as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return "" }
    let fields = text[text.index(after: end)...].split(separator: " ")
    // One that has ended, and that nobody has asked after.
    if fields.first == "Z" { return "ended" }
    return fields.count > 19 ? String(fields[19]) : ""
  }
}
