import Foundation
import Testing

/// What people expect of a command: suggestions, lists of runs, comparisons of several, runs that go on.
@Suite struct HabitTests {
  private func runner() throws -> CommandRunner {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 200), to: "t.csv")
    return command
  }

  private static let small = ["--hidden", "8", "--epochs", "3", "--quiet"]

  @Test func namesAreSuggested() throws {
    let command = try runner()
    let verb = try command.run(["trian", "t.csv"])
    #expect(verb.code == 64 && verb.errors.contains("Did you mean 'train'?"), "\(verb.errors)")
    let column = try command.run(["train", "t.csv", "--target", "Y"])
    #expect(column.code == 65 && column.errors.contains("Did you mean 'y'?"), "\(column.errors)")
    let key = try command.run(["train", "t.csv", "--target", "y", "--set", "optimizer.learningrate=1"])
    #expect(key.code == 64 && key.errors.contains("Did you mean 'optimizer.learningRate'?"), "\(key.errors)")
    try command.write("{\"epochs\": 3,\n \"batchSize\": }", to: "r.json")
    let recipe = try command.run(["train", "t.csv", "--target", "y", "--recipe", "r.json"])
    #expect(recipe.code == 64 && recipe.errors.contains("line 2, column 15"), "\(recipe.errors)")
  }

  @Test func namesOfOtherLibrariesAreKnown() throws {
    let command = try runner()
    for (number, flags) in [
      ["--activation", "swish"], ["--optimizer", "Adam"], ["--loss", "BCEWithLogitsLoss"],
      ["--set", #"network.layers=[{"layer":"Dense","units":4},{"layer":"ReLU"},{"layer":"BatchNormalization"}]"#],
    ].enumerated() {
      let run = try command.run(
        ["train", "t.csv", "--target", "y", "--epochs", "2", "--quiet", "--out", "named-\(number)"] + flags)
      #expect(run.code == 0, "\(flags): \(run.errors)")
    }
    let recipe = String(decoding: try command.bytes("named-1/recipe.json"), as: UTF8.self)
    #expect(recipe.contains("\"adam\""))
  }

  @Test func runsAreListedAndCompared() throws {
    let command = try runner()
    for (name, rate) in [("a", "0.01"), ("b", "0.001"), ("c", "0.0001")] {
      let run = try command.run(
        ["train", "t.csv", "--target", "y", "--lr", rate, "--out", "runs/\(name)"] + Self.small)
      #expect(run.code == 0, "\(run.errors)")
    }
    let list = try command.run(["runs"])
    #expect(list.code == 0 && list.output.split(separator: "\n").count == 4, "\(list.output)")
    #expect(list.output.contains("runs/a") && list.output.contains("learningRate 0.0001"), "\(list.output)")
    let lines = try command.run(["runs", "--sort", "dev", "--json"]).output.split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(objects.count == 3 && objects.allSatisfy { $0?["status"] as? String == "finished" })
    let compared = try command.run(["compare", "runs/a", "runs/b", "runs/c"])
    #expect(compared.code == 0 && compared.output.contains("p-values adjusted for 2 tests"), "\(compared.output)")
    let empty = try command.run(["runs", "nowhere"])
    #expect(empty.code == 66 && empty.errors.contains("there is no folder 'nowhere'"))
  }

  @Test func aFinishedRunGoesOn() throws {
    let command = try runner()
    let base = ["train", "t.csv", "--target", "y", "--hidden", "8", "--set", "optimizer.schedule=constant", "--quiet"]
    #expect(try command.run(base + ["--set", "optimizer.warmup=0", "--epochs", "6", "--out", "six"]).code == 0)
    #expect(try command.run(base + ["--set", "optimizer.warmup=0", "--epochs", "3", "--out", "three"]).code == 0)
    let done = try command.run(["train", "--resume", "three"])
    #expect(done.code == 64 && done.errors.contains("--epochs above 3"), "\(done.errors)")
    let longer = try command.run(["train", "--resume", "three", "--epochs", "6", "--json"])
    #expect(longer.code == 0, "\(longer.errors)")
    #expect(try longer.json()["epochs"] as? Int == 6)
    // Without a schedule it is the run that had six epochs from the start.
    #expect(try command.bytes("three/model.safetensors") == command.bytes("six/model.safetensors"))
    // With one it is not, which is said.
    #expect(try command.run(["train", "t.csv", "--target", "y", "--out", "cosine"] + Self.small).code == 0)
    let other = try command.run(["train", "--resume", "cosine", "--epochs", "5"])
    #expect(other.code == 0 && other.errors.contains("follows a schedule over all epochs"), "\(other.errors)")
  }

  @Test func groupsAreKnownToEvaluate() throws {
    let command = try CommandRunner()
    var text = "g,x,y\n"
    for group in 0..<30 {
      for row in 0..<6 { text += "g\(group),\((group * 7 + row) % 11),\(group % 2 == 0 ? "a" : "b")\n" }
    }
    try command.write(text, to: "t.csv")
    let run = try command.run(
      ["train", "t.csv", "--target", "y", "--split-by", "group:g", "--out", "r"] + Self.small)
    #expect(run.code == 0, "\(run.errors)")
    func width(_ arguments: [String]) throws -> Double {
      let error = try command.run(["evaluate", "r/model.safetensors"] + arguments + ["--json"]).json()["error"]
      let figure = try #require(error as? [String: Double])
      return figure["high"]! - figure["low"]!
    }
    let grouped = try width(["t.csv"])
    try command.write(text.replacingOccurrences(of: "g,x,y", with: "case,x,y"), to: "other.csv")
    let notice = try command.run(["evaluate", "r/model.safetensors", "other.csv"])
    #expect(notice.errors.contains("no such column"), "\(notice.errors)")
    let alone = try width(["other.csv"])
    #expect(grouped > 1.5 * alone)
    #expect(abs(try width(["other.csv", "--group", "case"]) - grouped) < 1e-9)
  }

  @Test func aMissingHeaderIsAskedAbout() throws {
    let command = try CommandRunner()
    let rows = (0..<60).map { "\(Double($0) / 7),\($0 % 13),\($0 % 2 == 0 ? "a" : "b")\n" }
    try command.write(rows.joined(), to: "t.csv")
    let asked = try command.run(["train", "t.csv", "--target", "a"])
    #expect(asked.errors.contains("--no-header"), "\(asked.errors)")
    let run = try command.run(["train", "t.csv", "--no-header", "--target", "column3", "--out", "r"] + Self.small)
    #expect(run.code == 0, "\(run.errors)")
    let predicted = try command.run(["predict", "r/model.safetensors", "t.csv", "--no-header"])
    #expect(predicted.code == 0 && predicted.output.split(separator: "\n").count == 61, "\(predicted.errors)")
    let resumed = try command.run(["evaluate", "r/model.safetensors", "t.csv", "--no-header"])
    #expect(resumed.code == 0 && resumed.output.contains("60 rows"), "\(resumed.errors)")
  }

  @Test func modelsByTheirFolderAndArgumentsInTheirOrder() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 150), to: "t.csv")
    let good = ["--hidden", "16", "--epochs", "40", "--quiet"]
    #expect(try command.run(["train", "t.csv", "--target", "y", "--out", "runs/a"] + good).code == 0)
    let folder = try command.run(["predict", "runs/a", "t.csv"])
    #expect(folder.code == 0 && folder.output.split(separator: "\n").count == 151, "\(folder.errors)")
    let swapped = try command.run(["predict", "t.csv", "runs/a/model.safetensors"])
    #expect(swapped.code == 64 && swapped.errors.contains("the model comes first"), "\(swapped.errors)")
    let own = try command.run(["evaluate", "runs/a", "t.csv"])
    #expect(own.code == 0 && own.errors.contains("80 % of the rows are its train and dev rows"), "\(own.errors)")
    let help = try command.run(["help", "trian"])
    #expect(help.code == 64 && help.errors.contains("Did you mean 'train'?"), "\(help.errors)")
    // A run that is worse than an earlier one on the same data says so.
    let worse = try command.run(
      ["train", "t.csv", "--target", "y", "--out", "runs/b", "--hidden", "1", "--epochs", "1", "--lr", "1e-9"])
    #expect(
      worse.code == 0 && worse.output.contains("compare runs/a runs/b")
        && worse.output.contains("has a lower dev error"),
      "\(worse.output)")
  }
}
