import Foundation
import Testing

/// `inspect` and `compare`, as they are called.
@Suite struct DiagnosisCommandTests {
  @Test func inspectingATable() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    let text = try command.run(["inspect", "t.csv", "--target", "y"])
    #expect(text.code == 0 && text.errors.isEmpty, "\(text.errors)")
    #expect(text.output.contains("t.csv: 300 rows; target 'y'") && text.output.contains("One distribution?"))
    let json = try command.run(["inspect", "t.csv", "--target", "y", "--json"]).json()
    #expect(Set(json.keys).isSuperset(of: ["columns", "warnings", "split", "sameDistribution"]))
    let pairs = try #require(json["sameDistribution"] as? [[String: Any]])
    #expect(pairs.map { $0["pair"] as? [String] } == [["dev", "test"], ["train", "dev"], ["train", "test"]])
    for key in ["statistic", "p", "smallestVisibleShift", "columns"] { #expect(pairs[0][key] != nil, "\(key)") }
    let digits = try command.run(["inspect", "--json"]).json()
    #expect((digits["columns"] as? [Any])?.isEmpty == true && (digits["classes"] as? [Any])?.count == 10)
    #expect(!FileManager.default.fileExists(atPath: command.folder + "/runs"))
  }

  @Test func dividingByAColumn() throws {
    let command = try CommandRunner()
    let lines = CommandRunner.table(rows: 200).split(separator: "\n")
    let grouped = lines.enumerated().map { "\($0 == 0 ? "house" : "h\($0 / 4)"),\($1)\n" }.joined()
    try command.write(grouped, to: "t.csv")
    let base = ["train", "t.csv", "--target", "y", "--hidden", "8", "--epochs", "2", "--json"]
    let trained = try command.run(base + ["--split-by", "group:house", "--out", "a"])
    #expect(trained.code == 0, "\(trained.errors)")
    let run = try JSONSerialization.jsonObject(with: Data(try command.bytes("a/run.json"))) as? [String: Any]
    #expect((run?["source"] as? [String: Any])?["splitBy"] as? String == "group:house")
    let wrong = try command.run(base + ["--split-by", "house"])
    #expect(wrong.code == 64 && wrong.errors.contains("group:COLUMN"))
    #expect(try command.run(base + ["--split-by", "group:nobody"]).code == 65)
    let folds = try command.run(base + ["--split-by", "time:house", "--folds", "3"])
    #expect(folds.code == 65 && folds.errors.contains("folds would predict the past"))
    let inspected = try command.run(["inspect", "t.csv", "--target", "y", "--split-by", "group:house"])
    #expect(inspected.output.contains("group:house") && !inspected.output.contains("\nhouse "))
  }

  @Test func comparingRuns() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    let base = ["train", "t.csv", "--target", "y", "--epochs", "5", "--json", "--split-seed", "0"]
    for (name, flags) in [
      ("a0", ["--seed", "0"]), ("a1", ["--seed", "1"]), ("b0", ["--hidden", "0"]), ("c0", ["--split-seed", "9"]),
    ] {
      #expect(try command.run(base + flags + ["--out", name]).code == 0)
    }
    let text = try command.run(["compare", "a0", "b0"])
    #expect(text.code == 0 && text.output.contains("One seed each"), "\(text.errors)")
    let json = try command.run(["compare", "a0,a1", "b0", "--json"]).json()
    #expect((json["seeds"] as? [Int]) == [1, 2] && json["verdict"] != nil)
    for (arguments, code, what) in [
      (["a0", "c0"], 65, "--split-seed"), (["a0", "nothing"], 66, "holds no run.json"),
      (["a0,b0", "a1"], 64, "different recipes"),
      (["a0,a0", "b0"], 64, "twice"), (["", "b0"], 64, "empty name"),
    ] {
      let result = try command.run(["compare"] + arguments)
      #expect(result.code == Int32(code) && result.errors.contains(what), "\(arguments): \(result.errors)")
    }
    try FileManager.default.removeItem(atPath: command.folder + "/b0/checkpoint.safetensors")
    #expect(try command.run(["compare", "a0", "b0"]).code == 66)
  }
}
