import Foundation
import Testing
import TartineFiles

/// What the automatic recipe is, and when the linear model takes its place.
@Suite struct AutomaticRecipeTests {
  /// The number of members in the recipe of a run.
  private func members(_ command: CommandRunner, _ run: String) throws -> Int? {
    let tree = try JSON.decode(
      JSONValue.self, from: String(decoding: try command.bytes(run + "/recipe.json"), as: UTF8.self))
    return tree["network"]?["members"]?.integer
  }

  /// Four members, unless the hidden layers are named, which makes a plain network of them; a preset keeps its own number.
  @Test func namedLayersMakeAPlainNetwork() throws {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 600), to: "t.csv")
    try command.write(#"{"network": {"hidden": [7], "activation": "tanh"}}"#, to: "plain.json")
    try command.write(#"{"network": {"activation": "tanh"}}"#, to: "tanh.json")
    let cases: [(flags: [String], members: Int)] = [
      ([], 4), (["--hidden", "7"], 1), (["--set", "network.hidden=[7]"], 1), (["--hidden", "7", "--members", "3"], 3),
      (["--activation", "tanh"], 4), (["--preset", "tabular", "--hidden", "7"], 8), (["--recipe", "plain.json"], 1),
      (["--recipe", "tanh.json"], 4),
    ]
    for (number, (flags, expected)) in cases.enumerated() {
      let run = try command.run(
        ["train", "t.csv", "--target", "y", "--epochs", "1", "--threads", "1", "--quiet", "--out", "r\(number)"] + flags
      )
      #expect(run.code == 0, "\(run.errors)")
      #expect(try members(command, "r\(number)") == expected, "\(flags)")
    }
    // A run's own recipe keeps its members when its layers are changed.
    let wider = try command.run([
      "train", "t.csv", "--target", "y", "--recipe", "r0/recipe.json", "--hidden", "9", "--quiet", "--out", "wider",
    ])
    #expect(wider.code == 0, "\(wider.errors)")
    #expect(try members(command, "wider") == 4)
  }

  /// 700 rows: on a plane the linear model is kept, on a product the network.
  @Test(arguments: [true, false])
  func theLinearModelIsKeptUnlessTheNetworkIsBetterOnDev(isPlane: Bool) throws {
    let command = try CommandRunner()
    try command.write(Self.numbers(isPlane: isPlane), to: "t.csv")
    let run = try command.run(["train", "t.csv", "--target", "y", "--threads", "1", "--out", "r"])
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("the linear model was kept") == isPlane, "\(run.output)")
    let recipe = String(decoding: try command.bytes("r/recipe.json"), as: UTF8.self)
    #expect(recipe.contains("\"lbfgs\"") == isPlane)
    #expect(try members(command, "r") == (isPlane ? 1 : 4))
    // All files of the folder are those of the kept model.
    let predicted = try command.run(["predict", "r", "t.csv"])
    #expect(predicted.code == 0 && predicted.output.split(separator: "\n").count == 701, "\(predicted.errors)")
    let again = try command.run(["evaluate", "r", "t.csv", "--json"])
    #expect(again.code == 0, "\(again.errors)")
    let json = try command.run(["train", "t.csv", "--target", "y", "--threads", "1", "--json"]).json()
    let notices = try #require(json["notices"] as? [String])
    #expect(notices.contains { $0.contains("the linear model was kept") } == isPlane)
  }

  /// The linear model has the seed and the decision that were asked for; and a network that is asked for is trained.
  @Test func whatIsAskedForIsKept() throws {
    let command = try CommandRunner()
    try command.write(Self.numbers(isPlane: true), to: "t.csv")
    let flags = ["train", "t.csv", "--target", "y", "--seed", "7", "--threads", "1"]
    let linear = try command.run(flags + ["--refit", "--out", "linear"])
    #expect(linear.code == 0 && linear.output.contains("the linear model was kept"), "\(linear.errors)")
    let text = String(decoding: try command.bytes("linear/recipe.json"), as: UTF8.self)
    let tree = try JSON.decode(JSONValue.self, from: text)
    #expect(tree["seed"]?.integer == 7 && tree["refit"] == .bool(true) && tree["minutes"] == nil)
    let network = try command.run(flags + ["--hidden", "256,128", "--out", "network"])
    #expect(network.code == 0 && !network.output.contains("the linear model was kept"), "\(network.errors)")
    #expect(try members(command, "network") == 1)
    #expect(String(decoding: try command.bytes("network/recipe.json"), as: UTF8.self).contains("256"))
  }

  /// Of several seeds no file is left when the linear model takes their place.
  @Test func noFileOfAnEnsembleIsLeft() throws {
    let command = try CommandRunner()
    try command.write(Self.numbers(isPlane: true), to: "t.csv")
    let run = try command.run(["train", "t.csv", "--target", "y", "--seeds", "2", "--out", "r"])
    #expect(run.code == 0 && run.output.contains("the linear model was kept"), "\(run.errors)")
    #expect(command.exists("r/checkpoint.safetensors") && !command.exists("r/checkpoint-2.safetensors"))
    #expect(command.exists("r/history.jsonl") && !command.exists("r/history-2.jsonl"))
  }

  /// y = a + b − c, or a b, and noise.
  private static func numbers(isPlane: Bool) -> String {
    var state: UInt64 = 7
    func uniform() -> Double {
      state = state &* 6364136223846793005 &+ 1442695040888963407
      return Double(state >> 40) / Double(1 << 24) * 2 - 1
    }
    var text = "a,b,c,d,e,f,y\n"
    for _ in 0..<700 {
      let x = (0..<6).map { _ in uniform() + uniform() }
      let y = isPlane ? x[0] + x[1] - x[2] : x[0] * x[1]
      text += x.map { "\($0)," }.joined() + "\(y + (isPlane ? 1.5 : 0.5) * (uniform() + uniform()))\n"
    }
    return text
  }
}
