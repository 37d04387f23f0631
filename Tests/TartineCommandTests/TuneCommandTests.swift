import Foundation
import Tartine
import Testing

/// The command `tune`.
@Suite struct TuneCommandTests {
  private let command: CommandRunner
  private static let short = ["--finalists", "2", "--fresh-seeds", "2"]

  init() throws {
    command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    try command.write(
      """
      [{"name": "optimizer.learningRate", "low": 1e-4, "high": 0.3, "scale": "log"},
       {"name": "network.units", "low": 2, "high": 32, "integer": true, "scale": "log"},
       {"name": "network.activation", "choices": ["relu", "tanh"]},
       {"name": "network.keepProb", "low": 0.5, "high": 1, "when": {"network.activation": ["relu"]}}]
      """, to: "space.json")
  }

  private func tune(_ arguments: [String], shell: String? = nil) throws -> CommandRunner.Result {
    try command.run(["tune"] + arguments + Self.short, shell: shell)
  }

  private static let begin = ["t.csv", "--target", "y", "--space", "space.json", "--epochs", "3"]

  @Test func searching() throws {
    let json = try tune(Self.begin + ["--trials", "12", "--json"]).json()
    #expect((json["trials"] as? [String: Int])?["complete"] == 12)
    let best = try #require(json["best"] as? [String: Any])
    #expect(best["value"] is Double && best["parameters"] is [String: Any] && best["recipe"] is [String: Any])
    let winner = try #require(json["winner"] as? [String: Any])
    for part in ["dev", "test"] {
      let figure = try #require(winner[part] as? [String: Double])
      let (low, value, high) = (figure["low"] ?? 1, figure["value"] ?? 1, figure["high"] ?? 0)
      #expect(low < value && value < high && low >= 0, "\(figure)")
    }
    // Two fresh seeds chose, and two others measure.
    #expect(winner["seeds"] as? [Int] == [1_000_005, 1_000_006])
    let (dev, score) = ((winner["dev"] as? [String: Double])?["value"] ?? 0, winner["firstScore"] as? Double ?? 9)
    #expect(abs((winner["optimism"] as? Double ?? 9) - (dev - score)) < 1e-12)
    #expect(json["edges"] is [Any] && json["importance"] is [Any] && json["seconds"] is Double)
    #expect(json["study"] as? String == "tunes/t-1/study.db" && command.exists("tunes/t-1/report.html"))

    // The winner's recipe reproduces its model bit for bit.
    let trained = try command.run(
      ["train", "t.csv", "--target", "y", "--recipe", "tunes/t-1/best.json", "--out", "again"])
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(try command.bytes("again/model.safetensors") == command.bytes("tunes/t-1/model.safetensors"))

    // It resumes, by its file alone or by the same command, up to the total number of trials, and then does
    // nothing.
    for (arguments, count) in [
      (["--study", "tunes/t-1/study.db"], 15), (Self.begin + ["--study", "tunes/t-1/study.db"], 16),
      (["--study", "tunes/t-1/study.db"], 16),
    ] {
      let result = try tune(arguments + ["--trials", "\(count)", "--json"])
      let longer = try result.json()
      #expect(
        result.errors.contains("has 16 trials already") == (count == 16 && arguments.count == 2), "\(result.errors)")
      #expect((longer["trials"] as? [String: Int])?["complete"] == count)
      #expect(longer["study"] as? String == "tunes/t-1/study.db")
      let before = try #require((json["history"] as? [[String: Any]])?.map { $0["value"] as? Double })
      #expect((longer["history"] as? [[String: Any]])?.prefix(12).map { $0["value"] as? Double } == before)
    }

