import Foundation
import Testing

/// Extreme cases: confident predictions, one row, outliers.
@Suite struct FigureTests {
  private func figure(_ json: [String: Any], _ name: String, _ key: String = "value") throws -> Any {
    let metrics = try #require(json["metrics"] as? [String: [String: Any]])
    return try #require(metrics[name]?[key])
  }

  /// A model so confident that a Float rounds 1 − p to 0 still has the loss of its logits.
  @Test func aSureWrongAnswersLossIsFromLogits() throws {
    let runner = try CommandRunner()
    let rows = (-50..<50).map { "\(Double($0) / 2),\($0 < 0 ? "no" : "yes")\n" }
    try runner.write("x,y\n" + rows.joined(), to: "t.csv")
    let arguments = ["--target", "y", "--hidden", "0", "--optimizer", "lbfgs", "--epochs", "200", "--out", "s"]
    #expect(try runner.run(["train", "t.csv"] + arguments).code == 0)
    try runner.write("x,y\n3000,no\n", to: "one.csv")
    let result = try runner.run(["evaluate", "s/model.safetensors", "one.csv", "--json"])
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    let loss = try #require(json["loss"] as? Double)
    let logLoss = try #require(try figure(json, "log-loss") as? Double)
    #expect(loss > 100 && abs(logLoss - loss) < 1e-3 * loss)
    // One row gives no interval.
    #expect(try figure(json, "log-loss", "low") is NSNull && figure(json, "log-loss", "high") is NSNull)
  }

  /// The result first, beside the baselines; the same in JSON.
  @Test func theResultComesFirst() throws {
    let runner = try CommandRunner()
    let rows = (0..<200).map { "\($0 * 37 % 101),\($0 * 53 % 97),\($0 % 50 == 0 ? "yes" : "no")\n" }
    try runner.write("a,b,y\n" + rows.joined(), to: "t.csv")
    let arguments = ["train", "t.csv", "--target", "y", "--epochs", "5"]
    let told = try runner.run(arguments + ["--out", "a"])
    let lines = told.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("Error on test: ") == true && lines.first?.contains("linear model ") == true)
    #expect(lines.dropFirst().first?.hasPrefix("Not significantly better than the constant baseline") == true)
    #expect(told.errors.contains("class-imbalance: 'yes' has ") && told.errors.contains("tartine inspect "))
    let report = String(decoding: try runner.bytes("a/report.html"), as: UTF8.self)
    #expect(report.contains("<p class=\"result\">Error on test: "))
    let quiet = try runner.run(arguments + ["--out", "b", "--quiet", "--json"])
    #expect(quiet.code == 0 && quiet.errors.isEmpty)
    let json = try quiet.json()
    for key in ["metrics", "baselines", "intervals", "verdict", "advice", "confusion", "train", "dev", "test"] {
      #expect(json[key] != nil, "\(key)")
    }
    let baselines = try #require(json["baselines"] as? [String: [String: Any]])
    #expect(Set(baselines.keys) == ["constant", "linear"])
    let metrics = try #require(json["metrics"] as? [String: [String: Any]])
    #expect(metrics["test"]?["accuracy"] != nil && metrics["dev"]?["log-loss"] != nil)
  }

  /// A single outlier that makes up most of the error is named.
  @Test func aRowThatIsMostOfAnError() throws {
    let runner = try CommandRunner()
    let rows = (0..<120).map { "\($0 * 37 % 101),\($0 == 60 ? 900_000 : $0 * 37 % 101)\n" }
    try runner.write("a,y\n" + rows.joined(), to: "t.csv")
    var found = false
    for seed in 0..<3 {
      let told = try runner.run(
        [
          "train", "t.csv", "--target", "y", "--task", "regression", "--epochs", "3", "--split-seed", "\(seed)",
          "--out", "r\(seed)",
        ])
      found = found || told.output.contains("Row 61 alone accounts for ")
    }
    #expect(found)
  }

  /// Below 500 rows a linear model is trained if cross-validation prefers it.
  @Test func aLineOnFewRows() throws {
    let runner = try CommandRunner()
    let rows = (0..<60).map {
      "\($0 * 37 % 101),\($0 * 53 % 97),\(Double($0 * 37 % 101 + 2 * ($0 * 53 % 97)) + Double($0 * 29 % 31))\n"
    }
    try runner.write("a,b,y\n" + rows.joined(), to: "t.csv")
    let told = try runner.run(["train", "t.csv", "--target", "y", "--out", "a"])
    #expect(
      told.code == 0 && told.output.contains("Few rows, so the recipe was chosen by 5-fold cross-validation")
        && told.output.contains("linear model RMSE ")
        && told.output.contains("Refitted on all 48 rows of train and dev"),
      "\(told.output)")
    #expect(String(decoding: try runner.bytes("a/recipe.json"), as: UTF8.self).contains("lbfgs"))
    let network = try runner.run(["train", "t.csv", "--target", "y", "--hidden", "16", "--epochs", "5", "--out", "b"])
    #expect(network.code == 0 && !network.output.contains("Few rows, so"))
  }

  /// Standard input, columns to keep, and a reader that stops early.
  @Test func answersInAPipe() throws {
    let runner = try CommandRunner()
    let rows = (0..<3_000).map { "r\($0),\($0 * 37 % 101),\($0 % 2 == 0 ? "yes" : "no")\n" }
    try runner.write("id,a,y\n" + rows.joined(), to: "t.csv")
    #expect(
      try runner.run(["train", "t.csv", "--target", "y", "--hidden", "4", "--epochs", "1", "--out", "a"]).code == 0)
    let kept = try runner.run(["predict", "a/model.safetensors", "t.csv", "--keep", "id,a", "--out", "-"])
    #expect(kept.output.hasPrefix("id,a,prediction,p:no,p:yes\nr0,0,"))
    let wrong = try runner.run(["predict", "a/model.safetensors", "t.csv", "--keep", "idd"])
    #expect(wrong.code != 0 && wrong.errors.contains("there is no column 'idd' to keep; there are id, a, y"))
    let plain = try runner.run(["predict", "a/model.safetensors", "t.csv"]).output
    let piped = try runner.run(["predict", "a/model.safetensors", "-"], shell: "exec < t.csv")
    #expect(piped.code == 0 && piped.output == plain, "\(piped.errors)")
  }
}
