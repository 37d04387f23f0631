// Table 2 of Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014: MNIST without
// augmentation, three layers of 1024 ReLU units with dropout and a maximum norm, a test error of 1.06 %.
//
//     swift run -c release TartineDropoutPaper MNIST_FOLDER [--choose] [--rate R] [--warmup W] [--norm C] [--batch N]
//       [--epochs N] [--seed N] [--out curve.csv]
//
// Keeps 0.8 of the inputs and 0.5 of the hidden units, as in the paper. The optimizer, learning rate and
// maximum norm were chosen with --choose, which trains on 50 000 images of the train set, evaluates on its
// other 10 000, and does not use the test set (Documentation/Defaults.md). Without it, the network trains on
// 59 000 images, 1 000 show the progress, and the last epoch's model is evaluated once on the test set.

import Foundation
import Tartine

/// The value of a flag.
func value(_ flag: String) -> String? {
  let arguments = CommandLine.arguments
  guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count else { return nil }
  return arguments[place + 1]
}

/// Prints progress, and records the learning curve.
final class Curve: TrainingObserver {
  private(set) var lines = ["epoch,rate,train error,dev error"]

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    if case .epoch(let record, _) = event {
      let figures = [record.learningRate, record.train.score, record.dev.score].map { String(format: "%.5f", $0) }
      lines.append("\(record.epoch),\(figures.joined(separator: ","))")
      // Flush at once, whatever standard output is: this takes long.
      FileHandle.standardOutput.write(Data((lines[lines.count - 1] + "\n").utf8))
    }
    return .proceed
  }
}

guard CommandLine.arguments.count > 1 else {
  print(
    "usage: TartineDropoutPaper MNIST_FOLDER [--choose] [--rate R] [--warmup W] [--norm C] [--batch N] [--epochs N] "
      + "[--seed N] [--out curve.csv]"
  )
  exit(64)
}
do {
  try run()
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(65)
}

func run() throws {
  let isChoosing = CommandLine.arguments.contains("--choose")
  let images = try ImageFolder(idx: CommandLine.arguments[1])
  let devShare = isChoosing ? 1.0 / 6 : 1.0 / 60
  let split = try images.train.split(.shares(train: 1 - devShare, dev: devShare, test: nil), seed: 0, test: images.test)

  func number(_ flag: String, _ typical: Double) -> Double { value(flag).flatMap { Double($0) } ?? typical }
  let network = Recipe {
    Flatten()
    Dropout(keep: 0.8)
    for _ in 0..<3 {
      Dense(1024)
      ReLU()
      Dropout(keep: 0.5)
    }
  }
  let rate = LearningRate.cosine(from: number("--rate", 1), warmup: number("--warmup", 0.1))
  let recipe = network.optimizer(.momentum(learningRate: rate, beta: 0.95)).penalty(.maxNorm(number("--norm", 2)))
    .batchSize(Int(number("--batch", 128))).epochs(Int(number("--epochs", 200))).keeping(.last)

  let curve = Curve()
  let run = try recipe.train(on: split, seed: value("--seed").flatMap { UInt64($0) } ?? 0, observers: [curve])
  if let path = value("--out") {
    try (curve.lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
  }
  print("dev: \(run.dev)")
  if !isChoosing { print("test: \(try run.test())") }
}
