import Foundation
import Testing

@Suite struct ExampleTests {
  private func text(_ path: String) throws -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return String(decoding: try Data(contentsOf: URL(fileURLWithPath: "/\(root)/\(path)")), as: UTF8.self)
  }

  /// The README shows the very program that is built and run here.
  @Test func theReadmesProgramRuns() throws {
    #expect(try text("README.md").contains("```swift\n\(try text("Examples/Titanic/main.swift"))```"))
    let command = try CommandRunner()
    if let data = ProcessInfo.processInfo.environment["TARTINE_DATA"] {
      try command.write([UInt8](Data(contentsOf: URL(fileURLWithPath: data + "/titanic.csv"))), to: "titanic.csv")
    } else {
      var table = "PassengerId,Survived,Sex,Age,Fare\n"
      for row in 0..<300 {
        let isFemale = row % 3 == 0
        table += "\(row),\(isFemale || row % 11 == 0 ? 1 : 0),\(isFemale ? "female" : "male"),"
        table += "\(row % 7 == 0 ? "" : "\(row % 60)"),\(row % 13)\n"
      }
      try command.write(table, to: "titanic.csv")
    }
    let result = try command.run([], executable: "TartineTitanicExample")
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first == "error, with 95 % intervals")
    #expect(lines.last?.hasPrefix("error ") == true)
    let woman = try #require(lines.dropLast().last)
    #expect(woman.hasPrefix("1 ("), "a woman of 29 survives: \(woman)")
  }

  @Test func aLayerOfOnesOwn() throws {
    let command = try CommandRunner()
    let result = try command.run([], executable: "TartineLayerExample")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("gate1"))
    #expect(result.output.hasSuffix("1797 rows predicted by the reopened model\n"))
    // The command does not know the layer, and says what to do.
    let foreign = try command.run(["predict", "gate.safetensors", "digits"])
    #expect(foreign.code == 65 && foreign.errors.contains("there is no layer 'gate' here"))
  }
}
