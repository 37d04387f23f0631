import Foundation
import Tartine
import TartineCommand
import Testing

/// The commands `inspect`, `compare` and `diagnose`.
@Suite struct DiagnosisCommandTests {
  @Test func inspectingATable() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    let text = try command.run(["inspect", "t.csv", "--target", "y"])
    #expect(text.code == 0 && text.errors.isEmpty, "\(text.errors)")
    #expect(text.output.contains("t.csv: 300 rows; target 'y'") && text.output.contains("Distribution shift"))
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
      (["a0", "c0"], 65, "--split-seed"), (["a0", "nothing"], 66, "contains no run.json"),
      (["a0,b0", "a1"], 64, "different recipes"),
      (["a0,a0", "b0"], 64, "twice"), (["", "b0"], 64, "empty name"),
    ] {
      let result = try command.run(["compare"] + arguments)
      #expect(result.code == Int32(code) && result.errors.contains(what), "\(arguments): \(result.errors)")
    }
    try FileManager.default.removeItem(atPath: command.folder + "/b0/checkpoint.safetensors")
    #expect(try command.run(["compare", "a0", "b0"]).code == 66)
  }

  @Test func diagnosing() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 400), to: "t.csv")
    let base = ["diagnose", "t.csv", "--target", "y", "--hidden", "16", "--epochs", "20", "--budget", "20s"]
    let text = try command.run(base)
    #expect(
      text.code == 0 && text.output.split(separator: "\n", omittingEmptySubsequences: false).count <= 25,
      "\(text.errors)")
    #expect(text.output.contains("95 % intervals, 3 seeds") && text.output.contains("diagnoses/t-1/report.html"))
    let json = try command.run(base + ["--learning-rate", "1e-7", "--out", "low", "--json"]).json()
    #expect((json["faults"] as? [String])?.first == "learning-rate-too-low", "\(json["faults"] ?? "none")")
    for key in ["ladder", "checks", "prescriptions", "signals", "inspection", "history", "metrics"] {
      #expect(json[key] != nil, "\(key)")
    }
    #expect(json["report"] as? String == "low/report.html")
    let documented = try String(
      contentsOfFile: #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        + "/Sources/TartineDiagnosis/TartineDiagnosis.docc/Examining.md",
      encoding: .utf8)
    for key in json.keys { #expect(documented.contains("`\(key)`"), "\(key) is not in the documentation's table") }
    let dev = try #require((json["ladder"] as? [String: [String: Any]])?["dev"])
    #expect(dev["value"] is Double && (dev["interval"] as? [Double])?.count == 2 && dev["reading"] is String)
    let check = try #require((json["checks"] as? [[String: Any]])?.first)
    for key in ["name", "verdict", "evidence"] { #expect(check[key] != nil, "\(key)") }
    // Prescribed commands can be run as they stand, and do what they say.
    let remedy = try #require((json["prescriptions"] as? [[String: Any]])?.first)
    let words = try #require(remedy["command"] as? String).split(separator: " ").map(String.init)
    #expect(words.count > 2 && words[0].hasSuffix("tartine") && words[1] == "train", "\(words)")
    let trained = try command.run(Array(words.dropFirst()) + ["--out", "mended", "--json"])
    #expect(trained.code == 0, "\(words): \(trained.errors)")
    let error = try #require((try trained.json()["dev"] as? [String: Any])?["error"] as? Double)
    let gain = try #require((remedy["gain"] as? [String: Any])?["value"] as? Double)
    let before = try #require((json["history"] as? [[String: Any]])?.last?["dev"] as? [String: Any])
    #expect(error < (before["error"] as? Double ?? 0) && gain > 0)
  }

  @Test func anInterruptedDiagnosisReportsWhatItFound() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 400), to: "t.csv")
    // The folder is made just before interrupts are listened to.
    let interrupt = "{ (until [ -d diagnoses/t-1 ]; do sleep 0.1; done; sleep 0.5; kill -INT $$) & }"
    let result = try command.run(
      ["diagnose", "t.csv", "--target", "y", "--hidden", "64,64", "--epochs", "300", "--json"], shell: interrupt)
    #expect(result.code == 0 && result.errors.contains("finishing this step"), "\(result.errors)")
    let json = try result.json()
    #expect((json["notDone"] as? [String])?.isEmpty == false && json["verdict"] != nil)
    #expect(command.exists("diagnoses/t-1/report.html"))
  }

  /// The flags turn the run's recipe into the prescribed one, whatever it is.
  @Test func prescribedFlagsMakeThePrescribedRecipe() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 120), to: "t.csv")
    var source = DataSource(data: command.folder + "/t.csv", target: "y", splitSeed: 0)
    let split = try source.load()
    let plain = Recipe(Network(HiddenStack(hidden: [8, 4]))).optimizer(
      .momentum(learningRate: .constant(0.01)).clipped(.globalNorm(1))
    ).epochs(2)
    var list = plain
    list.network = Network(layers: [
      Dense(8), LayerNorm(), ReLU(),
      Residual {
        Dense(8)
        GELU()
      },
    ])
    var tried: Set<String> = []
    for recipe in [plain, Recipe.automatic.epochs(2), list] {
      let run = try recipe.train(on: split)
      try command.write(try JSON.text(run.recipe), to: "r.json")
      let ideas = [0.0, 1].flatMap { Diagnosis(of: run, humanError: $0, worth: 1e-9).prescriptions }
      for idea in ideas where tried.insert(idea.settings.flags).inserted {
        let flags = try command.words(idea.settings.flags)
        let folder = "p\(tried.count)"
        let trained = try command.run(
          ["train", "t.csv", "--target", "y", "--recipe", "r.json", "--out", folder] + flags)
        #expect(trained.code == 0, "\(idea.settings.flags): \(trained.errors)")
        let written = try command.bytes(folder + "/recipe.json")
        #expect(
          try JSON.decode(Recipe.self, from: String(decoding: written, as: UTF8.self)) == idea.recipe,
          "\(idea.settings.flags)")
      }
    }
    #expect(tried.count >= 9, "\(tried)")
  }

  @Test func diagnosingARun() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    let flags = ["t.csv", "--target", "y", "--hidden", "16", "--epochs", "10"]
    let trained = try command.run(["train"] + flags + ["--json", "--out", "a"])
    let dev = try #require((try trained.json()["dev"] as? [String: Any])?["error"] as? Double)
    let json = try command.run(["diagnose", "a", "--budget", "5s", "--json", "--out", "d"]).json()
    let recipe = try #require(json["recipe"] as? [String: Any])
    let asTrained = try JSONSerialization.jsonObject(with: Data(try command.bytes("a/recipe.json"))) as? [String: Any]
    #expect(NSDictionary(dictionary: recipe) == NSDictionary(dictionary: try #require(asTrained)))
    // Over seeds the rung is a mean; the run's own error is in its history.
    let epoch = try #require(
      (json["history"] as? [[String: Any]])?.map { ($0["dev"] as? [String: Any])?["error"] as? Double })
    #expect(epoch.contains(dev))
    for (arguments, code, what) in [
      (["a", "--hidden", "8"], 64, "as it was trained"), (["a", "--target", "z"], 64, "as it was trained"),
      (["a", "--out", "d"], 73, "is there already"), (["nothing", "--target", "y"], 66, "nothing"),
      (flags + ["--budget", "soon"], 64, "--budget"), (flags + ["--worth", "0"], 64, "--min-effect"),
      (flags + ["--human-error", "7"], 64, "fraction"),
    ] {
      let wrong = try command.run(["diagnose"] + arguments)
      #expect(wrong.code == Int32(code) && wrong.errors.contains(what), "\(arguments): \(wrong.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: command.folder + "/diagnoses"))
  }

  @Test func findingARate() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 400), to: "t.csv")
    let text = try command.run(["find-rate", "t.csv", "--target", "y", "--hidden", "16"])
    #expect(
      text.code == 0 && text.output.contains("keep it.") || text.output.contains("below its end: --learning-rate"),
      "\(text)")
    let json = try command.run(["find-rate", "t.csv", "--target", "y", "--hidden", "16", "--json"]).json()
    #expect(json["low"] != nil && (json["sweeps"] as? [Any])?.count == 5)
    #expect(try command.run(["find-rate", "t.csv", "--target", "y", "--seeds", "0"]).code == 64)
    let lbfgs = try command.run([
      "find-rate", "t.csv", "--target", "y", "--optimizer", "lbfgs", "--no-batch-norm", "--keep-prob", "1",
    ])
    #expect(lbfgs.code == 64 && lbfgs.errors.contains("no learning rate to look for"), "\(lbfgs.errors)")
  }

  /// A small version of the measurements in Documentation/Evidence.md.
  @Test func evidence() throws {
    let command = try CommandRunner()
    func last(_ arguments: [String], row: String) throws -> [Double] {
      let result = try command.run(arguments, executable: "TartineEvidence")
      let line = result.output.split(separator: "\n").last { $0.hasPrefix(row) }
      return try #require(line, "\(result.output) \(result.errors)").split(separator: "|").compactMap {
        Double($0.trimmingCharacters(in: .whitespaces))
      }
    }
    // The draws, and how often the intervals of dev, train and the difference cover; 160 draws have a
    // standard error of 2 points.
    let ladder = try last(["ladder", "--draws", "2", "--networks", "15"], row: "| all")
    #expect(ladder[0] == 160 && ladder[1...3].allSatisfy { $0 > 87 }, "\(ladder)")
    // Of 25 random splits one in 20 is called different; five or more are in one trial of 200.
    let random = try last(["one-distribution", "--splits", "25"], row: "| 10 columns")
    #expect(random[0] == 25 && random[1] <= 20, "\(random)")
    let shifted = try last(
      ["one-distribution", "--splits", "25"], row: "| 1 000 rows against 1 000, one of ten columns shifted by 0.4")
    #expect(shifted.contains(100) || shifted[1] > 90, "\(shifted)")
    // Digits with one label in 20 flipped: most of the flagged rows are flipped.
    let labels = try last(["labels", "--seeds", "1"], row: "| 5 |")
    #expect(labels[1] == 1 && labels[2] > 30 && labels[3] >= 70, "\(labels)")
    // The prediction for twice the rows.
    let curves = try last(["learning-curve", "--cases", "2"], row: "| regression on")
    #expect(curves[0] == 2 && curves[1] >= 50 && curves[2] >= 50 && curves[3] < 50, "\(curves)")
    // Faults of eight kinds and their twins, on one data set.
    let kinds = [
      "rate-too-low", "zero-initialization", "too-small-network", "too-much-dropout", "label-noise", "no-signal",
      "leaking-column", "different-scales",
    ]
    let planted = try last(
      ["faults", "--seeds", "1", "--habitats", "disk", "--kinds", kinds.joined(separator: ",")],
      row: "| thresholds chosen on")
    #expect(planted[0] == 8 && planted[1] >= 80 && planted[4] <= 15, "\(planted)")
  }
}
