import Foundation
import Testing

/// Figures at their ends: sure answers, one row, outliers.
@Suite struct FigureTests {
  private func figure(_ json: [String: Any], _ name: String, _ key: String = "value") throws -> Any {
    let metrics = try #require(json["metrics"] as? [String: [String: Any]])
    return try #require(metrics[name]?[key])
  }

  /// A model so sure that a Float rounds 1 − p to 0 still has the loss that its logits say.
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
    // One row bounds nothing.
    #expect(try figure(json, "log-loss", "low") is NSNull && figure(json, "log-loss", "high") is NSNull)
  }
}
