import Foundation

/// Runs the built command in its own folder.
struct CommandRunner {
  let folder: String

  struct Result {
    let code: Int32
    let output: String
    let errors: String

    /// The one JSON object printed by `--json`.
    func json() throws -> [String: Any] {
      let lines = output.split(separator: "\n")
      guard lines.count == 1,
        let object = try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any]
      else { throw NSError(domain: "not one JSON object: \(output) \(errors)", code: 1) }
      return object
    }
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/tartine-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  /// The folder of this package's products: beside the test bundle.
  static var products: String {
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
    var path = URL(fileURLWithPath: bundle)
    while !FileManager.default.fileExists(atPath: path.appendingPathComponent("tartine").path),
      path.path != "/"
    { path.deleteLastPathComponent() }
    return path.path
  }

  func run(_ arguments: [String], executable: String = "tartine", shell prefix: String? = nil) throws -> Result {
    let process = Process()
    let program = Self.products + "/" + executable
    if let prefix {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "\(prefix); exec \"$0\" \"$@\"", program] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
    }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // To files: a full pipe would stop both.
    let outPath = folder + "/.stdout-\(UUID().uuidString)"
    let errorPath = folder + "/.stderr-\(UUID().uuidString)"
    for path in [outPath, errorPath] { try Data().write(to: URL(fileURLWithPath: path)) }
    process.standardOutput = FileHandle(forWritingAtPath: outPath)
    process.standardError = FileHandle(forWritingAtPath: errorPath)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
    return Result(
      code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try text(outPath), errors: try text(errorPath))
  }

  /// The words of a command line as a shell reads them.
  func words(_ line: String) throws -> [String] {
    try run([], shell: "printf '%s\\n' \(line); exit").output.split(separator: "\n").map(String.init)
  }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
  }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }

  /// A table that can be learned: y is yes if a + b > 0, with a category and some missing values.
  static func table(rows: Int, seed: Int = 1) -> String {
    var text = "a,b,kind,y\n"
    var state = UInt64(seed)
    func next() -> Double {
      state = state &* 6364136223846793005 &+ 1442695040888963407
      return Double(state >> 40) / Double(1 << 24) * 2 - 1
    }
    for _ in 0..<rows {
      let (a, b) = (next(), next())
      let kind = next() > 0 ? "round" : "square"
      text += "\(next() > 0.9 ? "" : "\(a)"),\(b),\(kind),\(a + b > 0 ? "yes" : "no")\n"
    }
    return text
  }
}
