import Foundation
import Tartine
import Testing

/// Wrong input gives a message and an exit code, and harms nothing.
@Suite struct WrongInputTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let arguments: [String]
    let code: Int32
    let message: String

    init(
      _ name: String, _ text: String, _ arguments: [String] = [], code: Int32 = 65, says message: String
    ) {
      testDescription = name
      self.text = text
      self.arguments = arguments
      self.code = code
      self.message = message
    }
  }

  private static let good = CommandRunner.table(rows: 60)

  static let cases = [
    Case("empty file", "", says: "it is empty"),
    Case("header only", "a,y\n", says: "a header and no rows"),
    Case("ragged row", "a,y\n1,0\n2\n", says: "line 3: it has 1 fields, and the header has 2"),
    Case("unknown target", good, ["--target", "z"], says: "there is no column 'z'; there are a, b, kind, y"),
    Case("no target named", good, ["--no-target"], code: 64, says: "Name it with --target; there are a, b, kind, y"),
    Case(
      "constant target", "a,y\n" + (0..<30).map { "\($0),3.5\n" }.joined(),
      says: "the target has the one value '3.5' in all 30 rows"),
    Case(
      "one class", "a,y\n" + (0..<30).map { "\($0),yes\n" }.joined(),
      says: "the target has the one value 'yes' in all 30 rows"),
    Case(
      "infinity", "a,y\n" + (0..<30).map { "\($0 == 4 ? "inf" : "1"),\($0 % 2)\n" }.joined(), says: "line 6, column 'a'"
    ),
    Case(
      "1e39", "a,y\n" + (0..<30).map { "\($0 == 4 ? "1e39" : "1"),\($0 % 2)\n" }.joined(),
      says: "'1e39' is infinite or out of the range"),
    Case(
      "infinite target", "a,y\n" + (0..<30).map { "\($0),\($0 == 4 ? "inf" : "\($0).5")\n" }.joined(),
      says: "line 6, column 'y'"),
    Case("two rows", "a,y\n1,0\n2,1\n", says: "it has 2 rows with a target; at least 10 are needed"),
    Case(
      "a blank for no", "a,y\n" + (0..<30).map { "\($0),\($0 % 2 == 0 ? "Y" : "")\n" }.joined(),
      says: "if its empty fields mean another class"),
    Case("only the target", "y\n" + (0..<30).map { "\($0 % 2)\n" }.joined(), says: "no column apart from the target"),
    Case(
      "no usable column", "a,y\n" + (0..<30).map { ",\($0 % 2)\n" }.joined(), says: "no column is left to learn from"),
    Case("unknown activation", good, ["--activation", "relo"], code: 64, says: "there is no activation 'relo'"),
    Case("keep above 1", good, ["--keep-prob", "1.5"], code: 64, says: "above 0 and at most 1, not 1.5"),
    Case(
      "a rate that is no number", good, ["--learning-rate", "nan"], code: 64,
      says: "optimizer.learningRate must be a finite number, not nan"),
    Case(
      "unknown optimizer", good, ["--optimizer", "sdg"], code: 64, says: "there is no 'sdg'; there are sgd, momentum"),
    Case(
      "more than any memory", good, ["--hidden", "1000000,1000000"], code: 64, says: "more than this machine's"),
    Case("no target's name", good, ["--target", ""], says: "no target is named"),
    Case("no UTF-8", good + "\u{0}", says: "line 62: it contains a zero byte"),
    Case("a negative seed", good, ["--seed", "-1"], code: 64, says: "'-1' is invalid for '--seed"),
    Case("a human error in percent", good, ["--human-error", "5"], code: 64, says: "a fraction from 0 to 1"),
    Case(
      "a number for an object", good, ["--set", "network=1"], code: 64, says: "a JSON object is needed"),
    Case("a number beyond all", good, ["--hidden", "9999999999999999999"], code: 64, says: "outside its range"),
    Case("a negative rate", good, ["--learning-rate=-1"], code: 64, says: "learningRate must be above 0"),
    Case("no epochs", good, ["--epochs", "0"], code: 64, says: "epochs must be from 1"),
    Case("no batch", good, ["--batch-size", "0"], code: 64, says: "batchSize must be at least 1"),
    Case("shares above 1", good, ["--split", "0.9,0.9"], code: 64, says: "add up to 1"),
    Case("a share alone", good, ["--split", "0.9"], code: 64, says: "two or three shares"),
    Case("unknown task", good, ["--task", "guess"], code: 64, says: "there is no task 'guess'"),
    Case("regression of text", good, ["--task", "regression"], says: "a regression needs numbers"),
    Case("wrong number", good, ["--epochs", "many"], code: 64, says: "epochs"),
    Case("unknown flag", good, ["--epoks", "3"], code: 64, says: "epoks"),
    Case("setting without =", good, ["--set", "epochs"], code: 64, says: "write it as KEY=VALUE"),
    Case(
      "diverging", good, ["--optimizer", "sgd", "--learning-rate", "1e30", "--schedule", "constant"], code: 75,
      says: "the training diverged"),
  ]

  @Test(arguments: cases) func isSaid(_ wrong: Case) throws {
    let command = try CommandRunner()
    try command.write(wrong.text, to: "data.csv")
    var arguments = ["train", "data.csv", "--out", "run", "--json"] + wrong.arguments
    if !arguments.contains("--target") { arguments += ["--target", "y"] }
    if let place = arguments.firstIndex(of: "--no-target") { arguments = Array(arguments[..<place]) }
    let result = try command.run(arguments)
    #expect(result.code == wrong.code, "\(result.errors)")
    #expect(result.errors.contains(wrong.message), "\(result.errors)")
    #expect(result.output.isEmpty && !result.errors.contains("Error("))
    #expect(!command.exists("run/model.safetensors"))
  }

  @Test func missingFiles() throws {
    let command = try CommandRunner()
    let data = try command.run(["train", "none.csv", "--target", "y"])
    #expect(data.code == 66 && data.errors.contains("'none.csv'"))
    let model = try command.run(["predict", "none.safetensors", "none.csv"])
    #expect(model.code == 66 && model.errors.contains("there is no file 'none.safetensors'"))
    let run = try command.run(["train", "--resume", "none"])
    #expect(run.code == 66)
    #expect(try command.run(["train", "digits", "--recipe", "none.json"]).code == 66)
  }

  /// Found before the training, not after it.
  @Test func aTestFileThatDoesNotFit() throws {
    let command = try CommandRunner()
    try command.write(Self.good, to: "data.csv")
    try command.write("a,b,kind,y\n0.1,0.2,round,maybe\n", to: "label.csv")
    try command.write("a,kind,y\n0.1,round,yes\n", to: "less.csv")
    for (file, message) in [("label.csv", "the label 'maybe' is not one of"), ("less.csv", "needs the column 'b'")] {
      let result = try command.run(["train", "data.csv", "--target", "y", "--test", file, "--out", "run"])
      #expect(result.code == 65 && result.errors.contains(message), "\(result.errors)")
      #expect(!result.errors.contains("epoch 1/") && !command.exists("run"))
    }
  }

  @Test func aClaimOf2GB() throws {
    let command = try CommandRunner()
    // 2 GB in a safetensors header's length.
    try command.write([0, 0, 0, 0x80, 0, 0, 0, 0] + Array("{}".utf8), to: "m.safetensors")
    let model = try command.run(["evaluate", "m.safetensors", "digits"])
    #expect(model.code == 65 && model.errors.contains("its header claims 2147483648 bytes"))
    // And in an IDX header: 2 000 000 images of 32 × 32.
    let header: [UInt8] = [0, 0, 8, 3, 0, 0x1E, 0x84, 0x80, 0, 0, 0, 32, 0, 0, 0, 32]
    try FileManager.default.createDirectory(atPath: command.folder + "/idx", withIntermediateDirectories: true)
    try command.write(header + [1, 2, 3], to: "idx/train-images-idx3-ubyte")
    try command.write([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3], to: "idx/train-labels-idx1-ubyte")
    let images = try command.run(["train", "idx"])
    #expect(images.code == 65 && images.errors.contains("its header claims 2000000 × 32 × 32"))
  }

  /// A file as the folder's parent: not even root can create a folder there.
  @Test func nowhereToWrite() throws {
    let command = try CommandRunner()
    try command.write(Self.good, to: "data.csv")
    try command.write("in the way", to: "file")
    let result = try command.run(["train", "data.csv", "--target", "y", "--out", "file/run"])
    #expect(result.code == 73 && result.errors.contains("cannot make the folder 'file/run'"))
    #expect(try command.bytes("file") == Array("in the way".utf8))
    let model = try CommandRunner()
    try model.write(Self.good, to: "data.csv")
    #expect(try model.run(["train", "data.csv", "--target", "y", "--out", "r", "--epochs", "1"]).code == 0)
    let answers = try model.run(["predict", "r/model.safetensors", "data.csv", "--out", "none/answers.csv"])
    #expect(answers.code == 73)
  }

  /// A file size limit stands for a full disk: existing files stay intact.
  @Test func aFullDisk() throws {
    let command = try CommandRunner()
    try command.write(Self.good, to: "data.csv")
    let wide = ["train", "data.csv", "--target", "y", "--hidden", "512,256", "--epochs", "2", "--out", "run"]
    let result = try command.run(wide, shell: "ulimit -f 200")
    #expect(result.code == 74 && result.errors.contains("cannot write"), "\(result.code) \(result.errors)")
    #expect(!command.exists("run/model.safetensors"))
    // Earlier files are intact, so the run can be resumed once there is space.
    let resumed = try command.run(["train", "--resume", "run"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    try command.write("old answers", to: "answers.csv")
    let small = try command.run(
      ["predict", "run/model.safetensors", "data.csv", "--out", "answers.csv"], shell: "ulimit -f 0")
    #expect(small.code == 74)
    #expect(try command.bytes("answers.csv") == Array("old answers".utf8))
    #if os(Linux)
      let device = try command.run(["predict", "run/model.safetensors", "data.csv"], shell: "exec >/dev/full")
      #expect(device.code == 74 && device.errors.contains("standard output"))
    #endif
  }

  @Test func nothingOfTheUsersIsReplaced() throws {
    let command = try CommandRunner()
    try command.write(Self.good, to: "data.csv")
    let train = ["train", "data.csv", "--target", "y", "--epochs", "1", "--out"]
    #expect(try command.run(train + ["run"]).code == 0)
    for name in ["data.csv", "run/model.safetensors"] {
      let before = try command.bytes(name)
      let result = try command.run(["predict", "run/model.safetensors", "data.csv", "--out", name])
      #expect(result.code == 73 && result.errors.contains("which would be lost"), "\(result.errors)")
      #expect(try command.bytes(name) == before)
    }
    try command.makeFolder("mine")
    try command.write("my own", to: "mine/recipe.json")
    let result = try command.run(train + ["mine"])
    #expect(result.code == 73 && result.errors.contains("'mine/recipe.json' already exists"))
    #expect(try command.bytes("mine/recipe.json") == Array("my own".utf8))
  }

  @Test func aRunIsTrainedByOneProcess() throws {
    let command = try CommandRunner()
    try command.write(Self.good, to: "data.csv")
    #expect(try command.run(["train", "data.csv", "--target", "y", "--epochs", "1", "--out", "run"]).code == 0)
    let description = String(decoding: try command.bytes("run/run.json"), as: UTF8.self)
    try command.write(description.replacing("finished", with: "running"), to: "run/run.json")
    try command.write("", to: "run/history.jsonl.new-123")
    do {
      let lock = try FolderLock(command.folder + "/run")
      let result = try command.run(["train", "--resume", "run"])
      #expect(result.code == 73 && result.errors.contains("another process is training the run in 'run'"))
      withExtendedLifetime(lock) {}
    }
    #expect(try command.run(["train", "--resume", "run"]).code == 0)
    #expect(!command.exists("run/history.jsonl.new-123"), "what a killed writer left is taken away")
  }
}
