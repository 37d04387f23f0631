import Foundation
import Tartine
import Testing

@Suite struct CommandTests {
  private static let quick = ["--hidden", "8", "--no-batch-norm", "--epochs", "3", "--threads", "1", "--json"]

  @Test func trainEvaluatePredict() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 400), to: "train.csv")
    try command.write(CommandRunner.table(rows: 150, seed: 7), to: "test.csv")
    let run = try command.run([
      "train", "train.csv", "--target", "y", "--test", "test.csv", "--out", "run", "--json", "--threads", "2",
    ])
    #expect(run.code == 0, "\(run.errors)")
    let json = try run.json()
    #expect(
      Set(json.keys) == [
        "task", "samples", "epochs", "bestEpoch", "train", "dev", "test", "seconds", "samplesPerSecond", "threads",
        "seed", "run", "model", "metrics", "confusion", "classes", "baselines", "intervals", "verdict", "advice",
        "notices", "coverage",
      ])
    #expect(json["task"] as? String == "binary" && json["threads"] as? Int == 2)
    #expect((json["samples"] as? [String: Int]) == ["train": 320, "dev": 80, "test": 150])
    let error = try #require((json["test"] as? [String: Double])?["error"])
    #expect(error < 0.15)
    for file in [
      "run.json", "recipe.json", "history.jsonl", "model.safetensors", "checkpoint.safetensors", "report.html",
    ] {
      #expect(command.exists("run/\(file)"), "\(file)")
    }

    // The test error again, from the predictions alone.
    let model = "run/model.safetensors"
    let answers = try command.run(["predict", model, "test.csv"])
    #expect(answers.code == 0, "\(answers.errors)")
    let lines = answers.output.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(lines[0] == ["prediction", "p:no", "p:yes"])
    let truth = CommandRunner.table(rows: 150, seed: 7).split(separator: "\n").dropFirst().map {
      String($0.split(separator: ",").last ?? "")
    }
    let wrong = zip(lines.dropFirst(), truth).filter { $0[0] != $1 }.count
    #expect(lines.count == 151)
    #expect(abs(Double(wrong) / 150 - error) < 1e-12, "JSONSerialization may round the last bit")
    for line in lines.dropFirst() { #expect(abs((Double(line[1]) ?? 0) + (Double(line[2]) ?? 0) - 1) < 1e-6) }

    let evaluation = try command.run(["evaluate", model, "test.csv", "--json"]).json()
    let figure = try #require(evaluation["error"] as? [String: Double])
    #expect(figure["value"] == error && (figure["low"] ?? 1) < error && (figure["high"] ?? 0) > error)
  }

  @Test func columnsAreFoundByName() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "train.csv")
    _ = try command.run(["train", "train.csv", "--target", "y", "--out", "r"] + Self.quick)
    try command.write("kind,b,extra,a\nround,0.5,x,0.25\n", to: "other.csv")
    try command.write("a,b,kind\n0.25,0.5,round\n", to: "same.csv")
    let other = try command.run(["predict", "r/model.safetensors", "other.csv"])
    #expect(other.code == 0)
    #expect(try other.output == command.run(["predict", "r/model.safetensors", "same.csv"]).output)
    try command.write("a,kind\n0.25,round\n", to: "less.csv")
    let less = try command.run(["predict", "r/model.safetensors", "less.csv"])
    #expect(less.code == 65 && less.errors.contains("the model needs the column 'b'"))
    try command.write("a,b,kind\n0.25,0.5,round\n1,some,round\n", to: "text.csv")
    let text = try command.run(["predict", "r/model.safetensors", "text.csv"])
    #expect(text.code == 65 && text.errors.contains("text.csv, line 3, column 'b': 'some' is not a number"))
  }

  @Test func whatAModelDoesNotKnowIsNotLookedAt() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "train.csv")
    _ = try command.run(["train", "train.csv", "--target", "y", "--out", "r"] + Self.quick)
    try command.write("a,b,kind,hash\n0.25,0.5,round,12e999\n", to: "extra.csv")
    let result = try command.run(["predict", "r/model.safetensors", "extra.csv"])
    #expect(result.code == 0, "\(result.errors)")
    // A device is written to, not replaced.
    let device = try command.run(["predict", "r/model.safetensors", "extra.csv", "--out", "/dev/stdout"])
    #expect(device.code == 0 && device.output == result.output, "\(device.errors)")
  }

  /// A column for each bound, or one for the set; a sentence where there can be none.
  @Test func intervalsOfPredictions() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    #expect(try command.run(["train", "t.csv", "--target", "y", "--out", "r"] + Self.quick).code == 0)
    #expect(try command.run(["train", "t.csv", "--target", "b", "--out", "n"] + Self.quick).code == 0)
    func table(_ run: String, _ coverage: String) throws -> [[String]] {
      try command.run(["predict", run, "t.csv", "--interval", coverage]).output.split(separator: "\n")
        .map { $0.split(separator: ",").map(String.init) }
    }
    let sets = try table("r", "0.95")
    #expect(sets[0] == ["prediction", "set", "p:no", "p:yes"])
    for row in sets.dropFirst() { #expect(row[1].split(separator: "|").first.map(String.init) == row[0]) }
    #expect(sets.contains { $0[1] == "no|yes" || $0[1] == "yes|no" })
    let (narrow, wide) = (try table("n", "0.5"), try table("n", "0.95"))
    #expect(narrow[0] == ["prediction", "lower", "upper"] && narrow.count == 301)
    for (one, other) in zip(narrow.dropFirst(), wide.dropFirst()) {
      let (a, b) = (one.compactMap(Double.init), other.compactMap(Double.init))
      #expect(b[1] < a[1] && a[1] < a[0] && a[0] < a[2] && a[2] < b[2])
    }
    let json = try command.run(["predict", "n", "t.csv", "--interval", "0.95", "--json"]).json()
    let bounds = try #require((json["intervals"] as? [[Double]])?.first)
    #expect(abs(bounds[0] - Double(wide[1][1])!) < 1e-9 && json["coverage"] as? Double == 0.95)
    for (coverage, said) in [
      ("0.999", "need at least 999 dev rows or groups, and there were 60"), ("1.5", "between 0 and 1"),
      ("nan", "between 0 and 1"), ("-1", "between 0 and 1"),
    ] {
      let failed = try command.run(["predict", "n", "t.csv", "--interval", coverage])
      #expect(failed.code == 64 && failed.errors.contains(said), "\(failed.errors)")
    }
    let result = try command.run(["train", "t.csv", "--target", "y", "--out", "j"] + Self.quick).json()
    #expect((result["coverage"] as? [[String: Any]])?.compactMap { $0["coverage"] as? Double } == [0.8, 0.9, 0.95])
  }

  /// Compressed by the system's own gzip, complete and truncated.
  @Test func packedFilesAreReadAsTheyAre() throws {
    let command = try CommandRunner()
    func shell(_ line: String) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "cd '\(command.folder)' && \(line)"]
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
    }
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    try shell("gzip -k t.csv && head -c 900 t.csv.gz > cut.csv.gz")
    let base = ["--target", "y"] + Self.quick
    #expect(try command.run(["train", "t.csv", "--out", "plain"] + base).code == 0)
    #expect(try command.run(["train", "t.csv.gz", "--out", "packed"] + base).code == 0)
    #expect(try command.bytes("plain/model.safetensors") == command.bytes("packed/model.safetensors"))
    // The checksum is that of the file, not of what it holds.
    let packed = command.folder + "/t.csv.gz"
    #expect(
      try Dataset(csv: packed, target: "y").checksums
        == [packed: Checksum(of: try command.bytes("t.csv.gz")).text])
    let cut = try command.run(["train", "cut.csv.gz", "--out", "cut"] + base)
    #expect(cut.code == 65 && cut.errors.contains("it ends in the middle"), "\(cut.errors)")

    try shell("mkdir a b")
    let pixels = (0..<80 * 9).map { UInt8(truncatingIfNeeded: $0 * 7) }
    try command.write([0, 0, 8, 3, 0, 0, 0, 80, 0, 0, 0, 3, 0, 0, 0, 3] + pixels, to: "a/train-images-idx3-ubyte")
    try command.write([0, 0, 8, 1, 0, 0, 0, 80] + (0..<80).map { UInt8($0 % 2) }, to: "a/train-labels-idx1-ubyte")
    try shell("cp a/* b && gzip b/*")
    #expect(try command.run(["train", "a", "--out", "ra"] + Self.quick).code == 0)
    #expect(try command.run(["train", "b", "--out", "rb"] + Self.quick).code == 0)
    #expect(try command.bytes("ra/model.safetensors") == command.bytes("rb/model.safetensors"))
  }

  @Test func tenRowsAreEnough() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 10), to: "t.csv")
    let run = try command.run(["train", "t.csv", "--target", "y", "--json"])
    #expect(run.code == 0 && run.output.contains("\"samples\":{\"dev\":2,\"test\":2,\"train\":6}"), "\(run.errors)")
  }

  @Test func seedsKeepAllTheirBits() throws {
    let command = try CommandRunner()
    let seed = "18446744073709551615"
    let run = try command.run(["train", "--seed", seed, "--out", "r"] + Self.quick)
    #expect(run.code == 0 && run.output.contains("\"seed\":\(seed)"), "\(run.errors)")
    #expect(String(decoding: try command.bytes("r/recipe.json"), as: UTF8.self).contains(seed))
  }

  @Test func imagesNeedNoLabelsToBePredicted() throws {
    let command = try CommandRunner()
    for name in ["all", "bare"] {
      try FileManager.default.createDirectory(
        atPath: command.folder + "/" + name, withIntermediateDirectories: true)
    }
    let pixels = (0..<60 * 4).map { UInt8($0 % 251) }
    try command.write([0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 2, 0, 0, 0, 2] + pixels, to: "all/train-images-idx3-ubyte")
    try command.write([0, 0, 8, 1, 0, 0, 0, 60] + (0..<60).map { UInt8($0 % 3) }, to: "all/train-labels-idx1-ubyte")
    try command.write(
      [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2] + pixels.prefix(8), to: "bare/t10k-images-idx3-ubyte")
    #expect(try command.run(["train", "all", "--out", "r"] + Self.quick).code == 0)
    let answers = try command.run(["predict", "r/model.safetensors", "bare"])
    #expect(answers.code == 0 && answers.output.split(separator: "\n").count == 3, "\(answers.errors)")
    #expect(try command.run(["evaluate", "r/model.safetensors", "all", "--json"]).json()["rows"] as? Int == 60)
  }

  @Test func theFileIsTheSameForAnyThreadsAndAfterAKill() throws {
    let command = try CommandRunner()
    func train(_ out: String, _ more: [String]) throws -> CommandRunner.Result {
      try command.run(
        [
          "train", "--hidden", "64,32", "--batch-norm", "--keep-prob", "0.8", "--optimizer", "adam", "--schedule",
          "staircase", "--epochs", "8", "--seed", "3", "--out", out, "--json",
        ] + more)
    }
    #expect(try train("one", ["--threads", "1"]).code == 0)
    #expect(try train("two", ["--threads", "2"]).code == 0)
    #expect(try train("again", ["--threads", "2"]).code == 0)
    let model = try command.bytes("one/model.safetensors")
    #expect(try command.bytes("two/model.safetensors") == model)
    #expect(try command.bytes("again/model.safetensors") == model)

    // Killed once the folder shows a few epochs.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandRunner.products + "/tartine")
    process.currentDirectoryURL = URL(fileURLWithPath: command.folder)
    process.arguments = [
      "train", "--hidden", "64,32", "--batch-norm", "--keep-prob", "0.8", "--optimizer", "adam", "--schedule",
      "staircase", "--epochs", "400", "--seed", "3", "--out", "killed", "--json",
    ]
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    while ((try? command.bytes("killed/history.jsonl")) ?? []).filter({ $0 == 10 }).count < 3, process.isRunning {
      usleep(2000)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let done = try command.bytes("killed/history.jsonl").filter { $0 == 10 }.count
    #expect(done >= 3 && done < 400 && !command.exists("killed/model.safetensors"))
    let resumed = try command.run(["train", "--resume", "killed", "--json"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(
      try command.run([
        "train", "--hidden", "64,32", "--batch-norm", "--keep-prob", "0.8", "--optimizer", "adam", "--schedule",
        "staircase", "--epochs", "400", "--seed", "3", "--out", "whole", "--json", "--threads", "1",
      ]).code == 0)
    #expect(try command.bytes("killed/model.safetensors") == command.bytes("whole/model.safetensors"))
    #expect(try command.bytes("killed/history.jsonl") == command.bytes("whole/history.jsonl"))
    let again = try command.run(["train", "--resume", "killed"])
    #expect(again.code == 64 && again.errors.contains("is finished, so there is nothing to resume"))
  }

  @Test func resumingHoldsToTheRun() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "train.csv")
    _ = try command.run(["train", "train.csv", "--target", "y", "--out", "r"] + Self.quick)
    let description = String(decoding: try command.bytes("r/run.json"), as: UTF8.self)
    try command.write(description.split(separator: "finished").joined(separator: "running"), to: "r/run.json")
    for flags in [["--epochs", "2"], ["--target", "b"], ["--seed", "4"], ["--out", "elsewhere"], ["other.csv"]] {
      let result = try command.run(["train", "--resume", "r"] + flags)
      #expect(result.code == 64, "\(flags) \(result.errors)")
    }
    #expect(try command.run(["train", "--resume", "r", "--epochs", "3"]).code == 0)
    try command.write(description.split(separator: "finished").joined(separator: "running"), to: "r/run.json")
    try command.write(CommandRunner.table(rows: 100, seed: 2), to: "train.csv")
    let changed = try command.run(["train", "--resume", "r"])
    #expect(changed.code == 65 && changed.errors.contains("it has changed since the run began"))
  }

  @Test func aRunIsNeverOverwritten() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "t.csv")
    let arguments = ["train", "t.csv", "--target", "y"] + Self.quick
    #expect(try command.run(arguments + ["--out", "r"]).code == 0)
    let before = try command.bytes("r/model.safetensors")
    let second = try command.run(arguments + ["--out", "r", "--seed", "9"])
    #expect(second.code == 73 && second.errors.contains("already contains a run"))
    #expect(try command.bytes("r/model.safetensors") == before)
    #expect(try command.run(arguments).json()["run"] as? String == "runs/t-1")
    #expect(try command.run(arguments).json()["run"] as? String == "runs/t-2")
  }

  @Test func recipesNameTheSameKeysAsFlags() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "t.csv")
    let base = ["train", "t.csv", "--target", "y", "--epochs", "2", "--threads", "1", "--json"]
    let flags = try command.run(
      base + ["--hidden", "7,5", "--learning-rate", "0.01", "--l2", "0.001", "--optimizer", "rmsprop", "--out", "a"])
    #expect(flags.code == 0, "\(flags.errors)")
    let sets = try command.run(
      base + [
        "--set", "network.hidden=[7,5]", "--set", "penalty.l2=1e-3", "--set", "optimizer.algorithm=rmsprop", "--set",
        "optimizer.learningRate=1e-2", "--out", "b",
      ])
    #expect(sets.code == 0, "\(sets.errors)")
    #expect(try command.bytes("a/recipe.json") == command.bytes("b/recipe.json"))
    let file = try command.run(base + ["--recipe", "a/recipe.json", "--out", "c"])
    #expect(file.code == 0, "\(file.errors)")
    for name in ["b", "c"] {
      #expect(try command.bytes("\(name)/model.safetensors") == command.bytes("a/model.safetensors"))
    }
    let unknown = try command.run(base + ["--set", "optimizer.momentun=0.9"])
    #expect(
      unknown.code == 64 && unknown.errors.contains("there is no setting 'optimizer.momentun'; there are algorithm"))
    try command.write("{\"network\": {\"hidden\": [4]}, \"epoch\": 3}", to: "typo.json")
    let typo = try command.run(base + ["--recipe", "typo.json"])
    #expect(typo.code == 64 && typo.errors.contains("there is no setting 'epoch'"))
  }

  @Test func aRecipeFilesGapsFollowTheRules() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "t.csv")
    func recipe(_ arguments: [String], _ out: String) throws -> [UInt8] {
      let result = try command.run(["train", "t.csv", "--target", "y", "--json", "--out", out] + arguments)
      #expect(result.code == 0, "\(result.errors)")
      return try command.bytes("\(out)/recipe.json")
    }
    try command.write("{\"epochs\": 2, \"network\": {\"hidden\": [8]}, \"preparation\": {\"bins\": 4}}", to: "r.json")
    #expect(
      try recipe(["--recipe", "r.json"], "a") == recipe(["--epochs", "2", "--hidden", "8", "--bins", "4"], "b"))
    for (text, message) in [
      ("", "not valid JSON"), ("{", "not valid JSON"), ("[]", "must be a JSON object"),
      ("{\"epochs\": 3.5}", "whole number"),
      ("{\"batchSize\": 1e30}", "whole number"),
    ] {
      try command.write(text, to: "bad.json")
      let bad = try command.run(["train", "t.csv", "--target", "y", "--recipe", "bad.json", "--out", "c"])
      #expect(bad.code == 64 && bad.errors.contains(message), "\(text): \(bad.errors)")
    }
    let unknown = try command.run(["train", "t.csv", "--target", "y", "--set", "preparation.bin=3"])
    #expect(unknown.code == 64 && unknown.errors.contains("there are bins"))
  }

  @Test func theBenchmarkPrintsOneLine() throws {
    let command = try CommandRunner()
    for (work, samples) in [("", 64.0), ("products:", 64), ("floor:", 64), ("predict:", 1437), ("row:", 1)] {
      let result = try command.run(
        ["\(work)digits", "--seconds", "0.05", "--threads", "1"], executable: "tartine-benchmark")
      if work == "floor:", result.code == 64 {
        // Only the floor needs a library that the project does not depend on.
        #expect(result.errors.contains("install libopenblas0-pthread"))
        continue
      }
      let line = try result.json()
      #expect(line["workload"] as? String == "digits" && line["threads"] as? Int == 1)
      let time = try #require(line["us_per_step"] as? Double)
      let rate = try #require(line["samples_per_s"] as? Double)
      #expect(time > 0 && abs(rate * time / (samples * 1e6) - 1) < 0.1)
      #expect((line["peak_rss_mib"] as? Int ?? 0) > 0)
      #expect((line["first_step_s"] as? Double != nil) == work.isEmpty)
    }
    let pair = try command.run(["digits", "--seconds", "0.05", "--models", "2"], executable: "tartine-benchmark").json()
    #expect(pair["models"] as? Int == 2 && pair["threads"] as? Int == 1)
    for wrong in [["digit"], ["row:digit"], ["fast:digits"]] {
      let result = try command.run(wrong, executable: "tartine-benchmark")
      #expect(result.code == 64 && result.errors.contains("there are digits, tabular, mnist"))
    }
    let many = try command.run(["digits", "--models", "2", "--threads", "2"], executable: "tartine-benchmark")
    #expect(many.code == 64 && many.errors.contains("one thread each"))
  }

  /// The instruction set is the processor's best, or the one forced by the environment.
  @Test(arguments: ["baseline", "avx2", "avx512"]) func kernelsCanBeForcedDown(_ level: String) throws {
    let command = try CommandRunner()
    let quick = ["digits", "--seconds", "0.02", "--threads", "1"]
    func kernels(_ shell: String?) throws -> String? {
      try command.run(quick, executable: "tartine-benchmark", shell: shell).json()["kernels"] as? String
    }
    let best = try kernels("unset TARTINE_KERNELS")
    let order = ["baseline", "avx2", "avx512"]
    let forced = try kernels("export TARTINE_KERNELS=\(level)")
    let isHad = try #require(order.firstIndex(of: best ?? "")) >= order.firstIndex(of: level) ?? 0
    #expect(forced == (isHad ? level : best))
  }

  @Test func helpIsThere() throws {
    let command = try CommandRunner()
    for arguments in [
      ["--help"], ["help", "train"], ["train", "--help"], ["evaluate", "--help"], ["predict", "--help"],
    ] {
      let result = try command.run(arguments)
      #expect(result.code == 0 && result.output.contains("USAGE: tartine"))
    }
    #expect(try command.run(["--generate-completion-script", "bash"]).output.contains("complete"))
  }

  private static let python = ProcessInfo.processInfo.environment["TARTINE_PYTHON"]

  /// Skipped, with a notice, if no Python with the package is configured.
  @Test(.enabled(if: python != nil)) func pythonOpensTheModel() throws {
    let python = try #require(Self.python)
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 100), to: "t.csv")
    _ = try command.run(["train", "t.csv", "--target", "y", "--bins", "0", "--out", "r"] + Self.quick)
    try command.write(
      """
      from safetensors import safe_open
      with safe_open("\(command.folder)/r/model.safetensors", "numpy") as file:
          print(sorted(file.keys()), file.get_tensor("dense1.weight").shape, sorted(file.metadata()))
      """, to: "open.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [command.folder + "/open.py"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(
      text == "['dense1.bias', 'dense1.weight', 'output.bias', 'output.weight'] (5, 8) "
        + "['checksum', 'conformal', 'epoch', 'format', 'preparation', 'recipe']\n")
  }
}
