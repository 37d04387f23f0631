import Foundation
import Testing
import TartineFiles

/// `tartine improve`: files, JSON, refusals, and going on after a kill.
@Suite struct ImproveCommandTests {
  private static let flags = [
    "improve", "t.csv", "--target", "y", "--hidden", "32", "--lr", "0.00003", "--epochs", "10", "--threads", "1",
    "--rounds", "2",
    "--only", "higher-learning-rate,early-stopping,mixup",
  ]

  @Test func writesTheProof() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 500), to: "t.csv")
    let run = try command.run(Self.flags + ["--json", "--out", "i"])
    #expect(run.code == 0, "\(run.errors)")
    let json = try run.json()
    #expect(
      Set(json.keys) == [
        "sentence", "first", "last", "gain", "accepted", "refused", "forYou", "worth", "seedStandardDeviation",
        "minimumDetectableGain",
        "ending",
        "trainings", "seconds", "settings", "ledger", "report", "recipe", "model",
      ])
    let gain = try #require(json["gain"] as? [String: Any])
    #expect(Set(gain.keys) == ["dev", "test", "kept"])
    #expect((json["settings"] as? String)?.contains("--learning-rate") == true)
    // A line for each trial, and one for the result.
    let lines = try command.bytes("i/ledger.jsonl").split(separator: 10)
    let trials = try #require(json["accepted"] as? [Any]).count + #require(json["refused"] as? [Any]).count
    #expect(lines.count >= trials + 1)
    for file in ["recipe.json", "model.safetensors", "report.html", "report.json"] {
      #expect(command.exists("i/" + file), "\(file)")
    }
    #expect(!command.exists("i/trainings"))
    // The recipe trains, and the model predicts.
    let train = try command.run([
      "train", "t.csv", "--target", "y", "--recipe", "i/recipe.json", "--threads", "1", "--out", "again",
    ])
    #expect(train.code == 0, "\(train.errors)")
    #expect(try command.bytes("again/model.safetensors") == command.bytes("i/model.safetensors"))
    #expect(try command.run(["predict", "i/model.safetensors", "t.csv"]).code == 0)
    // A folder that is there keeps what it had, when a beginning fails.
    try command.makeFolder("kept")
    try command.write("mine", to: "kept/mine.txt")
    let failed = try command.run([
      "improve", "t.csv", "--target", "y", "--lr", "1e30", "--optimizer", "sgd", "--out", "kept",
    ])
    #expect(failed.code == 64 && failed.errors.contains("diverged"), "\(failed.errors)")
    #expect(command.exists("kept/mine.txt") && !command.exists("kept/improve.json"))
    // Nothing is replaced, and what is finished is not gone on with.
    let over = try command.run(Self.flags + ["--out", "i"])
    #expect(over.code == 73 && over.errors.contains("is there already"))
    let finished = try command.run(["improve", "--resume", "i"])
    #expect(finished.code == 64 && finished.errors.contains("is finished"))
  }

  @Test func refusesWhatItCannotDo() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "t.csv")
    let cases: [(flags: [String], code: Int32, text: String)] = [
      (["--only", "magic"], 64, "there is no 'magic'"), (["--rounds", "0"], 64, "--rounds must be"),
      (["--budget", "soon"], 64, "--budget is a time"), (["--worth", "-1"], 64, "--worth must be"),
      (["--human-error", "3"], 64, "0.05 means 5 %"), (["--worth", "5"], 64, "half a percentage point"),
      (["--only", ""], 64, "names no idea"), (["--lr", "1e30", "--optimizer", "sgd"], 64, "diverged"),
    ]
    for (flags, code, text) in cases {
      let run = try command.run(
        ["improve", "t.csv", "--target", "y", "--epochs", "2", "--hidden", "4"] + flags + ["--out", "x"])
      #expect(run.code == code && run.errors.contains(text), "\(flags): \(run.code) \(run.errors)")
      #expect(!command.exists("x"))
    }
    let ideas = try command.run(["improve", "t.csv", "--target", "y", "--epochs", "2", "--dry-run", "--json"]).json()
    #expect((ideas["ideas"] as? [[String: Any]])?.contains { $0["name"] as? String == "bigger-network" } == true)
    let none = try command.run(["improve", "--resume", "t.csv"])
    #expect(none.code == 66, "\(none.errors)")
    let dry = try command.run(["improve", "t.csv", "--target", "y", "--epochs", "2", "--dry-run"])
    #expect(dry.code == 0 && dry.output.contains("1. ") && dry.output.contains("bigger-network"), "\(dry.errors)")
    #expect(!command.exists("improvements"))
  }

  /// Killed again and again, it ends with the ledger, recipe and model of one that was not; only seconds differ.
  @Test func aKillChangesNothing() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 500), to: "t.csv")
    let whole = try command.run(Self.flags + ["--out", "whole"])
    #expect(whole.code == 0, "\(whole.errors)")
    var arguments = Self.flags + ["--out", "killed"]
    var kills = 0
    for known in [2, 9, 16] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: CommandRunner.products + "/tartine")
      process.currentDirectoryURL = URL(fileURLWithPath: command.folder)
      process.arguments = arguments
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      while !command.exists("killed/trainings/\(known).json"), process.isRunning { usleep(500) }
      if process.isRunning { kills += 1 }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      arguments = ["improve", "--resume", "killed", "--threads", "1"]
    }
    #expect(kills >= 2)
    let end = try command.run(arguments)
    #expect(end.code == 0, "\(end.errors)")
    #expect(try Self.ledger(command, "whole") == Self.ledger(command, "killed"))
    for file in ["recipe.json", "model.safetensors"] {
      #expect(try command.bytes("whole/" + file) == command.bytes("killed/" + file), "\(file)")
    }
  }

  /// The lines of a ledger without seconds and paths.
  private static func ledger(_ command: CommandRunner, _ folder: String) throws -> [JSONValue] {
    try command.bytes(folder + "/ledger.jsonl").split(separator: 10).map {
      without(
        ["seconds", "ledger", "report", "recipe", "model"],
        try JSON.decode(JSONValue.self, from: String(decoding: $0, as: UTF8.self)))
    }
  }

  private static func without(_ keys: Set<String>, _ value: JSONValue) -> JSONValue {
    switch value {
    case .object(let object):
      .object(object.filter { !keys.contains($0.key) }.mapValues { without(keys, $0) })
    case .array(let list): .array(list.map { without(keys, $0) })
    default: value
    }
  }
}
