import Foundation
import Tartine
import Testing

/// Readers of a program's own.
@Suite struct TableReaderTests {
  /// Numbers, one a line.
  struct Lines: TableReader {
    let endings: [String]
    let factor: Double
    func read(_ path: String) throws -> [TableColumn] {
      let numbers = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { Double($0) }
      return [TableColumn("x", .numbers(numbers)), TableColumn("y", .numbers(numbers.map { factor * $0 }))]
    }
  }

  private func targets(_ name: String) throws -> [Double] {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "tartine-reader-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: name).path
    let text = (1...12).map { "\($0).5\n" }.joined()
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let data = try Dataset(csv: file, target: "y", task: .regression)
    // A file that a reader opens itself is summed beside it.
    #expect(data.checksums == [file: Checksum(of: Array(text.utf8)).text])
    guard case .numbers(let values) = data.targets[0].values else { return [] }
    return values.prefix(2).map { Double($0) }
  }

  @Test func endingsAreFoundInAnyCase() throws {
    Dataset.register(Lines(endings: ["odd", "odd.gz"], factor: 2))
    Dataset.register(Lines(endings: [".ODD2"], factor: 3))
    for name in ["a.odd", "a.ODD", "a.Odd.gz", "a.b.odd"] { #expect(try targets(name) == [3, 5]) }
    for name in ["a.odd2", "a.ODD2"] { #expect(try targets(name) == [4.5, 7.5]) }
    // The last one that knows an ending.
    Dataset.register(Lines(endings: ["odd2"], factor: 10))
    #expect(try targets("a.odd2") == [15, 25])
    // An ending is not the end of a word.
    #expect(throws: (any Error).self) { try targets("aodd") }
  }
}