    // On other data its best five are tried first, and the old winner is reported.
    try command.write(CommandRunner.table(rows: 300, seed: 2), to: "new.csv")
    let again = try tune(["new.csv", "--target", "y", "--again", "tunes/t-1/study.db", "--trials", "8"])
    #expect(again.code == 0 && again.output.contains("The old winner"), "\(again.output) \(again.errors)")
    // It was tried first, and that is known when the study is resumed.
    let first = try Study(nil, file: command.folder + "/tunes/new-1/study.db", sampler: RandomSampler()).trials()[0]
    let won = try Study(nil, file: command.folder + "/tunes/t-1/study.db", sampler: RandomSampler()).note("winner")
    // A 1 written to a study is read as a whole number.
    #expect(won?.isSame(as: .object(first.values)) ?? false, "\(String(describing: won)) \(first.values)")
    let further = try tune(["--study", "tunes/new-1/study.db", "--trials", "9", "--json"]).json()
    let old = try #require(further["oldWinner"] as? [String: Any])
    #expect(old["trial"] as? Int == 0 && ["holds", "undecided", "fails"].contains(old["verdict"] as? String))
    #expect((further["winner"] as? [String: Any])?["testOpenings"] as? Int == 2)
  }

  /// A study at another path resumes in the folder it was written to; the reasons of failed trials are
  /// reported.
  @Test func aStudyElsewhere() throws {
    try command.write(
      #"{"optimizer.learningRate": {"choices": [0.01, 1e30]}, "optimizer.algorithm": {"choices": ["momentum"]}}"#,
      to: "far.json")
    let begin = ["t.csv", "--target", "y", "--space", "far.json", "--epochs", "2", "--sampler", "random"]
    let first = try tune(begin + ["--study", "my.db", "--trials", "8"])
    #expect(first.code == 0 && first.output.contains("Failed: the training diverged in epoch 1"), "\(first)")
    let json = try tune(["--study", "my.db", "--trials", "10", "--json"]).json()
    #expect(
      json["recipe"] as? String == "tunes/t-1/best.json" && !command.exists("tunes/t-2"), "\(json["recipe"] ?? "")")
    let reasons = (json["history"] as? [[String: Any]])?.compactMap { $0["reason"] as? String } ?? []
    #expect(!reasons.isEmpty && reasons.allSatisfy { $0.contains("diverged") })
    let nowhere = try tune(begin + ["--study", "nowhere/my.db"])
    #expect(nowhere.code == 73 && nowhere.errors.contains("there is no folder 'nowhere'"), "\(nowhere)")
  }

  @Test func whatASamplerAndARuleAreCalled() throws {
    for sampler in SamplerChoice.allCases {
      for rule in StoppingRule.allCases where rule != .none || sampler == .random {
        let result = try tune(
          Self.begin + [
            "--trials", "10", "--sampler", sampler.rawValue, "--stop", rule.rawValue, "--out", "\(sampler)-\(rule)",
          ])
        #expect(result.code == 0, "\(sampler) \(rule): \(result.errors)")
      }
    }
    // A study keeps its sampler, and pruning does stop trials.
    let halved = try tune([
      "t.csv", "--target", "y", "--space", "space.json", "--epochs", "9", "--trials", "30", "--stop", "halving",
      "--sampler", "sobol", "--out", "halved", "--json",
    ]).json()
    let counts = try #require(halved["trials"] as? [String: Int])
    #expect(counts["pruned"] ?? 0 > 3 && counts["complete"] ?? 0 > 3, "\(counts)")
    #expect(
      try Study(nil, file: command.folder + "/halved/study.db", sampler: RandomSampler()).note("sampler")?.string
        == "sobol")
    let text = try tune(Self.begin + ["--budget", "1s", "--jobs", "2"])
    #expect(
      text.code == 0 && text.output.contains("The winner: trial") && text.output.contains("test set, evaluated once"))
  }

  @Test(arguments: [
    (#"{"optimizer.learningRate": {"low": 0, "high": 1, "scale": "log"}}"#, "a log scale needs a low end above 0"),
    (#"{"optimizer.learningRate": {"low": 1, "high": 0.1}}"#, "its range is empty"),
    (#"{"optimizer.rate": {"low": 0.1, "high": 1}}"#, "there is no setting 'optimizer.rate'"),
    (#"{"network.activation": {"choices": ["relu", "nothing"]}}"#, "there is no activation 'nothing'"),
    (#"{"batchSize": {"low": 0, "high": 64, "integer": true}}"#, "batchSize must be at least 1, not 0"),
    (#"{"optimizer.beta1": {"low": 0.5, "high": 1, "scale": "reverse-log"}}"#, "a high end below 1"),
    (#"{"optimizer.beta1": {"low": 0.5, "hihg": 1}}"#, "has a key 'hihg'"),
    (#"{"network.units": {"low": 8, "high": 64}}"#, "network.units must be a whole number"),
    (
      #"{"network.units": {"low": 8, "high": 64, "integer": true}, "network.hidden": {"choices": [[8]]}}"#,
      "set the same thing"
    ),
    (#"{"seed": {"low": 0, "high": 9, "integer": true}}"#, "is no hyperparameter"),
    (
      #"{"network.depth": {"low": 1, "high": 3, "when": {"x": [1]}}}"#,
      "which must be a hyperparameter listed before"
    ),
    ("[]", "at least one hyperparameter"), ("{", "not valid JSON"),
  ])
  func spacesThatAreNone(space: String, message: String) throws {
    try command.write(space, to: "space.json")
    let result = try tune(Self.begin + ["--trials", "3", "--out", "made"])
    #expect(result.code == 64 && result.errors.contains(message), "\(result.errors)")
    #expect(!command.exists("made"))
  }

  @Test func studiesThatAreNone() throws {
    #expect(try tune(Self.begin + ["--trials", "3", "--study", "s.db", "--out", "a"]).code == 0)
    let whole = try command.bytes("s.db")
    // Another space, another recipe, other data.
    try command.write(#"{"optimizer.learningRate": {"low": 0.1, "high": 1}}"#, to: "other.json")
    for (arguments, message) in [
      (["--space", "other.json"], "searches another space"), (["--epochs", "9"], "another recipe"),
      (["t.csv", "--target", "kind"], "--again"),
    ] {
      let result = try tune(["--study", "s.db", "--trials", "5", "--out", "b"] + arguments)
      #expect(result.code == 64 && result.errors.contains(message), "\(result.errors)")
      #expect(!command.exists("b"))
    }
    #expect(try command.bytes("s.db") == whole)
    let unknown = try tune(["--study", "s.db", "--study-name", "other", "--trials", "5", "--out", "b"])
    #expect(unknown.code == 64 && unknown.errors.contains("holds no study 'other', but 'tartine'"), "\(unknown.errors)")
    for budget in ["1e19", "0s", "5 minutes", "1e308h"] {
      #expect(try tune(Self.begin + ["--budget", budget, "--out", "b"]).code == 64, "\(budget)")
    }
    // Truncated, and not a study at all.
    for (name, bytes) in [("cut.db", Array(whole.prefix(5000))), ("text.db", Array("no study".utf8))] {
      try command.write(bytes, to: name)
      let result = try tune(Self.begin + ["--study", name, "--trials", "5", "--out", "b"])
      #expect(result.code != 0 && result.code < 100 && result.errors.contains("damaged"), "\(name): \(result)")
      #expect(try command.bytes(name) == bytes && !command.exists("b"))
    }
    for path in ["new.db", "text.db.db"] {
      let nowhere = try tune(["--study", path, "--trials", "5", "--out", "b"])
      #expect(nowhere.code == 64 && nowhere.errors.contains("name the data"), "\(nowhere.errors)")
      #expect(!command.exists(path) && !command.exists("b"))
    }
    // Nothing can be trained: reported with the reason.
    try command.write(#"{"optimizer.learningRate": {"low": 1e30, "high": 1e36, "scale": "log"}}"#, to: "wild.json")
    let wild = try tune([
      "t.csv", "--target", "y", "--space", "wild.json", "--optimizer", "sgd", "--no-batch-norm",
      "--trials", "3",
    ])
    #expect(wild.code == 64 && wild.errors.contains("the first error: the training diverged"), "\(wild.errors)")
    let missing = try tune(["t.csv", "--target", "y", "--again", "nowhere.db"])
    #expect(missing.code != 0 && missing.errors.contains("there is no study 'nowhere.db'"))
  }

  @Test func aStudyThatIsLocked() throws {
    #expect(try tune(Self.begin + ["--trials", "2", "--out", "a"]).code == 0)
    let result = try Database(command.folder + "/a/study.db").transaction {
      try tune(["--study", "a/study.db", "--trials", "5"])
    }
    #expect(result.code != 0 && result.errors.contains("locked by another program"), "\(result.errors)")
    #expect(
      try (tune(["--study", "a/study.db", "--trials", "5", "--json"]).json()["trials"] as? [String: Int])?["complete"]
        == 5)
  }

  /// A file size limit stands for a full disk.
  @Test func aDiskThatIsFull() throws {
    let result = try tune(Self.begin + ["--trials", "300", "--out", "a"], shell: "ulimit -f 300")
    #expect(
      result.code > 0 && result.errors.contains("tartine: the study 'a/study.db'")
        && result.errors.contains("disk is full"), "\(result)")
    let longer = try tune(["--study", "a/study.db", "--trials", "300", "--json"]).json()
    #expect((longer["trials"] as? [String: Int])?["complete"] == 300)
  }

  /// Killed at any moment, it loses only the trial in progress, and repeats it.
  @Test func killedThirtyTimes() throws {
    let arguments = Self.begin + ["--trials", "60", "--jobs", "1", "--epochs", "20", "--json"]
    let whole = try tune(arguments + ["--out", "whole", "--study", "whole.db"]).json()
    var stream = RandomStream(seed: 1, purpose: .test)
    var kills = 0
    for _ in 0..<30 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: CommandRunner.products + "/tartine")
      process.arguments = ["tune"] + arguments + ["--out", "killed\(kills)", "--study", "killed.db"] + Self.short
      process.currentDirectoryURL = URL(fileURLWithPath: command.folder)
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      Thread.sleep(forTimeInterval: 0.02 + 0.1 * stream.uniform())
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
    }
    #expect(kills >= 15, "\(kills)")
    let found = try tune(arguments + ["--out", "end", "--study", "killed.db"]).json()
    #expect((found["trials"] as? [String: Int])?["complete"] == 60)
    func values(_ json: [String: Any]) -> [Double?] {
      (json["history"] as? [[String: Any]] ?? []).map { $0["value"] as? Double }
    }
    #expect(values(found) == values(whole))
    let (best, other) = (found["best"] as? [String: Any], whole["best"] as? [String: Any])
    #expect(
      best?["trial"] as? Int == other?["trial"] as? Int && best?["value"] as? Double == other?["value"] as? Double)
  }

  /// A small version of the measurements in Documentation/Evidence.md: after 24 trials the default sampler is
  /// ahead of random search.
  @Test func evidence() throws {
    // On the half that chose the sampler: the other is used for judging only.
    let run = ["--tuners", "guided-zoom,random", "--half", "chosen"]
    let made = try command.run(
      ["tuners", "--on", "functions", "--function-seeds", "2", "--trials", "24", "--log", "log"] + run,
      executable: "TartineEvidence")
    #expect(made.code == 0, "\(made.errors)")
    let tables = try command.run(["tuner-tables", "--logs", "log"] + run, executable: "TartineEvidence")
    let rows = tables.output.split(separator: "\n").filter { $0.hasPrefix("| guided-zoom | ") }
    // Of two, over half of the functions: 1 is always ahead, and 1.5 is equal.
    let ranks = rows.compactMap {
      $0.split(separator: "|").dropFirst(4).first.flatMap { Double($0.trimmingCharacters(in: .whitespaces)) }
    }
    // One table for all, and one for the functions alone.
    #expect(ranks.count == 2 && ranks[0] < 1.38, "\(tables.output)")
    let seconds = try command.run(["tuner-seconds", "--trials", "40"], executable: "TartineEvidence")
    #expect(seconds.output.contains("| guided-zoom |"), "\(seconds.errors)")
  }

  private static let python = ProcessInfo.processInfo.environment["TARTINE_PYTHON"]

  private func output(ofPython script: String) throws -> String {
    try command.write(script, to: "script.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = [command.folder + "/script.py"]
    process.currentDirectoryURL = URL(fileURLWithPath: command.folder)
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }

  /// Optuna lists our trials and continues with them, and we continue with its. Skipped, with a notice, if no
  /// Python is configured.
  @Test(.enabled(if: python != nil)) func optunaGoesOnWithOurs() throws {
    let json = try tune(Self.begin + ["--trials", "8", "--out", "a", "--json"]).json()
    let text = try output(
      ofPython:
        """
        import optuna, json
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.load_study(study_name=None, storage="sqlite:///a/study.db")
        print(json.dumps([[t.number, t.state.name.lower(), t.value, t.params] for t in study.trials]))
        trial = study.ask()
        rate = trial.suggest_float("optimizer.learningRate", 1e-4, 0.3, log=True)
        trial.suggest_int("network.units", 2, 32, log=True)
        if trial.suggest_categorical("network.activation", ["relu", "tanh"]) == "relu":
            trial.suggest_float("network.keepProb", 0.5, 1)
        study.tell(trial, 0.01)
        study.enqueue_trial({"optimizer.learningRate": 0.05, "network.units": 7, "network.activation": "tanh"})
        """)
    let listed = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[Any]])
    let ours = try #require(json["history"] as? [[String: Any]])
    #expect(listed.count == 8)
    for (theirs, own) in zip(listed, ours) {
      #expect(theirs[0] as? Int == own["number"] as? Int && theirs[1] as? String == own["state"] as? String)
      #expect(theirs[2] as? Double == own["value"] as? Double)
      #expect(theirs[3] as? NSDictionary == own["parameters"] as? NSDictionary)
    }
    let longer = try tune(["--study", "a/study.db", "--trials", "11", "--json"]).json()
    let all = try #require(longer["history"] as? [[String: Any]])
    #expect((longer["trials"] as? [String: Int])?["complete"] == 11)
    #expect(all[8]["value"] as? Double == 0.01 && (longer["best"] as? [String: Any])?["trial"] as? Int == 8)
    // Its queued trials were run first, with their values.
    let queued = try #require(all[9]["parameters"] as? [String: Any])
    #expect(queued["optimizer.learningRate"] as? Double == 0.05 && queued["network.units"] as? Int == 7)
    #expect(queued["network.activation"] as? String == "tanh" && queued["network.keepProb"] == nil)
  }

  @Test(.enabled(if: python != nil)) func weGoOnWithOptunas() throws {
    let text = try output(
      ofPython:
        """
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(storage="sqlite:///theirs.db", study_name="theirs",
                                    sampler=optuna.samplers.TPESampler(seed=1))
        def cost(trial):
            rate = trial.suggest_float("optimizer.learningRate", 1e-4, 0.3, log=True)
            units = trial.suggest_int("network.units", 4, 16, step=4)
            batch = trial.suggest_categorical("batchSize", [16, 32])
            return abs(rate - 0.01) + units / 1000
        study.optimize(cost, n_trials=12)
        optuna.create_study(storage="sqlite:///most.db", study_name="most", direction="maximize").optimize(cost, n_trials=2)
        optuna.create_study(storage="sqlite:///empty.db", study_name="empty")
        print(len(study.trials), study.best_value)
        """)
    let parts = text.split(separator: " ")
    // Opened for reading, the file is unchanged.
    let before = try command.bytes("theirs.db")
    #expect(try tune(["new.csv", "--target", "y", "--again", "theirs.db", "--study", "x"]).code == 64)
    #expect(try Study(nil, file: command.folder + "/theirs.db", sampler: RandomSampler()).trials().count == 12)
    #expect(try command.bytes("theirs.db") == before)
    let json = try tune([
      "t.csv", "--target", "y", "--epochs", "3", "--study", "theirs.db", "--trials", "15", "--out", "a", "--json",
    ]).json()
    let all = try #require(json["history"] as? [[String: Any]])
    #expect(all.count == 15 && (json["trials"] as? [String: Int])?["complete"] == 15)
    let best = try #require(Double(parts[1].trimmingCharacters(in: .whitespacesAndNewlines)))
    let found = try #require(all.prefix(12).compactMap { $0["value"] as? Double }.min())
    #expect(abs(found - best) < 1e-12)
    for trial in all.suffix(3) {
      let values = try #require(trial["parameters"] as? [String: Any])
      let units = values["network.units"] as? Int ?? 0
      #expect(units % 4 == 0 && units >= 4 && units <= 16 && [16, 32].contains(values["batchSize"] as? Int ?? 0))
    }
    // A study that maximizes, and one without a trial.
    let most = try tune(["t.csv", "--target", "y", "--study", "most.db", "--trials", "5", "--out", "most"])
    #expect(most.code == 64 && most.errors.contains("is maximized"), "\(most.errors)")
    let empty = try tune(Self.begin + ["--study", "empty.db", "--trials", "3", "--out", "empty", "--json"]).json()
    #expect((empty["trials"] as? [String: Int])?["complete"] == 3)
    let seen = try output(
      ofPython:
        """
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.load_study(study_name="theirs", storage="sqlite:///theirs.db")
        study.optimize(lambda trial: trial.suggest_float("optimizer.learningRate", 1e-4, 0.3, log=True), n_trials=1)
        print(len(study.trials), all(t.state.name == "COMPLETE" for t in study.trials))
        """)
    #expect(seen == "16 True\n")
  }
}
