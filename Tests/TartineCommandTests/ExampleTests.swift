import Foundation
import Testing

@Suite struct ExampleTests {
  private func text(_ path: String) throws -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return String(decoding: try Data(contentsOf: URL(fileURLWithPath: "/\(root)/\(path)")), as: UTF8.self)
  }

  /// The README shows exactly the program that is built and run here.
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

  @Test func theReadmesRecipeTrains() throws {
    let parts = try text("README.md").components(separatedBy: "```json\n")
    #expect(parts.count == 2)
    let command = try CommandRunner()
    try command.write(parts.last?.components(separatedBy: "```").first ?? "", to: "r.json")
    try command.write(CommandRunner.table(rows: 100), to: "t.csv")
    let run = try command.run(["train", "t.csv", "--target", "y", "--recipe", "r.json", "--epochs", "2", "--json"])
    #expect(run.code == 0, "\(run.errors)")
  }

  /// Images of 4 pixels whose class is the brightest of them, with MNIST's file names.
  @Test func theDropoutPapersProgramRuns() throws {
    let command = try CommandRunner()
    try command.makeFolder("p")
    for (name, count) in [("train", 240), ("t10k", 60)] {
      let size: [UInt8] = [0, 0, 0, UInt8(count)]
      var pixels: [UInt8] = []
      for row in 0..<count {
        for place in 0..<4 { pixels.append(place == row % 4 ? 200 : UInt8((row * 7 + place) % 50)) }
      }
      let images: [UInt8] = [0, 0, 8, 3] + size + [0, 0, 0, 2, 0, 0, 0, 2]
      try command.write(images + pixels, to: "p/\(name)-images-idx3-ubyte")
      let labels: [UInt8] = [0, 0, 8, 1] + size
      try command.write(labels + (0..<count).map { UInt8($0 % 4) }, to: "p/\(name)-labels-idx1-ubyte")
    }
    let program = "TartineDropoutPaper"
    let choice = try command.run(["p", "--choose", "--epochs", "2"], executable: program)
    #expect(
      choice.code == 0 && choice.output.contains("dev: error") && !choice.output.contains("test:"), "\(choice.errors)")
    let run = try command.run(["p", "--epochs", "3", "--seed", "1", "--out", "curve.csv"], executable: program)
    #expect(run.code == 0 && run.output.contains("test: error"), "\(run.errors)")
    let curve = String(decoding: try command.bytes("curve.csv"), as: UTF8.self).split(separator: "\n")
    #expect(curve.count == 4 && curve[0] == "epoch,rate,train error,dev error")
    let wrong = try command.run(["nowhere"], executable: program)
    #expect(wrong.code == 65 && wrong.errors.contains("nowhere") && !wrong.errors.contains("Fatal"), "\(wrong.errors)")
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

  /// The page has every experiment that the program lists, and shows the program's output.
  @Test func theLecturesExperimentsRun() throws {
    let page = try text("Documentation/Lecture.md")
    let command = try CommandRunner()
    let list = try command.run([], executable: "TartineLecture")
    #expect(list.code == 0, "\(list.errors)")
    let names = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
    let headings = page.split(separator: "\n").filter { $0.hasPrefix("### ") }.map { String($0.dropFirst(4)) }
    #expect(names.count > 30 && names == headings)

    // Exact arithmetic: exactly the figures of the page.
    let exact = try command.run(["moving-average"], executable: "TartineLecture")
    #expect(exact.code == 0 && page.contains(exact.output.trimmingCharacters(in: .newlines)), "\(exact.output)")

    // Trained: a row for each question, and a verdict that follows from the rows.
    let trained = try command.run(["train-longer", "--seeds", "2", "--threads", "1"], executable: "TartineLecture")
    #expect(trained.code == 0, "\(trained.errors)")
    let rows = trained.output.split(separator: "\n").filter { $0.hasPrefix("| train ") }
    let verdicts = rows.compactMap { $0.split(separator: "|").last?.trimmingCharacters(in: .whitespaces) }
    #expect(rows.count == 2 && rows.allSatisfy { $0.contains(" of 2 |") })
    let claim = verdicts.contains("fails") ? "fails" : verdicts.contains("undecided") ? "is undecided" : "holds"
    #expect(Set(verdicts).isSubset(of: ["holds", "fails", "undecided"]))
    #expect(trained.output.hasSuffix("**The claim \(claim).**\n"))
    let both = try command.run(["train-longer", "--seeds", "2", "--threads", "2"], executable: "TartineLecture")
    #expect(both.output == trained.output)

    let unknown = try command.run(["momentun"], executable: "TartineLecture")
    #expect(unknown.code == 64 && unknown.errors.contains("there is no experiment 'momentun'"))
  }
}
