import Foundation
import Testing

/// Techniques by flags, recipe files and presets.
@Suite struct TechniqueTests {
  /// Everything by a flag, then by the recipe that the first run wrote: the same model.
  @Test func aRunsRecipeRepeatsIt() throws {
    let command = try CommandRunner()
    let lines = CommandRunner.table(rows: 120).split(separator: "\n")
    let weighted = lines.enumerated().map { "\($0 == 0 ? "w" : "\($0 % 4)"),\($1)\n" }.joined()
    try command.write(weighted, to: "t.csv")
    let base = ["train", "t.csv", "--target", "y", "--weights", "w", "--threads", "1", "--json"]
    for (name, flags) in [
      (
        "a",
        [
          "--optimizer", "amsgrad", "--schedule", "plateau", "--average", "ema", "--accumulation", "2", "--loss",
          "focal",
          "--class-weights", "balanced", "--max-norm", "2", "--keep-last",
        ]
      ),
      (
        "b",
        [
          "--optimizer", "radam", "--schedule", "one-cycle", "--average", "swa", "--label-smoothing", "0.1",
          "--class-weights", "no=1,yes=3", "--set", "optimizer.clipValue=0.5", "--set", "optimizer.averageFrom=0.5",
        ]
      ),
      (
        "c",
        [
          "--optimizer", "momentum", "--set", "optimizer.variant=keras", "--set",
          #"optimizer.scheduleParts=[{"share":0.5,"schedule":"constant"},{"share":0.5,"schedule":"polynomial"}]"#,
          "--schedule", "joined",
        ]
      ),
      (
        "d",
        [
          "--optimizer", "lbfgs", "--no-batch-norm", "--keep-prob", "1", "--l2", "1e-4", "--initializer", "orthogonal",
          "--output-bias", "prior", "--calibrate", "--threshold-for", "f1",
        ]
      ),
      (
        "e",
        [
          "--optimizer", "rmsprop", "--set", "optimizer.centered=true", "--set", "optimizer.momentum=0.5", "--mixup",
          "0.2",
          "--dropout-schedule", "flat-cosine", "--embed-categories", "3", "--embed-numbers", "2", "--members", "3",
          "--bins",
          "0",
          "--initializer", "0.1", "--input-noise", "0.1", "--clip-value", "1", "--clip-norm", "2", "--activation",
          "elu",
        ]
      ),
    ] {
      let first = try command.run(base + ["--hidden", "8", "--epochs", "4", "--out", name] + flags)
      #expect(first.code == 0, "\(name): \(first.errors)")
      let again = try command.run(base + ["--recipe", "\(name)/recipe.json", "--out", "\(name)2"])
      #expect(again.code == 0, "\(name): \(again.errors)")
      #expect(
        try command.bytes("\(name)/model.safetensors") == command.bytes("\(name)2/model.safetensors"), "\(name)")
    }
    #expect(try command.run(base + ["--resume", "a"]).code == 64)
  }

  @Test(arguments: ["lecture", "tabular", "images"]) func presets(_ preset: String) throws {
    let command = try CommandRunner()
    let run = try command.run([
      "train", "--preset", preset, "--epochs", "1", "--hidden", "16,8", "--out", "run", "--json",
    ])
    #expect(run.code == 0, "\(run.errors)")
    let recipe = String(decoding: try command.bytes("run/recipe.json"), as: UTF8.self).filter { !$0.isWhitespace }
    switch preset {
    case "lecture": #expect(recipe.contains(#""schedule":"inverse-time""#))
    case "tabular": #expect(recipe.contains(#""members":8"#) && recipe.contains(#""refit":true"#))
    default: #expect(recipe.contains(#""average":"ema""#) && recipe.contains(#""rotation":5"#))
    }
    let both = try command.run(["train", "--preset", preset, "--recipe", "run/recipe.json"])
    #expect(both.code == 64 && both.errors.contains("exclude each other"))
  }

  @Test func aPresetOfNumbersHasNoClassLoss() throws {
    let command = try CommandRunner()
    try command.write(
      "x,y\n" + (0..<60).map { "\($0 * 7 % 60),\(Double($0 * 7 % 60) * 1.5 + 0.25)\n" }.joined(), to: "n.csv")
    let run = try command.run([
      "train", "n.csv", "--target", "y", "--preset", "tabular", "--epochs", "2", "--hidden", "8", "--out", "r",
      "--json",
    ])
    #expect(run.code == 0, "\(run.errors)")
  }

  @Test func augmentationIsShown() throws {
    let command = try CommandRunner()
    let train = try command.run(["train", "--hidden", "16", "--epochs", "2", "--out", "r", "--json"])
    #expect(train.code == 0)
    let shown = try command.run([
      "preview-augmentation", "--augment", "rotation=10,horizontalFlip=1", "--model", "r/model.safetensors", "--out",
      "s.png", "--json",
    ])
    #expect(shown.code == 0, "\(shown.errors)")
    #expect(try command.bytes("s.png").count > 1000)
    let effects = try #require(try shown.json()["effects"] as? [[String: Any]])
    #expect(effects.compactMap { $0["name"] as? String } == ["horizontalFlip", "rotation", "together"])
    func changed(_ place: Int) -> Double { ((effects[place]["changed"] as? [String: Any])?["value"] as? Double) ?? -1 }
    #expect(changed(0) > changed(1) && changed(1) >= 0)
    let nothing = try command.run(["preview-augmentation"])
    #expect(nothing.code == 64 && nothing.errors.contains("there is nothing to show"))
    try command.write(CommandRunner.table(rows: 60), to: "t.csv")
    let table = try command.run(["preview-augmentation", "t.csv", "--target", "y", "--augment", "rotation=10"])
    #expect(table.code == 64 && table.errors.contains("is a table"))
    let trained = try command.run(["train", "t.csv", "--target", "y", "--augment", "rotation=10", "--out", "q"])
    #expect(trained.code == 64 && trained.errors.contains("these data are a table"))
  }

  @Test func figuresOfAnEvaluation() throws {
    let command = try CommandRunner()
    let train = try command.run(["train", "--hidden", "32", "--epochs", "5", "--out", "r", "--json"])
    #expect(train.code == 0)
    let json = try command.run(["evaluate", "r/model.safetensors", "digits", "--json"]).json()
    let metrics = try #require(json["metrics"] as? [String: [String: Double]])
    #expect(metrics.count == 15)
    for (name, figure) in metrics {
      let (value, low, high) = (figure["value"] ?? .nan, figure["low"] ?? .nan, figure["high"] ?? .nan)
      #expect(low <= value && value <= high && low < high, "\(name)")
    }
    #expect((json["classes"] as? [Any])?.count == 10 && (json["confusion"] as? [[Int]])?.joined().reduce(0, +) == 1797)
    let text = try command.run(["evaluate", "r/model.safetensors", "digits"]).output
    #expect(text.contains("balanced-accuracy") && text.contains("confusion matrix (rows: actual, columns: predicted)"))
  }

  @Test func layersOfARecipeFile() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 200), to: "t.csv")
    try command.write(
      """
      {"network": {"layers": [
        {"layer": "numberEmbedding", "dimension": 2}, {"layer": "categoryEmbedding", "moreThan": 1},
        {"layer": "gaussianNoise", "standardDeviation": 0.1}, {"layer": "dense", "units": 8, "initializer": "truncated"},
        {"layer": "prelu"},
        {"layer": "residual", "layers": [
          {"layer": "layerNorm"}, {"layer": "elu"}, {"layer": "dropout", "keep": 0.9, "schedule": "annealed"},
          {"layer": "dense", "units": 8, "initializer": 0.05}]},
        {"layer": "groupNorm", "groups": 2}, {"layer": "rmsNorm"}]},
       "preparation": {"bins": 0}}
      """, to: "r.json")
    let first = try command.run([
      "train", "t.csv", "--target", "y", "--recipe", "r.json", "--epochs", "3", "--out", "a", "--json",
    ])
    #expect(first.code == 0, "\(first.errors)")
    let again = try command.run([
      "train", "t.csv", "--target", "y", "--recipe", "a/recipe.json", "--out", "b", "--json",
    ])
    #expect(again.code == 0, "\(again.errors)")
    #expect(try command.bytes("a/model.safetensors") == command.bytes("b/model.safetensors"))
    #expect(try command.run(["evaluate", "a/model.safetensors", "t.csv", "--json"]).code == 0)
  }

  /// Options given beside the recipe are kept when a run is resumed.
  @Test func anInterruptedRunKeepsItsFolds() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 150), to: "t.csv")
    let whole = [
      "train", "t.csv", "--target", "y", "--hidden", "8", "--epochs", "3", "--folds", "3", "--worth", "0.07",
    ]
    #expect(try command.run(whole + ["--out", "a"]).code == 0)
    // The state when the process ended before the last epoch was measured.
    let text = String(decoding: try command.bytes("a/run.json"), as: UTF8.self)
    try command.write(text.replacingOccurrences(of: "finished", with: "running"), to: "a/run.json")
    let again = try command.run(["train", "--resume", "a"])
    #expect(again.code == 0 && again.output.contains("Over 3 folds of train and dev"), "\(again.errors)")
    #expect(again.output.contains("7.00 points matter"), "\(again.output)")
    let page = String(decoding: try command.bytes("a/report.html"), as: UTF8.self)
    #expect(page.contains("Over 3 folds of train and dev"))
  }

  /// A count is not a class if the loss is for numbers.
  @Test func aLossOfNumbersIsARegression() throws {
    let command = try CommandRunner()
    try command.write("x,n\n" + (0..<200).map { "\($0 % 17),\($0 % 17 / 4)\n" }.joined(), to: "n.csv")
    let run = try command.run(["train", "n.csv", "--target", "n", "--loss", "poisson", "--epochs", "2", "--json"])
    #expect(run.code == 0, "\(run.errors)")
    #expect(try run.json()["task"] as? String == "regression")
  }

  @Test func rareClassesDecideNothing() throws {
    let command = try CommandRunner()
    try command.write("x,y\n" + (0..<200).map { "\($0 * 7 % 31),\($0 % 50 == 0 ? "p" : "n")\n" }.joined(), to: "r.csv")
    let run = try command.run([
      "train", "r.csv", "--target", "y", "--threshold-for", "f1", "--epochs", "2", "--hidden", "4",
    ])
    #expect(run.code == 0 && run.output.contains("too few to choose"), "\(run.output)")
  }

  @Test func foldsAreTold() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 150), to: "t.csv")
    let base = ["train", "t.csv", "--target", "y", "--hidden", "8", "--epochs", "5"]
    let plain = try command.run(base + ["--out", "a"])
    #expect(plain.code == 0 && plain.output.contains("Few rows: --folds 5"), "\(plain.output)")
    let run = try command.run(base + ["--out", "b", "--folds", "4", "--json"])
    #expect(run.code == 0, "\(run.errors)")
    let folds = try #require(try run.json()["folds"] as? [String: Any])
    #expect((folds["each"] as? [Any])?.count == 4)
    let pooled = try #require((folds["pooled"] as? [String: Any])?["error"] as? Double)
    #expect(pooled >= 0 && pooled < 0.5)
    let text = try command.run(base + ["--out", "c", "--folds", "4"])
    #expect(text.output.contains("Over 4 folds of train and dev: error"), "\(text.output)")
    let many = try command.run(base + ["--out", "d", "--folds", "500"])
    #expect(many.code == 65 && many.errors.contains("cannot be split into 500 folds"), "\(many.errors)")
  }

  @Test func whatIsWrongIsSaid() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 60), to: "t.csv")
    for (flags, message) in [
      (["--preset", "lectures"], "there is no preset 'lectures'; there are lecture, tabular, quick, images"),
      (["--loss", "huber"], "a regression needs numbers, and this target is text"),
      (["--loss", "hubber"], "there is no loss 'hubber'"),
      (["--label-smoothing", "1"], "loss.smoothing must be in [0, 1)"),
      (["--class-weights", "yes=often"], "takes a number for each name"),
      (["--class-weights", "often=2"], "classWeights names 'often', and the classes are no, yes"),
      (["--class-weights", "even"], "class weights are 'balanced'"),
      (["--average", "mean"], "there is no average 'mean'"),
      (["--accumulation", "0"], "accumulation must be at least 1"),
      (["--max-norm", "0"], "maxNorm must be above 0"), (["--schedule", "cosinus"], "there is no schedule 'cosinus'"),
      (["--optimizer", "lbfgs"], "lbfgs needs the same loss each time"),
      (["--initializer", "hee"], "there is no initializer 'hee'"),
      (["--initializer", "-1"], "must be at least 0, not -1"), (["--mixup", "-1"], "mixup must be from 0"),
      (["--dropout-schedule", "never"], "there is no 'never'; there are constant, annealed"),
      (["--output-bias", "posterior"], "there is no 'posterior'; there are zero, prior"),
      (["--threshold-for", "luck"], "there is no 'luck'; there are accuracy"),
      (["--set", "optimizer.momentum=0.5"], "belong to rmsprop"),
      (["--set", "network.embedNumbers=1.5"], "whole number"), (["--members", "0"], "members must be from 1"),
      (["--class-weights", "yes=nan"], "must be a finite number"),
      (["--set", "optimizer.clipFoo=1"], "clipNorm, clipValue"), (["--set", "loss.foo=1"], "quantile"),
      (["--set", "network.foo=1"], "layers"), (["--schedule", "joined"], "a joined schedule needs its parts, such as"),
      (["--set", #"network.layers=[{"layer":"foo"}]"#], "there is no layer 'foo' here; there are batchNorm"),
      (
        ["--set", #"network.layers=[{"layer":"dropout","rate":0.3}]"#],
        "'keep', the probability to keep a unit: 1 − rate"
      ),
      (["--set", #"network.layers=[{"layer":"dense","units":2.5}]"#], "a number in it must be whole"),
      (["--set", #"network.layers=[{"layer":"residual"}]"#], "'network.layers[0].layers' is missing"),
      (
        ["--set", #"network.layers=[{"layer":"dense","units":2}]"#, "--set", "network.hidden=[3]"],
        "lists its layers one by one"
      ),
      (["--augment", "spin=3"], "there is no setting 'augmentation.spin'"),
      (["--augment", "rotation=400"], "augmentation.rotation must be from 0 to 180"),
      (["--augment", "rotation"], "write it as KEY=VALUE"), (["--weights", "kind"], "this is text"),
      (["--weights", "z"], "there is no column 'z' to weight rows by"),
    ] {
      let result = try command.run(["train", "t.csv", "--target", "y", "--out", "r"] + flags)
      #expect((64...65).contains(result.code) && result.errors.contains(message), "\(flags): \(result.errors)")
      #expect(!command.exists("r"), "\(flags)")
    }
    let images = try command.run(["train", "--weights", "p0"])
    #expect(images.code == 64 && images.errors.contains("images have no columns"))
  }
}
