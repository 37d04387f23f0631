import Foundation
import Testing

/// Several seeds, a time limit, and explanations on the command line.
@Suite struct EnsembleCommandTests {
  private func runner() throws -> CommandRunner {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    return command
  }

  @Test func severalSeedsMakeOneModel() throws {
    let command = try runner()
    let train = ["train", "t.csv", "--target", "y", "--hidden", "8", "--epochs", "4", "--seeds", "3", "--quiet"]
    let run = try command.run(train + ["--out", "three"])
    #expect(run.code == 0 && run.output.contains("Ensemble of 3 networks (seeds 0 to 2): mean dev"), "\(run.errors)")
    let json = try command.run(train + ["--json", "--out", "again"])
    #expect((try json.json()["devOfEach"] as? [Double])?.count == 3)
    #expect(try command.bytes("three/model.safetensors") == command.bytes("again/model.safetensors"))
    let predict = try command.run(["predict", "three", "t.csv"])
    #expect(predict.code == 0 && predict.output.split(separator: "\n").count == 301)
    let zero = try command.run(["train", "t.csv", "--target", "y", "--seeds", "0"])
    #expect(zero.code == 64 && zero.errors.contains("seeds must be from 1 to 100"), "\(zero.errors)")
  }

  @Test func aTimeIsUnderstoodOrRefused() throws {
    let command = try runner()
    let train = ["train", "t.csv", "--target", "y", "--quiet", "--json"]
    let run = try command.run(train + ["--hidden", "8", "--minutes", "1s", "--out", "timed"])
    #expect(run.code == 0, "\(run.errors)")
    let recipe = String(decoding: try command.bytes("timed/recipe.json"), as: UTF8.self)
    #expect(recipe.contains("\"minutes\"") && recipe.contains("\"hidden\" : [\n      8"), "\(recipe)")
    let quick = try command.run(train + ["--preset", "quick", "--set", "minutes=0.02", "--out", "quick"])
    #expect(quick.code == 0, "\(quick.errors)")
    // A number of epochs takes the place of the time.
    let epochs = try command.run(train + ["--recipe", "timed/recipe.json", "--epochs", "2", "--out", "two"])
    #expect(try epochs.code == 0 && epochs.json()["epochs"] as? Int == 2, "\(epochs.errors)")
    for wrong in [
      ["--minutes", "0"], ["--minutes", "soon"], ["--minutes", "1", "--epochs", "3"],
      ["--minutes", "1", "--folds", "3"],
    ] {
      let refused = try command.run(train + wrong)
      #expect(
        refused.code == 64 && refused.errors.contains("leave") || refused.errors.contains("as in"), "\(refused.errors)")
    }
  }

  @Test func predictionsAreExplained() throws {
    let command = try runner()
    _ = try command.run([
      "train", "t.csv", "--target", "y", "--hidden", "8", "--epochs", "4", "--quiet", "--out", "run",
    ])
    let text = try command.run(["predict", "run", "t.csv", "--explain"])
    #expect(text.code == 0 && text.output.contains("Row 1: ") && text.output.contains("log odds"), "\(text.errors)")
    #expect(text.output.contains("… and 280 more rows; --json has all of them."))
    let json = try command.run(["predict", "run/model.safetensors", "t.csv", "--explain", "--json"])
    let all = try #require(try json.json()["explanations"] as? [[String: Any]])
    #expect(all.count == 300 && all[0]["contributions"] is [[String: Any]])
    // Away from its run the model needs rows to compare with.
    try FileManager.default.copyItem(
      atPath: command.folder + "/run/model.safetensors", toPath: command.folder + "/alone.safetensors")
    let alone = try command.run(["predict", "alone.safetensors", "t.csv", "--explain"])
    #expect(alone.code == 64 && alone.errors.contains("--against"), "\(alone.errors)")
    let against = try command.run(["predict", "alone.safetensors", "t.csv", "--explain", "--against", "t.csv"])
    #expect(against.code == 0 && against.output.contains("Row 20: "), "\(against.errors)")
    let odd = try command.run(["predict", "run", "t.csv", "--against", "t.csv"])
    #expect(odd.code == 64 && odd.errors.contains("--explain"))
  }
}
